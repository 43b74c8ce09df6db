"""The Python packages that a run, and its report, need in Slicer's Python, and what is installed of them."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import MissingPackageError
from ...machine import version_of
from ..text import _

TORCH = ">=2.8"
"""Version of torch that is asked for; the reason is monai 1.6."""
OPENVINO = "openvino>=2025.0"
"""Offered beside what is needed: it makes processors several times as fast, and everything works without it."""


@dataclass(frozen=True)
class Package:
    """What a user should know before a package is downloaded.

    Args:
        name: on the Python Package Index.
        requirement: with the version that is needed.
        megabytes: about what is downloaded.
        license: SPDX name.
        installed: version that is there, or empty.
        fits: whether that one will do.
    """

    name: str
    requirement: str
    megabytes: float
    license: str
    installed: str = ""
    fits: bool = False


FACTS = {
    "torch": (200.0, "BSD-3-Clause"),
    "monai": (2.0, "Apache-2.0"),
    "scikit-image": (30.0, "BSD-3-Clause"),
    "safetensors": (0.5, "Apache-2.0"),
    "typer": (0.1, "MIT"),
    "rich": (0.3, "MIT"),
    "psutil": (0.3, "BSD-3-Clause"),
    "filelock": (0.1, "MIT"),
    "openvino": (60.0, "Apache-2.0"),
    "Jinja2": (0.3, "BSD-3-Clause"),
    "pillow": (7.0, "MIT-CMU"),
    "fpdf2": (0.4, "LGPL-3.0-only"),
    "matplotlib": (25.0, "PSF-2.0"),
    "distributed": (4.0, "BSD-3-Clause"),
}
"""Megabytes to download, and license. torch for an NVIDIA card is ten times as large."""
TORCH_CUDA_MB = 2500.0

RUN, REPORT, COHORT = "requirements.txt", "requirements-report.txt", "requirements-cohort.txt"
"""Lists of packages: of a segmentation, and of its report and of cohorts, which are asked for when they are wanted."""


def requirements_file(name: str = RUN) -> Path:
    """A list of packages besides torch: in the module's resources, in a checkout and in the installed extension."""
    here = Path(__file__).resolve()
    candidates = (
        here.parents[3] / "MultimodalSeg" / "Resources" / name,  # a checkout
        here.parents[3] / "Resources" / name,  # the extension: library and module in one folder
    )
    for path in candidates:
        if path.is_file():
            return path
    raise MissingPackageError(
        _("The list of packages {path} is missing.").format(path=candidates[-1]), _("Install the extension again.")
    )


def packages(name: str = RUN) -> tuple[Package, ...]:
    """The packages of a list and what is installed of them; for a run torch is the first. Nothing is imported."""
    lines = requirements_file(name).read_text(encoding="utf-8").splitlines()
    wanted = [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))]
    importlib.invalidate_caches()
    return tuple(described(requirement) for requirement in (["torch" + TORCH] if name == RUN else []) + wanted)


def missing(name: str = RUN) -> tuple[Package, ...]:
    """The packages of a list that have to be installed; empty when all is there."""
    return tuple(package for package in packages(name) if not package.fits)


def described(requirement: str) -> Package:
    """A requirement as :class:`Package`; markers and extras do not occur in the list."""
    match = re.fullmatch(r"([A-Za-z0-9_.-]+?)\s*(?:>=\s*([0-9.]+))?", requirement)
    if match is None:
        raise ValueError(f"the requirement {requirement!r} is not of the form name>=version")
    name, least = match[1], match[2] or "0"
    installed = version_of(name) or ""
    megabytes, license_name = FACTS.get(name, (5.0, ""))
    fits = bool(installed) and _numbers(installed) >= _numbers(least)
    return Package(name, requirement, megabytes, license_name, installed, fits)


def _numbers(version: str) -> tuple[int, ...]:
    """``"2.13.0+cpu"`` as (2, 13, 0)."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()

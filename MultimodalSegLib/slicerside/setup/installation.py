"""The Python packages that a run needs in Slicer's Python: what is missing, getting it, and trying it out.

Nothing is installed at import, in a thread, or without having been asked for: :func:`install` takes a callback that
shows size and license and answers yes or no. torch comes only through the PyTorch extension, which knows the card.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import Cancelled, MissingPackageError
from ...machine import has_graphics_card, version_of
from ..packages import slicer
from ..text import _
from .package_source import Source

REQUESTER = "MultimodalSeg"
TORCH = ">=2.8"
"""Version of torch that is asked for; the reason is monai 1.6."""
OPENVINO = "openvino>=2025.0"
"""Offered beside what is needed: it makes processors several times as fast, and everything works without it."""
COHORTS = ("distributed>=2025.1", "Jinja2>=3.1", "pillow>=10.4")
"""What the section Cohort needs besides, asked for when it is used first: Dask, and what draws its index."""


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
    "openvino": (60.0, "Apache-2.0"),
    "distributed": (4.0, "BSD-3-Clause"),
    "Jinja2": (0.2, "BSD-3-Clause"),
    "pillow": (5.0, "MIT-CMU"),
}
"""Megabytes to download, and license. torch for an NVIDIA card is ten times as large."""
TORCH_CUDA_MB = 2500.0


Ask = Callable[[str], bool]
"""Shows a text and answers whether the user agrees."""


def requirements_file() -> Path:
    """The list of packages besides torch: in the module's resources, in a checkout and in the installed extension."""
    here = Path(__file__).resolve()
    candidates = (
        here.parents[3] / "MultimodalSeg" / "Resources" / "requirements.txt",  # a checkout
        here.parents[3] / "Resources" / "requirements.txt",  # the extension: library and module in one folder
    )
    for path in candidates:
        if path.is_file():
            return path
    raise MissingPackageError(
        _("The list of packages {path} is missing.").format(path=candidates[-1]), _("Install the extension again.")
    )


def packages() -> tuple[Package, ...]:
    """All packages with what is installed of them, torch first; nothing is imported or installed."""
    lines = requirements_file().read_text(encoding="utf-8").splitlines()
    wanted = ["torch" + TORCH, *(line.strip() for line in lines if line.strip() and not line.startswith(("#", "-")))]
    importlib.invalidate_caches()
    return tuple(_package(requirement) for requirement in wanted)


def missing() -> tuple[Package, ...]:
    """The packages that have to be installed; empty when all is there."""
    return tuple(package for package in packages() if not package.fits)


def optional() -> tuple[Package, ...]:
    """What is not there and would make the work faster; nothing where there is a graphics card."""
    package = _package(OPENVINO)
    return () if package.fits or has_graphics_card() else (package,)


def missing_for_cohorts() -> tuple[Package, ...]:
    """The packages that have to be installed before a cohort can be worked on."""
    importlib.invalidate_caches()
    return tuple(package for package in map(_package, COHORTS) if not package.fits)


def install_for_cohorts(ask: Ask, *, source: Source | None = None, show_progress: bool = False) -> None:
    """Install what cohorts need, in the main thread; the arguments are those of :func:`install`.

    Raises:
        Cancelled: the user does not want it.
        MissingPackageError: an installation failed.
    """
    wanted = missing_for_cohorts()
    if not ask(question(wanted)):
        raise Cancelled(_("No package was installed."), _("Press Start when you want to go on."))
    with (source or Source()).in_use():
        try:
            requirement = importlib.import_module("packaging.requirements").Requirement
            packaging = importlib.import_module("slicer.packaging")
            _pip(packaging, [requirement(package.requirement) for package in wanted], show_progress)
        except Exception as error:  # RuntimeError and CalledProcessError, by version
            raise _failed(", ".join(package.name for package in wanted), error) from error


def question(wanted: tuple[Package, ...]) -> str:
    """What is asked before anything is downloaded: names, sizes, licenses."""
    rows, total = [], 0.0
    for package in wanted:
        size = TORCH_CUDA_MB if package.name == "torch" and has_graphics_card() else package.megabytes
        total += size
        rows.append(_("{name}: about {size:.0f} MB, license {license}").format(
            name=package.requirement, size=max(1.0, size), license=package.license or _("unknown")
        ))  # fmt: skip
    head = _("These Python packages are needed and will be downloaded into Slicer (about {total:.0f} MB):")
    return "\n".join([head.format(total=max(1.0, total)), *rows, _("This takes some minutes. Install them now?")])


def install(
    ask: Ask,
    *,
    source: Source | None = None,
    tell: Callable[[str], None] = lambda text: None,
    repair: bool = False,
    show_progress: bool = False,
) -> tuple[str, ...]:
    """Install what is missing, in the main thread, which waits for it.

    Args:
        ask: gets :func:`question`; nothing happens unless it answers True.
        source: a proxy or a folder of wheels.
        tell: gets a line for each step.
        repair: install torch again even if it seems to be there, for a half-installed one.
        show_progress: let the application show pip's progress in a window of its own; not for scripts.

    Returns:
        Sentences for the user, such as that Slicer has to be restarted; empty if there is nothing to say.

    Raises:
        Cancelled: the user does not want it.
        MissingPackageError: the PyTorch extension is missing, or an installation failed.
    """
    wanted = missing()
    if repair:
        torch = tuple(package for package in packages() if package.name == "torch")
        wanted = torch + tuple(package for package in wanted if package.name != "torch")
    if not wanted:
        return ()
    extra = optional()
    needs_torch = any(package.name == "torch" for package in wanted)
    torch_utilities = pytorch_utilities() if needs_torch else None
    if not ask(question((*wanted, *extra))):
        raise Cancelled(_("No package was installed."), _("Press Install packages when you want to go on."))
    sentences = []
    with (source or Source()).in_use():
        if torch_utilities is not None:
            tell(_("installing torch"))
            sentences += _install_torch(torch_utilities, repair)
        others = [package for package in wanted if package.name != "torch"]
        if others:
            tell(_("installing {names}").format(names=", ".join(package.name for package in others)))
            _install_others(show_progress)
        for package in extra:
            tell(_("installing {names}").format(names=package.name))
            sentences += _install_optional(package, show_progress)
    still = [package.name for package in missing()]
    if still and not _testing():
        raise MissingPackageError(
            _("After the installation, {names} are still missing.").format(names=", ".join(still)),
            _("Restart Slicer and try again, or look into the Python console for pip's reason."),
        )
    return tuple(sentences)


def pytorch_utilities() -> Any:
    """The logic of the PyTorch extension.

    Raises:
        MissingPackageError: the extension is not installed.
    """
    if importlib.util.find_spec("PyTorchUtils") is None:
        raise MissingPackageError(
            _("torch is missing, and the extension PyTorch, which installs it, is not there."),
            _("Install the extension PyTorch with the Extensions Manager and restart Slicer."),
        )
    return importlib.import_module("PyTorchUtils").PyTorchUtilsLogic()


def _install_torch(utilities: Any, repair: bool) -> list[str]:
    loaded = "torch" in sys.modules
    try:
        if repair and version_of("torch"):
            utilities.uninstallTorch(askConfirmation=False)
        torch = utilities.installTorch(askConfirmation=False, torchVersionRequirement=TORCH)
    except Exception as error:  # light-the-torch and pip raise many kinds
        raise _failed("torch", error) from error
    if torch is None:
        raise MissingPackageError(_("torch was not installed."), _("Look into the Python console for the reason."))
    return [_("Restart Slicer: another torch was in use already.")] if loaded else []


def _install_others(show_progress: bool) -> None:
    try:
        packaging = importlib.import_module("slicer.packaging")  # a submodule: not bound to slicer by itself
        _pip(packaging, packaging.load_requirements(str(requirements_file())), show_progress)
    except Exception as error:  # RuntimeError and CalledProcessError, by version
        raise _failed(REQUESTER, error) from error


def _install_optional(package: Package, show_progress: bool) -> list[str]:
    """Try it; a sentence if it fails, since everything works without."""
    try:
        requirement = importlib.import_module("packaging.requirements").Requirement(package.requirement)
        _pip(importlib.import_module("slicer.packaging"), [requirement], show_progress)
    except Exception:  # as above
        return [_("{name} was not installed; the work is slower without it.").format(name=package.name)]
    return []


def _pip(packaging: Any, requirements: list[Any], show_progress: bool) -> None:
    packaging.pip_ensure(
        requirements,
        prompt_install=False,  # it was asked already
        prompt_restart=False,
        requester=REQUESTER,
        show_progress=show_progress,
    )


def _failed(name: str, error: Exception) -> MissingPackageError:
    return MissingPackageError(
        _("The installation of {name} failed: {reason}").format(name=name, reason=str(error)[:300]),
        _("Check the network, the proxy and the free disk space, or choose a folder of wheels; then press Repair."),
    )


def _package(requirement: str) -> Package:
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


def _testing() -> bool:
    """Whether the application runs its self tests, in which pip_ensure installs nothing."""
    application = getattr(slicer, "app", None)
    return bool(application is not None and application.testingEnabled())

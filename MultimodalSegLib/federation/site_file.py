"""What a site alone knows: where its images are. The file stays there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..training.plan import DEVICES, Plan

FOLDER = "multimodalseg"
"""Folder of the files beside FLARE's own, in ``local`` of a start-up kit."""

TEMPLATE = """\
# Read at this site alone; nothing of it is sent.
# Data set of real images, as for 'check-data', with the classes of the federation:
data: ""
# or a folder of label maps to make images from:
# labels: ""
# Cases never trained on; the others judge the common model at this site.
held_out: []
# Folders for prepared cases and for the state of the training; inside this kit if empty.
cache: ""
work: ""
# auto, cpu or cuda, and processes that make samples.
device: auto
workers: 0
"""


@dataclass(frozen=True)
class SiteFile:
    """Settings of one site.

    Args:
        data: data set of real images.
        labels: folder of label maps, instead.
        held_out: cases that judge the model and are not trained on.
        cache: folder for prepared cases.
        work: folder for the state of the training.
        device: auto, cpu or cuda.
        workers: processes that make samples.
    """

    data: str = ""
    labels: str = ""
    held_out: tuple[str, ...] = ()
    cache: str = ""
    work: str = ""
    device: str = "auto"
    workers: int = 0

    def plan(self, plan: Plan, number: int = 0) -> Plan:
        """The federation's plan with this site's images.

        Args:
            plan: of the federation.
            number: of the site in it; sites draw different random numbers.

        Raises:
            InputError: the site has none, or names both kinds.
        """
        if bool(self.data) == bool(self.labels):
            raise InputError(
                "The site's file must name either a data set or a folder of label maps.",
                f"Fill in 'data' or 'labels' in the file in local/{FOLDER}.",
            )
        return replace(
            plan,
            data=self.data,
            labels=self.labels,
            held_out=self.held_out,
            cache=self.cache,
            device=self.device,
            workers=self.workers,
            seed=plan.seed + number,
        )


def place_of(local: Path, site: str) -> Path:
    """The file of a site, or of the server, in a folder ``local``."""
    return local / FOLDER / f"{site}.yaml"


def read_site_file(path: Path) -> SiteFile:
    """Read a site's settings; places are relative to the file.

    Raises:
        InputError: not there, not YAML, an unknown key or a value of the wrong kind.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        where = " ".join(str(error).split())
        raise InputError(f"The site's file {path} cannot be read: {where}.", "See docs/federated.md.") from error
    if not isinstance(content, Mapping):
        raise InputError(f"The site's file {path} holds no 'key: value' lines.", "See docs/federated.md.")
    known = {entry.name: entry for entry in fields(SiteFile)}
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1, 0.0)[0]
            raise InputError(
                f"The site's file {path} holds the unknown key {key!r}; the nearest known is {near!r}.", "Correct it."
            )
    given: dict[str, Any] = {key: value for key, value in content.items() if value is not None}
    try:
        found = replace(SiteFile(**given), held_out=tuple(map(str, given.get("held_out", ()))))
    except TypeError as error:
        raise InputError(f"The site's file {path} cannot be understood: {error}.", "Correct it.") from error
    good = found.device in DEVICES and isinstance(found.workers, int) and found.workers >= 0
    if not good or not all(isinstance(getattr(found, name), str) for name in ("data", "labels", "cache", "work")):
        raise InputError(f"The site's file {path} holds a value of the wrong kind.", "See docs/federated.md.")
    given = {name: getattr(found, name) for name in ("data", "labels", "cache", "work")}
    places: dict[str, Any] = {name: str((path.parent / text).resolve()) for name, text in given.items() if text}
    return replace(found, **places)


def write_site_file(settings: SiteFile, path: Path) -> None:
    """Write a site's settings."""
    import yaml

    content = {entry.name: getattr(settings, entry.name) for entry in fields(SiteFile)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content | {"held_out": list(settings.held_out)}, sort_keys=False), encoding="utf-8")

"""The cases of a cohort: a table with a row for each, or a folder with a folder for each; every problem is listed."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from ..images.case import MODALITIES
from ..images.io import check_header
from ..images.itk_file import ending_of

ID, REFERENCE = "id", "reference"
"""Columns of the table beside those named after modalities."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""An id is also the name of a folder, on every system."""


@dataclass(frozen=True)
class CohortCase:
    """One row of the table.

    Args:
        id: names the case and its run folder.
        volumes: file or DICOM folder by modality name.
        reference: modality on whose grid results are given.
        kept: further columns, which go into the cohort's own table.
    """

    id: str
    volumes: Mapping[str, Path]
    reference: str
    kept: Mapping[str, str] = field(default_factory=dict)


def read_cases(path: Path, families: Collection[str] = (), own: Collection[str] = ()) -> tuple[CohortCase, ...]:
    """Read a cohort and look at the header of every volume; nothing is computed.

    A table is CSV with the columns ``id`` and one or more of :data:`~MultimodalSegLib.images.case.MODALITIES`;
    ``reference`` may name one of them, and other columns are kept. Paths are relative to the table. A cell may be
    empty: the case lacks that modality. In a folder, each folder is a case and holds files or DICOM folders that are
    named after modalities: ``case-1/CT.nii.gz``, ``case-1/T1/``.

    Args:
        path: the table or the folder.
        families: modalities that the model knows; all if empty.
        own: names of columns that the cohort's table makes itself.

    Raises:
        InputError: with every problem of every case.

    Example:
        >>> cases = read_cases(Path("cases.csv"))        # doctest: +SKIP
        >>> cases[0].id, dict(cases[0].volumes)          # doctest: +SKIP
        ('case-1', {'CT': PosixPath('/data/case-1/ct.nii.gz')})
    """
    problems: list[str] = []
    cases = _of_folder(path, problems) if path.is_dir() else _of_table(path, own, problems)
    problems += _problems(cases, families)
    if not cases and not problems:
        problems.append("it holds no case.")
    if problems:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(
            "\n  ".join([f"{path} has {count}:", *problems]), "Correct them and start again; nothing was begun."
        )
    return tuple(cases)


def _of_table(path: Path, own: Collection[str], problems: list[str]) -> list[CohortCase]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}.", "Give a CSV file in UTF-8.") from error
    first = text.split("\n", 1)[0]
    rows = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count))
    head = [name.strip() for name in next(rows, [])]
    names = [name.upper() if name.upper() in MODALITIES else name for name in head]
    names = [name.lower() if name.lower() in (ID, REFERENCE) else name for name in names]
    problems += _problems_of_head(names, own)
    if problems:  # its rows mean nothing then
        return []
    found = []
    for number, cells in enumerate(rows, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            problems.append(f"line {number}: {len(cells)} cells in {len(names)} columns.")
        row = dict.fromkeys(names, "") | {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
        volumes = {name: path.parent / row[name] for name in names if name in MODALITIES and row[name]}
        kept = {name: text for name, text in row.items() if name not in (*MODALITIES, ID, REFERENCE)}
        found.append(_case(f"line {number}", row[ID], volumes, row.get(REFERENCE, "").upper(), kept, problems))
    return found


def _problems_of_head(names: Sequence[str], own: Collection[str]) -> Iterator[str]:
    if ID not in names:
        yield f"the column {ID!r} is missing (there are: {', '.join(names) or 'none'})."
    if not set(names) & set(MODALITIES):
        yield f"no column names a modality; use one or more of {', '.join(MODALITIES)}."
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"the column {name!r} is there {names.count(name)} times."
        if name in own and name != ID:
            yield f"the column {name!r} has a name that the cohort's own table uses; call it otherwise."


def _of_folder(path: Path, problems: list[str]) -> list[CohortCase]:
    found = []
    for folder in sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")):
        volumes: dict[str, Path] = {}
        for entry in sorted(folder.iterdir()):
            ending = ending_of(entry)
            name = (entry.name[: -len(ending)] if ending else entry.name).upper()
            if name not in MODALITIES or not (ending or entry.is_dir()):
                continue
            if name in volumes:
                problems.append(f"{folder.name}: both {volumes[name].name} and {entry.name} are the {name}.")
            volumes[name] = entry
        ordered = {name: volumes[name] for name in MODALITIES if name in volumes}
        found.append(_case(folder.name, folder.name, ordered, "", {}, problems))
    return found


def _case(
    place: str, id: str, volumes: Mapping[str, Path], reference: str, kept: Mapping[str, str], problems: list[str]
) -> CohortCase:
    if not NAME.fullmatch(id):
        problems.append(f"{place}: the id {id!r} must be 1 to 64 letters, digits, dots, dashes or underscores.")
    if not volumes:
        problems.append(f"{place}: {id or 'the case'} has no volume.")
    elif reference and reference not in volumes:
        problems.append(f"{place}: the reference {reference!r} is not among its volumes ({', '.join(volumes)}).")
    absolute = {name: volume.absolute() for name, volume in volumes.items()}
    return CohortCase(id, absolute, reference or next(iter(volumes), ""), dict(kept))


def _problems(cases: Sequence[CohortCase], families: Collection[str]) -> Iterator[str]:
    """Ids that are there twice, modalities that the model lacks, and volumes that cannot be read."""
    seen: dict[str, str] = {}
    for case in cases:
        key = case.id.casefold()  # names of folders, on Windows and macOS
        if key in seen:
            same = f"the id {case.id!r} is there more than once"
            yield f"{same}." if seen[key] == case.id else f"{same}, but for capitals ({seen[key]!r})."
        seen.setdefault(key, case.id)
    for case in cases:
        for name, volume in case.volumes.items():
            family = name if name in families or name in ("CT", "PET") else "MR"
            if families and family not in families:
                yield f"{case.id}: the model cannot use a {name} volume; it knows {', '.join(families)}."
            try:
                check_header(volume)
            except InputError as error:
                yield f"{case.id}: {name}: {error.message}"

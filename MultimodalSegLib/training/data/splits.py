"""Which cases are trained on and which are kept apart; a patient is never on two sides."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ...errors import InputError
from ...writing import write_text
from .case import TrainingCase

Split = dict[str, tuple[str, ...]]
"""Names of cases by side, such as ``"train"``, ``"validation"``, ``"test"``."""
Traits = Mapping[str, Iterable[str]]
"""What a case has that every side should have its share of, by name of the case."""


def split(
    cases: Sequence[TrainingCase], fractions: Mapping[str, float], seed: int = 0, traits: Traits | None = None
) -> Split:
    """Divide cases, all of a patient together.

    Patients are dealt one after another, those with the rarest trait first, to the side that lacks most of it
    (Sechidis et al., ECML PKDD 2011). The result depends on the cases and the seed, not on the order of the cases.

    Args:
        cases: of a data set.
        fractions: part of the cases by side; must add up to 1.
        seed: of the choice among patients that are alike.
        traits: see :func:`traits_of`, which is taken if it is None.

    Raises:
        InputError: fractions that do not add up to 1, or fewer patients than sides.

    Example:
        >>> split(data_set.cases, {"train": 0.8, "validation": 0.2})         # doctest: +SKIP
        {'train': ('case-02', 'case-03', ...), 'validation': ('case-01', ...)}
    """
    if min(fractions.values(), default=0) <= 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise InputError(
            f"The fractions {dict(fractions)} of a split do not add up to 1.", "Give positive parts of 1 for each side."
        )
    patients = _patients(cases, traits or traits_of(cases))
    if len(patients) < len(fractions):
        raise InputError(
            f"{len(patients)} patients cannot be divided into {', '.join(fractions)}.",
            "Give more patients, or fewer sides.",
        )
    placed = _deal(patients, list(fractions), list(fractions.values()), seed)
    return {side: tuple(sorted(c.name for c in cases if placed[c.patient] == side)) for side in fractions}


def cross_validation(
    cases: Sequence[TrainingCase], folds: int, seed: int = 0, traits: Traits | None = None
) -> list[Split]:
    """Splits of which each keeps another part of the patients for validation; every case is kept once.

    Args:
        cases: of a data set.
        folds: how many, 2 or more.
        seed: as for :func:`split`.
        traits: as for :func:`split`.

    Raises:
        InputError: fewer than two folds, or fewer patients than folds.
    """
    if folds < 2:
        raise InputError(f"{folds} folds are no cross-validation.", "Use 2 or more.")
    parts = split(cases, {str(n): 1 / folds for n in range(folds)}, seed, traits)
    everything = {case.name for case in cases}
    return [{"train": tuple(sorted(everything - set(part))), "validation": part} for part in parts.values()]


def traits_of(cases: Iterable[TrainingCase], held: Mapping[str, Iterable[str]] | None = None) -> dict[str, set[str]]:
    """Modalities of each case, whether it is labelled, and the classes that its label holds if they are known.

    Args:
        cases: of a data set.
        held: names of classes by name of the case.
    """
    return {
        case.name: {f"modality {name}" for name in case.images}
        | {"labelled" if case.label else "unlabelled"}
        | {f"class {name}" for name in (held or {}).get(case.name, ())}
        for case in cases
    }


def write_splits(splits: Sequence[Split], path: Path) -> None:
    """Write ``splits.json``: a list of objects with a list of case names for each side.

    Raises:
        OutputError: it cannot be written.
    """
    write_text(path, json.dumps([{side: list(names) for side, names in part.items()} for part in splits], indent=2))


def read_splits(path: Path) -> list[Split]:
    """Read what :func:`write_splits` wrote.

    Raises:
        InputError: not such a file, or one in which a case is on two sides.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        splits = [{str(side): tuple(map(str, names)) for side, names in part.items()} for part in content]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not a list of splits: {error}.", "Make the splits again.") from error
    for part in splits:
        twice = [name for name, count in Counter(n for names in part.values() for n in names).items() if count > 1]
        if twice:
            raise InputError(f"{path} has the case {twice[0]!r} on two sides.", "Make the splits again.")
    return splits


def _patients(cases: Iterable[TrainingCase], traits: Traits) -> dict[str, Counter[str]]:
    """How many cases with each trait every patient has; ``""`` counts the cases themselves."""
    patients: dict[str, Counter[str]] = {}
    for case in cases:
        patients.setdefault(case.patient, Counter()).update({"": 1, **dict.fromkeys(traits.get(case.name, ()), 1)})
    return patients


def _deal(patients: dict[str, Counter[str]], sides: list[str], parts: list[float], seed: int) -> dict[str, str]:
    """The side of each patient."""
    total: Counter[str] = sum(patients.values(), Counter())
    wanted = {side: {trait: part * n for trait, n in total.items()} for side, part in zip(sides, parts, strict=True)}
    left = sorted(patients, key=lambda patient: (-patients[patient][""], _draw(seed, patient)))
    placed: dict[str, str] = {}
    while left:
        remaining: Counter[str] = sum((patients[patient] for patient in left), Counter())
        trait = min(remaining, key=lambda name: (remaining[name], name == "", name))
        patient = next(patient for patient in left if patients[patient][trait])
        empty = [side for side in sides if side not in placed.values()]
        open_sides = empty if len(left) <= len(empty) else sides  # no side stays without a patient
        side = max(open_sides, key=lambda s: (wanted[s][trait], wanted[s][""], _draw(seed, patient, s)))
        placed[patient] = side
        left.remove(patient)
        for name, count in patients[patient].items():
            wanted[side][name] -= count
    return placed


def _draw(*parts: object) -> str:
    """A number that looks random and depends on its arguments alone."""
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()

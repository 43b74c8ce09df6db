"""Which structures predictions and references have in common, by the names in their files or by label values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import InputError
from ..images.grid import Grid
from .structure_list import Structure, normal

HINT = "Tell which label values belong together with --labels FILE."


@dataclass(frozen=True)
class Contents:
    """Labels of one file.

    Args:
        held: label values above 0 that have a voxel.
        names: by label value, where the file tells them.
        lesions: names of those that the file calls a lesion.
        grid: of the file; None where it is not known.
        below: values below 0 that have a voxel; they count as background.
    """

    held: frozenset[int]
    names: Mapping[int, str]
    lesions: frozenset[str] = frozenset()
    grid: Grid | None = None
    below: frozenset[int] = frozenset()

    @property
    def named(self) -> bool:
        """The file has a name for every value that it holds."""
        return bool(self.names) and self.held <= set(self.names)


@dataclass(frozen=True)
class Matching:
    """What is compared.

    Args:
        structures: in the order of the references; without values where ``by_name``.
        by_name: values are those that a file itself gives to the name.
        sentences: what the reader has to know about labels of one side only.
    """

    structures: tuple[Structure, ...]
    by_name: bool
    sentences: tuple[str, ...]

    def prediction(self, structure: Structure, names: Mapping[int, str]) -> frozenset[int]:
        """Label values of a structure in a prediction whose file has these names."""
        return self._values(structure, names) if self.by_name else structure.prediction

    def reference(self, structure: Structure, names: Mapping[int, str]) -> frozenset[int]:
        """The same in a reference."""
        return self._values(structure, names) if self.by_name else structure.reference

    def _values(self, structure: Structure, names: Mapping[int, str]) -> frozenset[int]:
        return frozenset(value for value, name in names.items() if normal(name) == normal(structure.name))


def match(
    predictions: Sequence[Contents],
    references: Sequence[Contents],
    lesions: Iterable[str] = (),
    only: Sequence[str] = (),
) -> Matching:
    """Find the structures to compare.

    By names where every file of both sides has them, else by label values. What only references hold counts as missed;
    what only predictions hold is left out, unless the references hold nothing at all. Both are said in a sentence.

    Args:
        predictions: of all cases.
        references: of all cases and raters.
        lesions: names of the structures that are lesions, besides those with the word in their name.
        only: names to compare; all if empty.

    Raises:
        InputError: the two sides have no label in common, or a name is not there.
    """
    by_name = _all_named(predictions) and _all_named(references)
    if by_name:
        found = {normal(name): name for name in _names_held(predictions)}
        true = {normal(name): name for name in _names_held(references)}
    else:
        titles = _titles([*references, *predictions])
        found, true = ({str(value): titles[value] for value in _held(side)} for side in (predictions, references))
    what = "structures" if by_name else "label values"
    if not found and not true:
        raise InputError("Neither the predictions nor the references hold a label.", "Check that these are label maps.")
    if found and true and not set(found) & set(true):
        raise InputError(
            f"Predictions and references have no label in common: the predictions hold the {what} "
            f"{_listed(found)}, the references {_listed(true)}.",
            HINT,
        )
    told = {normal(name) for file in (*predictions, *references) for name in file.lesions}
    chosen = true or found
    structures = tuple(_structure(key, name, by_name, normal(name) in told) for key, name in chosen.items())
    sentences = []
    if true and set(found) - set(true):
        more = _listed({key: name for key, name in found.items() if key not in true})
        sentences.append(f"Left out, because no reference holds them: the predictions' {what} {more}. {HINT}")
    if found and set(true) - set(found):
        more = _listed({key: name for key, name in true.items() if key not in found})
        sentences.append(f"Counted as missed, because no prediction holds them: the references' {what} {more}. {HINT}")
    return Matching(select(structures, lesions, only), by_name, tuple(sentences))


def select(
    structures: Sequence[Structure], lesions: Iterable[str] = (), only: Sequence[str] = ()
) -> tuple[Structure, ...]:
    """The structures that are wanted, lesions marked.

    Args:
        structures: all that there are.
        lesions: names of lesions; a structure with the word ``lesion`` in its name is one anyway.
        only: names to keep; all if empty.

    Raises:
        InputError: a name that is not there.
    """
    known = {normal(structure.name) for structure in structures}
    marked = {normal(name) for name in lesions}
    wanted = {normal(name) for name in only}
    unknown = sorted((marked | wanted) - known)
    if unknown:
        names = _listed({structure.name: structure.name for structure in structures})
        raise InputError(f"There is no structure {unknown[0]!r}.", f"There are {names}.")
    return tuple(
        replace(s, lesion=s.lesion or normal(s.name) in marked or "lesion" in normal(s.name).split())
        for s in structures
        if not wanted or normal(s.name) in wanted
    )


def _structure(key: str, name: str, by_name: bool, lesion: bool) -> Structure:
    """A structure of one label value, which is the key, or of those that files give to its name."""
    values = frozenset[int]() if by_name else frozenset({int(key)})
    return Structure(name, values, values, lesion)


def _all_named(side: Sequence[Contents]) -> bool:
    """Every file that holds something has names for it, and one does."""
    return any(file.named for file in side) and all(file.named or not file.held for file in side)


def _held(side: Sequence[Contents]) -> list[int]:
    return sorted(set().union(*(file.held for file in side)))


def _names_held(side: Sequence[Contents]) -> list[str]:
    """Names of labels with voxels, in the order of the files."""
    return list(dict.fromkeys(name for file in side for value, name in file.names.items() if value in file.held))


def _titles(files: Sequence[Contents]) -> dict[int, str]:
    """A name for every value: that of the first file which has one, unless another value has it already."""
    titles: dict[int, str] = {}
    for file in files:
        for value, name in file.names.items():
            if name not in titles.values():
                titles.setdefault(value, name)
    return {value: titles.get(value, f"label {value}") for value in _held(files)}


def _listed(names: Mapping[str, str]) -> str:
    shown = [
        name if key == name or not key.isdecimal() or name == f"label {key}" else f"{key} ({name})"
        for key, name in names.items()
    ]
    shown = [name.removeprefix("label ") for name in shown]
    return ", ".join(shown[:20]) + (f" and {len(shown) - 20} more" if len(shown) > 20 else "")

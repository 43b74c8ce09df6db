"""All cases of a training set with the classes of their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ...images.volume import Volume
from ...models.bundle import modality_family
from ...progress import Event, Progress, silent
from .case import TrainingCase
from .classes import LabelClass, check_classes


@dataclass(frozen=True)
class DataSet:
    """What a laboratory trains on.

    Args:
        name: of the set.
        cases: at least one, with different names.
        classes: of the labels, without the background; empty if they are not known yet (see :func:`with_classes`).
        declared: modalities that the description promises, whether or not a case has them.
        ignored: label values that are no class and count as background.

    Raises:
        InputError: no case, a case name twice, or classes that contradict one another.
    """

    name: str
    cases: tuple[TrainingCase, ...]
    classes: tuple[LabelClass, ...] = ()
    declared: tuple[str, ...] = ()
    ignored: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.cases:
            raise InputError(f"The data set {self.name!r} has no case.", "Give at least one case with an image.")
        names = Counter(case.name for case in self.cases)
        doubled = [name for name, count in names.items() if count > 1]
        if doubled:
            raise InputError(f"The case {doubled[0]!r} occurs twice.", "Give each case a name of its own.")
        check_classes(self.classes)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Every modality that is declared or that a case has: the declared ones first, then as they appear."""
        found = (name for case in self.cases for name in case.images)
        return tuple(dict.fromkeys((*self.declared, *found)))

    @property
    def families(self) -> tuple[str, ...]:
        """The families (``"CT"``, ``"MR"``, ``"PET"``) that the cases have, in this order."""
        present = {modality_family(name) for case in self.cases for name in case.images}
        return tuple(name for name in ("CT", "MR", "PET") if name in present)

    @property
    def labelled(self) -> tuple[TrainingCase, ...]:
        """The cases with a label."""
        return tuple(case for case in self.cases if case.label is not None)

    def only(self, names: Iterable[str]) -> DataSet:
        """The same set with some of its cases, for example one side of a split.

        Raises:
            InputError: a name that no case has.
        """
        wanted = set(names)
        unknown = sorted(wanted - {case.name for case in self.cases})
        if unknown:
            raise InputError(
                f"The data set {self.name!r} has no case {unknown[0]!r}.", "Was the split made for another data set?"
            )
        return replace(self, cases=tuple(case for case in self.cases if case.name in wanted))


def read_label(case: TrainingCase, reference: Volume) -> Volume:
    """The label map of a case.

    Args:
        case: with a label.
        reference: its reference image, on whose grid contours and spheres are drawn.

    Raises:
        InputError: the case has no label, or it cannot be read.
    """
    if case.label is None:
        raise InputError(f"The case {case.name!r} has no label.", "Give one, or leave the case out.")
    return case.label.read(reference.grid)


def with_classes(data_set: DataSet, progress: Progress = silent) -> DataSet:
    """The set with its classes; where the description names none, every label value that occurs is one.

    Raises:
        InputError: no label, or none with a value above 0, or one that cannot be read.
    """
    if data_set.classes:
        return data_set
    values: set[int] = set()
    for number, case in enumerate(data_set.labelled):
        progress(Event("classes", number, len(data_set.labelled), case.name))
        values |= set(np.unique(read_label(case, case.images[case.reference].read()).array).tolist())
    values = {value for value in values if value > 0} - set(data_set.ignored)
    if not values:
        raise InputError(f"No label of the data set {data_set.name!r} holds a class.", "Give labels to learn from.")
    return replace(data_set, classes=tuple(LabelClass(f"label {value}", value) for value in sorted(values)))

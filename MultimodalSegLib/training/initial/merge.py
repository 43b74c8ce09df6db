"""The classes and modalities of new data beside those that a model knows already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils.data import Dataset

from ..plan import Plan
from ..samples import Sample
from ..source import Source
from ..validation import Samples
from .known import KnownModel


@dataclass(frozen=True)
class Numbering:
    """New numbers for channels and families.

    Args:
        channel: new number by old one.
        family: likewise.
    """

    channel: tuple[int, ...]
    family: tuple[int, ...]

    def __call__(self, sample: Sample) -> Sample:
        channel, family = torch.tensor(self.channel), torch.tensor(self.family)
        return replace(sample, channel=channel[sample.channel], family=family[sample.family])


class RenumberedSamples(Dataset[Sample]):
    """Samples whose channels and families have other numbers.

    Args:
        samples: as they are.
        numbering: the new numbers.
    """

    def __init__(self, samples: Samples, numbering: Numbering) -> None:
        self.samples, self.numbering = samples, numbering

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, n: int) -> Sample:
        return self.numbering(self.samples[n])


@dataclass(frozen=True)
class _Renumbered:
    """The samples of any plan, renumbered; a class, because worker processes need it to have a name."""

    samples: Callable[[Plan], Any]
    numbering: Numbering

    def __call__(self, plan: Plan) -> Dataset[Sample]:
        return RenumberedSamples(self.samples(plan), self.numbering)


def knows_more(known: KnownModel, source: Source) -> bool:
    """Whether a model finds something for which the data have no truth."""
    return bool(set(known.names) - set(source.names)) or bool(known.lesion and not source.lesion and known.classes)


def merged(source: Source, known: KnownModel) -> Source:
    """The source with the classes and families of a model, in its order, before those that are new.

    A class of the same name is the same class and stays as the model describes it, unless the data tell left from right
    and the model does not. A label value that the model uses already is exchanged for the next free one.

    Args:
        source: new data.
        known: a model with classes.
    """
    families = tuple(dict.fromkeys((*known.families, *source.families)))
    classes = merged_classes(known.classes, source.classes, known.lesion or source.lesion)
    names = [entry["name"] for entry in classes]
    numbering = Numbering(
        tuple(names.index(name) for name in source.names), tuple(families.index(name) for name in source.families)
    )
    lesion: Mapping[str, Any] = known.lesion or {}
    if source.lesion and not known.lesion:
        values = _values(classes)
        lesion = {**source.lesion, "value": _free(int(source.lesion["value"]), values)}
    return replace(
        source,
        samples=_Renumbered(source.samples, numbering),
        held_out=RenumberedSamples(source.held_out, numbering),
        families=families,
        classes=classes,
        lesion=lesion,
        about=_about(source, known, families),
    )


def merged_classes(
    known: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], lesion: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    """Entries of ``network_classes``: the known ones, then the new ones with label values of their own.

    Args:
        known: with the background first.
        new: likewise.
        lesion: entry of the lesion output, whose value is taken too; may be empty.
    """
    pairs = {entry["name"]: entry for entry in new if "left" in entry}
    kept = [entry for entry in known if "left" in entry or entry["name"] not in pairs]
    values = _values(kept) | ({int(lesion["value"])} if lesion else set())
    found = {}
    for entry in new:
        if entry["name"] not in {other["name"] for other in kept}:
            found[entry["name"]] = _with_free_values(entry, values)
    ordered = [found.pop(entry["name"], entry) for entry in known]
    return (*ordered, *found.values())


def _with_free_values(entry: Mapping[str, Any], taken: set[int]) -> Mapping[str, Any]:
    """An entry whose label values no one else has; they are added to those that are taken."""
    if "left" in entry:
        return {**entry, **{side: _with_free_values(entry[side], taken) for side in ("left", "right")}}
    value = _free(int(entry["value"]), taken)
    taken.add(value)
    return {**entry, "value": value}


def _free(wanted: int, taken: set[int]) -> int:
    """A label value of 16 bits that is not taken, the wanted one if possible."""
    beyond = max(taken, default=0) + 1
    everything = range(1, 65536)
    return wanted if wanted not in taken else beyond if beyond in everything else min(set(everything) - taken)


def _values(classes: Sequence[Mapping[str, Any]]) -> set[int]:
    parts = [part for entry in classes for part in ((entry["left"], entry["right"]) if "left" in entry else (entry,))]
    return {int(part.get("value", 0)) for part in parts}


def _about(source: Source, known: KnownModel, families: Sequence[str]) -> dict[str, Any]:
    """What the model will say of itself: how both sets of images are prepared, and what it was trained on."""
    about = dict(source.about)
    ways = {family: way.to_dict() for family, way in known.normalization.items()}
    if "preprocessing" in about:
        about["preprocessing"] = {family: {**about["preprocessing"], **ways}[family] for family in families}
    before = known.metadata.get("training_data", "")
    about["training_data"] = f"{about['training_data']} Before that, as {known.title}: {before}"
    about["limits"] = list(dict.fromkeys([*_texts(known.metadata.get("limits", [])), *_texts(about["limits"])]))
    about["description"] = f"{about['description']} Also what {known.title} finds: {known.metadata['description']}"
    if known.lesion and "lesion_groups" in known.metadata:
        about["lesion_groups"] = known.metadata["lesion_groups"]
    return about


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)

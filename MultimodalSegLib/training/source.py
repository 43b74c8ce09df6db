"""Where the samples of a run come from, and what its classes are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from ..errors import InputError
from ..notice import RESEARCH_USE
from ..synthesis.anatomy import head_classes
from .painted import MADE_UP, painted_lesions
from .plan import Plan
from .samples import FAMILIES, HeldOutSamples, LabelMapSamples, Sample
from .validation import Samples


@dataclass(frozen=True)
class Source:
    """Everything that a run takes from its data.

    Args:
        samples: those of a run by number, for any plan with the same data.
        held_out: samples for validation, made-up crops or whole cases.
        families: modality families that the network is told apart by.
        classes: entries of ``network_classes`` in a bundle's metadata, the background first.
        lesion: entry of the lesion output, empty if there is none.
        about: entries of a bundle's metadata that say what the data are.
        cases: how many are trained on.
    """

    samples: Callable[[Plan], Dataset[Sample]]
    held_out: Samples
    families: tuple[str, ...]
    classes: tuple[Mapping[str, Any], ...]
    lesion: Mapping[str, Any]
    about: Mapping[str, Any]
    cases: int

    @property
    def names(self) -> list[str]:
        """Class names by channel, the background first."""
        return [str(entry["name"]) for entry in self.classes]

    @property
    def sided(self) -> bool:
        """Whether some class is a pair of left and right."""
        return any("left" in entry for entry in self.classes)


ABOUT_LABEL_MAPS = {
    "description": "Structures of the head and lesions of the brain from CT, from MRI of any contrast, or from both.",
    "license": "Apache-2.0",
    "lesion_groups": ["brain"],  # where the generator puts them: not in ventricles, bone or skin
    "training_data": f"{MADE_UP} No real image was used.",
    "limits": [
        RESEARCH_USE,
        "Trained on made-up images alone; real pathology, implants, strong motion and children were not seen.",
        "Lesions are found unreliably: a missing lesion in the result means nothing.",
        "Bone from MRI alone is a guess.",
    ],
}


def label_maps(folder: Path, held_out: Collection[str]) -> tuple[list[Path], list[Path]]:
    """Label maps of a folder to train on, and those held out by name (stem).

    Raises:
        InputError: none to train on.
    """
    paths = sorted(folder.glob("*.nii*"))
    apart = [path for path in paths if path.name.split(".")[0] in held_out]
    training = [path for path in paths if path not in apart]
    if not training:
        raise InputError(f"{folder} holds no label map to train on.", "Give a folder with .nii.gz label maps.")
    return training, apart


def label_map_source(plan: Plan) -> Source:
    """Images made of label maps.

    Raises:
        InputError: no label map to train on.
        ModelError: the plan's painter is not there, or does not paint.
    """
    training, held_out = label_maps(Path(plan.labels), plan.held_out)
    table = head_classes()
    painted = painted_lesions(plan)
    about = {**ABOUT_LABEL_MAPS, **painted.about()} if painted else ABOUT_LABEL_MAPS
    return Source(
        partial(LabelMapSamples, training),
        HeldOutSamples(held_out or training, plan),
        FAMILIES,
        tuple({key: value for key, value in entry.items() if key != "labels"} for entry in table["classes"]),
        {key: value for key, value in table["lesion"].items() if key != "labels"},
        about,
        len(training),
    )

"""Initial weights of a network from another one: by module, by class name and by modality family.

A new class starts from the background and shares its probability with it (Cermelli et al., "Modeling the background
for incremental learning in semantic segmentation", CVPR 2020, section 3.3), so that at the start all other classes have
the probabilities that they had.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ...errors import InputError
from .known import KnownModel

BACKGROUND = "class background"


@dataclass(frozen=True)
class Rows:
    """What the rows (or blocks of as many rows) of a weight stand for, in the new network and in the known one.

    Args:
        own: names by number.
        known: likewise.
        axis: of the weight.
    """

    own: Sequence[str]
    known: Sequence[str]
    axis: int = 0

    def moved(self, own: Tensor, known: Tensor) -> Tensor | None:
        """The new weight with the known rows of the same names; None if the weights have nothing in common."""
        new, old = self._blocks(own, self.own), self._blocks(known, self.known)
        common = [name for name in self.own if name in self.known]
        if not common or old is None or new is None or new.shape[1:] != old.shape[1:]:
            return None
        new = new.clone()
        new[[self.own.index(name) for name in common]] = old[[self.known.index(name) for name in common]].to(new.dtype)
        return new.flatten(0, 1).movedim(0, self.axis).contiguous()

    def _blocks(self, weight: Tensor, names: Sequence[str]) -> Tensor | None:
        """(names, rows of each, ...), or None if the rows cannot be divided so."""
        length = weight.shape[self.axis]
        if not names or length % len(names):
            return None
        return weight.movedim(self.axis, 0).unflatten(0, (len(names), length // len(names)))


def start_from(network: nn.Module, model: Mapping[str, Any], known: KnownModel, anew: Sequence[str] = ()) -> str:
    """Give a network the weights that a known model has for it; the others keep their random start.

    Branches that the known network lacks start at zero in the fusion network, so that it says what the known one said.

    Args:
        network: gets the weights.
        model: its metadata: ``network_classes`` and ``modality_families``, and ``network`` with its heads.
        known: where the weights come from.
        anew: outputs, ``"side"`` or ``"lesion"``, that keep their random start though the known model has them.

    Returns:
        What was taken and what is new, as one sentence.

    Raises:
        InputError: less than half of the known weights fit.
    """
    own = network.state_dict()
    rows = _rows(model, known, anew)
    taken = {}
    for name, value in own.items():
        if anew and re.fullmatch(rf"coarse\.\w+\.({'|'.join(anew)})\.\w+", name):
            continue
        if name in known.weights and (found := _fitting(name, value, known.weights[name], rows)) is not None:
            taken[name] = found
    used = sum(known.weights[name].numel() for name in taken)
    total = sum(value.numel() for value in known.weights.values())
    if used * 2 < total:
        raise InputError(
            f"{known.title} is another network: {len(taken)} of its {len(known.weights)} weights fit.",
            "Choose its network in the plan, or another model to start from.",
        )
    _divide_background(taken, rows)
    network.load_state_dict(taken, strict=False)
    return _sentence(own, taken, known, rows)


def _rows(model: Mapping[str, Any], known: KnownModel, anew: Sequence[str]) -> dict[str, Rows]:
    """By pattern of a weight's name what its rows stand for."""
    families = Rows(list(model["modality_families"]), known.families)
    own, old = (_outputs(metadata) for metadata in (model, known.metadata))
    structures = Rows([name for name in own if name != "lesion"], [name for name in old if name != "lesion"])
    return {
        r"head\.(weight|bias)": Rows(own, [f"former {name}" if name in anew else name for name in old]),
        r"coarse\.stride\d+\.anatomy\.(weight|bias)": structures,
        r"modulate\.\d+\.(scale|shift)": families,
        r"fuse\.\d+\.mix\.weight": Rows(families.own, families.known, axis=1),
    }


def _outputs(metadata: Mapping[str, Any]) -> list[str]:
    """The outputs of a network's head in the order of its channels; none for an encoder."""
    classes = [f"class {entry['name']}" for entry in metadata.get("network_classes", ())]
    heads = [name for name in ("side", "lesion") if metadata["network"].get(name, True)]
    return [*classes, *heads] if classes else []


def _fitting(name: str, own: Tensor, known: Tensor, rows: Mapping[str, Rows]) -> Tensor | None:
    for pattern, found in rows.items():
        if re.fullmatch(pattern, name):
            return found.moved(own, known)
    return known if known.shape == own.shape else None


def _divide_background(taken: dict[str, Tensor], rows: Mapping[str, Rows]) -> None:
    """New classes start as parts of the background, in equal shares."""
    for name, (pattern, found) in itertools.product(taken, rows.items()):
        new = [n for n, output in enumerate(found.own) if output.startswith("class ") and output not in found.known]
        if not re.fullmatch(pattern, name) or not new or BACKGROUND not in found.own or BACKGROUND not in found.known:
            continue
        blocks = taken[name].unflatten(0, (len(found.own), -1)).clone()
        background = blocks[found.own.index(BACKGROUND)]
        if name.endswith("bias"):
            background -= math.log(1 + len(new))
        blocks[new] = background.clone()
        taken[name] = blocks.flatten(0, 1)


def _sentence(
    own: Mapping[str, Tensor], taken: Mapping[str, Tensor], known: KnownModel, rows: Mapping[str, Rows]
) -> str:
    """What was taken, what starts anew and what was left behind."""
    head, families = rows[r"head\.(weight|bias)"], rows[r"modulate\.\d+\.(scale|shift)"]
    fresh = _modules(name for name in own if name not in taken)
    fresh += [name for name in head.own if known.classes and name not in head.known]
    fresh += [f"modality {name}" for name in families.own if name not in families.known]
    left = _modules(name for name in known.weights if name not in taken)
    left += [name for name in head.known if name not in head.own]
    left += [f"modality {name}" for name in families.known if name not in families.own]
    numbers = sum(known.weights[name].numel() for name in taken)
    return (
        f"Started from {known.title}: {len(taken)} of {len(known.weights)} weights taken ({numbers / 1e6:.2f} million "
        f"numbers); new: {', '.join(fresh) or 'nothing'}; left behind: {', '.join(left) or 'nothing'}."
    )


def _modules(names: Any) -> list[str]:
    return list(dict.fromkeys(name.split(".")[0] for name in names))

"""What was learnt before: a bundle, a training run, or an encoder that was trained without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ...checksum import sha256
from ...errors import InputError, ModelError
from ...images.grid import Triple
from ...images.normalization import Normalization, usual_normalization
from ...models.bundle import load_bundle
from ...models.check_input import spacing_of
from ...models.checks import WEIGHTS
from ...networks.build import build_network
from ..checkpoint import LAST, read_state
from ..pretraining.encoder_file import WEIGHTS as ENCODER
from ..pretraining.encoder_file import read_encoder


@dataclass(frozen=True)
class KnownModel:
    """A trained network and what is known of it.

    Args:
        title: name and version for a person.
        metadata: as of a bundle; of an encoder ``network`` and ``modality_families`` alone.
        weights: by name; of an encoder those of encoder and decoder.
        checksum: SHA-256 of the file with the weights.
    """

    title: str
    metadata: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    checksum: str

    @property
    def families(self) -> tuple[str, ...]:
        """Modality families in the order of their numbers."""
        return tuple(self.metadata["modality_families"])

    @property
    def classes(self) -> tuple[Mapping[str, Any], ...]:
        """Entries of ``network_classes``, the background first; none for an encoder."""
        return tuple(self.metadata.get("network_classes", ()))

    @property
    def names(self) -> list[str]:
        """Class names by channel, the background first; empty for an encoder."""
        return [str(entry["name"]) for entry in self.classes]

    @property
    def lesion(self) -> Mapping[str, Any]:
        """The entry of the lesion output, empty if there is none."""
        found: Mapping[str, Any] = self.metadata.get("lesion") or {}
        return found

    @property
    def spacing(self) -> Triple | None:
        """Working spacing along x, y, z, mm; None for an encoder."""
        return spacing_of(self.metadata) if "working_spacing" in self.metadata else None

    @property
    def normalization(self) -> dict[str, Normalization]:
        """How images of each family have to be normalized."""
        entries = self.metadata.get("preprocessing", {})
        return {
            family: Normalization.from_dict(entries[family]) if family in entries else usual_normalization(family)
            for family in self.families
        }

    @property
    def origin(self) -> dict[str, str]:
        """Who it is, for the metadata of a model that learnt from it."""
        version = str(self.metadata.get("version", ""))
        return {"name": str(self.metadata.get("name", self.title)), "version": version, "checksum": self.checksum}

    def network(self) -> nn.Module:
        """The network with its weights, in evaluation mode and without gradients, on the CPU.

        Raises:
            InputError: an encoder alone, or weights of another network.
        """
        if not self.classes:
            raise InputError(f"{self.title} is an encoder, which segments nothing.", "Give a model.")
        try:
            network = build_network(self.metadata["network"])
            network.load_state_dict(dict(self.weights))
        except (RuntimeError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"The weights of {self.title} do not fit its network: {error}", "Copy it again."
            ) from error
        return network.eval().requires_grad_(False)


def read_known(place: str | Path) -> KnownModel:
    """Read a model to start or to learn from; nothing in it is executed.

    Args:
        place: name or folder of a bundle, folder or checkpoint of a training run (the averaged weights count), or a
            folder with ``encoder.safetensors`` and ``encoder.json``.

    Raises:
        InputError: a damaged checkpoint or encoder.
        ModelError: no such model, or a bundle that cannot be used.

    Example:
        >>> read_known("default").families
        ('CT', 'MR')
    """
    path = Path(place).expanduser()
    if (path / ENCODER).is_file():
        return _encoder(path)
    if path.is_file():
        return _run(path)
    if (path / LAST).is_file():
        return _run(path / LAST)
    try:
        bundle = load_bundle(place)
    except ModelError as error:
        if path.is_dir() and not (path / WEIGHTS).is_file():
            raise InputError(
                f"{path} holds neither a model, a training run nor an encoder.",
                "Give a model's name or folder, the folder of a run, or the folder of a pre-training.",
            ) from error
        raise
    title, network = f"{bundle.name} {bundle.version}", bundle.network()
    return KnownModel(title, bundle.metadata, network.state_dict(), bundle.checksum)


def _run(path: Path) -> KnownModel:
    state = read_state(path)
    model = state["model"]
    return KnownModel(f"{model['name']} at step {state['step']}", model, state["average"], sha256(path))


def _encoder(folder: Path) -> KnownModel:
    weights, entry = read_encoder(folder)
    metadata = {"network": dict(entry["network"]), "modality_families": list(entry["families"])}
    return KnownModel(f"encoder {folder.name}", metadata, weights, entry["checksum"])

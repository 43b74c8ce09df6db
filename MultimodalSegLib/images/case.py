"""The volumes of one patient, by modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import InputError
from .volume import Volume

MODALITIES = ("CT", "MR", "T1", "T1C", "T2", "FLAIR", "PET")
"""Names a volume may have; ``MR`` is an MRI of any contrast."""


def unknown_modality(name: str) -> InputError:
    """What to say of a name that is none of :data:`MODALITIES`."""
    return InputError(f"Unknown modality {name!r}.", f"Use one of {', '.join(MODALITIES)}.")


@dataclass(frozen=True)
class Case:
    """Volumes by modality name, each with its own grid in patient space; nothing says that they share one.

    Args:
        volumes: at least one volume, keyed by one of :data:`MODALITIES`.
        reference: name of the volume on whose grid results are given; the first one if empty.

    Raises:
        InputError: no volume, an unknown modality, or a reference that is not among the volumes.
    """

    volumes: Mapping[str, Volume]
    reference: str = ""

    def __post_init__(self) -> None:
        if not self.volumes:
            raise InputError("The case has no volume.", "Give at least one volume, for example --ct FILE.")
        unknown = [name for name in self.volumes if name not in MODALITIES]
        if unknown:
            raise unknown_modality(unknown[0])
        reference = self.reference or next(iter(self.volumes))
        if reference not in self.volumes:
            raise InputError(
                f"The reference {reference!r} is not among the volumes ({', '.join(self.volumes)}).",
                "Choose the name of a volume that you give.",
            )
        object.__setattr__(self, "volumes", MappingProxyType(dict(self.volumes)))
        object.__setattr__(self, "reference", reference)

    @property
    def moving(self) -> tuple[str, ...]:
        """Names of the volumes that are not the reference."""
        return tuple(name for name in self.volumes if name != self.reference)

"""A model that a worker loads once for all its cases."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError
from ..models.bundle import Bundle, load_bundle

if TYPE_CHECKING:
    from torch import nn


class HeldBundle(Bundle):
    """A bundle whose network is built at the first call and is the same one afterwards."""

    @cached_property
    def _network(self) -> nn.Module:
        return super().network()

    def network(self) -> nn.Module:
        """The network on the device of the first case; who changes it puts it back."""
        return self._network


@lru_cache(maxsize=1)
def held_bundle(path: str, name: str, checksum: str) -> HeldBundle:
    """The model of a cohort in this process.

    Args:
        path: its folder, where the cohort was started.
        name: under which it is looked for where that folder is not there.
        checksum: of its weights.

    Raises:
        ModelError: it is not here, or is another one.
    """
    bundle = load_bundle(path if Path(path).is_dir() else name)
    if bundle.checksum != checksum:
        raise ModelError(
            f"The model {name!r} of this worker has other weights than the cohort's.",
            "Install the same model on every machine, or give one in a folder that all of them see.",
        )
    return HeldBundle(bundle.path, bundle.metadata)

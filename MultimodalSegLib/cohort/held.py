"""A model that a worker loads, and compiles for a shape, once for all its cases."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..models.bundle import Bundle, Kept, load_bundle

if TYPE_CHECKING:
    from torch import nn


class HeldBundle(Bundle):
    """A bundle whose network, and what is kept beside it, are made at the first call and are the same afterwards."""

    @cached_property
    def _network(self) -> nn.Module:
        return super().network()

    def network(self) -> nn.Module:
        """The network on the device of the first case; who changes it puts it back."""
        return self._network

    @cached_property
    def _kept(self) -> dict[Callable[[], Any], Any]:
        return {}

    def kept(self, make: Callable[[], Kept]) -> Kept:
        """What ``make`` has made for this model in this process."""
        if make not in self._kept:
            self._kept[make] = make()
        found: Kept = self._kept[make]
        return found


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

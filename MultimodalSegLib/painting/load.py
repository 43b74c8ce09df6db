"""From a model on disk to a painter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..models.bundle import Bundle
    from .flow import Painter

LESION_KINDS = "lesion_kinds"
"""Entry of a bundle's metadata: names of the kinds, as the network counts them."""


def painter_of(bundle: Bundle, steps: int, device: str = "auto") -> Painter:
    """The painter of a model.

    Args:
        bundle: of a model that paints.
        steps: of the flow.
        device: auto, cpu or cuda.
    """
    from ..networks.device import choose_device
    from .flow import Painter

    where = choose_device(device)
    metadata = bundle.metadata
    families, kinds = map(str, metadata["modality_families"]), map(str, metadata[LESION_KINDS])
    network = bundle.network().to(where)
    return Painter(network, tuple(kinds), tuple(families), where, steps)  # type: ignore[arg-type]

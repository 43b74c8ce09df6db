"""The methods of explanation by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import InputError
from .attention import attention
from .blurring import blurred
from .gradcam import Attribution, Report, gradcam, gradcam_plus_plus
from .hirescam import hirescam
from .integrated_gradients import integrated_gradients
from .layers import DEFAULT, find_layer
from .occlusion import occlusion
from .subject import INPUT_GRADIENT, LAYER_GRADIENT, Subject
from .targets import Target

METHODS = ("gradcam", "gradcam++", "hirescam", "integrated-gradients", "occlusion", "attention")
CHEAP = ("gradcam", "gradcam++", "hirescam", "attention")
"""One pass serves every target."""

CAMS = {"gradcam": gradcam, "gradcam++": gradcam_plus_plus, "hirescam": hirescam}
"""Methods that weigh the channels of a layer."""

HIRESCAM_LAYER = "fused4"
"""What the modalities said together, before the decoder; at ``fused8`` the maps lie farther from lesions."""

REMEMBERED = {"integrated-gradients": INPUT_GRADIENT, "occlusion": 0.0, "attention": 0.0}
"""Memory for gradients, see :func:`~MultimodalSegLib.explain.subject.subject_of`; of the others at a layer."""


def remembered(method: str) -> float:
    """How much memory a method's gradients take, in passes without gradient."""
    return REMEMBERED.get(method, LAYER_GRADIENT)


def attribute(
    method: str, subject: Subject, targets: Sequence[Target], layer: str = "", report: Report = lambda done: None
) -> list[Attribution]:
    """Maps of each target by a method, not normalized.

    Args:
        method: of :data:`METHODS`.
        subject: the network and the case.
        targets: what is explained.
        layer: of Grad-CAM, Grad-CAM++ and HiResCAM; the default one if empty.
        report: told the finished fraction.

    Raises:
        InputError: an unknown method or layer, or a network without attention.
    """
    if method in CAMS:
        default = HIRESCAM_LAYER if method == "hirescam" else DEFAULT
        return CAMS[method](subject, targets, find_layer(subject.network, layer, default), report)
    if method not in METHODS:
        raise InputError(f"There is no method {method!r}.", f"Choose one of {', '.join(METHODS)}.")

    def part(n: int) -> Callable[[float], None]:
        return lambda done: report((n + done) / len(targets))

    if method == "attention":
        return [attention(subject, target, part(n)) for n, target in enumerate(targets)]
    baseline = blurred(subject.images, subject.spacing)
    if method == "occlusion":
        return [occlusion(subject, target, baseline, report=part(n)) for n, target in enumerate(targets)]
    return [integrated_gradients(subject, target, baseline, report=part(n)) for n, target in enumerate(targets)]

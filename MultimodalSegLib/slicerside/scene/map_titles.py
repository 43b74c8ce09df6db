"""What a map of a run folder is called where it is shown: in the panel's list and above its color legend."""

from __future__ import annotations

from pathlib import PurePosixPath

from ..text import _


def map_title(file: str) -> str:
    """The title of a map.

    Args:
        file: in the run folder, such as ``"explanation/lesion_2.gradcam.nrrd"``.

    Example:
        >>> map_title("explanation/lesion_2.gradcam-MR.nrrd")
        'Why: lesion 2 (Grad-CAM, MR)'
    """
    path = PurePosixPath(file)
    if path.parent.name == "probabilities":
        return _("Probability: {name}").format(name=path.stem)
    if path.parent.name == "explanation":
        name, _dot, method = path.stem.rpartition(".")
        if name == "fusion":
            return _("Fusion weight: {modality}").format(modality=method)
        method, _dash, modality = _split(method)
        how = f"{_methods().get(method, method)}, {modality}" if modality else _methods().get(method, method)
        return _("Why: {name} ({how})").format(name=name.replace("_", " "), how=how)
    uncertain = {"entropy": _("Uncertainty (entropy)"), "disagreement": _("Uncertainty (disagreement)")}
    return uncertain.get(path.stem, _("Uncertainty") if path.stem == "uncertainty" else path.stem)


def _split(method: str) -> tuple[str, str, str]:
    """A method and the modality behind it; methods have hyphens too, but a modality is in capitals."""
    before, dash, after = method.rpartition("-")
    return (before, dash, after) if before and after.isupper() else (method, "", "")


def _methods() -> dict[str, str]:
    return {
        "hirescam": "HiResCAM",
        "gradcam": "Grad-CAM",
        "gradcam++": "Grad-CAM++",
        "integrated-gradients": _("integrated gradients"),
        "occlusion": _("occlusion"),
        "attention": _("attention"),
    }

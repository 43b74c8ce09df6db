"""What MONAI asks of a bundle beside what this library needs: metadata that follow from the rest, and an inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..images.normalization import KINDS, usual_normalization
from ..machine import version_of
from .purpose import CLICKS, DETAIL, PURPOSES

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"

SEGMENTATION = {
    "inputs": {"CT": "ct.nii.gz"},
    "output": "labels.nii.gz",
    "case": "$MultimodalSegLib.Case({k: MultimodalSegLib.read_volume(v) for k, v in @inputs.items()})",
    "bundle": "$MultimodalSegLib.load_bundle(@bundle_root)",
    "segmentation": "$MultimodalSegLib.segment(MultimodalSegLib.align(@case), @bundle)",
    "run": ["$MultimodalSegLib.write_volume(@segmentation.labels, @output)"],
}
"""Read, align, segment, write."""

INFERENCE: Mapping[str, Mapping[str, Any]] = {
    CLICKS: {
        "finished_run": "run",
        "segment": "",
        "points": [[0.0, 0.0, 0.0]],
        "run": [
            "$MultimodalSegLib.refine(@finished_run, @points, segment=@segment, model=@bundle_root)",
        ],
    },
    DETAIL: {
        "imports": ["$import MultimodalSegLib", "$import MultimodalSegLib.stages.enhance as stage"],
        "input": "thick.nii.gz",
        "output": "enhanced",
        "options": "$stage.EnhanceOptions(model=@bundle_root)",
        "run": ["$MultimodalSegLib.enhance(@input, @output, @options)"],
    },
}
"""Of models that do not segment by themselves; one that is not here is described, not run, by MONAI."""


def defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of ``metadata.json`` that MONAI asks for and that follow from the rest."""
    names = [entry["name"] for entry in given["network_classes"]]
    families = list(given["modality_families"])
    purpose = PURPOSES.get(str(given["network"]["kind"]))
    spatial = [f"{given['network']['stride']}*n"] * 3
    image = {"type": "image", "dtype": "float32", "spatial_shape": spatial, "is_patch_data": False}
    seen_in = ", ".join(families)
    seen = image | {
        "format": "magnitude",
        "modality": seen_in,
        "num_channels": len(families),
        "value_range": _value_range(given),
        "channel_def": {str(n): family for n, family in enumerate(families)},
    }
    answer = image | {
        "format": "labels",
        "num_channels": len(names),
        "value_range": [],
        "channel_def": {str(n): name for n, name in enumerate(names)},
    }
    if purpose is not None and purpose.draws:
        answer |= {"format": "magnitude", "num_channels": 1, "channel_def": {"0": "image"}}
    region = given.get("region", "head")
    return {
        "schema": SCHEMA,
        "monai_version": version_of("monai") or "",
        "pytorch_version": version_of("torch") or "",
        "numpy_version": version_of("numpy") or "",
        "required_packages_version": {name: version_of(name) or "" for name in ("safetensors", "SimpleITK", "scipy")},
        "task": f"{purpose.title} in {seen_in}" if purpose else f"Segmentation of the {region} from {seen_in}",
        "authors": "The SlicerMultimodalSeg authors",
        "copyright": "The SlicerMultimodalSeg authors",
        "changelog": {str(given.get("version", "")): "as described"},
        "network_data_format": {"inputs": {"image": seen}, "outputs": {"pred": answer}},
    }


def inference(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """``inference.json``, to be run with ``python -m monai.bundle run`` in the folder of the bundle."""
    network = dict(metadata["network"])
    common = {
        "imports": ["$import MultimodalSegLib"],
        "bundle_root": ".",
        "network_def": {"_target_": "MultimodalSegLib.networks.build.build_network", "config": network},
    }
    kind = str(network["kind"])
    return common | dict(INFERENCE.get(kind, {}) if kind in PURPOSES else SEGMENTATION)


def _value_range(given: Mapping[str, Any]) -> list[float]:
    """Lowest and highest value that any of the networks' images can have."""
    entries = given.get("preprocessing", {})
    families = given["modality_families"]
    kinds = [entries[name]["kind"] if name in entries else usual_normalization(name).kind for name in families]
    ranges = [KINDS[kind] for kind in kinds if kind in KINDS] or [(0.0, 0.0)]
    return [min(low for low, _ in ranges), max(high for _, high in ranges)]

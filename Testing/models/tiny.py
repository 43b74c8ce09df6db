"""The description of a bundle that knows nothing."""

import json

NETWORK = {"kind": "fusion", "families": 2, "classes": 3, "widths": [8, 8, 8], "stride": 8}


def some_metadata(**changes):
    return {
        "name": "tiny",
        "version": "0.1.0",
        "description": "A network that knows nothing, for tests.",
        "license": "Apache-2.0",
        "network": NETWORK,
        "working_spacing": 2.0,
        "modality_families": ["CT", "MR"],
        "network_classes": [
            {"name": "background", "group": "background", "value": 0, "color": [0, 0, 0], "terminology": ""},
            {
                "name": "hippocampus",
                "group": "brain",
                "left": {"value": 17, "color": [220, 216, 20], "terminology": "left"},
                "right": {"value": 53, "color": [220, 216, 21], "terminology": "right"},
            },
            {"name": "skull", "group": "bone", "value": 515, "color": [240, 230, 200], "terminology": "bone"},
        ],
        "lesion": {"name": "lesion", "value": 600, "color": [255, 0, 0], "terminology": "", "group": "lesion"},
        "training_data": "none",
        "limits": "everything",
    } | changes


def edit_metadata(bundle, change):
    path = bundle.path / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    change(metadata)
    path.write_text(json.dumps(metadata), encoding="utf-8")

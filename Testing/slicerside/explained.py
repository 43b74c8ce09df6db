"""A run folder as a result leaves it, and a stand-in for the command that explains it.

The stand-in is a real program in place of the interpreter: it checks how it is called, tells its progress as the
command does and puts files that a test has made beforehand into the run folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.segmentation import Segmentation
from MultimodalSegLib.run_folder import FORMAT
from Testing.points import points_of
from Testing.slicerside.conftest import CLASSES
from Testing.slicerside.stand_in import a_program

GRID = Grid((40, 40, 40), (2.0, 2.0, 2.0), (-39.0, -39.0, -39.0))
LESION = type(CLASSES[0])("Lesion", 600, (255, 0, 0), "", "lesion")

TABLE = """structure,value,modality,shapley,alone,without
Left thalamus,10,CT,0.2000,0.3000,0.7000
Left thalamus,10,MR,0.6000,0.7000,0.3000
Lesion,600,CT,0.0000,0.0100,0.8000
Lesion,600,MR,0.8000,0.8000,0.0100
Lesion 1,600,CT,0.0000,0.0100,0.8500
Lesion 1,600,MR,0.8500,0.8500,0.0100
"""
SENTENCES = [
    "Without the MRI lesion 1 would be missed.",
    "Without the MRI lesion 12 would be missed.",
    "Without the MRI these structures would be missed: Left thalamus.",
]
FIGURES = {
    "insertion_area": 0.8,
    "deletion_area": 0.2,
    "mass_inside": 0.71,
    "ignores_weights": False,
    "baselines": {
        "random": {"insertion_area": 0.3, "deletion_area": 0.6},
        "blurred mask": {"insertion_area": 0.75, "deletion_area": 0.25},
    },
}
PROGRAM = """
import json, pathlib, shutil, sys, time
assert sys.argv[1:4] == ["-m", "MultimodalSegLib", "explain"], sys.argv
run, options = pathlib.Path(sys.argv[4]), sys.argv[5:]
name = options[options.index("--class") + 1].lower().replace(" ", "_")
if "--lesion" in options:
    name += "_" + options[options.index("--lesion") + 1]
assert options[-2:] == ["--events", "jsonl"] and options[options.index("--method") + 1] == "gradcam"


def tell(**content):
    print(json.dumps(content), flush=True)


tell(stage="explain", done=1, total=2, eta_s=1.0, message="Looking at " + name)
{more}
shutil.copytree(pathlib.Path(__file__).parent / "answer", run / "explanation", dirs_exist_ok=True)
maps = {{path.stem: str(path) for path in (run / "explanation").glob(name + ".gradcam*.nrrd")}}
tell(result=dict(run=str(run), maps=maps, faithfulness={{}}, warnings=[]))
"""


def a_run_folder(folder: Path) -> Path:
    """A run folder that holds what the question needs: the record and the measurements."""
    run = folder / "MultimodalSeg-temporary" / "run"
    run.mkdir(parents=True)
    record = {"format": FORMAT, "status": "finished", "reference": "CT", "model": {"name": "tiny", "path": "/x"}}
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    rows = ["name,value,volume_ml,components", "Left thalamus,10,5.2,", "Bone,515,9,", "Lesion,600,3.1,2"]
    (run / "measurements.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return run


def write_answer(folder: Path, name: str, grid: Grid, at: np.ndarray) -> None:
    """The files that ``explain`` leaves about a structure: a map that glows around a point.

    Args:
        folder: where they go.
        name: of the structure as files call it.
        grid: of the reference.
        at: (3,) LPS mm.
    """
    folder.mkdir(parents=True, exist_ok=True)
    points = points_of(grid)
    glow = np.exp(-((points - at) ** 2).sum(-1) / (2 * 12.0**2)).astype(np.float32)
    for method, values in {"gradcam": glow, "gradcam-MR": glow * 0.8}.items():
        write_volume(Volume(values, grid), folder / f"{name}.{method}.nrrd")
    (folder / "contributions.csv").write_text(TABLE, encoding="utf-8")
    (folder / "contributions.json").write_text(json.dumps({"sentences": SENTENCES}), encoding="utf-8")
    (folder / "faithfulness.json").write_text(json.dumps({f"{name}.gradcam": FIGURES}), encoding="utf-8")


def an_explaining_program(folder: Path, more: str = "") -> str:
    """The stand-in, to be given as the interpreter; ``answer`` beside it holds the files that it hands over.

    Args:
        folder: where it goes.
        more: lines of Python in the middle of its work.
    """
    return a_program(folder, PROGRAM.format(more=more))


def show_result(widget: Any, run: Path) -> Any:
    """Put a result on :data:`GRID` into the panel: left thalamus, bone, and a lesion in two parts.

    Args:
        widget: the module's widget.
        run: of :func:`a_run_folder`.

    Returns:
        The segmentation node.
    """
    from MultimodalSegLib.slicerside.run.result import Result
    from MultimodalSegLib.slicerside.scene.nodes import segmentation_node, volume_node

    labels = np.full(GRID.shape, 515, np.uint16)
    labels[4:-4, 4:-4, 4:-4] = 0
    labels[16:24, 16:24, 24:32] = 10
    labels[10:14, 10:14, 10:14] = labels[30:32, 30:32, 30:32] = 600
    values = np.where(labels == 515, 900.0, 30.0) + np.random.default_rng(0).normal(0, 8, GRID.shape)
    ct = volume_node(Volume(values.astype(np.float32), GRID), "Head CT", "CT")
    model = {"name": "tiny", "version": "1", "checksum": "a"}
    node = segmentation_node(Segmentation(Volume(labels, GRID), (*CLASSES, LESION), model=model), ct, "Head CT result")
    widget.panel.results.take(Result(node, runFolder=run, record={"reference": "CT"}), {})
    return node

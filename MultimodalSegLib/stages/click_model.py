"""The model that answers clicks, with what it sees of a run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..checksum import checksum
from ..models.purpose import CLICKS, PURPOSES
from ..progress import Event, Progress, silent
from ..restore import FinishedRun
from .corrections import FOLDER, STAGE
from .own_model import own_model

if TYPE_CHECKING:
    from ..refinement.answer import Refiner

MODEL = PURPOSES[CLICKS].command


def make_refiner(run: FinishedRun, model: str = MODEL, device: str = "auto", progress: Progress = silent) -> Refiner:
    """Load the click model and what its trunk sees of the run, which is computed once and kept in the run folder.

    Raises:
        ModelError: no click model is installed, or the model is of another kind.
    """
    from ..networks.device import choose_device
    from ..refinement.answer import Refiner
    from ..refinement.scene import click_network, look, read_scene, write_scene

    bundle, where, folder = own_model(CLICKS, model, device), choose_device(device), run.folder
    file = folder.path / FOLDER / "scene.safetensors"
    network = click_network(bundle).to(where)
    aligned = {name: checksum(folder.aligned(name)) for name in run.aligned.volumes}
    made_from = " ".join([bundle.checksum, *(f"{name}:{value}" for name, value in aligned.items())])
    scene = read_scene(file, made_from)
    if scene is None:
        progress(Event(STAGE, 0, 2, "Looking at the volumes; only the first correction of a run needs this"))
        scene = look(bundle, network, run.aligned.volumes, where)
        folder.write(file, partial(write_scene, scene, made_from=made_from))
    return Refiner(network, scene, run.segmentation.labels.grid, where)

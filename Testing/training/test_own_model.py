"""A laboratory trains on its own images and segments the next patient with the result."""

from pathlib import Path

import numpy as np

from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.predict import segment
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.export import export
from MultimodalSegLib.training.plan import Stage
from MultimodalSegLib.training.start import prepare
from Testing.handmade import a_sphere, distance
from Testing.training.data.trees import write
from Testing.training.small import a_plan


def a_patient(number: int) -> tuple[Volume, Volume]:
    """A bright ball somewhere in an image of the size of a hippocampus crop, and its label."""
    rng = np.random.default_rng(number)
    grid = Grid((34, 40, 30), (1.0, 1.0, 1.0), (-16.5, -19.5, -14.5))
    center, radius = tuple(rng.uniform(-5, 5, 3).tolist()), float(rng.uniform(6, 9))
    label = Volume((distance(grid, center, radius) < 0).astype(np.uint16), grid)
    return a_sphere(grid, center, radius, 500, 200), label


def test_a_model_of_a_laboratory_s_own_data_is_used_as_it_was_trained(tmp_path: Path) -> None:
    for number in range(5):
        image, label = a_patient(number)
        write(image, tmp_path / "data" / "images" / f"p{number}.nii.gz")
        write(label, tmp_path / "data" / "labels" / f"p{number}.nii.gz")
    plan = a_plan(
        name="ball",
        data=str(tmp_path / "data"),
        held_out=("p4",),
        augmentation=Augmentation(),
        network={"widths": [8, 16]},
        stages=(Stage(1.0, 1.0, ((24, 24, 24),), (1.0,)),),
        steps=30,
        learning_rate=2e-2,
        ema_decay=0.8,
        validation_steps=30,
    )
    prepare(plan, tmp_path / "run").run()
    bundle = export(tmp_path / "run", tmp_path / "ball")
    assert bundle.region == "volume" and bundle.patch == (24, 24, 24) and bundle.spacing == (1.0, 1.0, 1.0)

    image, label = a_patient(77)
    result = segment(AlignedCase({"MR": image}, "MR"), bundle, device="cpu")
    assert result.windows > 1 and [entry.value for entry in result.classes] == [1]
    assert dice(result.labels, label, [1])[1] > 0.8

"""Fine-tuning on new classes: what the model knew stays, unless it is told to forget."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.predict import segment
from MultimodalSegLib.models.bundle import Bundle, load_bundle
from MultimodalSegLib.models.save import save_bundle
from MultimodalSegLib.networks.outputs import FusionOutput
from MultimodalSegLib.registration.aligned import AlignedCase
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.distillation.keeping import NEVER, as_background, completed
from MultimodalSegLib.training.distillation.soft import SharedClasses
from MultimodalSegLib.training.export import export
from MultimodalSegLib.training.plan import Stage
from MultimodalSegLib.training.samples import Sample
from MultimodalSegLib.training.start import prepare
from MultimodalSegLib.training.task import Task
from Testing.handmade import distance
from Testing.training.data.trees import write
from Testing.training.small import a_plan

PLAIN = Augmentation(
    move_chance=0, elastic_chance=0, noise_chance=0, gamma_chance=0, bias_chance=0, blur_chance=0, dropout=0
)
GRID = Grid((28, 26, 24), (1.0, 1.0, 1.0), (-13.5, -12.5, -11.5))


def a_patient(number: int) -> tuple[Volume, Volume]:
    """A bright ball and a dark one in gray, and both in a label map: 1 and 2."""
    rng = np.random.default_rng(number)
    away = rng.uniform(-1, 1, 3)
    bright = distance(GRID, (-5.0 + away[0], away[1], away[2]), 5.0) < 0
    dark = distance(GRID, (6.0 + away[1], away[2], away[0]), 4.5) < 0
    image = 300 + 200 * bright - 200 * dark + rng.normal(0, 10, GRID.shape)
    return Volume(image.astype(np.float32), GRID), Volume((bright + 2 * dark).astype(np.uint16), GRID)


def a_data_set(folder: Path, value: int) -> Path:
    """Four patients, labelled with one of the two alone, whose label value is 1."""
    cases = []
    for number in range(4):
        image, both = a_patient(10 * value + number)
        label = Volume((both.array == value).astype(np.uint16), GRID)
        write(image, folder / f"image{number}.nii.gz")
        write(label, folder / f"label{number}.nii.gz")
        images = {"MR": f"image{number}.nii.gz"}
        cases.append({"case": f"p{number}", "images": images, "label": f"label{number}.nii.gz"})
    content = {"format_version": 1, "name": folder.name, "classes": [{"name": folder.name, "value": 1}], "cases": cases}
    (folder / "set.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "set.json"


def a_model(run: Path, data: Path, **changes: Any) -> Bundle:
    """Trained for a few steps on a data set."""
    plan = a_plan(
        name="model",
        data=str(data),
        held_out=(),
        augmentation=PLAIN,
        network={"widths": [8, 16]},
        stages=(Stage(1.0, 1.0, ((24, 24, 24),), (1.0,)),),
        learning_rate=2e-2,
        ema_decay=0.8,
        **{"steps": 40, "validation_steps": 100, "checkpoint_steps": 100} | changes,
    )
    prepare(plan, run).run()
    return export(run, run / "model")


def scores(bundle: Bundle) -> dict[str, float]:
    """Dice of a new patient by the name of the class."""
    image, both = a_patient(77)
    found = segment(AlignedCase({"MR": image}, "MR"), bundle, device="cpu").labels
    values = {entry.name: entry.value for entry in bundle.classes()}
    truth = {"Bright": both.array == 1, "Dark": both.array == 2}
    masks = {name: Volume((found.array == value).astype(np.uint16), GRID) for name, value in values.items()}
    true = {name: Volume(mask.astype(np.uint16), GRID) for name, mask in truth.items()}
    return {name: dice(mask, true[name], [1])[1] for name, mask in masks.items()}


@pytest.fixture(scope="module")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model that knows one class."""
    folder = tmp_path_factory.mktemp("bright")
    return a_model(folder / "run", a_data_set(folder / "bright", 1))


@pytest.fixture(scope="module")
def dark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with another one."""
    return a_data_set(tmp_path_factory.mktemp("dark") / "dark", 2)


def test_a_new_class_is_learnt_and_the_old_one_is_kept(bright: Bundle, dark: Path, tmp_path: Path) -> None:
    before = scores(bright)["Bright"]
    bundle = a_model(tmp_path / "run", dark, init=str(bright.path), steps=50)
    after = scores(load_bundle(bundle.path))
    assert before > 0.8 and after["Bright"] >= 0.9 * before and after["Dark"] > 0.7
    assert [(entry.name, entry.value) for entry in bundle.classes()] == [("Bright", 1), ("Dark", 2)]
    assert bundle.metadata["started_from"]["checksum"] == bright.checksum


def test_without_the_teacher_the_old_class_is_lost(
    bright: Bundle, dark: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    """The same classes and weights, but background is background."""
    monkeypatch.setattr("MultimodalSegLib.training.start.keeping_task", lambda plan, net, goal, *_: Task(net, goal))
    lost = scores(a_model(tmp_path / "run", dark, init=str(bright.path), steps=50))
    assert lost["Bright"] < 0.5 and lost["Dark"] > 0.7


def test_to_forget_leaves_the_new_class_alone(bright: Bundle, dark: Path, tmp_path: Path) -> None:
    bundle = a_model(tmp_path / "run", dark, init=str(bright.path), forget=True)
    assert scores(bundle).keys() == {"Dark"} and scores(bundle)["Dark"] > 0.7


def test_a_run_that_keeps_goes_on_with_the_same_teacher_alone(bright: Bundle, dark: Path, tmp_path: Path) -> None:
    changes = {"init": str(bright.path), "steps": 2}
    a_model(tmp_path / "run", dark, **changes)
    assert a_model(tmp_path / "run", dark, **{**changes, "steps": 3}).metadata["training"]["steps"] == 3
    other = save_bundle(tmp_path / "copy", {**bright.metadata}, changed_weights(bright), dtype="float32")
    with pytest.raises(InputError, match="the model it started from differs"):
        a_model(tmp_path / "run", dark, **{**changes, "init": str(other.path)})


def changed_weights(bundle: Bundle) -> dict[str, torch.Tensor]:
    return {name: value + 0.01 for name, value in bundle.network().state_dict().items()}


def a_sample(channel: list[int], lesion: list[int]) -> Sample:
    line = torch.tensor(channel)[None, None, None]
    marks = torch.tensor(lesion, dtype=torch.float32)[None, None, None, None]
    return Sample(
        torch.zeros(1, 1, *line.shape[1:]), torch.zeros(1, 1), line, torch.zeros_like(marks).to(torch.int8), marks
    )


def an_answer(classes: list[int], count: int, side: list[float], lesion: list[float]) -> FusionOutput:
    """Logits 5 of some classes of a line of voxels."""
    structures = 5.0 * torch.nn.functional.one_hot(torch.tensor(classes), count).T[None, :, None, None].float()
    line = [torch.tensor(values)[None, None, None, None] for values in (side, lesion)]
    return FusionOutput(structures, *line, torch.zeros(1), torch.zeros(0))


def test_the_teacher_fills_what_is_background_with_what_the_labels_do_not_show() -> None:
    # the teacher knows background, a, p (a pair) and s; the labels show s and n; channels 0 bg, 1 a, 2 p, 3 s, 4 n
    shared = SharedClasses(student=[1, 2], teacher=[1, 2], paired=[False, True], lesion=True)
    known = an_answer([1, 2, 2, 3, 1, 0, 1], 4, [1, 1, -1, 1, 1, 1, 1], [-1, -1, -1, -1, 1, 1, -1])
    sample = a_sample([0, 0, 0, 0, 4, 0, 3], [0] * 7)
    filled = completed(sample, known, shared, paired=[2])
    assert filled.channel.flatten().tolist() == [1, 2, 2, 0, 4, 0, 3]
    assert filled.side.flatten().tolist() == [0, 1, -1, 0, 0, 0, 0]
    assert filled.lesion.flatten().tolist() == [0, 0, 0, 0, 0, 1, 0]  # not where the labels have a structure
    shown = a_sample([0, 0], [1, 0])
    filled = completed(shown, an_answer([1, 1], 4, [1, 1], [1, 1]), shared._replace(lesion=False), [2])
    assert filled.channel.flatten().tolist() == [0, 1] and filled.lesion.flatten().tolist() == [1, 0]


def test_what_no_one_knows_of_a_sample_counts_as_background() -> None:
    logits = torch.randn(1, 4, 2, 2, 2)
    folded = as_background(FusionOutput(logits, *[torch.zeros(0)] * 4), [1, 3]).structures.softmax(1)
    before = logits.softmax(1)
    assert torch.allclose(folded[:, 0], before[:, [0, 1, 3]].sum(1)) and torch.allclose(folded[:, 2], before[:, 2])
    assert folded[:, [1, 3]].max() < 1e-6 and NEVER < -1e3

"""``distill`` from label maps and from images alone, and ``train --init``; wrong wishes in one sentence."""

from pathlib import Path

import pytest

from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.training.plan_file import read_plan, write_plan
from Testing.handmade import threshold_model
from Testing.training.data.trees import an_mr, write
from Testing.training.small import a_plan, write_label_maps

NETWORK = "widths: [8, 8]\nside: false\nlesion: false\n"


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return threshold_model(tmp_path / "teacher", ["MR"], limits=["everything"]).path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(2):
        write(an_mr(number), tmp_path / "images" / f"{number}_MR.nii.gz")
    return tmp_path / "images"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    (tmp_path / "network.yaml").write_text(NETWORK, encoding="utf-8")
    return tmp_path / "network.yaml"


def test_a_student_of_images_alone_names_its_teacher(
    command, teacher: Path, images: Path, network: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    given = ("--teacher", teacher, "--student", network, "--images", images, "--out", out)
    ended = command("distill", *given, "--steps", 2, "--temperature", 3, "--name", "pupil")
    assert ended.code == 0, ended.err
    assert "Model pupil 0.1.0 after 2 steps" in ended.out
    assert "Started from teacher 1: 39 of 39 weights" in ended.out.replace("\n", " ")
    bundle, plan = load_bundle(out / "pupil"), read_plan(out / "plan.yaml")
    assert bundle.metadata["distilled_from"]["checksum"] == load_bundle(teacher).checksum == plan.distillation.checksum
    assert [entry.name for entry in bundle.classes()] == ["Organ 1"] and bundle.spacing == (2.0, 2.0, 2.0)
    assert (plan.distillation.temperature, plan.distillation.hard) == (3.0, 0.0)
    threshold_model(teacher, ["MR"], (0.3,), limits=["everything"])
    ended = command("distill", "--out", out, "--steps", 3)
    assert ended.code == 2 and "but the plan was made for" in ended.err.replace("\n", " ")


def test_wrong_wishes_are_said(command, teacher: Path, images: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "run")
    maps = write_label_maps(tmp_path / "maps")
    for given, code, said in (
        ((), 2, "No teacher is given"),
        (("--teacher", "nobody", "--images", images), 4, "no model 'nobody'"),
        (("--teacher", teacher), 2, "one thing to learn on"),
        (("--teacher", teacher, "--images", images, "--hard", 1), 2, "images without labels"),
        (("--teacher", teacher, "--images", images, "--temperature", 0), 2, "temperature"),
        (("--teacher", teacher, "--images", images, "--student", "tall"), 2, "'tall' is unknown"),
        (("--teacher", teacher, "--labels", maps), 2, "does not know the class 'cerebral white matter'"),
    ):
        ended = command("distill", *given, *out, "--steps", 1)
        assert ended.code == code and said in ended.err.replace("\n", " "), (given, ended.err)


def test_training_says_what_it_started_from(command, teacher: Path, tmp_path: Path) -> None:
    maps = write_label_maps(tmp_path / "maps")
    settings = {"widths": [8, 8]}
    plan = a_plan(labels=str(maps), network=settings, steps=1, held_out=("held_out",), validation_samples=0)
    write_plan(plan, tmp_path / "plan.yaml")
    ended = command("train", "--plan", tmp_path / "plan.yaml", "--out", tmp_path / "run", "--init", teacher, "--forget")
    assert ended.code == 0, ended.err
    said = ended.out.replace("\n", " ")
    assert "Started from teacher 1" in said and "new: presence" in said
    assert load_bundle(tmp_path / "run" / "head").metadata["started_from"]["name"] == "teacher"

"""``train`` and ``plan``: from the command line to a model, and what stands in the way."""

import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.training.checkpoint import read_state
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.plan_file import read_plan, write_plan
from Testing.phantoms import child
from Testing.training.data.trees import a_label, an_mr, write
from Testing.training.small import write_label_maps


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_label_maps(tmp_path_factory.mktemp("labels"))


@pytest.fixture
def plan_file(labels: Path, tmp_path: Path) -> Path:
    """Three steps of a tiny network."""
    small = Plan(
        labels=str(labels),
        held_out=("held_out",),
        name="small",
        network={"widths": [8, 8], "encoder": "cnn"},
        stages=(Stage(1.0, 12.0, ((8, 8, 8),), (1.0,)),),
        steps=3,
        precision="32",
        device="cpu",
        topology=(),
        validation_steps=3,
        validation_samples=1,
        workers=0,
    )
    write_plan(small, tmp_path / "plan.yaml")
    return tmp_path / "plan.yaml"


def test_a_plan_becomes_a_model_and_the_same_command_goes_on(command, plan_file, tmp_path):
    run = tmp_path / "run"
    ended = command("train", "--plan", plan_file, "--out", run)
    assert ended.code == 0, ended.err
    assert f"Model small 0.1.0 after 3 steps: {run / 'small'}" in ended.out and load_bundle(run / "small").classes()
    assert {"last.pt", "best.pt", "plan.yaml", "log.csv", "curves.png", "small"} <= {p.name for p in run.iterdir()}
    ended = command("train", "--out", run, "--steps", 4)
    assert ended.code == 0 and "after 4 steps" in ended.out
    assert read_state(run / "last.pt")["step"] == 4 and read_plan(run / "plan.yaml").steps == 4


def test_weights_to_start_from_are_loaded(command, plan_file, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert command("train", "--plan", plan_file, "--out", first).code == 0
    begin = ("train", "--plan", plan_file, "--steps", 1, "--seed", 5)
    assert command(*begin, "--out", second, "--init", first / "small").code == 0
    assert command(*begin, "--out", tmp_path / "third").code == 0
    trained, started, fresh = (
        read_state(folder / "last.pt")["network"]["stem.weight"] for folder in (first, second, tmp_path / "third")
    )
    assert (trained - started).abs().max() < 1e-2 < (trained - fresh).abs().max()


def test_a_dry_run_estimates_and_leaves_nothing(command, plan_file, tmp_path):
    ended = command("train", "--plan", plan_file, "--out", tmp_path / "run", "--dry-run")
    assert ended.code == 0 and "8 x 8 x 8" in ended.out
    steps, seconds, hours, memory = re.search(
        r"(\d+) steps of ([\d.]+) s take about ([\d.]+) hours and (\d+) MiB", ended.out
    ).groups()
    assert int(steps) == 3 and 0 < float(seconds) < 60 and float(hours) < 1 and int(memory) > 50
    assert not list((tmp_path / "run").iterdir())


def test_minutes_become_steps_in_the_plan(command, plan_file, tmp_path):
    run, most = tmp_path / "run", 100_000
    write_plan(replace(read_plan(plan_file), steps=most), plan_file)
    assert command("train", "--plan", plan_file, "--out", run, "--minutes", 0.01).code == 0
    plan = read_plan(run / "plan.yaml")
    assert 1 <= plan.steps < most and plan.warm_up_steps <= plan.steps // 10
    assert read_state(run / "last.pt")["step"] == plan.steps


def children_of(pid: int) -> list[int]:
    """Processes that a process has started itself."""
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="lists processes as Linux does")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_of_a_run_saves_the_state(plan_file, tmp_path, number):
    """Ctrl-C in a terminal and a cluster's end of a job reach the processes that make samples too."""
    write_plan(replace(read_plan(plan_file), workers=1), plan_file)
    arguments = ("train", "--plan", plan_file, "--out", tmp_path / "run", "--steps", 100000, "--events", "jsonl")
    with child(*arguments) as process:
        for line in process.stdout:
            if json.loads(line).get("done", 0) >= 2:
                break
        workers = children_of(process.pid)
        for pid in (*workers, process.pid):
            os.kill(pid, number)
        out, err = process.communicate(timeout=60)
    assert workers and process.returncode == 130, err
    error = json.loads(out.splitlines()[-1])["error"]
    assert error["kind"] == "cancelled" and "the state is saved" in error["message"]
    assert read_state(tmp_path / "run" / "last.pt")["step"] >= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Nothing to train on"),
        (("--labels", "a", "--data", "b"), "exclude one another"),
        (("--labels", "nowhere"), "no label map to train on"),
        (("--plan", "nowhere.yaml"), "cannot be read"),
    ],
)
def test_a_wrong_beginning_is_told(command, tmp_path, arguments, message):
    ended = command("train", "--out", tmp_path / "run", *arguments)
    assert ended.code == 2 and message in ended.err


def test_mistakes_in_a_plan_and_in_a_run_are_told(command, plan_file, tmp_path):
    text = plan_file.read_text(encoding="utf-8")
    plan_file.write_text(text.replace("seed: 0", "sead: 0"), encoding="utf-8")
    ended = command("train", "--plan", plan_file, "--out", tmp_path / "run")
    assert ended.code == 2 and "'sead'" in ended.err and "'seed'" in ended.err
    plan_file.write_text(text, encoding="utf-8")
    assert command("train", "--plan", plan_file, "--out", tmp_path / "run").code == 0
    plan_file.write_text(text.replace("[8, 8]", "[8, 16]"), encoding="utf-8")
    ended = command("train", "--plan", plan_file, "--out", tmp_path / "run")
    assert ended.code == 2 and "checkpoint of another network" in ended.err
    plan_file.write_text(text.replace("[8, 8]", "[8, 9]"), encoding="utf-8")
    ended = command("train", "--plan", plan_file, "--out", tmp_path / "new")
    assert ended.code == 2 and "cannot be built" in ended.err


def test_a_plan_is_proposed_as_a_file(command, labels, tmp_path):
    ended = command("plan", "--labels", labels, "--out", tmp_path / "plan.yaml")
    assert ended.code == 0 and "held out" in ended.out
    assert read_plan(tmp_path / "plan.yaml").labels == str(labels)
    ended = command("plan", "--labels", labels, "--out", tmp_path / "plan.yaml")
    assert ended.code == 3 and "exists already" in ended.err
    ended = command("plan", "--out", tmp_path / "other.yaml")
    assert ended.code == 2 and "--data or --labels" in ended.err
    ended = command("plan", "--labels", labels, "--thick-slices", "--out", tmp_path / "other.yaml")
    assert ended.code == 2 and "--thick-slices with --data alone" in ended.err


def test_a_plan_for_thick_slices_works_at_their_spacing(command, tmp_path):
    for name in "ab":
        write(an_mr(), tmp_path / "set" / "images" / f"{name}.nii.gz")
        write(a_label(), tmp_path / "set" / "labels" / f"{name}.nii.gz")
    ended = command("plan", "--data", tmp_path / "set", "--thick-slices", "--out", tmp_path / "plan.yaml")
    assert ended.code == 0 and "1.5 x 1.5 x 5 mm" in ended.out
    assert read_plan(tmp_path / "plan.yaml").stages[-1].xyz == (1.5, 1.5, 5.0)

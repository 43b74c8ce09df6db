"""Runs in processes of their own: killed at any moment, and several that train together."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from MultimodalSegLib.training.batch import collate
from MultimodalSegLib.training.checkpoint import read_state
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.plan_file import write_plan
from MultimodalSegLib.training.samples import HeldOutSamples
from MultimodalSegLib.training.start import prepare

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo", "PYTHONUTF8": "1"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed and copied as on Linux and macOS")


def head_plan(label_maps: Path, **changes) -> Plan:
    """Twelve steps on label maps with the real generator, the real losses and a small network."""
    small = {
        "labels": str(label_maps),
        "held_out": ("held_out",),
        "network": {"widths": [8, 8], "encoder": "cnn"},
        "stages": (Stage(0.5, 12.0, ((8, 8, 8),), (1.0,)), Stage(1.0, 9.0, ((12, 8, 8), (8, 8, 8)), (0.5, 0.5))),
        "steps": 12,
        "warm_up_steps": 2,
        "batch": 2,
        "precision": "32",
        "device": "cpu",
        "topology": (),
        "validation_steps": 5,
        "validation_samples": 2,
        "checkpoint_steps": 2,
        "log_steps": 1,
        "workers": 1,
    }
    return Plan(**small | changes)


# Everything is imported once; each attempt is then a copy of this process, which runs the command and is killed.
KILLED_AGAIN_AND_AGAIN = """
import json, os, random, signal, sys, time
from MultimodalSegLib.cli import main
import MultimodalSegLib.training.start, MultimodalSegLib.training.export, MultimodalSegLib.training.estimate
import lightning_fabric, torch.utils.tensorboard, matplotlib.figure, matplotlib.backends.backend_agg

plan, out = sys.argv[1:]
rng, kills, begun = random.Random(5), [], time.monotonic()
while True:
    child = os.fork()
    if child == 0:
        main(["train", "--plan", plan, "--out", out, "--events", "jsonl"])
    if len(kills) < 4:
        time.sleep(rng.uniform(0.3, 1.3))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        break
    kills.append(round(time.monotonic() - begun, 2))
print(json.dumps({"kills": kills, "code": os.waitstatus_to_exitcode(status)}))
"""


def test_a_run_killed_at_any_moment_ends_with_the_same_weights(label_maps, tmp_path, one_thread):
    plan = head_plan(label_maps)
    write_plan(plan, tmp_path / "plan.yaml")
    command = [sys.executable, "-c", KILLED_AGAIN_AND_AGAIN, str(tmp_path / "plan.yaml"), str(tmp_path / "killed")]
    answer = subprocess.run(command, env=os.environ | ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout.splitlines()[-1])
    assert told["code"] == 0 and len(told["kills"]) >= 2, (told, answer.stdout, answer.stderr)

    prepare(plan, tmp_path / "whole").run()
    for name in ("last.pt", "best.pt"):
        killed, whole = (read_state(tmp_path / folder / name) for folder in ("killed", "whole"))
        assert killed["step"] == whole["step"]
        for part in ("network", "average"):
            assert all(torch.equal(value, whole[part][key]) for key, value in killed[part].items()), (name, part)
    rows = [
        list(csv.DictReader((tmp_path / folder / "log.csv").open(encoding="utf-8"))) for folder in ("killed", "whole")
    ]
    assert [row["step"] for row in rows[0]] == [row["step"] for row in rows[1]] == [str(n) for n in range(1, 13)]
    assert [row["loss"] for row in rows[0]] == [row["loss"] for row in rows[1]]


def test_two_processes_train_as_one_with_the_whole_batch(label_maps, tmp_path, one_thread):
    plans = {n: head_plan(label_maps, devices=n, batch=4, workers=0, reweighting=True) for n in (1, 2)}
    write_plan(plans[2], tmp_path / "plan.yaml")
    command = [sys.executable, "-m", "MultimodalSegLib", "train", "--plan", str(tmp_path / "plan.yaml")]
    command += ["--out", str(tmp_path / "two"), "--events", "jsonl"]
    answer = subprocess.run(
        command, env=os.environ | ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["done"] for line in lines if line.get("stage") == "train"][-1] == 12
    assert sum("result" in line for line in lines) == 1  # the second process is silent

    one = prepare(plans[1], tmp_path / "one")
    one.run()
    two = prepare(plans[1], tmp_path / "two")  # reads the state of the two
    assert two.step == 12
    rows = [list(csv.DictReader((tmp_path / folder / "log.csv").open(encoding="utf-8"))) for folder in ("one", "two")]
    assert float(rows[0][0]["gradient_norm"]) == pytest.approx(float(rows[1][0]["gradient_norm"]), rel=1e-4)
    sample = collate([HeldOutSamples([label_maps / "held_out.nii.gz"], plans[1])[0]])
    with torch.inference_mode():
        given = sample.images, sample.present, sample.family
        answers = [run.average.network(*given).structures for run in (one, two)]
    assert torch.allclose(*answers, atol=2e-3)
    assert torch.allclose(one.reweighting.share, two.reweighting.share, atol=1e-4)

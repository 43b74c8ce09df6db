"""What a run will take is said beforehand, quickly and without torch."""

import subprocess
import sys
import time

import pytest

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.slicerside.run.estimate import (
    duration,
    estimate,
    free_memory_mb,
    learned_speed,
    working_voxels,
)
from Testing.handmade import threshold_model
from Testing.phantoms import ROOT, a_model

HEAD = Grid((192, 232, 190), (1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return a_model(tmp_path_factory.mktemp("model") / "tiny")


def test_more_work_takes_longer(bundle):
    def middle(**options):
        return sum(estimate(bundle, HEAD, speed=1.0, device="cpu", **options).seconds)

    assert middle(volumes=1) < middle(volumes=2) < middle(volumes=3)
    assert middle(volumes=2, registration="none") < middle(volumes=2, registration="bspline")
    assert middle(volumes=2, threads=1) > middle(volumes=2)
    assert middle(volumes=2, memory_limit_mb=1) > middle(volumes=2)
    fine = Grid((512, 512, 400), (0.4, 0.4, 0.5))
    assert sum(estimate(bundle, fine, speed=1.0).seconds) > sum(estimate(bundle, HEAD, speed=1.0).seconds)


def test_a_large_field_of_view_costs_no_more_than_a_head(bundle):
    body = Grid((512, 512, 1000), (1.0, 1.0, 1.5))
    assert working_voxels(bundle, body) < 1.2 * working_voxels(bundle, Grid((200, 250, 280), (1.0, 1.0, 1.0)))
    small = Grid((20, 20, 20), (2.0, 2.0, 2.0))
    assert working_voxels(bundle, small) == 16**3  # two strides of 8 voxels of 4 mm


def test_what_a_model_asks_for_is_what_is_counted(tmp_path):
    body = Grid((200, 200, 300), (2.0, 2.0, 3.0))
    spacing = {"working_spacing": [2.0, 2.0, 5.0], "region": "volume"}
    whole = threshold_model(tmp_path / "whole", ["CT"], **spacing)
    patched = threshold_model(tmp_path / "patched", ["CT"], **spacing, patch=[32, 96, 96])
    assert working_voxels(whole, body) == 200 * 200 * 180
    assert working_voxels(patched, body) == 2 * 200 * 200 * 180  # windows overlap
    needs = [estimate(model, body, device="cpu", speed=1.0).memory_mb for model in (whole, patched)]
    assert needs[1] < needs[0] - 150
    tight = {"memory_limit_mb": 150, "device": "cpu", "speed": 1.0}
    assert estimate(patched, body, **tight).one_shot and not estimate(whole, body, **tight).one_shot
    assert working_voxels(patched, Grid((20, 20, 20))) == 32 * 96 * 96


def test_it_says_when_memory_is_short_and_that_it_is_a_guess(bundle):
    tight = estimate(bundle, HEAD, 2, memory_limit_mb=0.5, device="cpu")
    assert not tight.one_shot and "windows" in tight.sentence() and "guess" in tight.sentence()
    known = estimate(bundle, HEAD, 2, speed=1.0, memory_limit_mb=10_000, device="cpu")
    assert known.one_shot and "guess" not in known.sentence()
    assert known.seconds[1] / known.seconds[0] < tight.seconds[1] / tight.seconds[0]


def test_speed_is_learned_from_a_finished_run(bundle):
    record = {
        "reference": "CT",
        "inputs": {"CT": {"size": HEAD.size, "spacing": HEAD.spacing}, "MR": {}},
        "registration": {"MR": {"kind": "rigid"}},
        "device": "cpu",
        "seconds": {"read": 1.0, "register": 5.0, "segment": 20.0},
    }
    slow = learned_speed(record, bundle)
    record["seconds"] = {"segment": 13.0}
    assert learned_speed(record, bundle) == pytest.approx(2 * slow)
    again = estimate(bundle, HEAD, 2, registration="rigid", device="cpu", speed=slow)
    assert again.seconds[0] < 26.0 < again.seconds[1]


def test_times_are_said_as_a_person_says_them():
    assert [duration(s) for s in (0.2, 7.4, 33.0, 58.0, 100.0)] == ["1 s", "7 s", "35 s", "60 s", "2 min"]


def test_free_memory_is_some():
    assert 10 < free_memory_mb() < 10**8


def test_it_is_quick_and_needs_no_torch():
    code = (
        "import sys, time; from MultimodalSegLib.slicerside.run import estimate;"
        "from MultimodalSegLib.slicerside.scene import modality;"
        "from MultimodalSegLib.images.grid import Grid; from types import SimpleNamespace as N;"
        "bundle = N(metadata={'network': {'classes': 3, 'widths': [8]}}, spacing=(1.5,) * 3, stride=32,"
        " region='head', patch=None);"
        "estimate.estimate(bundle, Grid((99, 99, 99)));"
        "begin = time.perf_counter(); estimate.estimate(bundle, Grid((99, 99, 99)), 2);"
        "print(time.perf_counter() - begin, 'torch' in sys.modules, 'slicer' in sys.modules)"
    )
    begin = time.monotonic()
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    seconds, torch_loaded, _slicer_loaded = answer.stdout.split()
    assert float(seconds) < 0.05 and torch_loaded == "False", f"{answer.stdout} after {time.monotonic() - begin:.1f} s"

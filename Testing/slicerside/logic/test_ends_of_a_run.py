"""A run that is cancelled, killed or fails leaves no process and no files, and says why in a sentence."""

import os
import signal
import time

import pytest

from MultimodalSegLib.errors import Cancelled, ModelError, OutOfMemoryError
from Testing.slicerside.logic.following import Followed


@pytest.mark.parametrize("stage", ["prepare", "start", "register", "segment"])
def test_cancel_leaves_no_process_and_no_files_in_each_stage(logic, nodes, a_model, scene, stage):
    ct, mr = nodes
    followed = Followed(logic.start(ct, {"MR": mr}, model=a_model, threads=1))
    count = scene.GetNumberOfNodes()
    followed.until(lambda: stage in followed.stages)
    start = time.monotonic()
    followed.run.cancel()
    followed.until(lambda: False, limit_s=2.0)
    assert followed.ends == [("cancelled",)] and time.monotonic() - start < 2.0
    assert followed.no_process_is_left()
    assert (stage == "prepare") == (not followed.pids)
    assert followed.files_are_gone() and scene.GetNumberOfNodes() == count
    assert logic.run is None and not followed.run.poll() and len(followed.ends) == 1


def test_a_closed_scene_cancels_the_run(logic, nodes, a_model, scene):
    followed = Followed(logic.start(nodes[0], {"MR": nodes[1]}, model=a_model, threads=1))
    followed.until(lambda: followed.pids)
    scene.Clear()
    followed.until(lambda: False, limit_s=2.0)
    assert followed.ends == [("cancelled",)] and followed.no_process_is_left() and followed.files_are_gone()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_closing_the_logic_ends_the_run(logic, nodes, a_model):
    followed = Followed(logic.start(nodes[0], model=a_model, threads=1))
    followed.until(lambda: followed.pids)
    logic.close()
    assert followed.ends == [("cancelled",)] and followed.no_process_is_left()


def test_a_broken_model_is_told_in_one_sentence(logic, nodes, a_model, tmp_path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(a_model, broken)
    (broken / "models" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError) as caught:
        logic.process(nodes[0], model=str(broken), threads=1)
    assert caught.value.message and caught.value.hint and "--" not in caught.value.hint
    assert logic.run is None


def test_too_little_memory_is_told_with_a_way_out(logic, nodes, a_model):
    with pytest.raises(OutOfMemoryError) as caught:
        logic.process(nodes[0], model=a_model, threads=1, memoryLimitMb=1)
    assert "smaller region" in caught.value.hint


def test_a_child_that_the_system_kills_was_short_of_memory(logic, nodes, a_model):
    followed = Followed(logic.start(nodes[0], model=a_model, threads=1))
    followed.until(lambda: followed.pids)
    for pid in followed.pids:
        os.kill(pid, signal.SIGKILL)
    end, kind, message, hint = followed.to_the_end(10)
    assert (end, kind) == ("failed", "memory") and "memory" in message and "smaller region" in hint
    assert followed.files_are_gone() and message in followed.run.log


def test_a_cancelled_blocking_run_raises(logic, nodes, a_model):
    with pytest.raises(Cancelled):
        logic.process(nodes[0], model=a_model, onProgress=lambda event: logic.cancel())

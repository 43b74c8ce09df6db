"""The question why: a real child process, and its files as nodes of a real scene."""

import sys
import time

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from Testing.slicerside.explained import a_run_folder, an_explaining_program, write_answer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the interpreter is a shell script")
AT = np.array([10.0, 4.0, -6.0])


@pytest.fixture
def reference(scene, a_plain_grid):
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    values = np.random.default_rng(0).normal(0, 100, a_plain_grid.shape).astype(np.float32)
    return volume_node(Volume(values, a_plain_grid), "Head CT", "CT")


@pytest.fixture
def run(tmp_path):
    return a_run_folder(tmp_path)


def to_the_end(question):
    ends = []
    question.finished.connect(lambda answer: ends.append(("finished", answer)))
    question.failed.connect(lambda *failure: ends.append(("failed", *failure)))
    question.cancelled.connect(lambda: ends.append(("cancelled",)))
    end = time.monotonic() + 60
    while not ends and time.monotonic() < end:
        question.poll()
        time.sleep(0.01)
    (only,) = ends
    return only


def test_maps_and_contributions_come_into_the_scene(reference, run, tmp_path, a_plain_grid):
    import slicer

    from MultimodalSegLib.slicerside.run.explaining import Explaining, Subject

    write_answer(tmp_path / "answer", "lesion_1", a_plain_grid, AT)
    question, heard = Explaining(Subject(run, "Lesion", 1), reference, python=an_explaining_program(tmp_path)), []
    question.progress.connect(heard.append)
    question.start()
    kind, answer = to_the_end(question)
    assert kind == "finished", answer
    assert heard[-1].stage == "explain" and heard[-1].fraction == 0.5
    assert list(answer.mapNodes) == ["explanation/lesion_1.gradcam.nrrd", "explanation/lesion_1.gradcam-MR.nrrd"]
    node = answer.mapNodes["explanation/lesion_1.gradcam.nrrd"]
    k, j, i = np.unravel_index(slicer.util.arrayFromVolume(node).argmax(), a_plain_grid.shape)
    assert np.linalg.norm(a_plain_grid.affine @ [i, j, k, 1] - [*AT, 1]) < 2.0
    legends = slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
    titles = {legend.GetTitleText() for legend in legends}
    assert titles == {"Why: lesion 1\n(Grad-CAM)", "Why: lesion 1\n(Grad-CAM, MR)"}
    assert answer.tableNode.GetName() == "Head CT contributions" and answer.tableNode.GetNumberOfRows() == 6
    assert answer.sentences == (
        "Mean probability 0.85, of which CT 0.00, MR 0.85.",
        "Without the MRI lesion 1 would be missed.",
        "71% of the map lies inside the structure; insertion 0.80 (a random map 0.30, the blurred structure 0.75), "
        "deletion 0.20 (a random map 0.60, the blurred structure 0.25).",
    )


def test_contributions_are_asked_for_once(run, tmp_path, a_plain_grid):
    from MultimodalSegLib.slicerside.run.explaining import Subject

    subject = Subject(run, "Left thalamus")
    asked = subject.arguments(device="cpu", threads=2, memoryLimitMb=900)
    head = ["explain", str(run), "--class", "Left thalamus", "--method", "gradcam", "--quick", "--device", "cpu"]
    assert asked == [*head, "--contributions", "--threads", "2", "--memory-limit", "900"]
    write_answer(run / "explanation", "left_thalamus", a_plain_grid, AT)
    assert "--contributions" not in subject.arguments() and subject.map_file.is_file()
    assert Subject(run, "Lesion", 2).arguments()[-2:] == ["--lesion", "2"]


def test_what_cannot_be_answered_is_said(reference, run, tmp_path, a_plain_grid):
    from MultimodalSegLib.slicerside.run.explaining import Explaining, Subject, load_answer

    subject = Subject(run, "Left thalamus")
    refusal = 'tell(error=dict(kind="input", message="There is none.", hint="Choose another one."))\nsys.exit(2)'
    question = Explaining(subject, reference, python=an_explaining_program(tmp_path, refusal))
    question.start()
    assert to_the_end(question) == ("failed", "input", "There is none.", "Choose another one.")
    write_answer(tmp_path / "answer", "bone", a_plain_grid, AT)  # of something else than asked for
    question = Explaining(subject, reference, python=an_explaining_program(tmp_path))
    question.start()
    kind, _kind, message, _hint = to_the_end(question)
    assert kind == "failed" and message == "The run has no map of Left thalamus."
    with pytest.raises(InputError, match="no map"):
        load_answer(subject, reference)


def test_a_question_is_cancelled(reference, run, tmp_path):
    from MultimodalSegLib.slicerside.run.explaining import Explaining, Subject

    question = Explaining(Subject(run, "Bone"), reference, python=an_explaining_program(tmp_path, "time.sleep(600)"))
    question.start()
    assert question.running
    question.cancel()
    assert to_the_end(question) == ("cancelled",) and not question.running


def test_a_method_that_ignores_the_weights_is_not_to_be_believed(reference, run, a_plain_grid, monkeypatch):
    from MultimodalSegLib.slicerside.run.explaining import Subject, load_answer
    from Testing.slicerside import explained

    monkeypatch.setitem(explained.FIGURES, "ignores_weights", True)
    write_answer(run / "explanation", "bone", a_plain_grid, AT)
    (told,) = load_answer(Subject(run, "Bone"), None).sentences
    assert "do not believe the map" in told


def test_what_cannot_be_told_of_a_map_is_said(reference, run, a_plain_grid, monkeypatch):
    from MultimodalSegLib.slicerside.run.explaining import Subject, load_answer
    from Testing.slicerside import explained

    monkeypatch.setitem(explained.FIGURES, "ignores_weights", None)
    monkeypatch.delitem(explained.FIGURES, "baselines")  # as in runs of earlier versions
    write_answer(run / "explanation", "bone", a_plain_grid, AT)
    figures, unknown = load_answer(Subject(run, "Bone"), None).sentences
    assert figures.endswith("insertion 0.80, deletion 0.20.") and "cannot be told" in unknown


def test_a_map_of_a_large_head_is_there_within_a_second(scene, run, capsys):
    from MultimodalSegLib.slicerside.run.explaining import Subject, load_answer

    grid = Grid((256, 256, 200), (1.0, 1.0, 1.0), (-128.0, -128.0, -100.0))
    write_answer(run / "explanation", "bone", grid, AT)
    wall, processor = time.perf_counter(), time.process_time()
    answer = load_answer(Subject(run, "Bone"), None)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    with capsys.disabled():
        print(f"\n  a map of 13 million voxels: {wall:.2f} s, {processor:.2f} s of it on the processor")
    assert len(answer.mapNodes) == 1 and processor < 1.0

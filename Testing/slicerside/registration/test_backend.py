"""One function for all registrations; this library's own runs in a real child process."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MultimodalSegLib.errors import InputError, MissingPackageError
from Testing.phantoms import TRANSFORM, a_ct, an_mr
from Testing.slicerside.registration.stand_in_brainsfit import StandInCli

POINTS = [(0.0, 0.0, 0.0), (60.0, 0.0, 10.0), (0.0, 70.0, -20.0), (-30.0, 25.0, 60.0)]

LARGEST_MM = 1.0
"""Voxels have 4 mm; 0.6 mm is usual."""


def largest_error(found, truth=TRANSFORM):
    """Millimetres between where two transforms take points of the head."""
    return max(float(np.linalg.norm(np.subtract(found.TransformPoint(p), truth.TransformPoint(p)))) for p in POINTS)


def is_empty_soon(folder):
    """Whether nothing is left in a folder; large files are removed in the background."""
    end = time.monotonic() + 10
    while list(folder.iterdir()) and time.monotonic() < end:
        time.sleep(0.02)
    return not list(folder.iterdir())


@pytest.fixture(autouse=True)
def few_threads(monkeypatch):
    for name in ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        monkeypatch.setenv(name, "1")


@pytest.fixture
def nodes(scene):
    from MultimodalSegLib.slicerside.scene.nodes import volume_node

    return volume_node(a_ct(), "Head CT", "CT"), volume_node(an_mr(), "Head MR", "MR")


def test_this_library_is_the_automatic_choice_and_others_can_be_chosen_where_they_are(scene, monkeypatch):
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import BACKENDS, available, choose, shown_name

    assert available() == ("simpleitk",) and choose() == "simpleitk"
    with pytest.raises(InputError, match="'brainsfit' is not available"):
        choose("brainsfit")
    monkeypatch.setattr(slicer.modules, "elastix", object(), raising=False)
    monkeypatch.setattr(slicer.modules, "brainsfit", object(), raising=False)
    assert available() == BACKENDS and choose() == "simpleitk"
    assert choose("brainsfit") == "brainsfit" and choose("elastix") == "elastix"
    assert all(shown_name(name) for name in ("auto", *BACKENDS))


def test_a_child_process_finds_the_transform_and_nothing_is_left(nodes, monkeypatch, tmp_path):
    from MultimodalSegLib.slicerside.registration.backend import registration_run
    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = registration_run(*nodes, modalities=("CT", "MR"))
    heard = []
    run.progress.connect(heard.append)
    node = run.wait(120)
    assert node.IsA("vtkMRMLLinearTransformNode") and node.GetName() == "MR to CT"
    assert node.GetAttribute("MultimodalSeg.Backend") == "simpleitk"
    assert largest_error(transform_from_node(node)) < LARGEST_MM
    assert {event.stage for event in heard} == {"register"} and heard[-1].fraction == 1.0
    assert is_empty_soon(tmp_path) and not run.running and "register" in run.log


def test_cancel_ends_the_child_and_removes_its_files(nodes, monkeypatch, tmp_path):
    from MultimodalSegLib.slicerside.registration.backend import registration_run

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = registration_run(*nodes, modalities=("CT", "MR"))
    told = []
    run.cancelled.connect(lambda: told.append("cancelled"))
    run.start()
    end = time.monotonic() + 60
    while run._child is None and time.monotonic() < end:
        run.poll()
    run.cancel(wait_s=2.0)
    end = time.monotonic() + 20
    while run.poll() and time.monotonic() < end:
        time.sleep(0.01)
    assert told == ["cancelled"] and is_empty_soon(tmp_path)


def test_where_the_scene_has_the_volumes_is_where_the_search_starts(nodes):
    """The moving volume was put 12 cm away by hand, and the reference lies under a transform too."""
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import registration_run
    from MultimodalSegLib.slicerside.scene.nodes import transform_node
    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    of_reference = transform_node(sitk.TranslationTransform(3, (0.0, 40.0, 0.0)), "table")
    by_hand = transform_node(sitk.Euler3DTransform((0, 0, 0), 0, 0, 0.2, (120.0, 0.0, 0.0)), "by hand")
    nodes[0].SetAndObserveTransformNodeID(of_reference.GetID())
    nodes[1].SetAndObserveTransformNodeID(by_hand.GetID())
    node = registration_run(*nodes, modalities=("CT", "MR")).wait(120)
    assert node.GetParentTransformNode() is of_reference
    assert nodes[1].GetParentTransformNode() is by_hand
    assert largest_error(transform_from_node(node, nodes[0])) < LARGEST_MM
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 2


def test_a_given_transform_is_where_the_search_starts(nodes):
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import registration_run
    from MultimodalSegLib.slicerside.scene.nodes import transform_node
    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    start = transform_node(sitk.Euler3DTransform((0, 0, 0), 0, 0, 0.1, (10.0, 0.0, 0.0)), "start")
    run = registration_run(*nodes, modalities=("CT", "MR"), initial=start)
    assert largest_error(transform_from_node(run.wait(120))) < LARGEST_MM
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 2
    assert nodes[1].GetParentTransformNode() is None


def test_a_given_transform_is_used_and_not_searched_for(scene):
    """A head that looks nearly the same from behind: only who gives the start knows which side is meant."""
    from MultimodalSegLib.slicerside.registration.backend import registration_run
    from MultimodalSegLib.slicerside.scene.nodes import transform_node, volume_node
    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    head = a_ct()
    array = np.maximum(head.array, head.array[:, ::-1, ::-1])
    array[22:26, 8:14, 18:26] += 40.0  # a little better the one way round
    head = head.with_array(array)
    behind = sitk.Euler3DTransform(head.grid.corners.mean(axis=0).tolist(), 0.0, 0.0, np.pi)
    start = transform_node(sitk.CompositeTransform([behind, sitk.TranslationTransform(3, (6.0, -5.0, 4.0))]), "start")
    nodes = volume_node(head, "Head", "CT"), volume_node(head, "Again", "CT")
    run = registration_run(*nodes, modalities=("CT", "CT"), initial=start)
    assert largest_error(transform_from_node(run.wait(120)), behind) < LARGEST_MM


@pytest.mark.skipif(os.name == "nt", reason="the Python that is broken is a shell script")
def test_where_no_child_process_can_work_another_program_registers(nodes, monkeypatch, tmp_path):
    import slicer

    from MultimodalSegLib.slicerside.registration.backend import registration_run

    broken = tmp_path / "PythonSlicer"
    broken.write_text(
        "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'scipy'\" >&2\nexit 1\n", encoding="utf-8"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    alone = registration_run(*nodes, modalities=("CT", "MR"))
    with pytest.raises(MissingPackageError, match="scipy"):
        alone.wait(60)
    monkeypatch.setattr(slicer.modules, "brainsfit", "the module", raising=False)
    monkeypatch.setattr(slicer, "cli", StandInCli(["finds"]), raising=False)
    run = registration_run(*nodes, modalities=("CT", "MR"))
    heard = []
    run.progress.connect(lambda event: heard.append(event.message))
    assert run.backend == "simpleitk"
    node = run.wait(60, process_events=lambda: slicer.cli.let_it_end() if slicer.cli.runs else None)
    assert run.backend == node.GetAttribute("MultimodalSeg.Backend") == "brainsfit"
    assert any("Another program registers" in message for message in heard) and "scipy" in run.log


@pytest.mark.parametrize("name", ["linear", "bent"])
def test_a_transform_node_becomes_the_file_that_the_command_line_takes(scene, tmp_path, name):
    from MultimodalSegLib.registration.transform_file import read_transform
    from MultimodalSegLib.slicerside.scene.nodes import transform_node
    from MultimodalSegLib.slicerside.scene.transforms import transform_file

    transform = TRANSFORM
    if name == "bent":
        bend = sitk.BSplineTransformInitializer(a_ct().to_sitk(), [3, 3, 3], order=3)
        bend.SetParameters(np.random.default_rng(1).normal(0, 2, len(bend.GetParameters())).tolist())
        transform = sitk.CompositeTransform([TRANSFORM, bend])
    file = transform_file(transform_node(transform, "T"), tmp_path / "T.h5")
    assert largest_error(read_transform(file), transform) < 1e-3


def test_a_transform_that_cannot_be_inverted_is_refused(scene, tmp_path: Path):
    import slicer

    from MultimodalSegLib.slicerside.scene.transforms import transform_from_node

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "flat")
    flat = slicer.util.vtkMatrixFromArray(np.diag([1.0, 1.0, 0.0, 1.0]))
    node.SetMatrixTransformToParent(flat)
    with pytest.raises(InputError, match="flat cannot be inverted"):
        transform_from_node(node)

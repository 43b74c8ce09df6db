"""Run folders live as long as their results."""

from Testing.slicerside.explained import a_run_folder


def test_a_folder_goes_with_its_result(scene, tmp_path):
    from MultimodalSegLib.slicerside.run.kept import KeptRuns

    nodes = [scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name) for name in "abc"]
    folders = [a_run_folder(tmp_path / name) for name in "abcd"]
    kept = KeptRuns()
    assert kept.of(None) is None and kept.of(nodes[0]) is None
    kept.keep(nodes[0], folders[0])
    kept.keep(nodes[1], folders[1])
    assert kept.of(nodes[0]) == folders[0]
    scene.RemoveNode(nodes[0])
    kept.keep(nodes[2], folders[2], remove=False)
    assert not folders[0].parent.exists() and folders[1].is_dir()
    kept.keep(nodes[1], folders[3])
    assert not folders[1].parent.exists() and kept.of(nodes[1]) == folders[3]
    kept.clear()
    assert not folders[3].parent.exists() and kept.of(nodes[1]) is None
    assert folders[2].is_dir(), "what the user wants to keep stays"


def test_a_folder_that_was_taken_away_is_not_offered(scene, tmp_path):
    from MultimodalSegLib.slicerside.run.kept import KeptRuns

    node, run = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "a"), a_run_folder(tmp_path)
    kept = KeptRuns()
    kept.keep(node, run)
    (run / "run.json").unlink()
    assert kept.of(node) is None
    kept.clear()

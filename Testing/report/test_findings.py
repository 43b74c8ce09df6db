"""What a run folder holds is found; what is missing is empty, what is damaged is named."""

import numpy as np

from MultimodalSegLib.report.findings import number
from MultimodalSegLib.report.lesion_parts import LesionPart


def test_a_bare_run_has_nothing_more(bare):
    found = bare.findings()
    assert (found.structures, found.lesions, found.weights, found.maps, found.uncertainty) == ((), (), {}, {}, {})
    assert found.unreadable == () and found.modalities == ("CT", "MR")


def test_everything_is_found(full):
    found = full.findings()
    assert [row["name"] for row in found.structures] == ["Left thalamus", "Right thalamus", "Lesion"]
    assert len(found.lesions) == 3 and found.weights == {"CT": 0.7, "MR": 0.3}
    assert set(found.maps) == {"lesion_1.gradcam", "lesion_2.hirescam", "left_thalamus.occlusion-MR"}
    assert set(found.fusion_maps) == {"CT", "MR"} and set(found.uncertainty_maps) == {"entropy", "disagreement"}
    assert found.contribution_sentences == ("Without the MR Lesion 1 would be missed.",)


def test_damaged_files_are_named_and_left_out(full):
    (full.folder / "uncertainty" / "summary.json").write_text("{", encoding="utf-8")
    (full.folder / "explanation" / "faithfulness.json").write_text("[1]", encoding="utf-8")
    (full.folder / "lesions.csv").write_bytes(b"\xff\xfe\x00")
    (full.folder / "measurements.csv").write_text("name,value\nLeft thalamus,10,too,many,cells\n", encoding="utf-8")
    found = full.findings()
    assert sorted(found.unreadable) == [
        "explanation/faithfulness.json",
        "lesions.csv",
        "uncertainty/summary.json",
    ]
    assert found.uncertainty == {} and found.lesions == () and found.structures[0]["name"] == "Left thalamus"


def test_lesions_are_numbered_by_size_and_lie_where_they_are(bare):
    parts = bare.findings().parts
    assert [part.number for part in parts] == [1, 2, 3]
    np.testing.assert_allclose(parts[0].center, (20, 15, 18), atol=2.5)
    np.testing.assert_allclose(parts[1].center, (-18, -18, -15), atol=2.5)
    assert len(parts[2].index) == 1
    labels = bare.segmentation.labels.array
    assert all(np.all(labels[tuple(part.index.T)] == 99) for part in parts)
    assert sum(len(part.index) for part in parts) == np.count_nonzero(labels == 99)


def test_names_of_maps_say_what_they_are_about(bare):
    found = bare.findings()
    assert found.target("left_thalamus") == bare.segmentation.classes[0]
    second = found.target("lesion_2")
    assert isinstance(second, LesionPart) and found.lesion_name(second) == "Lesion 2"
    assert found.target("lesion_9") is None and found.target("spleen") is None and found.target("spleen_1") is None


def test_only_finite_numbers_are_numbers():
    assert number("1.5") == 1.5 and number(2) == 2
    assert [number(text) for text in ("", "n/a", None, "nan", "inf")] == [None] * 5

"""The whole report of a case: what is there is told, what is not there is not spoken of, nobody is named."""

from dataclasses import replace

import pytest

from MultimodalSegLib.report.compose import compose
from MultimodalSegLib.report.document.content import Document, Facts, Notices, Pictures, Table
from MultimodalSegLib.report.document.html import html
from Testing.report.reading import without_pictures


def blocks(document: Document, kind: type) -> list:
    return [block for section in document.sections for block in section.blocks if isinstance(block, kind)]


def words(document: Document) -> str:
    """What a reader may find in the file."""
    return without_pictures(html(document))


def table(document: Document, title: str) -> dict[str, list[str]]:
    """A table by the title of its section: cells by the head of their row."""
    (found,) = [
        block for part in document.sections if part.title == title for block in part.blocks if isinstance(block, Table)
    ]
    return {row[0].text: [cell.text for cell in row[1:]] for row in found.rows}


@pytest.fixture
def whole(full) -> Document:
    flags = [
        {"code": "a", "level": "info", "sentence": "Fine."},
        {"code": "b", "level": "alarm", "sentence": "The scans may be misregistered."},
        {"code": "c", "level": "new", "sentence": "Of an unknown level."},
    ]
    return compose(full.findings(flags=flags), warnings=("Careful.", "Fine."))


def test_a_bare_case_has_the_parts_that_it_can_have(bare):
    document = compose(bare.findings())
    titles = [section.title for section in document.sections]
    assert titles == [
        "Case",
        "Overview",
        "Lesions",
        *[title for title in titles if title.startswith("Lesion ")],
        "How well the scans lie on one another",
        "How it was computed",
    ]
    assert "N/A" not in words(document) and "None" not in words(document)


def test_a_case_without_lesions_and_with_one_scan(bare):
    labels = bare.segmentation.labels
    nothing = replace(bare.segmentation, labels=labels.with_array(labels.array * 0))
    alone = replace(bare.aligned, volumes={"CT": bare.aligned.volumes["CT"]})
    document = compose(replace(bare.findings(registration={}), aligned=alone, segmentation=nothing))
    assert [section.title for section in document.sections] == ["Case", "Overview", "How it was computed"]
    assert ("Lesions", "none found") in blocks(document, Facts)[0].pairs


def test_notices_are_sorted_and_told_once(whole):
    (notices,) = blocks(whole, Notices)[:1]
    assert notices.entries == (
        ("alarm", "The scans may be misregistered."),
        ("warning", "Of an unknown level."),
        ("warning", "Careful."),
        ("info", "Fine."),
    )


def test_tables_hold_the_measures(whole):
    assert table(whole, "Lesions")["Lesion 1"][1:] == ["12.5", "11.0", "10.0", "left"]
    assert table(whole, "Structures") == {
        "Left thalamus": ["3.05", "2.80 to 3.30", "+35", "50.1", "250"],
        "Right thalamus": ["2.14", "", "+35", "50.2", "251"],
    }
    assert table(whole, "What spoke for the result")["Lesion 1, Grad-CAM"] == ["0.81", "0.22", "yes", "43 %", "0.97"]
    assert table(whole, "How sure the result is") == {"Lesion": ["0.610"], "Left thalamus": ["0.930"]}


def test_contributions_may_be_negative(whole):
    (section,) = [section for section in whole.sections if section.title == "Which scan decided"]
    shares = next(block for block in section.blocks if isinstance(block, Table))
    ct, mr = shares.rows[0][1:]
    assert (ct.text, mr.text) == ("−0.10", "0.80")
    assert ct.bar.end < ct.bar.start == mr.bar.start < mr.bar.end == 1


def test_maps_that_ignore_the_weights_are_labelled(whole):
    (ignoring, warned), (unknown, told) = ((s, level) for level, s in blocks(whole, Notices)[1].entries)
    assert warned == "warning" and "do not explain" in ignoring and ignoring.endswith(": Left thalamus, Occlusion, MR.")
    assert told == "info" and "cannot be told" in unknown and unknown.endswith(": Lesion 2, HiResCAM.")


def test_calibration_is_told_in_a_line(whole):
    assert "off by 1.2 % on average" in html(whole) and "before calibration by 5.1 %" in html(whole)


def test_each_lesion_is_shown_in_three_planes_of_every_scan_with_and_without_outline(whole):
    (first,) = [section for section in whole.sections if section.title.startswith("Lesion 1, 0")]
    alternatives = [picture.alt for block in first.blocks for picture in block.pictures]
    for name in ("CT", "MR"):
        for plane in ("axial", "coronal", "sagittal"):
            found = [text for text in alternatives if text.startswith(f"{name}, {plane}")]
            assert len(found) == 2 and "scan alone" in found[0] and "outlined in yellow" in found[1]


def test_every_picture_says_what_it_shows_and_where_left_is(whole):
    pictures = [picture for block in blocks(whole, Pictures) for picture in block.pictures]
    assert len(pictures) > 40
    for picture in pictures:
        assert picture.alt.endswith(("left is on the right.", "Anterior is on the left.")) or "scale" in picture.alt


def test_the_patient_and_the_files_are_named_only_when_asked(full):
    text = words(compose(full.findings()))
    assert "Doe" not in text and "/scans" not in text and "/models" not in text
    text = words(compose(full.findings(), identity=(("Name", "Doe^John"),)))
    assert "Doe^John" in text


def test_hundreds_of_lesions_are_listed_up_to_a_limit_and_few_are_drawn(bare):
    labels = bare.segmentation.labels
    array = labels.array * 0
    array[::3, ::3, ::3] = 99
    many = replace(bare.segmentation, labels=labels.with_array(array))
    document = compose(replace(bare.findings(), segmentation=many))
    assert len(table(document, "Lesions")) == 100
    assert sum(section.title.startswith("Lesion ") for section in document.sections) == 8
    assert "Pictures show the largest 8 lesions." in html(document)


def test_a_damaged_map_is_left_out(full):
    (full.folder / "explanation" / "lesion_1.gradcam.nrrd").write_bytes(b"NRRD0004\n")
    titles = [section.title for section in compose(full.findings()).sections]
    assert "Lesion 1, Grad-CAM" not in titles and "Left thalamus, Occlusion, MR" in titles


def test_the_light_of_an_alignment_is_a_word_and_a_color_with_its_millimeters(bare):
    entry = {"kind": "rigid", "head_overlap": 0.96}
    lights = {
        "MR": {**entry, "light": "green", "error_mm": 0.8, "error_high_mm": 2.1},
        "PET": {**entry, "light": "unknown", "light_reason": "the estimate was not calibrated with PET"},
        "T2": entry,
    }
    document = compose(bare.findings(registration=lights))
    (found,) = [t for t in blocks(document, Table) if t.head[0] == "Scans"]
    assert found.head[1] == "Estimated error"
    assert [row[1].text for row in found.rows] == [
        "green: about 0.8 mm, hardly above 2.1 mm",
        "unknown: the estimate was not calibrated with PET",
        "unknown",
    ]
    assert [row[1].color is not None for row in found.rows] == [True, False, False]

"""Reading a cohort: what is accepted, and that every problem is told at once."""

from pathlib import Path

import pytest

from MultimodalSegLib.cohort.cases import read_cases
from MultimodalSegLib.cohort.outcome import COLUMNS
from MultimodalSegLib.errors import InputError


def test_a_table_gives_volumes_reference_and_what_else_it_holds(material: Path) -> None:
    table = material / "mixed.csv"
    table.write_text(
        "ID;t1;T2;Reference;age\nanna;t1.nii.gz;;;61\n\nbert;t1.nii.gz;t1.nii.gz;t2;\n", encoding="utf-8-sig"
    )
    anna, bert = read_cases(table, own=COLUMNS)
    assert (anna.id, dict(anna.volumes), anna.reference) == ("anna", {"T1": material / "t1.nii.gz"}, "T1")
    assert anna.kept == {"age": "61"} and bert.kept == {"age": ""}
    assert list(bert.volumes) == ["T1", "T2"] and bert.reference == "T2"


def test_a_folder_of_folders_is_a_cohort_too(material: Path, tmp_path: Path) -> None:
    for name, file in {"b": "FLAIR.nii.gz", "a": "T1.nii.gz"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_bytes((material / "t1.nii.gz").read_bytes())
        (tmp_path / name / "notes.txt").write_text("not a volume", encoding="utf-8")
    (tmp_path / ".hidden").mkdir()
    assert [(case.id, *case.volumes) for case in read_cases(tmp_path)] == [("a", "T1"), ("b", "FLAIR")]


def test_every_problem_of_every_case_is_listed(material: Path, tmp_path: Path) -> None:
    (tmp_path / "text.nii.gz").write_text("this is no image", encoding="utf-8")
    (tmp_path / "empty.nrrd").touch()
    (tmp_path / "dicom").mkdir()
    volume = material / "t1.nii.gz"
    rows = [
        f"one,{volume},",
        f"ONE,{volume},",
        "gone,gone.nii.gz,",
        "text,text.nii.gz,",
        "empty,empty.nrrd,dicom",
        "../up," + str(volume) + ",",
        "nothing,,",
        f"pet,,{volume}",
    ]
    (tmp_path / "cases.csv").write_text("\n".join(["id,T1,PET", *rows]), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_cases(tmp_path / "cases.csv", families=["CT", "MR"])
    told = caught.value.message
    for words in (
        "'ONE' is there more than once",
        "gone: T1: There is no file or folder",
        "text: T1: ",
        "empty: T1: ",
        "empty: PET: ",
        "'../up' must be",
        "nothing has no volume",
        "pet: the model cannot use a PET volume",
    ):
        assert words in told, words
    assert "has 9 problems" in told and caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("name,T1", "'id' is missing"),
        ("id,scan", "no column names a modality"),
        ("id,T1,t1", "'T1' is there 2 times"),
        ("id,T1,status", "'status' has a name"),
    ],
)
def test_a_head_that_cannot_be_used_is_refused(material: Path, tmp_path: Path, head: str, words: str) -> None:
    (tmp_path / "cases.csv").write_text(f"{head}\na,{material / 't1.nii.gz'},x\n", encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_cases(tmp_path / "cases.csv", own=COLUMNS)


def test_an_empty_table_and_what_is_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("id,T1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no case"):
        read_cases(tmp_path / "cases.csv")
    (tmp_path / "cases.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="as a table"):
        read_cases(tmp_path / "cases.csv")

import math
from pathlib import Path

import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.evaluation.cases import cases_in_folders, read_cases


def a_table(folder: Path, text: str) -> Path:
    (folder / "cases.csv").write_text(text, encoding="utf-8")
    return folder / "cases.csv"


def test_a_table_with_everything(tmp_path: Path) -> None:
    text = "Case,prediction,reference,reference_2,presence,modalities,group,patient,model,probability,age\n"
    text += "a,p.nii.gz,r.nii.gz,s.nii.gz,0.25,MR + CT,site 1,anna,m,c.nrrd,40\nb,q.nii.gz,/r.nii.gz,,,,,,m,,50\n"
    found = read_cases(a_table(tmp_path, text))
    first, second = found.cases
    assert first.references == (tmp_path / "r.nii.gz", tmp_path / "s.nii.gz")
    assert (first.presence, first.modalities, first.group, first.patient) == (0.25, "CT+MR", "site 1", "anna")
    assert first.probability == tmp_path / "c.nrrd"
    assert second.references == (Path("/r.nii.gz"),) and second.patient == "b" and math.isnan(second.presence)
    assert found.sentences == ("Columns of the table that have no meaning here: age.",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("case,prediction\na,p\n", "no column 'reference'"),
        ("case,prediction,reference\n", "no row"),
        ("case,prediction,reference\na,,r\n", "without case, prediction or reference"),
        ("case,prediction,reference,presence\na,p,r,maybe\n", "presence of the case 'a' is 'maybe'"),
        ("case,prediction,reference,presence\na,p,r,1.5\n", "'1.5'"),
        ("case,prediction,reference\na,p,r\na,q,r\n", "occurs twice"),
        ("case,prediction,reference,model,patient\na,p,r,m,x\na,q,r,n,y\n", "two patients"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_cases(a_table(tmp_path, text))


def folders(root: Path, **files: list[str]) -> dict[str, Path]:
    for folder, names in files.items():
        (root / folder).mkdir()
        for name in names:
            (root / folder / name).touch()
    return {folder: root / folder for folder in files}


def test_files_are_paired_by_name_whatever_their_ending(tmp_path: Path) -> None:
    at = folders(tmp_path, found=["a.seg.nrrd", "b.nii.gz", "c.nii", "notes.txt"], true=["a.nii.gz", "b.nrrd"])
    listed = cases_in_folders({"net": at["found"]}, [at["true"]])
    assert [(case.case, case.model, case.prediction.name) for case in listed.cases] == [
        ("a", "net", "a.seg.nrrd"),
        ("b", "net", "b.nii.gz"),
    ]
    assert listed.sentences == ("net: 1 files without a reference: c.",)


def test_a_missing_answer_ends_it(tmp_path: Path) -> None:
    at = folders(tmp_path, found=["a.nii.gz"], true=["a.nii.gz", "b.nii.gz"], empty=[])
    with pytest.raises(InputError, match="1 references have no file .* predictions: b"):
        cases_in_folders({"": at["found"]}, [at["true"]])
    with pytest.raises(InputError, match="rater 2: b"):
        cases_in_folders({"": at["true"]}, [at["true"], at["found"]])
    with pytest.raises(InputError, match="holds no label map"):
        cases_in_folders({"": at["empty"]}, [at["true"]])
    with pytest.raises(InputError, match="no folder"):
        cases_in_folders({"": tmp_path / "none"}, [at["true"]])


def test_two_files_of_one_name(tmp_path: Path) -> None:
    at = folders(tmp_path, found=["a.nii.gz", "a.nrrd"])
    with pytest.raises(InputError, match="two files for 'a'"):
        cases_in_folders({"": at["found"]}, [at["found"]])

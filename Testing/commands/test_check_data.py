"""``check-data`` names every bad file in one table, and its exit code says whether to go on."""

import json
from pathlib import Path

from MultimodalSegLib.training.data.adapters import read_data_set
from Testing.training.data.trees import a_label, an_mr, write


def a_folder(folder: Path) -> Path:
    for number in range(4):
        write(an_mr(number), folder / "images" / f"case_{number}.nii.gz")
        write(a_label(), folder / "labels" / f"case_{number}.nii.gz")
    return folder


def test_a_sound_set_ends_with_0_and_can_be_saved(command, tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "data")
    ended = command("check-data", folder, "--save", tmp_path / "data" / "set.json")
    assert ended.code == 0, ended.err
    assert "4 cases of 4 patients, 4 with a label; MR in 4" in ended.out and "No problem was found" in ended.out
    assert read_data_set(folder / "set.json").cases == read_data_set(folder).cases
    assert command("check-data", folder / "set.json").code == 0


def test_bad_files_are_all_named_and_the_rest_is_checked(command, tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "images" / "case_1.nii.gz").write_bytes(b"no image")
    (folder / "labels" / "case_2.nii.gz").unlink()
    ended = command("check-data", folder)
    assert ended.code == 1 and "2 errors and 0 warnings" in ended.out
    assert "case_1" in ended.out and "case_2" in ended.out and "case_3" not in ended.out


def test_a_program_gets_json_and_nothing_else(command, tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    write(a_label({1: (slice(0, 0),) * 3}), folder / "labels" / "case_3.nii.gz")
    ended = command("check-data", folder, "--json")
    report = json.loads(ended.out)
    assert ended.code == 0 and report["modalities"] == {"MR": 4}
    assert [(p["case"], p["severity"], p["text"]) for p in report["problems"]] == [
        ("case_3", "warning", "The label is empty.")
    ]


def test_a_folder_of_nothing_known_and_a_wrong_name_are_refused(command, tmp_path: Path) -> None:
    assert command("check-data", tmp_path).code == 2
    ended = command("check-data", a_folder(tmp_path), "--save", tmp_path / "set.txt")
    assert ended.code == 3 and "set.txt" in ended.err


def test_the_expert_labels_of_the_hippocampus_are_sound(command, development_data: Path, tmp_path: Path) -> None:
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
        for path in sorted((development_data / "hippocampus" / kind).iterdir())[:12]:
            (tmp_path / kind / path.name).write_bytes(path.read_bytes())
    ended = command("check-data", tmp_path)
    assert ended.code == 0 and "MR in 12" in ended.out and "No problem was found" in ended.out

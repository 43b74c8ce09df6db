"""Files appear whole or not at all."""

from pathlib import Path

import pytest

from MultimodalSegLib.errors import OutputError
from MultimodalSegLib.writing import output_errors, whole_file, write_text


def test_the_file_comes_at_the_end_with_its_ending(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.nii.gz") as partial:
        partial.write_text("first half", encoding="utf-8")
        assert partial.name.startswith(".") and partial.name.endswith(".nii.gz")
        assert not (tmp_path / "a.nii.gz").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["a.nii.gz"]


def test_an_error_leaves_the_file_before(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "a.txt", "before")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "deep" / "a.txt") as partial:
        partial.write_text("half", encoding="utf-8")
        _ = 1 / 0
    assert [file.read_text(encoding="utf-8") for file in (tmp_path / "deep").iterdir()] == ["before"]


def test_what_the_system_refuses_is_one_sentence_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="file.a.txt cannot be written") as caught:
        write_text(tmp_path / "file" / "a.txt", "text")
    assert caught.value.hint and caught.value.sentences.endswith(caught.value.hint)
    with pytest.raises(OutputError, match="disk is full"), output_errors(tmp_path / "a"):
        raise OSError(28, "No space left on device")

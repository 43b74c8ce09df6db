from pathlib import Path

import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.evaluation.structure_list import Structure, normal, read_structures


def a_file(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_csv_and_json_say_the_same(tmp_path: Path) -> None:
    table = a_file(
        tmp_path, "a.csv", "name,prediction,reference,lesion\nliver,1,6,\nwhole tumor,2 3,4+5,yes\ncore,3,5,\n"
    )
    text = '{"liver": {"prediction": 1, "reference": [6]}, "core": {"prediction": [3], "reference": [5]},'
    text += '"whole tumor": {"prediction": [2, 3], "reference": [4, 5], "lesion": true}}'
    expected = {
        Structure("liver", frozenset({1}), frozenset({6})),
        Structure("whole tumor", frozenset({2, 3}), frozenset({4, 5}), True),
        Structure("core", frozenset({3}), frozenset({5})),
    }
    assert set(read_structures(table)) == set(read_structures(a_file(tmp_path, "a.json", text))) == expected


def test_one_value_counts_for_both_sides(tmp_path: Path) -> None:
    expected = (Structure("spleen", frozenset({3}), frozenset({3})),)
    for name, text in (("a.csv", "name,value\nspleen,3\n"), ("a.json", '{"spleen": 3}'), ("b.json", '{"3": "spleen"}')):
        assert read_structures(a_file(tmp_path, name, text)) == expected


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.csv", "value\n1\n", "lacks 'name'"),
        ("a.csv", "name,value\nliver,one\n", "not a list of structures"),
        ("a.csv", "name,value\nliver,0\n", "not a label value above 0"),
        ("a.csv", "name,value\nLeft-lung,1\nleft lung,2\n", "twice"),
        ("a.csv", "name,value\n", "holds no structure"),
        ("a.json", "[1]", "not a list of structures"),
        ("a.json", '{"liver": {"prediction": 1}}', "lacks 'reference'"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_structures(a_file(tmp_path, name, text))


def test_names_are_the_same_however_they_are_written() -> None:
    assert normal("Left-Cerebral_White  Matter ") == normal("left cerebral white matter")

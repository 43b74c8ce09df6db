import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.evaluation.matching import Contents, match, select
from MultimodalSegLib.evaluation.structure_list import Structure


def plain(*values: int) -> Contents:
    return Contents(frozenset(values), {})


def named(**names: int) -> Contents:
    return Contents(frozenset(names.values()), {value: name.replace("_", " ") for name, value in names.items()})


def test_names_count_and_not_values() -> None:
    predictions = [named(Liver=1, Spleen=2), named(Spleen=9)]
    references = [named(spleen=1, liver=2)]
    found = match(predictions, references)
    assert found.by_name and [s.name for s in found.structures] == ["spleen", "liver"] and not found.sentences
    spleen = found.structures[0]
    assert found.prediction(spleen, predictions[0].names) == {2}
    assert found.prediction(spleen, predictions[1].names) == {9}
    assert found.reference(spleen, references[0].names) == {1}


def test_values_count_where_one_side_has_no_names() -> None:
    found = match([named(liver=1, tumor=2)], [plain(1, 2)])
    assert not found.by_name
    assert found.structures[0] == Structure("liver", frozenset({1}), frozenset({1}))


def test_what_only_predictions_hold_is_left_out_and_said() -> None:
    found = match([plain(1, 2, 17)], [plain(1)])
    assert [s.name for s in found.structures] == ["label 1"]
    assert "no reference holds" in found.sentences[0] and "2, 17" in found.sentences[0]


def test_what_only_references_hold_counts_as_missed_and_is_said() -> None:
    found = match([plain(1), plain()], [plain(1, 5)])
    assert [s.name for s in found.structures] == ["label 1", "label 5"]
    assert "Counted as missed" in found.sentences[0] and "label values 5" in found.sentences[0]


def test_without_any_label_in_common_both_sides_are_listed() -> None:
    with pytest.raises(InputError, match=r"predictions hold the label values 1, 2, the references 17, 53") as told:
        match([plain(1, 2)], [plain(17, 53)])
    assert "--labels" in told.value.hint
    with pytest.raises(InputError, match="structures liver, the references kidney"):
        match([named(liver=1)], [named(kidney=1)])


def test_empty_sides() -> None:
    assert [s.name for s in match([plain(3)], [plain()]).structures] == ["label 3"], "references of healthy cases"
    assert [s.name for s in match([plain()], [plain(3)]).structures] == ["label 3"], "a model that finds nothing"
    with pytest.raises(InputError, match="Neither"):
        match([plain()], [plain()])


def test_an_empty_file_without_names_does_not_undo_names() -> None:
    assert match([named(liver=1), plain()], [named(liver=4)]).by_name


def test_lesions_are_known_by_word_by_file_and_by_option() -> None:
    file = Contents(
        frozenset({1, 2, 3, 4}), {1: "MS lesion", 2: "Tumor", 3: "infarct", 4: "Brain"}, frozenset({"Tumor"})
    )
    found = match([file], [file], ["Infarct"])
    assert [s.name for s in found.structures if s.lesion] == ["MS lesion", "Tumor", "infarct"]


def test_only_some_structures() -> None:
    known = match([plain(1, 2, 3)], [plain(1, 2, 3)]).structures
    assert [s.name for s in select(known, only=["label 3", "Label-1"])] == ["label 1", "label 3"]
    with pytest.raises(InputError, match="no structure 'liver'"):
        select(known, lesions=["liver"])

"""Classes of new data beside those that a model knows: names, values, sides, families."""

import torch

from MultimodalSegLib.training.initial.known import KnownModel
from MultimodalSegLib.training.initial.merge import knows_more, merged, merged_classes
from MultimodalSegLib.training.samples import Sample
from MultimodalSegLib.training.source import Source
from Testing.training.small import MODEL

BACKGROUND = {"name": "background", "value": 0}
ABOUT = {
    "description": "New.",
    "license": "not stated",
    "training_data": "new",
    "limits": ["Research use only."],
    "region": "volume",
    "preprocessing": {"PET": {"kind": "robust"}, "MR": {"kind": "zscore"}},
}


def an_entry(name: str, value: int, **more: object) -> dict:
    return {"name": name, "value": value, "color": [1, 2, 3], "terminology": f"term of {name}", **more}


def a_pair(name: str, left: int, right: int) -> dict:
    return {"name": name, "left": {"value": left, "color": [0, 0, 1]}, "right": {"value": right, "color": [0, 0, 2]}}


def a_sample() -> Sample:
    channel = torch.tensor([[[[0, 1, 2]]]])
    return Sample(torch.zeros(1, 2, 1, 1, 3), torch.tensor([[0, 1]]), channel, torch.zeros(1), torch.zeros(1))


def a_source(classes: list[dict], lesion: dict | None = None) -> Source:
    return Source(lambda plan: [a_sample()], [a_sample()], ("PET", "MR"), tuple(classes), lesion or {}, ABOUT, 1)


def test_known_classes_come_first_and_new_ones_get_values_of_their_own() -> None:
    known = [BACKGROUND, an_entry("a", 1), a_pair("p", 5, 6)]
    new = [{**BACKGROUND}, an_entry("b", 5), an_entry("a", 7), a_pair("q", 6, 20), an_entry("c", 9)]
    found = merged_classes(known, new, {"name": "lesion", "value": 9})
    assert [entry["name"] for entry in found] == ["background", "a", "p", "b", "q", "c"]
    assert found[1] == known[1] and found[2] == known[2]
    assert found[3]["value"] == 10 and found[3]["terminology"] == "term of b"
    assert (found[4]["left"]["value"], found[4]["right"]["value"]) == (11, 20)
    assert found[5]["value"] == 21


def test_a_known_class_of_which_the_data_tell_the_sides_becomes_a_pair_in_its_place() -> None:
    found = merged_classes([BACKGROUND, an_entry("a", 1), an_entry("b", 2)], [BACKGROUND, a_pair("a", 3, 2)], {})
    assert [entry["name"] for entry in found] == ["background", "a", "b"]
    assert (found[1]["left"]["value"], found[1]["right"]["value"]) == (3, 4)


def test_a_merged_source_numbers_samples_anew_and_prepares_each_family_as_before() -> None:
    known = KnownModel("tiny 0.0.1", MODEL, {}, "")
    source = a_source([BACKGROUND, an_entry("tumor", 1), an_entry("shell", 2)])
    assert knows_more(known, source)
    both = merged(source, known)
    assert both.names == ["background", "ball", "shell", "tumor"] and both.families == ("CT", "MR", "PET")
    assert both.classes[3]["value"] == 10  # behind the lesion's 9
    for samples in (both.samples(None), both.held_out):
        assert samples[0].channel.flatten().tolist() == [0, 3, 2] and samples[0].family.tolist() == [[2, 1]]
    kinds = {family: way["kind"] for family, way in both.about["preprocessing"].items()}
    assert kinds == {"CT": "head-ct", "MR": "robust", "PET": "robust"}
    assert both.lesion == MODEL["lesion"] and "random numbers" in both.about["training_data"]


def test_a_lesion_is_kept_or_added_with_a_free_value() -> None:
    without = {**MODEL, "lesion": {}}
    lesion = an_entry("metastasis", 2)
    both = merged(a_source([BACKGROUND], lesion), KnownModel("tiny", without, {}, ""))
    assert both.lesion["name"] == "metastasis" and both.lesion["value"] == 3
    kept = merged(a_source([BACKGROUND], lesion), KnownModel("tiny", MODEL, {}, ""))
    assert kept.lesion == MODEL["lesion"]


def test_a_model_that_knows_nothing_else_has_nothing_to_keep() -> None:
    known = KnownModel("tiny", MODEL, {}, "")
    everything = [BACKGROUND, an_entry("ball", 1), an_entry("shell", 2)]
    assert not knows_more(known, a_source(everything, an_entry("lesion", 3)))
    assert knows_more(known, a_source(everything))

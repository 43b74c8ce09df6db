"""Choices that contradict each other or cannot be, said in a sentence; files that a site writes by hand."""

from pathlib import Path

import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.federation.settings import Federation
from MultimodalSegLib.federation.simulate import reasons
from MultimodalSegLib.federation.site_file import TEMPLATE, SiteFile, read_site_file, write_site_file
from Testing.federation.small import a_federation, a_plan


def test_choices_survive_the_file(tmp_path: Path) -> None:
    chosen = a_federation(("a", "b", "c"), proximal=0.1, clip=1.0, noise=2.0, local_normalization=True)
    (tmp_path / "federation.json").write_text(chosen.to_json(), encoding="utf-8")
    assert Federation.read(tmp_path / "federation.json") == chosen and chosen.steps == 4


@pytest.mark.parametrize(
    ("sites", "changes", "problem"),
    [
        ((), {}, "needs sites"),
        (("a", "a"), {}, "'a' is named twice"),
        (("../a",), {}, "'../a' cannot be the name"),
        (("server",), {}, "'server' cannot be the name"),
        (("a",), {"rounds": 0}, "rounds is 0"),
        (("a",), {"min_sites": 2}, "needs 2 sites, but there are 1"),
        (("a",), {"noise": 1.0}, "--clip"),
        (("a",), {"proximal": float("nan")}, "proximal is nan"),
        (("a",), {"ema_decay": 1.0}, "ema_decay is 1.0"),
        (("a",), {"delta": 0.0}, "delta is 0.0"),
    ],
)
def test_impossible_choices_are_refused(sites, changes, problem) -> None:
    with pytest.raises(InputError) as caught:
        a_federation(sites, **changes)
    assert problem in f"{caught.value.message} {caught.value.hint}"


def test_what_went_wrong_at_sites_is_told_after_a_simulation(tmp_path: Path) -> None:
    (tmp_path / "north").mkdir()
    text = "Traceback\n  File x\nMultimodalSegLib.errors.InputError: The class 'a' is unknown.\n"
    (tmp_path / "north" / "failure.log").write_text(text, encoding="utf-8")
    assert reasons(tmp_path) == ["north: The class 'a' is unknown."]


@pytest.mark.parametrize("text", ["", "{", '{"identity": "x"}', '{"identity": "x", "strange": 1}'])
def test_a_damaged_file_is_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "federation.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="does not describe a federation"):
        Federation.read(tmp_path / "federation.json")


def test_a_site_s_file_gives_its_own_places_to_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "local" / "north.yaml"
    path.parent.mkdir()
    path.write_text("data: ../images/dataset.json\nheld_out: [7, case2]\n", encoding="utf-8")
    found = read_site_file(path)
    assert found == SiteFile(data=str(tmp_path / "images" / "dataset.json"), held_out=("7", "case2"))
    plan = found.plan(a_plan(device="cuda"))
    assert (plan.data, plan.held_out, plan.device) == (found.data, ("7", "case2"), "auto")
    assert found.plan(a_plan(seed=5), 2).seed == 7
    write_site_file(found, path)
    assert read_site_file(path) == found
    path.write_text(TEMPLATE, encoding="utf-8")
    with pytest.raises(InputError, match="either a data set or a folder of label maps"):
        read_site_file(path).plan(a_plan())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dat: x", "unknown key 'dat'; the nearest known is 'data'"),
        ("[1, 2]", "no 'key: value' lines"),
        ("data: [", "cannot be read"),
        ("data: 3", "wrong kind"),
        ("device: tpu", "wrong kind"),
        ("held_out: 3", "cannot be understood"),
    ],
)
def test_a_site_s_file_with_mistakes_is_a_sentence(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "north.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_site_file(tmp_path / "north.yaml")
    assert problem in caught.value.message

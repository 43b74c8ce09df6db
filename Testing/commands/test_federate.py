"""The commands ``federate job`` and ``provision``, and sentences when they cannot; a run is in Testing/federation."""

import pytest

from MultimodalSegLib.training.plan_file import write_plan
from Testing.federation.small import a_data_set, a_plan

pytest.importorskip("nvflare")


@pytest.fixture
def plan(tmp_path):
    """A plan for a data set with CT."""
    path = tmp_path / "plan.yaml"
    write_plan(a_plan(a_data_set(tmp_path / "data", ["CT"]), steps=40), path)
    return path


def test_a_plan_becomes_a_job_and_says_what_privacy_costs(command, plan, tmp_path) -> None:
    sites = ("--sites", "north", "--sites", "south", "--modality", "T1", "--modality", "CT")
    private = ("--clip", "1", "--noise", "20", "--delta", "1e-6")
    ended = command("federate", "job", plan, "--out", tmp_path / "job", "--rounds", "10", *sites, *private)
    assert ended.code == 0, ended.err
    assert "2 sites, 10 rounds of 4 steps; a round needs 2 of them" in ended.out
    assert "epsilon 1.4" in ended.out or "epsilon 1.5" in ended.out
    assert '"MR"' in (tmp_path / "job" / "app_north" / "config" / "common_model.json").read_text(encoding="utf-8")
    again = command("federate", "job", plan, "--out", tmp_path / "job", *sites)
    assert again.code == 3 and "exists already" in again.err
    other = command("federate", "simulate", tmp_path / "job", "--out", tmp_path / "run", "--site", "north=x")
    assert other.code == 2 and "The job is for the sites north, south" in other.err


def test_what_cannot_be_is_a_sentence(command, plan, tmp_path) -> None:
    ended = command("federate", "job", plan, "--out", tmp_path / "job", "--sites", "north", "--min-sites", "3")
    assert ended.code == 2 and "needs 3 sites, but there are 1" in ended.err
    ended = command("federate", "simulate", tmp_path, "--out", tmp_path / "run", "--site", "north=x")
    assert ended.code == 2 and "is not the job of a federation" in ended.err
    ended = command("federate", "simulate", tmp_path, "--out", tmp_path / "run", "--site", "north")
    assert ended.code == 2 and "'north' is not NAME=VALUE" in ended.err


def test_kits_are_made(command, tmp_path) -> None:
    options = ("--server", "localhost", "--sites", "north", "--admin", "admin@example.org")
    ended = command("federate", "provision", "--out", tmp_path / "kits", *options)
    assert ended.code == 0, ended.err
    assert "local/multimodalseg/north.yaml" in ended.out and "private key" in ended.out

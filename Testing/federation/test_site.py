"""A site with the real training loop: rounds, restarts, modalities that it lacks, layers that stay, privacy."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from MultimodalSegLib.errors import Cancelled, InputError
from MultimodalSegLib.federation.average import average
from MultimodalSegLib.federation.common_model import CommonModel, common_model, shared_plan
from MultimodalSegLib.federation.local_layers import normalization_names
from MultimodalSegLib.federation.privacy import spent_epsilon
from MultimodalSegLib.federation.settings import Federation
from MultimodalSegLib.federation.site import Site
from MultimodalSegLib.federation.site_file import SiteFile
from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.training.checkpoint import read_state
from Testing.federation.small import a_data_set, a_federation, a_plan

CT, MR = range(2)


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory) -> SimpleNamespace:
    """The data of a site with CT and of one with both, and the model that they begin with."""
    folder = tmp_path_factory.mktemp("hospitals")
    ct = a_data_set(folder / "ct", ["CT"], 3, 1)
    both = a_data_set(folder / "both", ["CT", "MR"], 2, 2)
    return SimpleNamespace(ct=ct, both=both, model=common_model(a_plan(both)))


def a_site(data: Path, model: CommonModel, folder: Path, held_out: tuple[str, ...] = (), **choices) -> Site:
    federation: Federation = a_federation(**choices)
    own = SiteFile(data=str(data), held_out=held_out, device="cpu", cache=str(data.parent / "prepared"))
    return Site(own.plan(shared_plan(a_plan(), federation.steps)), federation, model.metadata, folder)


def same(first, second) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_what_a_site_lacks_is_not_trained_and_stays_in_the_average(hospitals, tmp_path) -> None:
    begin = hospitals.model.weights
    site = a_site(hospitals.ct, hospitals.model, tmp_path / "ct", ("case0",), proximal=0.1, norm_weight=1e-4)
    update, metrics = site.train(begin, 0)
    tables = [name for name in update.trained if name.startswith("modulate") and update.trained[name].shape == (2,)]
    assert tables and all(update.trained[name].tolist() == [True, False] for name in tables)
    assert update.cases == 2 and update.problem(begin) == ""
    assert set(metrics) == {"dice", "dice ball", "dice shell", "loss"}
    found = average(begin, [update])
    for name in tables:
        assert np.array_equal(found[name][MR], begin[name][MR])
        assert not np.array_equal(found[name][CT], begin[name][CT])


def test_a_site_that_is_killed_ends_with_the_same_weights(hospitals, tmp_path) -> None:
    torch.set_num_threads(1)
    begin = hospitals.model.weights
    whole = a_site(hospitals.both, hospitals.model, tmp_path / "whole")
    first, _ = whole.train(begin, 0)
    second, _ = whole.train(first.weights, 1)

    def stop(event) -> None:
        if event.done == 3:
            raise Cancelled("Killed.")

    part = a_site(hospitals.both, hospitals.model, tmp_path / "part")
    again, _ = part.train(begin, 0)
    assert same(first.weights, again.weights)
    state = (tmp_path / "part" / "last.pt").read_bytes()
    with pytest.raises(Cancelled):
        part.train(first.weights, 1, stop)
    (tmp_path / "part" / "last.pt").write_bytes(state)  # a killed process saves nothing
    rest, _ = a_site(hospitals.both, hospitals.model, tmp_path / "part").train(first.weights, 1)
    assert same(second.weights, rest.weights) and not same(first.weights, rest.weights)
    assert read_state(tmp_path / "part" / "last.pt")["step"] == 4


def test_normalization_may_stay_at_the_site(hospitals, tmp_path) -> None:
    site = a_site(hospitals.both, hospitals.model, tmp_path / "site", local_normalization=True)
    local = normalization_names(build_network(hospitals.model.metadata["network"]))
    begin = hospitals.model.weights
    update, _ = site.train(begin, 0)
    assert local and not local & set(update.weights) and set(update.weights) | local == set(begin)
    common = average(begin, [update])
    site.judge(common)
    kept = load_bundle(tmp_path / "site" / "tiny").network().state_dict()
    state = read_state(tmp_path / "site" / "last.pt")["network"]
    assert all(torch.equal(kept[name], state[name]) for name in local)
    assert any(not np.array_equal(kept[name].numpy(), begin[name]) for name in local)
    assert all(np.array_equal(kept[name].numpy(), common[name]) for name in update.weights)


def test_the_change_is_bounded_and_what_it_costs_is_told(hospitals, tmp_path) -> None:
    begin = hospitals.model.weights
    site = a_site(hospitals.both, hospitals.model, tmp_path / "bound", clip=0.01)
    update, metrics = site.train(begin, 0)
    far = np.sqrt(sum(np.square(update.weights[n] - begin[n], dtype=float).sum() for n in begin))
    assert far == pytest.approx(0.01, rel=1e-3) and "epsilon" not in metrics
    noisy = a_site(hospitals.both, hospitals.model, tmp_path / "noise", clip=0.01, noise=20.0)
    assert noisy.train(begin, 0)[1]["epsilon"] == pytest.approx(spent_epsilon(20.0, 1, 1e-5))
    again = a_site(hospitals.both, hospitals.model, tmp_path / "noise", clip=0.01, noise=20.0)
    assert again.train(begin, 0)[1]["epsilon"] == pytest.approx(spent_epsilon(20.0, 2, 1e-5))


def test_the_proximal_term_keeps_a_site_near(hospitals, tmp_path) -> None:
    begin, far = hospitals.model.weights, {}
    for mu in (0.0, 1e3):
        site = a_site(hospitals.both, hospitals.model, tmp_path / str(mu), proximal=mu, local_steps=6, rounds=1)
        update, _ = site.train(begin, 0)
        far[mu] = sum(np.square(update.weights[n] - begin[n], dtype=float).sum() for n in begin)
    assert far[1e3] < 0.5 * far[0.0]


def test_sites_that_do_not_fit_are_refused(hospitals, tmp_path) -> None:
    metadata = hospitals.model.metadata
    other = replace(hospitals.model, metadata={**metadata, "network_classes": metadata["network_classes"][:2]})
    with pytest.raises(InputError, match="'shell' of this site is unknown to the federation"):
        a_site(hospitals.both, other, tmp_path)
    pet = replace(hospitals.model, metadata={**metadata, "modality_families": ["CT", "PET"]})
    with pytest.raises(InputError, match="does not know MR"):
        a_site(hospitals.both, pet, tmp_path)

"""The whole way on this computer with FLARE's own server, clients and messages, of which every byte is looked at."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from MultimodalSegLib import Case, load_bundle, read_volume, segment
from MultimodalSegLib.federation.common_model import common_model
from MultimodalSegLib.federation.job import write_job
from MultimodalSegLib.federation.server_state import ServerState, read_metrics
from MultimodalSegLib.federation.simulate import simulate
from MultimodalSegLib.federation.site_file import SiteFile
from Testing.federation.small import a_data_set, a_federation, a_plan

pytest.importorskip("nvflare")

PATIENT = "Mustermann"
WORDS = re.compile(rb"[ -~]{4,}")


@pytest.fixture(scope="module")
def federation(tmp_path_factory) -> SimpleNamespace:
    """Two rounds of two sites: one with CT alone, one with CT and MRI, which holds a case out."""
    folder = tmp_path_factory.mktemp("federation")
    data = {
        "north": a_data_set(folder / "secret-north", ["CT"], 3, 1, PATIENT),
        "south": a_data_set(folder / "secret-south", ["CT", "MR"], 2, 2, PATIENT),
    }
    sites = {name: SiteFile(data=str(path), device="cpu") for name, path in data.items()}
    sites["south"] = SiteFile(data=str(data["south"]), device="cpu", held_out=(f"{PATIENT}1",))
    plan = a_plan(data["south"])
    model = common_model(plan)
    chosen = a_federation(tuple(data), min_sites=2, wait_s=60, ema_decay=0.5)
    job = write_job(plan, chosen, model, folder / "job")
    spied, events = folder / "spied", []
    spied.mkdir()
    variables = {"FEDERATION_SPY": str(spied), "PYTHONPATH": str(Path(__file__).parent / "spy"), "OMP_NUM_THREADS": "1"}
    bundle = simulate(job, sites, folder / "run", events.append, 2, variables)
    return SimpleNamespace(folder=folder, data=data, model=model, bundle=bundle, spied=spied, events=events, job=job)


def test_every_site_takes_part_in_every_round_and_says_how_it_does(federation) -> None:
    rows = {(row["round"], row["site"]): row for row in read_metrics(federation.bundle.parent)}
    assert set(rows) == {(n, site) for n in ("0", "1", "final") for site in ("north", "south")}
    assert rows["0", "north"]["cases"] == "3" and rows["0", "south"]["cases"] == "1"
    assert {"loss", "dice", "dice ball", "dice shell"} <= set(rows["1", "south"]) and "dice" not in rows["1", "north"]
    assert "dice" in rows["final", "south"]
    assert (federation.events[-1].done, federation.events[-1].total) == (4, 4)


def test_the_model_is_the_average_and_segments(federation) -> None:
    state = ServerState.read(federation.bundle.parent, federation.model.weights)
    assert state.rounds == 2
    assert any(not np.array_equal(state.weights[n], value) for n, value in federation.model.weights.items())
    bundle = load_bundle(federation.bundle)
    kept = bundle.network().state_dict()
    assert all(np.allclose(kept[n].numpy(), state.average[n], atol=1e-3) for n in kept)
    assert "4 cases of 2 sites" in bundle.metadata["training_data"]
    scan = federation.data["north"].parent / f"{PATIENT}0_CT.nii.gz"
    found = segment(Case({"CT": read_volume(scan)}), bundle, device="cpu")
    assert found.labels.array.shape == (16, 16, 16)
    for site in ("north", "south"):
        assert load_bundle(federation.folder / "run" / "sites" / site / "tiny-1" / "tiny").name == "tiny"


def test_no_path_name_or_image_leaves_a_site(federation) -> None:
    sent = {path.name: path.read_bytes() for path in federation.spied.glob("site.*")}
    assert len(sent) == 2  # a process for each site
    weights = sum(value.nbytes for value in federation.model.weights.values())
    for content in sent.values():
        assert 2 * weights < len(content) < 3 * weights + 100_000  # two rounds
        assert b"dice" in content or b"loss" in content
        words = b"\n".join(WORDS.findall(content)).decode()
        for secret in (PATIENT, "secret-", ".nii", str(federation.folder), "held_out", "prepared"):
            assert secret not in words
        for image in federation.folder.glob("run/sites/*/prepared/*/images.npy"):
            values = np.load(image)
            middle = values.shape[-1] // 2
            for kind in (values.dtype, np.float32, np.float16):
                line = np.ascontiguousarray(values[0, middle, middle], kind).tobytes()
                assert line not in content


def test_nothing_of_the_coordinator_is_in_the_job(federation) -> None:
    files = [path for path in federation.job.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix == ".py"]  # the code is what each site has installed
    everything = b"".join(path.read_bytes() for path in files)
    for secret in (PATIENT, str(federation.folder), "secret-"):
        assert secret.encode() not in everything
    with_weights = [path.parent.parent.name for path in federation.job.rglob("*.safetensors")]
    assert with_weights == ["app_server"]

"""What the server keeps: goes on after a restart, and says who did how well."""

import numpy as np
import pytest

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.federation.common_model import to_arrays
from MultimodalSegLib.federation.server_state import STATE, ServerState, add_metrics, read_metrics, write_model
from MultimodalSegLib.models.bundle import load_bundle
from Testing.federation.small import a_federation
from Testing.training.small import MODEL, a_network

FIRST = {"w": np.zeros((2, 2), np.float32), "n": np.array(3)}


def test_a_server_that_comes_back_goes_on_after_the_last_round(tmp_path) -> None:
    begun = ServerState.read(tmp_path, FIRST)
    assert begun.rounds == 0 and begun.weights is FIRST
    after = begun.after_round({"w": np.ones((2, 2), np.float32), "n": np.array(4)}, 0.5)
    after.write(tmp_path)
    (tmp_path / f".{STATE}.part").write_bytes(b"half written when the power went")
    found = ServerState.read(tmp_path, FIRST)
    assert found.rounds == 1 and found.weights["w"].tolist() == [[1, 1], [1, 1]] and int(found.weights["n"]) == 4
    assert np.allclose(found.average["w"], 1 - 2 / 11) and found.average["w"].dtype == np.float32


def test_a_damaged_or_foreign_state_is_a_sentence(tmp_path) -> None:
    ServerState.read(tmp_path, FIRST).after_round(FIRST, 0.0).write(tmp_path)
    with pytest.raises(InputError, match="of another network"):
        ServerState.read(tmp_path, {"w": np.zeros((3, 2), np.float32)})
    (tmp_path / STATE).write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        ServerState.read(tmp_path, FIRST)


def test_a_row_that_is_said_again_is_replaced(tmp_path) -> None:
    add_metrics(tmp_path, 0, "north", 3, {"loss": 2.0})
    add_metrics(tmp_path, 0, "south", 1, {"loss": 3.0, "dice": 0.5})
    add_metrics(tmp_path, 0, "north", 3, {"loss": 1.0})
    add_metrics(tmp_path, "final", "south", None, {"dice": 0.75})
    rows = {(row["round"], row["site"]): row for row in read_metrics(tmp_path)}
    assert len(rows) == 3 and rows["0", "north"] == {"round": "0", "site": "north", "cases": "3", "loss": "1"}
    assert rows["final", "south"] == {"round": "final", "site": "south", "dice": "0.75"}


def test_the_model_says_how_it_came_about(tmp_path) -> None:
    weights = to_arrays(a_network())
    add_metrics(tmp_path, 0, "north", 3, {"loss": 2.0})
    add_metrics(tmp_path, 0, "south", 1, {"loss": 3.0})
    federation = a_federation(local_normalization=True)
    written = write_model(ServerState(2, weights, weights), MODEL, federation, tmp_path)
    metadata = load_bundle(written.path).metadata
    assert metadata["training"]["cases"] == {"north": 3, "south": 1} and metadata["training"]["rounds"] == 2
    assert "4 cases of 2 sites" in metadata["training_data"]
    assert any("stayed at the sites" in limit for limit in metadata["limits"])

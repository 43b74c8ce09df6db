"""What a site lets out, and what it stops."""

import numpy as np
import pytest

pytest.importorskip("nvflare")
from nvflare.apis.dxo import DXO, DataKind  # noqa: E402
from nvflare.apis.fl_constant import ReturnCode  # noqa: E402
from nvflare.apis.shareable import make_reply  # noqa: E402

from MultimodalSegLib.federation.average import Update  # noqa: E402
from MultimodalSegLib.federation.message import Allowed, pack_update, unpack_update  # noqa: E402
from Testing.training.small import MODEL  # noqa: E402

ALLOWED = Allowed.of_model(MODEL)
NAME = "stem.weight"
SHAPE = ALLOWED.shapes[NAME]
WEIGHTS = {NAME: np.ones(SHAPE, np.float32)}
TRAINED = {NAME: np.ones(SHAPE[:1], bool)}
GOOD = pack_update(Update(WEIGHTS, TRAINED, 7), {"dice": 0.5, "dice ball": 0.25, "loss": 1.5})


def changed(**meta) -> object:
    return DXO(DataKind.WEIGHTS, WEIGHTS, {"cases": 1, "trained": TRAINED, **meta}).to_shareable()


def with_weights(weights: dict) -> object:
    return DXO(DataKind.WEIGHTS, weights, {"cases": 1, "trained": {}}).to_shareable()


def test_a_round_of_a_site_passes_and_arrives_as_it_was() -> None:
    assert ALLOWED.problem(GOOD) == ""
    update, metrics = unpack_update(GOOD)
    assert update.cases == 7 and np.array_equal(update.weights[NAME], WEIGHTS[NAME])
    assert update.trained[NAME].all() and metrics == {"dice": 0.5, "dice ball": 0.25, "loss": 1.5}
    assert ALLOWED.problem(DXO(DataKind.METRICS, {"dice": 0.5}).to_shareable()) == ""
    assert ALLOWED.problem(make_reply(ReturnCode.EXECUTION_EXCEPTION)) == ""


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (with_weights({"image": np.ones((16, 16, 16))}), "'image', which is no weight"),
        (with_weights({NAME: np.ones((16, 16, 16))}), "is not an array of numbers of the shape"),
        (with_weights({NAME: np.full(SHAPE, "Mustermann")}), "is not an array of numbers"),
        (with_weights({NAME: "/data/Mustermann"}), "is not an array of numbers"),
        (changed(path="/data"), "'path' beside the weights"),
        (changed(cases="Mustermann"), "number of cases"),
        (changed(trained={NAME: np.ones(SHAPE)}), "truth value"),
        (changed(initial_metrics={"dice Mustermann": 1.0}), "the metric 'dice Mustermann'"),
        (changed(initial_metrics={"dice": "Mustermann"}), "is no number"),
        (DXO(DataKind.METRICS, {"dice": 1.0}, {"who": "me"}).to_shareable(), "more than metrics"),
        (DXO(DataKind.STATISTICS, {"mean": 1.0}).to_shareable(), "it holds"),
    ],
)
def test_anything_else_is_stopped(message, problem) -> None:
    assert problem in ALLOWED.problem(message)


def test_a_failure_tells_nothing_but_its_code() -> None:
    failed = with_weights(WEIGHTS)
    failed.set_return_code(ReturnCode.EXECUTION_EXCEPTION)
    assert "more than the code" in ALLOWED.problem(failed)
    extra = make_reply(ReturnCode.OK)
    extra["note"] = "/data"
    assert "'note'" in ALLOWED.problem(extra)


def test_a_message_without_its_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks 'trained'"):
        unpack_update(DXO(DataKind.WEIGHTS, WEIGHTS, {"cases": 3}).to_shareable())

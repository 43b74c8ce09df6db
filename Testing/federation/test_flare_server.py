"""Answers that the server takes and those it does not, with FLARE's own messages and context."""

import numpy as np
import pytest

pytest.importorskip("nvflare")
from nvflare.apis.dxo import from_shareable  # noqa: E402
from nvflare.apis.fl_constant import FLContextKey, ReservedKey, ReturnCode  # noqa: E402
from nvflare.apis.fl_context import FLContext  # noqa: E402
from nvflare.apis.shareable import make_reply  # noqa: E402
from nvflare.app_common.abstract.model import make_model_learnable  # noqa: E402
from nvflare.app_common.app_constant import AppConstants  # noqa: E402

from MultimodalSegLib.federation.average import Update  # noqa: E402
from MultimodalSegLib.federation.flare_server import CaseWeightedAggregator, ModelKeeper  # noqa: E402
from MultimodalSegLib.federation.message import pack_update  # noqa: E402
from MultimodalSegLib.federation.server_state import read_metrics  # noqa: E402

BEGIN = {"w": np.zeros(2, np.float32)}
ROUND = 3


class Engine:
    """Has the keeper alone."""

    def __init__(self, keeper: ModelKeeper) -> None:
        self.keeper = keeper

    def get_component(self, name: str) -> ModelKeeper | None:
        return self.keeper if name == "persistor" else None

    def fire_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Nobody listens."""


@pytest.fixture
def context(tmp_path) -> FLContext:
    """The server in round 3."""
    keeper = ModelKeeper()
    keeper.folder = tmp_path
    found = FLContext()
    found.set_prop(ReservedKey.ENGINE, Engine(keeper), private=True, sticky=False)
    found.set_prop(FLContextKey.JOB_META, {}, private=True, sticky=False)
    found.set_prop(AppConstants.CURRENT_ROUND, ROUND, private=True, sticky=True)
    found.set_prop(AppConstants.GLOBAL_MODEL, make_model_learnable(dict(BEGIN), {}), private=True, sticky=True)
    return found


def an_answer(site: str, value: float, cases: int, number: int = ROUND):
    weights = {"w": np.full(2, value, np.float32)}
    message = pack_update(Update(weights, {"w": np.array([True, site != "north"])}, cases), {"loss": value})
    message.add_cookie(AppConstants.CONTRIBUTION_ROUND, number)
    message.set_peer_props({ReservedKey.IDENTITY_NAME: site})
    return message


def test_sites_are_averaged_and_their_metrics_kept(context, tmp_path) -> None:
    aggregator = CaseWeightedAggregator()
    assert aggregator.accept(an_answer("south", 4.0, 1), context)
    assert aggregator.accept(an_answer("north", 8.0, 3), context)
    assert from_shareable(aggregator.aggregate(context)).data["w"].tolist() == [7.0, 4.0]
    assert [(row["round"], row["site"], row["loss"]) for row in read_metrics(tmp_path)] == [
        ("3", "south", "4"),
        ("3", "north", "8"),
    ]
    aggregator.reset(context)
    assert from_shareable(aggregator.aggregate(context)).data["w"].tolist() == [0.0, 0.0]


def test_late_failed_and_unfit_answers_are_not_used(context, tmp_path) -> None:
    aggregator = CaseWeightedAggregator()
    failed = make_reply(ReturnCode.EXECUTION_EXCEPTION)
    failed.set_peer_props({ReservedKey.IDENTITY_NAME: "north"})
    assert not aggregator.accept(failed, context)
    assert not aggregator.accept(an_answer("north", 1.0, 3, ROUND - 1), context)
    assert not aggregator.accept(an_answer("north", float("nan"), 3), context)
    assert not aggregator.accept(an_answer("north", 1.0, 0), context)
    assert from_shareable(aggregator.aggregate(context)).data["w"].tolist() == [0.0, 0.0]
    assert read_metrics(tmp_path) == []

"""The server's side in NVIDIA FLARE's workflow of scattering and gathering; built by FLARE from the job."""

from __future__ import annotations

import shutil
from pathlib import Path

from nvflare.apis.controller_spec import ClientTask, Task
from nvflare.apis.dxo import DXO, DataKind, from_shareable
from nvflare.apis.fl_constant import ReservedKey, ReturnCode
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.apis.signal import Signal
from nvflare.app_common.abstract.aggregator import Aggregator
from nvflare.app_common.abstract.learnable_persistor import LearnablePersistor
from nvflare.app_common.abstract.model import ModelLearnable, ModelLearnableKey, make_model_learnable
from nvflare.app_common.app_constant import AppConstants
from nvflare.app_common.workflows.scatter_and_gather import ScatterAndGather

from .average import Update, Weights, average
from .flare_context import job_config, local_folder, read_metadata, work_folder
from .message import JUDGE, unpack_update
from .server_state import FINAL, METRICS, ServerState, add_metrics, write_model
from .settings import FEDERATION, Federation
from .site_file import place_of, read_site_file

PERSISTOR, AGGREGATOR = "persistor", "aggregator"
"""What the components are called in a job."""

FIRST_WEIGHTS = "first_weights.safetensors"
"""The weights of the common model, in the server's part of a job."""


class ModelKeeper(LearnablePersistor):
    """Keeps the state of the federation in a folder that outlives jobs and restarts of the server."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path()
        self.federation: Federation | None = None
        self.state: ServerState | None = None

    def load(self, fl_ctx: FLContext) -> ModelLearnable:
        """The weights after the last finished round, or the first ones."""
        from safetensors.numpy import load_file

        config = job_config(fl_ctx)
        self.federation = Federation.read(config / FEDERATION)
        own = place_of(local_folder(fl_ctx), "server")
        self.folder = work_folder(fl_ctx, read_site_file(own).work if own.exists() else "", self.federation)
        self.state = ServerState.read(self.folder, load_file(str(config / FIRST_WEIGHTS)))
        return make_model_learnable(dict(self.state.weights), {})

    def save(self, learnable: ModelLearnable, fl_ctx: FLContext) -> None:
        """After a round."""
        assert self.state and self.federation
        self.state = self.state.after_round(learnable[ModelLearnableKey.WEIGHTS], self.federation.ema_decay)
        self.state.write(self.folder)

    def finish(self, fl_ctx: FLContext) -> None:
        """Write the model, and leave a copy of everything with the results of the job, for who downloads them."""
        assert self.state and self.federation
        bundle = write_model(self.state, read_metadata(job_config(fl_ctx)), self.federation, self.folder)
        results = Path(fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id()))
        shutil.copytree(bundle.path, results / bundle.path.name, dirs_exist_ok=True)
        if (self.folder / METRICS).exists():
            shutil.copy2(self.folder / METRICS, results / METRICS)


class CaseWeightedAggregator(Aggregator):
    """Averages the weights of the sites by their cases, each row over the sites that trained it."""

    def __init__(self) -> None:
        super().__init__()
        self._updates: dict[str, Update] = {}

    def accept(self, shareable: Shareable, fl_ctx: FLContext) -> bool:
        """Take what a site sends, unless it is of an earlier round, has failed, or does not fit the network."""
        site = str(shareable.get_peer_prop(ReservedKey.IDENTITY_NAME, "?"))
        number = fl_ctx.get_prop(AppConstants.CURRENT_ROUND)
        if shareable.get_return_code() not in (None, ReturnCode.OK):
            return False
        if shareable.get_cookie(AppConstants.CONTRIBUTION_ROUND) != number:
            self.log_warning(fl_ctx, f"{site} has answered an earlier round than {number}.")
            return False
        try:
            update, metrics = unpack_update(shareable)
            problem = update.problem(_global_weights(fl_ctx))
        except ValueError as error:
            problem = str(error)
        if problem:
            self.log_error(fl_ctx, f"The update of {site} is not used: {problem}.")
            return False
        self._updates[site] = update
        add_metrics(_keeper(fl_ctx).folder, number, site, update.cases, metrics)
        return True

    def aggregate(self, fl_ctx: FLContext) -> Shareable:
        """The new weights of the federation."""
        sites = sorted(self._updates)  # sums depend on the order, and answers come in any
        weights = average(_global_weights(fl_ctx), [self._updates[site] for site in sites])
        self.log_info(fl_ctx, f"Averaged {', '.join(sites) or 'nothing'}.")
        return DXO(DataKind.WEIGHTS, weights).to_shareable()

    def reset(self, fl_ctx: FLContext) -> None:
        """Forget the round."""
        self._updates = {}


class Rounds(ScatterAndGather):
    """FLARE's scatter and gather, which goes on after the last finished round, and ends with the model being judged.

    Args:
        min_clients: as there.
        num_rounds: of the whole federation.
        wait_time_after_min_received: as there, seconds.
    """

    def __init__(self, min_clients: int = 1, num_rounds: int = 1, wait_time_after_min_received: int = 600) -> None:
        super().__init__(
            min_clients=min_clients,
            num_rounds=num_rounds,
            wait_time_after_min_received=wait_time_after_min_received,
            aggregator_id=AGGREGATOR,
            persistor_id=PERSISTOR,
        )
        self._all_rounds = num_rounds

    def start_controller(self, fl_ctx: FLContext) -> None:
        """Find out how many rounds are over."""
        super().start_controller(fl_ctx)
        done = self.persistor.state.rounds if self.persistor and self.persistor.state else 0
        self._start_round, self._num_rounds = done, max(self._all_rounds - done, 0)
        fl_ctx.set_prop(AppConstants.START_ROUND, done, private=True, sticky=True)

    def control_flow(self, abort_signal: Signal, fl_ctx: FLContext) -> None:
        """The rounds; then the sites judge the model, and the server writes it."""
        super().control_flow(abort_signal, fl_ctx)
        state = self.persistor.state if self.persistor else None
        if abort_signal.triggered or not state or state.rounds < self._all_rounds:
            return
        task = Task(
            name=JUDGE,
            data=DXO(DataKind.WEIGHTS, dict(state.average)).to_shareable(),
            result_received_cb=self._judged,
        )
        self.broadcast_and_wait(
            task=task,
            min_responses=self._min_clients,
            wait_time_after_min_received=self._wait_time_after_min_received,
            fl_ctx=fl_ctx,
            abort_signal=abort_signal,
        )
        if not abort_signal.triggered:
            self.persistor.finish(fl_ctx)

    def _judged(self, client_task: ClientTask, fl_ctx: FLContext) -> None:
        if client_task.result.get_return_code() in (None, ReturnCode.OK):
            metrics = from_shareable(client_task.result).data
            add_metrics(self.persistor.folder, FINAL, client_task.client.name, None, metrics)
        client_task.result = None


def _keeper(fl_ctx: FLContext) -> ModelKeeper:
    keeper: ModelKeeper = fl_ctx.get_engine().get_component(PERSISTOR)
    return keeper


def _global_weights(fl_ctx: FLContext) -> Weights:
    weights: Weights = fl_ctx.get_prop(AppConstants.GLOBAL_MODEL)[ModelLearnableKey.WEIGHTS]
    return weights

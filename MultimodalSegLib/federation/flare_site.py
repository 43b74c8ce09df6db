"""A site as NVIDIA FLARE's client sees it; built by FLARE from the job, in the process that it starts for it."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from nvflare.apis.dxo import DXO, DataKind, from_shareable
from nvflare.apis.executor import Executor
from nvflare.apis.filter import Filter
from nvflare.apis.fl_constant import ReturnCode
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable, make_reply
from nvflare.apis.signal import Signal
from nvflare.app_common.app_constant import AppConstants

from ..errors import Cancelled, InputError
from ..progress import Event
from ..training.plan_file import PLAN, read_plan
from .flare_context import FAILURE, job_config, local_folder, read_metadata, work_folder
from .message import JUDGE, TRAIN, Allowed, pack_update
from .settings import FEDERATION, Federation
from .site import Site
from .site_file import place_of, read_site_file


class SiteExecutor(Executor):
    """Trains and judges with the images that the site's own file names.

    What goes wrong is written down at the site; the server hears of a failure, not of its reason.
    """

    def __init__(self) -> None:
        super().__init__()
        self._site: Site | None = None

    def execute(self, task_name: str, shareable: Shareable, fl_ctx: FLContext, abort_signal: Signal) -> Shareable:
        """Answer a task of the server: ``train`` or ``validate``."""
        if task_name not in (TRAIN, JUDGE):
            return make_reply(ReturnCode.TASK_UNKNOWN)
        try:
            site = self._opened(fl_ctx)
            weights = from_shareable(shareable).data
            if task_name == JUDGE:
                return DXO(DataKind.METRICS, site.judge(weights)).to_shareable()
            number = int(shareable.get_header(AppConstants.CURRENT_ROUND))
            return pack_update(*site.train(weights, number, _until(abort_signal)))
        except Cancelled:
            return make_reply(ReturnCode.TASK_ABORTED)
        except Exception:
            self._write_down(fl_ctx)
            return make_reply(ReturnCode.EXECUTION_EXCEPTION)

    def _opened(self, fl_ctx: FLContext) -> Site:
        if self._site is None:
            config = job_config(fl_ctx)
            name = str(fl_ctx.get_identity_name())
            federation = Federation.read(config / FEDERATION)
            if name not in federation.sites:
                raise InputError(f"The site {name!r} is none of this federation.", "Write the job again.")
            own = read_site_file(place_of(local_folder(fl_ctx), name))
            plan = own.plan(read_plan(config / PLAN), federation.sites.index(name))
            self._site = Site(plan, federation, read_metadata(config), work_folder(fl_ctx, own.work, federation))
        return self._site

    def _write_down(self, fl_ctx: FLContext) -> None:
        text = traceback.format_exc()
        self.log_error(fl_ctx, f"The task failed: {text.splitlines()[-1]}", fire_event=False)
        path = Path(fl_ctx.get_engine().get_workspace().get_root_dir()) / FAILURE
        path.write_text(text, encoding="utf-8")


class OnlyWeightsAndMetrics(Filter):
    """Stops every message of a site that holds anything but weights of the common network and its known metrics.

    A start-up kit names it in the site's own ``privacy.json``, where no job can leave it out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._allowed: Allowed | None = None

    def process(self, shareable: Shareable, fl_ctx: FLContext) -> Shareable:
        """The message as it is.

        Raises:
            ValueError: it must not leave; FLARE sends the code of an error instead.
        """
        if self._allowed is None:
            self._allowed = Allowed.of_model(read_metadata(job_config(fl_ctx)))
        problem = self._allowed.problem(shareable)
        if problem:
            raise ValueError(f"The message stays here: {problem}.")
        return shareable


def _until(abort_signal: Signal) -> Any:
    def listen(event: Event) -> None:
        if abort_signal.triggered:
            raise Cancelled("The federation was stopped.")

    return listen

"""Where things are for what FLARE builds: the configuration of the job, the participant's own folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .settings import Federation

if TYPE_CHECKING:
    from nvflare.apis.fl_context import FLContext

METADATA = "common_model.json"
"""Metadata of the common model, in the configuration of a job."""

FAILURE = "failure.log"
"""What went wrong at a site, in its folder; it is not sent."""


def job_config(fl_ctx: FLContext) -> Path:
    """The folder with the configuration of the job, as the server has sent it."""
    return Path(fl_ctx.get_engine().get_workspace().get_app_config_dir(fl_ctx.get_job_id()))


def local_folder(fl_ctx: FLContext) -> Path:
    """The folder ``local`` of the start-up kit."""
    return Path(fl_ctx.get_engine().get_workspace().get_site_config_dir())


def work_folder(fl_ctx: FLContext, wanted: str, federation: Federation) -> Path:
    """Where this participant keeps its state of a federation; outlives the job."""
    root = Path(wanted) if wanted else Path(fl_ctx.get_engine().get_workspace().get_root_dir()) / "federation"
    return root / federation.identity


def read_metadata(config: Path) -> dict[str, Any]:
    """Metadata of the common model.

    Raises:
        InputError: not there, or damaged.
    """
    try:
        found: dict[str, Any] = json.loads((config / METADATA).read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError) as error:
        raise InputError(f"The job holds no {METADATA}: {error}.", "Write the job again.") from error

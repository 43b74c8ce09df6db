"""A federation as a job for NVIDIA FLARE."""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MissingPackageError, OutputError
from ..training.plan import Plan
from ..training.plan_file import PLAN, write_plan
from .flare_context import METADATA, read_metadata
from .settings import FEDERATION, Federation

if TYPE_CHECKING:
    from .common_model import CommonModel

PACKAGE = __name__.split(".")[0]


def require_flare() -> None:
    """Say what is missing.

    Raises:
        MissingPackageError: NVIDIA FLARE is not installed.
    """
    try:
        import nvflare  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            "A federation needs the package nvflare, which is not installed.",
            "Install it with: pip install 'multimodalseg[federated]'.",
        ) from error


def new_identity(name: str) -> str:
    """What a new federation is called in folders and jobs, such as ``head-1f0c9a2e``."""
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    return f"{plain}-{uuid.uuid4().hex[:8]}"


def write_job(plan: Plan, federation: Federation, model: CommonModel, folder: Path) -> Path:
    """Write the job: configuration alone, for the code is what each site has installed.

    Args:
        plan: of the training; what it says of this computer is left out.
        federation: its choices.
        model: that all sites begin with.
        folder: to make; ``nvflare job submit -j FOLDER`` takes it.

    Returns:
        The folder.

    Raises:
        OutputError: the folder is there already, or cannot be written.
        MissingPackageError: NVIDIA FLARE is not installed.
    """
    require_flare()
    if folder.exists():
        raise OutputError(f"{folder} exists already.", "Choose another folder, or submit the job that is there.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            made = Path(temporary)
            _flare_job(federation, made)
            _add_files(plan, federation, model, made / federation.identity)
            shutil.move(made / federation.identity, folder)
    except OSError as error:
        raise OutputError(f"Cannot write the job {folder}: {error.strerror}.", "Choose a writable folder.") from error
    return folder


def _flare_job(federation: Federation, folder: Path) -> None:
    """The configuration of components, by FLARE's own writer."""
    from nvflare.apis.job_def import SERVER_SITE_NAME
    from nvflare.app_common.shareablegenerators.full_model_shareable_generator import FullModelShareableGenerator
    from nvflare.job_config.api import FedJob, FilterType

    from .flare_server import AGGREGATOR, PERSISTOR, CaseWeightedAggregator, ModelKeeper, Rounds
    from .flare_site import OnlyWeightsAndMetrics, SiteExecutor
    from .message import JUDGE, TRAIN

    job = FedJob(federation.identity, min_clients=federation.min_sites)
    job.set_app_packages([PACKAGE])
    job.to(Rounds(federation.min_sites, federation.rounds, federation.wait_s), SERVER_SITE_NAME)
    job.to(CaseWeightedAggregator(), SERVER_SITE_NAME, id=AGGREGATOR)
    job.to(ModelKeeper(), SERVER_SITE_NAME, id=PERSISTOR)
    job.to(FullModelShareableGenerator(), SERVER_SITE_NAME, id="shareable_generator")
    for site in federation.sites:
        job.to(SiteExecutor(), site, tasks=[TRAIN, JUDGE])
        job.to(OnlyWeightsAndMetrics(), site, tasks=[TRAIN, JUDGE], filter_type=FilterType.TASK_RESULT)
    job.export_job(str(folder))


def _add_files(plan: Plan, federation: Federation, model: CommonModel, job: Path) -> None:
    """The plan, the choices and the common model; its first weights for the server alone."""
    from safetensors.numpy import save_file

    from .common_model import shared_plan
    from .flare_server import FIRST_WEIGHTS

    metadata = json.dumps(model.metadata, indent=2) + "\n"
    for app in job.glob("app*"):
        config = app / "config"
        write_plan(shared_plan(plan, federation.steps), config / PLAN)
        (config / FEDERATION).write_text(federation.to_json(), encoding="utf-8")
        (config / METADATA).write_text(metadata, encoding="utf-8")
        if (config / "config_fed_server.json").exists():
            save_file(model.weights, str(config / FIRST_WEIGHTS))


def read_job(folder: Path) -> Federation:
    """The choices of a job.

    Raises:
        InputError: the folder holds no job of a federation.
    """
    found: list[Any] = sorted(folder.glob(f"app*/config/{FEDERATION}"))
    if not found:
        raise InputError(f"{folder} is not the job of a federation.", "The command 'federate job' writes one.")
    return Federation.read(found[0])


def model_name(folder: Path) -> str:
    """What the model of a job is called."""
    return str(read_metadata(sorted(folder.glob(f"app*/config/{FEDERATION}"))[0].parent)["name"])

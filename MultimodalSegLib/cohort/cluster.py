"""Workers: processes of this machine, those of a scheduler that runs already, or jobs of Slurm."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import ClusterError, InputError, MissingPackageError
from ..machine import computes_on_card, graphics_cards, usable_processors

ANSWER_S = 15
"""A scheduler that gives no answer for so long is not there."""

ALLOWED_DEATHS = 2
"""Workers that a case may take with it before it is told to have failed."""

LOG_LENGTH = 100
"""Entries that the scheduler keeps of each of its logs, which would fill up over a thousand cases."""

USUAL_MB = 4096
"""Memory of a worker by which the usual number of workers is found."""


@dataclass(frozen=True)
class Place:
    """Where a cohort is computed.

    Args:
        workers: processes of this machine, or jobs of Slurm; chosen by processors, cards and memory if 0.
        scheduler: address of a Dask scheduler instead, such as ``"tcp://node1:8786"``.
        slurm: jobs of Slurm instead.
        partition: of Slurm.
        account: of Slurm.
        walltime: of a job, ``"HH:MM:SS"``.
        directives: further lines ``#SBATCH ...`` of a job, such as ``"--gres=gpu:1"``.
        threads: processors of a worker; those of the machine shared if None.
        memory_mb: of a worker, MiB; that of the machine shared if None.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``; cards are never shared by two workers.
    """

    workers: int = 0
    scheduler: str = ""
    slurm: bool = False
    partition: str = ""
    account: str = ""
    walltime: str = "24:00:00"
    directives: tuple[str, ...] = ()
    threads: int | None = None
    memory_mb: int | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.scheduler and (self.slurm or self.workers):
            raise InputError("A scheduler brings its own workers.", "Leave --workers and --slurm out, or --scheduler.")
        cards = graphics_cards() if self.on_cards else 0
        if cards and not self.slurm and self.workers > cards:
            raise InputError(
                f"{self.workers} workers are too many for the graphics cards of this machine: {cards}.",
                "Ask for one worker a card, or choose the processor as device.",
            )

    @property
    def on_cards(self) -> bool:
        """Whether the workers of this machine use graphics cards."""
        return self.device == "cuda" or (self.device == "auto" and computes_on_card())


def usual_workers(place: Place) -> int:
    """A worker for each card; on processors one for every two of them, as far as the memory goes."""
    if place.workers:
        return place.workers
    if place.on_cards and graphics_cards():
        return graphics_cards()
    from distributed.system import MEMORY_LIMIT

    by_memory = int(MEMORY_LIMIT / 2**20 // (place.memory_mb or USUAL_MB))
    return max(1, min(usable_processors() // (place.threads or 2), by_memory))


@contextmanager
def opened(place: Place) -> Iterator[Any]:
    """A Dask client with workers that take one case at a time; what was started here ends with it.

    Raises:
        MissingPackageError: Dask is not installed, or dask-jobqueue for Slurm.
        ClusterError: the scheduler cannot be reached, or its workers take several cases at a time.
    """
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise MissingPackageError(
            "Dask is not installed.", "Install it with: pip install 'multimodalseg[cluster]'"
        ) from error
    if place.scheduler:
        with _client(Client, place.scheduler) as client:
            _check_threads(client)
            yield client
        return
    settings = {
        "distributed.scheduler.allowed-failures": ALLOWED_DEATHS,
        "distributed.scheduler.dashboard.tasks.task-stream-length": 1000,  # memory that would grow with the cases
        "distributed.admin.low-level-log-length": LOG_LENGTH,
        "distributed.comm.timeouts.connect": ANSWER_S,
        "distributed.admin.tick.limit": "60s",  # other work on the machine is no news
    }
    with (
        tempfile.TemporaryDirectory(prefix="multimodalseg-workers-") as folder,
        dask.config.set(settings),
        _cluster(place, folder) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _client(make: Any, address: str) -> Iterator[Any]:
    try:
        client = make(address, timeout=ANSWER_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"The scheduler {address} cannot be reached: {str(error).splitlines()[0] if str(error) else 'no answer'}.",
            "Start it with 'dask scheduler' and give its address, such as tcp://node1:8786.",
        ) from error
    with client:
        yield client


def _check_threads(client: Any) -> None:
    """A worker holds one case: two would share its memory, its card and torch's threads."""
    several = {address: n for address, n in client.nthreads().items() if n > 1}
    if several:
        address, count = next(iter(several.items()))
        raise ClusterError(
            f"The worker {address} takes {count} cases at a time.",
            "Start every worker with '--nthreads 1'; --threads says how many processors a case may use.",
        )


def _cluster(place: Place, folder: str) -> Any:
    count = usual_workers(place)
    threads = place.threads or max(1, usable_processors() // (1 if place.slurm else count))
    return _slurm(place, count, threads) if place.slurm else _local(place, count, threads, folder)


def _local(place: Place, count: int, threads: int, folder: str) -> Any:
    """Processes of this machine, each with its part of the processors and of the memory."""
    import dask
    from distributed import LocalCluster

    memory = f"{place.memory_mb}MiB" if place.memory_mb else "auto"
    variables = {name: threads for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    variables["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = threads
    with dask.config.set({"distributed.nanny.pre-spawn-environ": variables}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Port 8787")  # another dashboard is there: ours gets another port
        return LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:8787",
            memory_limit=memory,
            local_directory=folder,
            silence_logs=logging.CRITICAL,
        )


def _slurm(place: Place, count: int, threads: int) -> Any:
    """Jobs of Slurm, one worker each, which come and go as the queue lets them."""
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise MissingPackageError(
            "dask-jobqueue is not installed.", "Install it with: pip install 'multimodalseg[cluster]'"
        ) from error
    cluster = SLURMCluster(
        queue=place.partition or None,
        account=place.account or None,
        walltime=place.walltime,
        cores=1,
        processes=1,
        job_cpu=threads,
        memory=f"{place.memory_mb or 2 * USUAL_MB}MiB",
        job_extra_directives=list(place.directives),
        job_script_prologue=[f"export OMP_NUM_THREADS={threads}"],
        scheduler_options={"dashboard_address": ":0"},
    )
    cluster.scale(jobs=count)
    return cluster

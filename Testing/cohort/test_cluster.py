"""Places where a cohort cannot be computed, Slurm's jobs, and a worker's part of its machine."""

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from MultimodalSegLib.cohort import cluster, worker
from MultimodalSegLib.cohort.cluster import Place, opened, usual_workers
from MultimodalSegLib.cohort.options import CohortOptions
from MultimodalSegLib.errors import ClusterError, InputError

distributed = pytest.importorskip("distributed", reason="Dask is not installed")

SBATCH = """#!/bin/sh
# Runs the job at once, as Slurm would on a free node.
cp "$1" "$(dirname "$0")/job.sh"
nohup bash "$(dirname "$0")/job.sh" > "$(dirname "$0")/job.log" 2>&1 &
echo $! > "$(dirname "$0")/job.pid"
echo "Submitted batch job 7"
"""


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    with (
        pytest.raises(ClusterError, match="tcp://127.0.0.1:9 cannot be reached"),
        opened(Place(scheduler="tcp://127.0.0.1:9")),
    ):
        pass


def test_a_worker_that_takes_several_cases_at_a_time_is_refused() -> None:
    several = distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
    with (
        several,
        pytest.raises(ClusterError, match="takes 2 cases at a time") as caught,
        opened(Place(scheduler=several.scheduler_address)),
    ):
        pass
    assert "--nthreads 1" in caught.value.hint


def test_cards_are_not_shared_and_a_scheduler_brings_its_own_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "graphics_cards", lambda: 2)
    with pytest.raises(InputError, match="3 workers are too many"):
        Place(workers=3, device="cuda")
    assert usual_workers(Place(device="cuda")) == 2 and usual_workers(Place(workers=3, device="cpu")) == 3
    with pytest.raises(InputError, match="its own workers"):
        Place(scheduler="tcp://a:1", workers=2)


def test_workers_share_processors_memory_and_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    here = worker.socket.gethostname()
    monkeypatch.setattr(worker, "usable_processors", lambda: 8)
    monkeypatch.setattr(worker, "graphics_cards", lambda: 4)
    monkeypatch.setattr(worker, "_dask_worker", lambda: (2, 6000.0))
    part = worker.share((), ((here, 2), ("other", 5)), CohortOptions(device="cuda"))
    assert (part.device, part.threads) == ("cuda:2", 4)
    assert 1 <= (part.memory_mb() or 0) < 0.8 * 6000  # less what the process holds
    asked = worker.share((), (), CohortOptions(device="cpu", threads=3, memory_limit_mb=10))
    assert (asked.device, asked.threads, asked.memory_mb()) == ("cpu", 3, 1)


def test_versions_that_differ_are_named() -> None:
    mine = worker.compared_versions()
    assert worker.differences(mine, mine) == [] and "platform" not in dict(mine)
    assert worker.differences((("torch", "2.8"), ("dask", "1")), (("torch", "2.9"),)) == [
        "torch 2.9 instead of 2.8",
        "dask missing instead of 1",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Slurm is not there on Windows")
def test_slurm_gets_a_job_with_one_worker_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slurm is stood in for: ``sbatch`` runs the job script at once."""
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    for name, text in {"sbatch": SBATCH, "scancel": "#!/bin/sh\nkill $(cat $(dirname $0)/job.pid)\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod((tmp_path / name).stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    place = Place(workers=1, slurm=True, threads=3, memory_mb=3000, partition="gpu", directives=("--gres=gpu:1",))
    with opened(place) as client:
        end = time.monotonic() + 120
        while not client.nthreads() and time.monotonic() < end:
            time.sleep(0.1)
        assert list(client.nthreads().values()) == [1], (tmp_path / "job.log").read_text(encoding="utf-8")
        assert client.submit(lambda: os.environ["OMP_NUM_THREADS"]).result(timeout=60) == "3"
    job = (tmp_path / "job.sh").read_text(encoding="utf-8")
    for line in ("-p gpu", "--gres=gpu:1", "--cpus-per-task=3", "--mem=", "-t 24:00:00"):
        assert f"#SBATCH {line}" in job, job

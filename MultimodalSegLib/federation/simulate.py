"""A federation on one machine, with FLARE's simulator: the same job, sites and messages, without certificates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import InputError, TrainingError
from ..progress import Event, Progress, silent
from .flare_context import FAILURE
from .job import model_name, read_job, require_flare
from .server_state import read_metrics
from .site_file import FOLDER, SiteFile, place_of, write_site_file
from .site_policy import allow_simulation

SIMULATOR, LOG = "flare", "simulate.log"
"""Folder of the simulator, made anew at each start, and what it prints."""


def simulate(
    job: Path,
    sites: Mapping[str, SiteFile],
    out: Path,
    progress: Progress = silent,
    threads: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Path:
    """Run a job with every site in a process of its own; the same call goes on after an interruption.

    Args:
        job: folder of the job.
        sites: what each site's file says.
        out: folder for the state of server and sites, the metrics and the model.
        progress: told of the rounds; may raise Cancelled.
        threads: sites that compute at once.
        environment: variables for the processes beside those of this one.

    Returns:
        The bundle of the model.

    Raises:
        InputError: the sites are not those of the job.
        TrainingError: the simulation has failed; its log says why.
        MissingPackageError: NVIDIA FLARE is not installed.
    """
    require_flare()
    federation = read_job(job)
    if set(sites) != set(federation.sites):
        raise InputError(
            f"The job is for the sites {', '.join(federation.sites)}, but those given are {', '.join(sites)}.",
            "Give each site its images with --site NAME=DATA.",
        )
    out = out.resolve()
    flare = out / SIMULATOR
    shutil.rmtree(flare, ignore_errors=True)
    local = flare / "local"
    (local / FOLDER).mkdir(parents=True)
    allow_simulation(local)
    write_site_file(SiteFile(work=str(out / "server")), place_of(local, "server"))
    for name, own in sites.items():
        cache = own.cache or str(out / "sites" / name / "prepared")
        write_site_file(replace(own, cache=cache, work=str(out / "sites" / name)), place_of(local, name))
    state = out / "server" / federation.identity
    command = [sys.executable, "-m", "nvflare.private.fed.app.simulator.simulator", str(job.resolve())]
    command += ["-w", str(flare), "-c", ",".join(federation.sites), "-t", str(threads)]
    code = _watched(command, out / LOG, state, federation.rounds * len(sites), progress, environment or {})
    bundle = state / model_name(job)
    if code or not bundle.is_dir():
        said = " ".join(reasons(flare)) or f"See {out / LOG}."
        raise TrainingError(
            f"The simulation ended without a model (exit code {code}). {said}",
            f"The whole story is in {out / LOG} and {flare}/SITE/{FAILURE}; the same command goes on.",
        )
    return bundle


def reasons(flare: Path) -> list[str]:
    """What the sites wrote down, each in a sentence.

    Args:
        flare: folder of the simulator.
    """
    found = {path.parent.name: path.read_text(encoding="utf-8").strip() for path in sorted(flare.glob(f"*/{FAILURE}"))}
    return [f"{site}: {text.splitlines()[-1].rpartition('Error: ')[2]}" for site, text in found.items() if text]


def _watched(
    command: list[str], log: Path, state: Path, total: int, progress: Progress, environment: Mapping[str, str]
) -> int:
    """Run a process and tell of the answers that arrive; it ends with this one."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [environment.get("PYTHONPATH"), os.environ.get("PYTHONPATH")])]
    variables = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join(paths)}
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, env=variables, start_new_session=os.name == "posix"
        )
        try:
            while True:
                rows = [row for row in read_metrics(state) if row["round"].isdigit()]
                progress(Event("federate", len(rows), total, _said(rows)))
                try:
                    return process.wait(0.5)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                _end(process)


def _said(rows: list[dict[str, str]]) -> str:
    if not rows:
        return ""
    last = rows[-1]
    return f"round {int(last['round']) + 1}, {last['site']}" + (f", Dice {last['dice']}" if "dice" in last else "")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the simulator and the processes of its sites."""
    import psutil

    children = psutil.Process(process.pid).children(recursive=True)
    for child in [psutil.Process(process.pid), *children]:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()

"""A real federation on this computer: kits, certificates, processes, and what happens when they are killed.

    python Testing/benchmarks/federation_deployment.py --work FOLDER [--port 8102]

A server and two clients, each a process of its own with its own kit, talk over gRPC with mutual TLS through loopback.
In turn: connections without a certificate of the project are refused; a site is killed in the middle of a round, which
the other finishes; the site comes back; the server is killed and comes back, and the job, submitted again, goes on
after the last finished round with both sites; the model is loaded and segments. Writes
results/federation_deployment.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from safetensors import safe_open

from MultimodalSegLib import Case, load_bundle, read_volume, segment
from MultimodalSegLib.federation.common_model import common_model
from MultimodalSegLib.federation.job import write_job
from MultimodalSegLib.federation.provision import Kits, provision
from MultimodalSegLib.federation.server_state import STATE, read_metrics
from MultimodalSegLib.federation.site_file import SiteFile, place_of, write_site_file
from Testing.federation.small import a_data_set, a_federation, a_plan

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results" / "federation_deployment.json"
ADMIN = "admin@example.org"
ROUNDS, LOCAL_STEPS, WAIT_S = 6, 60, 20
PATIENCE_S = 900.0


class Deployment:
    """Processes of a server and its sites.

    Args:
        kits: of the project.
        logs: folder for what the processes print.
    """

    def __init__(self, kits: Kits, logs: Path) -> None:
        self.kits, self.logs = kits, logs
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, kit: Path) -> None:
        """Start a participant as its ``start.sh`` does, but so that it can be killed."""
        kind = "server" if name == "server" else "client"
        module = f"nvflare.private.fed.app.{kind}.{kind}_train"
        options = ["secure_train=true", f"org={'federation' if kind == 'server' else name}", "config_folder=config"]
        options += [] if kind == "server" else [f"uid={name}"]
        command = [sys.executable, "-u", "-m", module, "-m", str(kit), "-s", f"fed_{kind}.json", "--set", *options]
        with (self.logs / f"{name}.log").open("ab") as log:
            variables = {**os.environ, "PYTHONPATH": str(ROOT)}
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, env=variables, cwd=kit)

    def kill(self, name: str) -> None:
        """As a power cut would: the process and what it has started, without a word."""
        process = self.processes.pop(name)
        try:
            everything = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            everything = []
        for one in everything:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait()

    def stop(self) -> None:
        """End all processes."""
        for name in list(self.processes):
            self.kill(name)


def wait_for(what: str, condition: Callable[[], object], seconds: float = PATIENCE_S) -> object:
    """Ask every second until the answer is true.

    Raises:
        TimeoutError: it never was.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(1.0)
    raise TimeoutError(f"{what}: not after {seconds:.0f} s")


def handshake(port: int, kit: Path | None) -> str:
    """Connect to the server with the certificate of a kit, or with none; gives the error, empty if it is let in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if kit:
        context.load_cert_chain(str(kit / "startup" / "client.crt"), str(kit / "startup" / "client.key"))
    try:
        with socket.create_connection(("localhost", port), 30) as plain, context.wrap_socket(plain) as secure:
            secure.settimeout(30)
            secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            return "" if secure.recv(1) else "closed without an answer"
    except (ssl.SSLError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def session(kits: Kits) -> object:
    """An administrator's connection, which comes about when the server is ready."""
    from nvflare.fuel.flare_api.flare_api import new_secure_session

    return new_secure_session(ADMIN, str(kits.admin), timeout=120.0)


def connected(kits: Kits) -> set[str]:
    """Sites that the server knows."""
    try:
        opened = session(kits)
        try:
            return {client.name for client in opened.get_system_info().client_info}
        finally:
            opened.close()
    except Exception as error:  # many kinds, while the server is not there
        print(f"  ({type(error).__name__}: {error})", flush=True)
        return set()


def submit(kits: Kits, job: Path) -> str:
    """Submit the job; gives FLARE's number of it."""
    opened = session(kits)
    try:
        return str(opened.submit_job(str(job)))
    finally:
        opened.close()


def answered(state: Path, number: int | str) -> set[str]:
    """Sites that have answered in a round."""
    return {row["site"] for row in read_metrics(state) if row["round"] == str(number)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8102)
    given = parser.parse_args()
    work = given.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    began, found = time.monotonic(), []

    def record(what: str, **figures: object) -> None:
        found.append({"what": what, "seconds": round(time.monotonic() - began, 1), **figures})
        print(json.dumps(found[-1]), flush=True)
        RESULTS.write_text(json.dumps({"steps": found}, indent=2) + "\n", encoding="utf-8")

    data = {"north": a_data_set(work / "data" / "north", ["CT"], 3, 1)}
    data["south"] = a_data_set(work / "data" / "south", ["CT", "MR"], 2, 2)
    kits = provision("consortium", "localhost", list(data), ADMIN, work / "kits", given.port)
    strangers = provision("others", "localhost", ["north"], ADMIN, work / "strangers", given.port)
    for name, path in data.items():
        own = SiteFile(data=str(path), held_out=("case0",), device="cpu")
        write_site_file(own, place_of(kits.sites[name] / "local", name))
    federation = a_federation(tuple(data), rounds=ROUNDS, local_steps=LOCAL_STEPS, min_sites=1, wait_s=WAIT_S)
    plan = a_plan(data["south"])
    job = write_job(plan, federation, common_model(plan), work / "job")
    state = kits.server / "federation" / federation.identity
    deployment = Deployment(kits, work / "logs")
    try:
        deployment.start("server", kits.server)
        wait_for("the server listens", lambda: "refused" not in handshake(given.port, None).lower())
        refusals = {
            "no certificate": handshake(given.port, None),
            "certificate of another project": handshake(given.port, strangers.sites["north"]),
            "own certificate": handshake(given.port, kits.sites["north"]),
        }
        record("handshakes", errors=refusals)
        assert refusals["no certificate"] and refusals["certificate of another project"]
        assert not refusals["own certificate"]
        deployment.start("north", strangers.sites["north"])
        deployment.start("south", kits.sites["south"])
        wait_for("south is connected", lambda: "south" in connected(kits))
        wait_for(
            "the stranger is refused",
            lambda: _says(work / "logs" / "north.log", "handshake", "SSL", "UNAVAILABLE"),
            120,
        )
        wait_for("the server knows south alone", lambda: connected(kits) == {"south"})
        deployment.kill("north")
        record("a client with a kit of another project never got in", connected=["south"])
        deployment.start("north", kits.sites["north"])
        wait_for("both are connected", lambda: connected(kits) == {"north", "south"})
        record("both sites are connected")

        first = submit(kits, job)
        wait_for("round 0 is over", lambda: answered(state, 0) == {"north", "south"})
        record("round 0", answered=sorted(answered(state, 0)))
        deployment.kill("south")
        wait_for("round 1 is over", lambda: answered(state, 1) and answered(state, 2))
        record("south killed in round 1, which north finished", answered=sorted(answered(state, 1)))
        assert answered(state, 1) == {"north"}
        deployment.start("south", kits.sites["south"])
        wait_for("south is back", lambda: connected(kits) == {"north", "south"})
        record("south is back", rounds_over=_rounds(state))
        deployment.kill("server")
        over = _rounds(state)
        record("server killed", rounds_over=over)
        deployment.start("server", kits.server)
        wait_for("both are back", lambda: connected(kits) == {"north", "south"})
        record("server is back, and so are both sites")
        time.sleep(20.0)  # the sites notice that the old job is gone
        second = submit(kits, job)
        wait_for("the model is judged", lambda: answered(state, "final") and (state / "tiny").is_dir())
        rounds = {number: sorted(answered(state, number)) for number in range(ROUNDS)}
        record("the job, submitted again, went on and ended", jobs=[first, second], answered=rounds)
        assert any(rounds[number] == ["north", "south"] for number in range(over, ROUNDS))
        bundle = load_bundle(state / "tiny")
        image = data["south"].parent / "case0_CT.nrrd"
        image = image if image.exists() else data["south"].parent / "case0_CT.nii.gz"
        result = segment(Case({"CT": read_volume(image)}), bundle)
        values = sorted({int(value) for value in result.labels.array.ravel()})
        record("the model is sound and segments", model=bundle.name, label_values=values)
        record("metrics of each site", metrics=read_metrics(state))
    finally:
        deployment.stop()


def _rounds(state: Path) -> int:
    """How many rounds the server has finished."""
    with safe_open(str(state / STATE), "numpy") as file:
        return int(file.metadata()["rounds"])


def _says(log: Path, *texts: str) -> bool:
    content = log.read_text(errors="replace", encoding="utf-8") if log.exists() else ""
    return any(text.lower() in content.lower() for text in texts)


if __name__ == "__main__":
    main()

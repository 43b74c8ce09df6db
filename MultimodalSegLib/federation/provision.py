"""Start-up kits for a real federation: certificates by FLARE's own provisioner, and the policies of the sites."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError
from .job import require_flare
from .settings import check_sites
from .site_file import TEMPLATE, place_of
from .site_policy import restrict_server, restrict_site

BUILDERS = (
    {"path": "nvflare.lighter.impl.workspace.WorkspaceBuilder", "args": {"template_file": ["master_template.yml"]}},
    {
        "path": "nvflare.lighter.impl.static_file.StaticFileBuilder",
        "args": {"config_folder": "config", "scheme": "grpc"},
    },
    {"path": "nvflare.lighter.impl.cert.CertBuilder"},
    {"path": "nvflare.lighter.impl.signature.SignatureBuilder"},
)
"""FLARE's makers of folders, files, certificates (mutual TLS) and signatures."""


@dataclass(frozen=True)
class Kits:
    """Folders to be handed out, each to one participant alone: they hold private keys.

    Args:
        server: for the computer that the others reach.
        sites: by name.
        admin: for who submits jobs.
    """

    server: Path
    sites: dict[str, Path]
    admin: Path


def provision(name: str, server: str, sites: Sequence[str], admin: str, out: Path, port: int = 8002) -> Kits:
    """Make the kits of a project; a later call for the same project and folder adds sites under the same authority.

    Args:
        name: of the project, such as the hospitals' consortium.
        server: host name by which the sites reach the server; it is in its certificate.
        sites: names of the sites.
        admin: e-mail address of who submits jobs.
        out: folder for the project.
        port: of the server.

    Raises:
        InputError: a name that FLARE does not take.
        OutputError: the folder cannot be written.
        MissingPackageError: NVIDIA FLARE is not installed.
    """
    require_flare()
    check_sites(tuple(sites))
    made = _flare_provision(_project(name, server, sites, admin, port), out)
    kits = Kits(made / server, {site: made / site for site in sites}, made / admin)
    restrict_server(kits.server / "local", (kits.server / "jobs").resolve())
    for site, kit in kits.sites.items():
        restrict_site(kit / "local")
        place_of(kit / "local", site).parent.mkdir(exist_ok=True)
        place_of(kit / "local", site).write_text(TEMPLATE, encoding="utf-8")
    _close_to_others(made.parent)
    return kits


def _close_to_others(project: Path) -> None:
    """Private keys, that of the project's authority among them, are for the owner of the folder alone."""
    project.chmod(0o700)
    for folder in (path for path in project.rglob("*") if path.is_dir()):
        folder.chmod(0o700)
    (project / "state" / "cert.json").chmod(0o600)


def _project(name: str, server: str, sites: Sequence[str], admin: str, port: int) -> dict[str, Any]:
    participants: list[dict[str, Any]] = [
        {"name": server, "type": "server", "org": "federation", "fed_learn_port": port, "admin_port": port},
        *({"name": site, "type": "client", "org": site, "allow_log_streaming": False} for site in sites),
        {"name": admin, "type": "admin", "org": "federation", "role": "project_admin"},
    ]
    return {
        "api_version": 3,
        "name": name,
        "description": "A federation of SlicerMultimodalSeg",
        "participants": participants,
        "builders": list(BUILDERS),
    }


def _flare_provision(project: dict[str, Any], out: Path) -> Path:
    """Run FLARE's provisioner; gives the folder with the kits of this call."""
    from nvflare.lighter.constants import CtxKey
    from nvflare.lighter.prov_utils import prepare_builders
    from nvflare.lighter.provision import prepare_project
    from nvflare.lighter.provisioner import Provisioner

    out = out.resolve()
    said = io.StringIO()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(said):
            ready = prepare_project({**project, "gen_scripts": False})
            context = Provisioner(str(out), prepare_builders(project)).provision(ready)
    except OSError as error:
        raise OutputError(f"Cannot write the kits to {out}: {error.strerror}.", "Choose a writable folder.") from error
    except (ValueError, RuntimeError) as error:
        raise InputError(f"FLARE does not accept the project: {error}.", "Correct the names.") from error
    if context.get(CtxKey.BUILD_ERROR):
        reason = " ".join(said.getvalue().split()[-40:])
        shutil.rmtree(out / project["name"] / "wip", ignore_errors=True)
        raise InputError(f"FLARE could not make the kits: {reason}", "Correct the names.")
    return Path(context[CtxKey.CURRENT_PROD_DIR])

"""What a start-up kit lets happen on its computer, whatever a job or an administrator elsewhere asks for.

FLARE's own kits allow more: error logs are sent to the server, jobs may bring code, and administrators may look into
files. Here a site runs the code that it has installed and sends weights and metrics.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SITE_CLASSES = ("MultimodalSegLib.federation.flare_site.",)
"""What a job may name at a site."""

SERVER_CLASSES = (
    "MultimodalSegLib.federation.flare_server.",
    "nvflare.app_common.shareablegenerators.full_model_shareable_generator.FullModelShareableGenerator",
)
"""What a job may name at the server."""

PRIVACY = {
    "scopes": [
        {
            "name": "weights-and-metrics",
            "task_result_filters": [{"path": "MultimodalSegLib.federation.flare_site.OnlyWeightsAndMetrics"}],
        }
    ],
    "default_scope": "weights-and-metrics",
}
"""FLARE's privacy policy of a site: what leaves passes this filter."""

AUTHORIZATION = {
    "format_version": "1.0",
    "permissions": {
        "project_admin": {
            "submit_job": "any",
            "clone_job": "any",
            "manage_job": "any",
            "download_job": "any",
            "operate": "any",
            "view": "none",
            "shell_commands": "none",
            "byoc": "none",
        },
        "org_admin": {"operate": "o:site", "manage_job": "o:submitter"},
        "lead": {"submit_job": "any", "manage_job": "n:submitter", "download_job": "n:submitter", "byoc": "none"},
        "member": {},
    },
}
"""FLARE's authorization at a site: jobs start and stop; nobody elsewhere reads files or brings code."""


def restrict_site(local: Path) -> None:
    """Write the policies of a site into the folder ``local`` of its kit.

    Args:
        local: as FLARE has made it.
    """
    resources = _resources(local)
    resources |= {"class_allow_list": list(SITE_CLASSES), "allow_log_streaming": False}
    resources["components"] = [entry for entry in resources.get("components", []) if "logging" not in entry["path"]]
    _write(local / "resources.json", resources)
    _write(local / "privacy.json", PRIVACY)
    _write(local / "authorization.json", AUTHORIZATION)


def restrict_server(local: Path, transient: Path) -> None:
    """Write what the server's jobs may name, and let it keep jobs inside its kit.

    Args:
        local: as FLARE has made it.
        transient: folder for jobs and their results; FLARE's own is one in ``/tmp``, whatever the server.
    """
    resources = _resources(local) | {"class_allow_list": list(SERVER_CLASSES)}
    text = json.dumps(resources).replace("/tmp/nvflare", transient.as_posix())
    _write(local / "resources.json", json.loads(text))


def allow_simulation(local: Path) -> None:
    """The same classes for server and sites in one folder, as FLARE's simulator reads it."""
    _write(local / "resources.json", {"format_version": 2, "class_allow_list": [*SITE_CLASSES, *SERVER_CLASSES]})
    _write(local / "privacy.json", PRIVACY)


def _resources(local: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((local / "resources.json.default").read_text(encoding="utf-8"))
    return found


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

"""Where model bundles are looked for."""

import json
import os
import sys
from collections.abc import Collection
from pathlib import Path

from ..errors import ModelError
from ..machine import computes_on_card
from ..resources import resource
from .checks import METADATA


def search_folders() -> tuple[Path, ...]:
    """Folders whose subfolders may be bundles, in the order in which names are resolved; some may not exist.

    The user's folder comes first, then the models that came with the program.
    """
    return user_folder(), resource("models")


def user_folder() -> Path:
    """The user's own models: the environment variable ``MMS_MODELS``, else the platform's folder for user data."""
    if os.environ.get("MMS_MODELS"):
        return Path(os.environ["MMS_MODELS"]).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "MultimodalSeg" / "models"


def bundle_folders() -> dict[str, Path]:
    """Every folder that has a bundle's metadata, sound or not, by folder name; the first of a name wins."""
    found: dict[str, Path] = {}
    for folder in search_folders():
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if (path / METADATA).is_file() and not path.name.startswith("."):
                found.setdefault(path.name, path)
    return found


def resolve(name_or_path: str | Path, device: str = "auto") -> Path:
    """The folder of a bundle.

    Args:
        name_or_path: a bundle's folder name, the path of a bundle, or ``"default"``: the name given by a
            ``default.json`` in a search folder, else the only bundle there is. The file reads ``{"default": NAME}``, or
            ``{"gpu": NAME, "cpu": NAME}`` where a smaller model is better without a graphics card; if the one is not
            there, the other is taken.
        device: where the model is to run, ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises:
        ModelError: no such model, or no default.
    """
    folders = bundle_folders()
    name = str(name_or_path)
    if name == "default":
        name = _default_name(folders, device) or (next(iter(folders)) if len(folders) == 1 else "")
        if not name:
            known = ", ".join(folders) or "none"
            raise ModelError(f"There is no default model (models found: {known}).", "Name a model, or install one.")
    if name in folders:
        return folders[name]
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return path
    raise ModelError(
        f"There is no model {name!r}.",
        f"Use one of {', '.join(folders)}, or the path of a model folder."
        if folders
        else f"Give the path of a model folder, or put one into {user_folder()}.",
    )


def _default_name(present: Collection[str], device: str) -> str:
    for folder in search_folders():
        path = folder / "default.json"
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            names = [str(said["default"])] if "default" in said else [str(said["gpu"]), str(said["cpu"])]
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"The file {path} does not name a default model.",
                'It should read {"default": "NAME"} or {"gpu": "NAME", "cpu": "NAME"}.',
            ) from error
        if len(names) == 2 and not (device.startswith("cuda") or device == "auto" and computes_on_card()):
            names.reverse()
        return next((name for name in names if name in present), names[0])
    return ""

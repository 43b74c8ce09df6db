"""A model bundle from a folder or zip file becomes one of the user's own models."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from ..errors import ModelError, OutputError
from ..models.bundle import Bundle, load_bundle
from ..models.checks import METADATA
from ..models.folders import user_folder
from .text import _

LARGEST_MB = 4000


def import_model(source: Path) -> Bundle:
    """Check a model and copy it into the user's model folder.

    Args:
        source: a bundle's folder, or a zip file that holds one, at its top or in one folder.

    Returns:
        The model in the user's folder.

    Raises:
        ModelError: no bundle, damaged, unsafe, or a model of this name is there with other weights.
        OutputError: the user's folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="MultimodalSeg-model-") as temporary:
        folder = source if source.is_dir() else _unpacked(source, Path(temporary))
        bundle = load_bundle(_bundle_folder(folder))
        target = user_folder() / (folder_name(bundle.name))
        if target.resolve() == bundle.path.resolve():
            return bundle
        if target.exists():
            known = load_bundle(target)
            if known.checksum == bundle.checksum:
                return known
            raise ModelError(
                _("There is another model named {name} already.").format(name=bundle.name),
                _("Remove the folder {folder} first.").format(folder=target),
            )
        return _copied(bundle, target)


def folder_name(name: str) -> str:
    """A folder's name for a model's name: letters, digits, dots, dashes and underscores."""
    cleaned = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name).strip("._")
    return cleaned or "model"


def _copied(bundle: Bundle, target: Path) -> Bundle:
    """Copy to a hidden name, then rename: a half copied model is never seen."""
    partial = target.parent / f".{target.name}.partial"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(bundle.path, partial)
        partial.rename(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise OutputError(
            _("The model cannot be copied to {folder}: {reason}.").format(
                folder=target.parent, reason=error.strerror or error
            ),
            _("Choose another model folder in the section Settings."),
        ) from error
    return load_bundle(target)


def _unpacked(source: Path, folder: Path) -> Path:
    """The content of a zip file, refused if it reaches outside the folder or is unreasonably large."""
    try:
        with zipfile.ZipFile(source) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename.replace("\\", "/"))
                if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
                    raise ModelError(
                        _("The zip file holds the unsafe path {path}.").format(path=entry.filename),
                        _("Get the model again from where it comes from."),
                    )
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_MB * 1_000_000:
                raise ModelError(
                    _("The zip file is larger than {size} MB when unpacked.").format(size=LARGEST_MB),
                    _("Unpack it yourself and load the folder."),
                )
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(
            _("{file} cannot be read as a zip file.").format(file=source), _("Get the file again.")
        ) from error
    return folder


def _bundle_folder(folder: Path) -> Path:
    """The folder of the bundle: this one, or the only one in it that has a bundle's metadata."""
    if (folder / METADATA).is_file():
        return folder
    inside = [path.parent.parent for path in folder.glob(f"*/{METADATA}")]
    if len(inside) != 1:
        raise ModelError(
            _("There is no model in {folder}.").format(folder=folder),
            _("A model is a folder with {file} in it.").format(file=METADATA),
        )
    return inside[0]

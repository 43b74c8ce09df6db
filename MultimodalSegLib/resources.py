"""Where the shipped files are: beside the package in a checkout, inside it in an installed wheel."""

from pathlib import Path


def resource(relative: str = "") -> Path:
    """Path of a shipped file or folder under ``Resources``.

    Args:
        relative: path inside ``Resources``, with forward slashes.
    """
    return _shipped("Resources") / relative


def document(name: str) -> Path:
    """Path of a shipped page of ``docs``.

    Args:
        name: of the file.
    """
    return _shipped("docs") / name


def _shipped(folder: str) -> Path:
    package = Path(__file__).resolve().parent
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder

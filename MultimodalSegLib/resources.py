"""Where the shipped files are: beside the package in a checkout, inside it in an installed wheel."""

from pathlib import Path


def resource(relative: str = "") -> Path:
    """Path of a shipped file or folder under ``Resources``.

    Args:
        relative: path inside ``Resources``, with forward slashes.
    """
    package = Path(__file__).resolve().parent
    inside = package / "Resources"
    return (inside if inside.is_dir() else package.parent / "Resources") / relative

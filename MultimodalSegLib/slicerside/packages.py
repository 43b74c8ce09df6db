"""The two packages every file of this folder needs, or one sentence that says how to get them.

Inside the Slicer application both are there already; elsewhere they come with the ``headless`` extra.
"""

from ..errors import MissingPackageError

try:
    import slicer
    import slicer.util  # noqa: F401 - binds slicer.util
    import vtk
except ImportError as error:
    raise MissingPackageError(
        f"Scenes and pictures need the package slicer-core, which cannot be imported ({error}).",
        "Install it with: pip install 'multimodalseg[headless]'.",
    ) from error

__all__ = ["slicer", "vtk"]

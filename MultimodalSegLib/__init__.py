"""Registered, segmented CT and MRI of one patient.

The names below are the public surface; each is imported when it is first used, so that ``import MultimodalSegLib``
loads neither torch nor SimpleITK.

Example:
    >>> from MultimodalSegLib import Case, align, read_volume, segment
    >>> case = Case({"CT": read_volume("ct.nrrd"), "MR": read_volume("mr.nrrd")})  # doctest: +SKIP
    >>> segmentation = segment(align(case))  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .images.case import Case
    from .images.grid import Grid
    from .images.io import read_volume, write_volume
    from .images.volume import Volume
    from .inference.predict import segment
    from .models.bundle import list_bundles, load_bundle
    from .registration.align import align
    from .registration.register import register
    from .report.measurements import measure
    from .stages.enhance import enhance
    from .stages.refine import refine

__version__ = "0.1.0"

__all__ = [
    "Case",
    "Grid",
    "Volume",
    "align",
    "enhance",
    "list_bundles",
    "load_bundle",
    "measure",
    "read_volume",
    "refine",
    "register",
    "segment",
    "write_volume",
]

_MODULE_OF = {
    "Case": "images.case",
    "Grid": "images.grid",
    "Volume": "images.volume",
    "align": "registration.align",
    "enhance": "stages.enhance",
    "list_bundles": "models.bundle",
    "load_bundle": "models.bundle",
    "measure": "report.measurements",
    "read_volume": "images.io",
    "refine": "stages.refine",
    "register": "registration.register",
    "segment": "inference.predict",
    "write_volume": "images.io",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value  # the next use does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Which programs can register here, and one function for all of them.

This library's own registration with SimpleITK runs in a child process, anywhere; it is the automatic choice, measured
to be more accurate than others (``docs/registration.md``). BRAINSFit and elastix run on demand where the application
has them, and in its place where no child process can be started. All give the same kind of transform node.
"""

from __future__ import annotations

from ...errors import InputError
from ..packages import slicer
from ..text import _
from .running import Node, RegistrationRun, check_nodes

BACKENDS = ("simpleitk", "brainsfit", "elastix")
"""In the order in which ``"auto"`` tries them."""


def available() -> tuple[str, ...]:
    """Backends that can be used here, the preferred one first; never empty."""
    modules = getattr(slicer, "modules", None)
    return (BACKENDS[0], *(name for name in BACKENDS[1:] if hasattr(modules, name)))


def shown_name(backend: str) -> str:
    """Name of a backend for the panel."""
    names = {
        "auto": _("Automatic"),
        "brainsfit": _("General Registration (BRAINS)"),
        "elastix": _("Elastix"),
        "simpleitk": _("This extension (SimpleITK)"),
    }
    return names[backend]


def choose(backend: str = "auto") -> str:
    """The backend that is used for a choice; for ``"auto"`` the one that is tried first.

    Raises:
        InputError: it is not installed, or there is none of this name.
    """
    usable = available()
    if backend == "auto":
        return usable[0]
    if backend not in usable:
        raise InputError(
            _("The registration backend {name!r} is not available.").format(name=backend),
            _("Use one of {names}.").format(names=", ".join(("auto", *usable))),
        )
    return backend


def registration_run(
    reference: Node,
    moving: Node,
    kind: str = "rigid",
    *,
    backend: str = "auto",
    modalities: tuple[str, str] = ("", ""),
    initial: Node | None = None,
) -> RegistrationRun:
    """A registration that is ready to be started; connect to its signals, then call ``start()``.

    Args:
        reference: volume node that stays.
        moving: volume node that is brought onto it; a parent transform of it is where the search starts.
        kind: ``"rigid"``, ``"affine"`` or ``"bspline"``.
        backend: ``"auto"`` or one of :func:`available`; ``"auto"`` takes another one where no child process starts,
            but never for a B-spline: between CT and MRI the mutual information of the others leads astray
            (``Testing/benchmarks/registration/bent.py``).
        modalities: names of the modalities of both.
        initial: transform node (moving volume's own space to the reference's own space) to start from.

    Raises:
        InputError: the backend is not available, or a volume cannot be used.

    Example:
        >>> run = registration_run(ct, t1, modalities=("CT", "T1"))
        >>> node = run.wait()
        >>> t1.SetAndObserveTransformNodeID(node.GetID())
    """
    name = choose(backend)
    check_nodes(reference, moving, kind)
    others = available()[1:] if backend == "auto" and kind != "bspline" else ()
    if others:
        from .automatic import AutomaticRun

        in_turn = tuple(_run_class(each) for each in (name, others[0]))
        return AutomaticRun(in_turn, reference, moving, kind, modalities=modalities, initial=initial)
    return _run_class(name)(reference, moving, kind, modalities=modalities, initial=initial)


def _run_class(backend: str) -> type[RegistrationRun]:
    if backend == "brainsfit":
        from .brainsfit import BrainsFitRun

        return BrainsFitRun
    if backend == "elastix":
        from .elastix import ElastixRun

        return ElastixRun
    from .simpleitk import SimpleItkRun

    return SimpleItkRun

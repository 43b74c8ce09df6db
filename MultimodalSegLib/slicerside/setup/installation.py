"""The Python packages that a run needs in Slicer's Python: what is missing, getting it, and trying it out.

Nothing is installed at import, in a thread, or without having been asked for: :func:`install` takes a callback that
shows size and license and answers yes or no. torch comes only through the PyTorch extension, which knows the card.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from ...errors import Cancelled, MissingPackageError
from ...machine import has_graphics_card, version_of
from ..packages import slicer
from ..text import _
from .package_list import (
    COHORT,
    OPENVINO,
    REPORT,
    RUN,
    TORCH,
    TORCH_CUDA_MB,
    Package,
    described,
    missing,
    packages,
    requirements_file,
)
from .package_source import Source

REQUESTER = "MultimodalSeg"

Ask = Callable[[str], bool]
"""Shows a text and answers whether the user agrees."""


def optional() -> tuple[Package, ...]:
    """What is not there and would make the work faster; nothing where there is a graphics card."""
    package = described(OPENVINO)
    return () if package.fits or has_graphics_card() else (package,)


def question(wanted: tuple[Package, ...]) -> str:
    """What is asked before anything is downloaded: names, sizes, licenses."""
    rows, total = [], 0.0
    for package in wanted:
        size = TORCH_CUDA_MB if package.name == "torch" and has_graphics_card() else package.megabytes
        total += size
        rows.append(_("{name}: about {size:.0f} MB, license {license}").format(
            name=package.requirement, size=max(1.0, size), license=package.license or _("unknown")
        ))  # fmt: skip
    head = _("These Python packages are needed and will be downloaded into Slicer (about {total:.0f} MB):")
    return "\n".join([head.format(total=max(1.0, total)), *rows, _("This takes some minutes. Install them now?")])


def install(
    ask: Ask,
    *,
    source: Source | None = None,
    tell: Callable[[str], None] = lambda text: None,
    repair: bool = False,
    show_progress: bool = False,
) -> tuple[str, ...]:
    """Install what is missing, in the main thread, which waits for it.

    Args:
        ask: gets :func:`question`; nothing happens unless it answers True.
        source: a proxy or a folder of wheels.
        tell: gets a line for each step.
        repair: install torch again even if it seems to be there, for a half-installed one.
        show_progress: let the application show pip's progress in a window of its own; not for scripts.

    Returns:
        Sentences for the user, such as that Slicer has to be restarted; empty if there is nothing to say.

    Raises:
        Cancelled: the user does not want it.
        MissingPackageError: the PyTorch extension is missing, or an installation failed.
    """
    wanted = missing()
    if repair:
        torch = tuple(package for package in packages() if package.name == "torch")
        wanted = torch + tuple(package for package in wanted if package.name != "torch")
    if not wanted:
        return ()
    extra = optional()
    needs_torch = any(package.name == "torch" for package in wanted)
    torch_utilities = pytorch_utilities() if needs_torch else None
    if not ask(question((*wanted, *extra))):
        raise Cancelled(_("No package was installed."), _("Press Install packages when you want to go on."))
    sentences = []
    with (source or Source()).in_use():
        if torch_utilities is not None:
            tell(_("installing torch"))
            sentences += _install_torch(torch_utilities, repair)
        others = [package for package in wanted if package.name != "torch"]
        if others:
            tell(_("installing {names}").format(names=", ".join(package.name for package in others)))
            _install_others(RUN, show_progress)
        for package in extra:
            tell(_("installing {names}").format(names=package.name))
            sentences += _install_optional(package, show_progress)
    _check_complete(RUN)
    return tuple(sentences)


def install_for_report(ask: Ask, *, source: Source | None = None, show_progress: bool = False) -> None:
    """Install what a report needs and is missing, as :func:`install` does.

    Raises:
        Cancelled: the user does not want it.
        MissingPackageError: an installation failed.
    """
    _install_list(REPORT, _("A report cannot be written without them."), ask, source, show_progress)


def install_for_cohorts(ask: Ask, *, source: Source | None = None, show_progress: bool = False) -> None:
    """Install what cohorts need and is missing, as :func:`install` does.

    Raises:
        Cancelled: the user does not want it.
        MissingPackageError: an installation failed.
    """
    _install_list(COHORT, _("Press Start when you want to go on."), ask, source, show_progress)


def _install_list(name: str, without: str, ask: Ask, source: Source | None, show_progress: bool) -> None:
    wanted = missing(name)
    if not wanted:
        return
    if not ask(question(wanted)):
        raise Cancelled(_("No package was installed."), without)
    with (source or Source()).in_use():
        _install_others(name, show_progress)
    _check_complete(name)


def _check_complete(name: str) -> None:
    """Refuse to go on with packages missing that should be there now."""
    still = [package.name for package in missing(name)]
    if still and not _testing():
        raise MissingPackageError(
            _("After the installation, {names} are still missing.").format(names=", ".join(still)),
            _("Restart Slicer and try again, or look into the Python console for pip's reason."),
        )


def pytorch_utilities() -> Any:
    """The logic of the PyTorch extension.

    Raises:
        MissingPackageError: the extension is not installed.
    """
    if importlib.util.find_spec("PyTorchUtils") is None:
        raise MissingPackageError(
            _("torch is missing, and the extension PyTorch, which installs it, is not there."),
            _("Install the extension PyTorch with the Extensions Manager and restart Slicer."),
        )
    return importlib.import_module("PyTorchUtils").PyTorchUtilsLogic()


def _install_torch(utilities: Any, repair: bool) -> list[str]:
    loaded = "torch" in sys.modules
    try:
        if repair and version_of("torch"):
            utilities.uninstallTorch(askConfirmation=False)
        torch = utilities.installTorch(askConfirmation=False, torchVersionRequirement=TORCH)
    except Exception as error:  # light-the-torch and pip raise many kinds
        raise _failed("torch", error) from error
    if torch is None:
        raise MissingPackageError(_("torch was not installed."), _("Look into the Python console for the reason."))
    return [_("Restart Slicer: another torch was in use already.")] if loaded else []


def _install_others(name: str, show_progress: bool) -> None:
    try:
        packaging = importlib.import_module("slicer.packaging")  # a submodule: not bound to slicer by itself
        _pip(packaging, packaging.load_requirements(str(requirements_file(name))), show_progress)
    except Exception as error:  # RuntimeError and CalledProcessError, by version
        raise _failed(REQUESTER, error) from error


def _install_optional(package: Package, show_progress: bool) -> list[str]:
    """Try it; a sentence if it fails, since everything works without."""
    try:
        requirement = importlib.import_module("packaging.requirements").Requirement(package.requirement)
        _pip(importlib.import_module("slicer.packaging"), [requirement], show_progress)
    except Exception:  # as above
        return [_("{name} was not installed; the work is slower without it.").format(name=package.name)]
    return []


def _pip(packaging: Any, requirements: list[Any], show_progress: bool) -> None:
    packaging.pip_ensure(
        requirements,
        prompt_install=False,  # it was asked already
        prompt_restart=False,
        requester=REQUESTER,
        show_progress=show_progress,
    )


def _failed(name: str, error: Exception) -> MissingPackageError:
    return MissingPackageError(
        _("The installation of {name} failed: {reason}").format(name=name, reason=str(error)[:300]),
        _("Check the network, the proxy and the free disk space, or choose a folder of wheels; then press Repair."),
    )


def _testing() -> bool:
    """Whether the application runs its self tests, in which pip_ensure installs nothing."""
    application = getattr(slicer, "app", None)
    return bool(application is not None and application.testingEnabled())

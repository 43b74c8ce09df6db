"""Section Model: which network, what it can do, and what it will take on this computer."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import MultimodalSegError
from ...models.bundle import Bundle, list_bundles, load_bundle, modality_family
from ...models.folders import bundle_folders, resolve
from ..model_import import import_model
from ..packages import slicer
from ..run import estimate
from ..text import _
from .choices import EXISTING, Choices, Node, Parameters
from .wanted_maps import WantedMaps
from .widgets import chosen, fill, select, tell

DEFAULT = "default"


class ModelSection:
    """List of models, the description of the chosen one, and what a run with it is expected to need.

    Args:
        ui: the form's widgets.
        options: what the section Settings adds to a run: the estimate depends on it.
        speed: how fast a device was in the last run on this computer, None if there was none.
        changed: is called when models were added, which the parameters do not tell.
    """

    def __init__(
        self,
        ui: Any,
        options: Callable[[], dict[str, Any]],
        speed: Callable[[str], float | None],
        changed: Callable[[], None],
    ) -> None:
        self.ui, self.options, self.speed, self.changed = ui, options, speed, changed
        self.parameters: Parameters | None = None
        self.bundles: dict[str, Bundle] = {}
        self.damaged: dict[str, str] = {}
        self._described = ""
        self.wantedMaps = WantedMaps(ui)
        ui.modelBox.connect("activated(int)", lambda _index: self.onChosen())
        ui.loadFolderButton.connect("clicked(bool)", lambda _checked: self.onLoadFolder())
        ui.loadZipButton.connect("clicked(bool)", lambda _checked: self.onLoadZip())
        tell(ui.modelMessage, "")
        self.refresh()

    def setParameters(self, parameters: Parameters | None) -> None:
        """Show these parameters from now on."""
        self.parameters = self.wantedMaps.parameters = parameters

    def probabilities(self, model: str) -> tuple[str, ...]:
        """Structures of which the chosen model shall keep probability maps."""
        return self.wantedMaps.names(self.bundle(model))

    def refresh(self) -> None:
        """Look for models in the model folders."""
        found = {bundle.path.name: bundle for bundle in list_bundles()}
        self.damaged = {}
        for name, path in bundle_folders().items():
            if name not in found:
                try:
                    load_bundle(path)
                except MultimodalSegError as error:
                    self.damaged[name] = error.sentences
        self.bundles, first = found, ""
        with suppress(MultimodalSegError):
            first = resolve(DEFAULT).name
        order = sorted(found, key=lambda name: (name != first, name))
        entries = {DEFAULT if name == first else name: _title(found[name]) for name in order}
        fill(self.ui.modelBox, entries)
        self.bundles |= {DEFAULT: found[first]} if first in found else {}
        self._described = ""
        tell(self.ui.modelMessage, " ".join(self.damaged.values()))

    def bundle(self, name: str) -> Bundle | None:
        """The model of a name, None if it is not there."""
        return self.bundles.get(name)

    def problem(self, choices: Choices) -> str:
        """Why the chosen model cannot be used with the chosen volumes; empty if it can."""
        bundle = self.bundle(choices.model)
        if bundle is None:
            if not self.bundles:
                return _("There is no model; load one in the section Model.")
            return _("The model {name} is not on this computer; choose another one.").format(name=choices.model)
        families = list(bundle.metadata["modality_families"])
        for modality in choices.modalities:
            if modality_family(modality, families) not in families:
                return _("The model {name} cannot use {modality}; leave this volume out.").format(
                    name=bundle.name, modality=modality
                )
        return ""

    def update(self, choices: Choices) -> None:
        """Show what is chosen."""
        if choices.model in self.bundles:
            select(self.ui.modelBox, choices.model)
        else:
            self.ui.modelBox.setCurrentIndex(-1)
        bundle = self.bundle(choices.model)
        key = str(bundle.path) if bundle is not None else choices.model
        if key != self._described:
            self._described = key
            self.ui.modelText.html = description(bundle) if bundle is not None else ""
        self.wantedMaps.update(bundle)
        tell(self.ui.estimateLabel, self._estimate(bundle, choices))

    def learnedSpeed(
        self, record: Mapping[str, Any], choices: Choices, seconds: float, threads: int | None
    ) -> float | None:
        """How fast this computer was in a run that has finished, None if nothing can be said.

        Args:
            record: what the run wrote about itself.
            choices: with which it was started.
            seconds: how long it took.
            threads: that it might use, None for all.
        """
        bundle = self.bundle(choices.model)
        if bundle is None or "inputs" not in record:
            return None
        return estimate.learned_speed(record, bundle, seconds, registration=_kind(choices), threads=threads)

    def onChosen(self) -> None:
        """The user has chosen a model."""
        if self.parameters is not None:
            self.parameters.model = chosen(self.ui.modelBox)

    def onLoadFolder(self) -> str:
        """Add a model from a folder; see :meth:`load`."""
        import qt

        return self.load(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of a model")))

    def onLoadZip(self) -> None:
        """Add a model from a zip file."""
        import qt

        answer = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("Zip file of a model"), "", "Zip (*.zip)")
        self.load(answer[0] if isinstance(answer, tuple | list) else answer)

    def load(self, path: str) -> str:
        """Check a model, copy it into the user's folder and choose it; nothing happens without a path.

        Returns:
            How it went, as the section shows it.
        """
        if not path:
            return ""
        try:
            bundle = import_model(Path(path))
        except MultimodalSegError as error:
            tell(self.ui.modelMessage, error.sentences)
            return error.sentences
        self.refresh()
        name = next((key for key, known in self.bundles.items() if known.path == bundle.path), bundle.path.name)
        if self.parameters is not None:
            self.parameters.model = name
        told = _("The model {name} was added.").format(name=bundle.name)
        tell(self.ui.modelMessage, told)
        self.changed()
        return told

    def _estimate(self, bundle: Bundle | None, choices: Choices) -> str:
        """What a run is expected to need, as sentences; empty if nothing can be said."""
        if bundle is None or choices.reference is None or choices.reference.GetImageData() is None:
            return ""
        options = self.options()
        try:
            return estimate.estimate(
                bundle,
                _grid(choices.reference, choices.region),
                1 + len(choices.moving),
                registration=_kind(choices),
                device=options["device"],
                threads=options["threads"],
                memory_limit_mb=options["memoryLimitMb"],
                speed=self.speed(estimate.used_device(options["device"])),
            ).sentence()
        except MultimodalSegError:
            return ""


def _kind(choices: Choices) -> str:
    """The kind of registration as the estimate knows it."""
    return "given" if choices.registration == EXISTING else choices.registration


def _grid(reference: Node, region: Node | None) -> Any:
    """The grid of the reference volume or of the part of it in a region; the region's axes are taken as the grid's."""
    from ...images.grid import Grid
    from ..scene.volume_input import volume_input

    grid = volume_input(reference).grid
    if region is None:
        return grid
    wanted = [max(1, round(side / step)) for side, step in zip(region.GetSize(), grid.spacing, strict=True)]
    i, j, k = (min(count, most) for count, most in zip(wanted, grid.size, strict=True))
    return Grid((i, j, k), grid.spacing, grid.origin, grid.direction)


def _title(bundle: Bundle) -> str:
    return f"{bundle.name} {bundle.version}"


def description(bundle: Bundle) -> str:
    """What a user should know before using a model, as HTML: purpose, limits, license, classes."""
    meta = bundle.metadata
    limits = meta["limits"] if isinstance(meta["limits"], list | tuple) else [meta["limits"]]
    names = list(dict.fromkeys(entry.name.replace("Left ", "").replace("Right ", "") for entry in bundle.classes()))
    rows = {
        _("Inputs"): ", ".join(meta["modality_families"]) + "; " + bundle.working_area(),
        _("License"): meta["license"],
        _("Limits"): " ".join(map(str, limits)),
        _("Classes"): f"{len(bundle.classes())}: " + ", ".join(name[:1].lower() + name[1:] for name in names),
        _("Training"): meta["training_data"],
    }
    lines = [f"<p>{html.escape(str(meta['description']))}</p>"]
    lines += [f"<p><b>{html.escape(title)}:</b> {html.escape(str(text))}</p>" for title, text in rows.items()]
    return "".join(lines)

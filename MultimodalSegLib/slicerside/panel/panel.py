"""The panel: its sections, joined. It reads what is chosen, shows it, and computes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..packages import slicer
from .choices import AUTOMATIC_KINDS, EXISTING, Choices, Parameters, problem
from .cohort import CohortSection
from .enhance import EnhanceSection
from .federation import FederationSection
from .inputs import InputsSection
from .landmarks import LandmarksBox
from .model import ModelSection
from .refine import RefineSection
from .registration import RegistrationSection
from .results import ResultsSection
from .run import RunSection
from .settings import SettingsSection

VOLUME_CAME_MS = 200
KINDS = (*AUTOMATIC_KINDS, EXISTING, "none")


class Panel:
    """Everything between the form and the library's logic.

    Args:
        ui: the form's widgets, as ``slicer.util.childWidgetVariables`` gives them.
        logic: the library's logic.
        loadSample: loads the sample pair.
    """

    def __init__(self, ui: Any, logic: Any, loadSample: Callable[[], object]) -> None:
        import qt

        self.ui, self.logic = ui, logic
        self.parameters: Parameters | None = None
        self._updating = False
        self.settings = SettingsSection(ui, self.onModelsChanged)
        self.inputs = InputsSection(ui, loadSample, self.update)
        self.registration = RegistrationSection(ui)
        self.landmarks = LandmarksBox(ui, self.update)
        self.model = ModelSection(ui, self.settings.options, self.settings.speed, self.update)
        self.results = ResultsSection(ui, logic, self.settings.options, self.settings.installForReport)
        self.refine = RefineSection(ui, self.results.why.kept, self.settings.options, self.results.onMeasured)
        self.results.report.edited = self.refine.forReport
        self.results.why.before = self.refine.rest
        self.enhance = EnhanceSection(ui, self.settings.options)
        self.run = RunSection(ui, logic, self.settings.options, self.onFinished, self.update)
        self.cohort = CohortSection(ui, self.settings.options)
        self.federation = FederationSection(ui, self.model.onLoadFolder)
        self._volumeTimer = qt.QTimer()
        self._volumeTimer.setSingleShot(True)
        self._volumeTimer.setInterval(VOLUME_CAME_MS)
        self._volumeTimer.connect("timeout()", self.onVolumeCame)

    def setParameters(self, parameters: Parameters | None) -> None:
        """Show these parameters from now on, or none while the module is not open."""
        self.parameters = parameters
        self._updating = True  # one update in the end is enough
        try:
            sections = (self.inputs, self.registration, self.landmarks, self.model, self.results, self.cohort)
            for section in sections:
                section.setParameters(parameters)
        finally:
            self._updating = False
        if parameters is not None:
            self.settings.checkPackages()
        self.update()

    def update(self) -> None:
        """Show what is chosen now, in every section."""
        if self._updating or self.parameters is None:
            return
        self._updating = True
        try:
            choices = self.choices()
            self.inputs.update(choices)
            self.registration.update(choices)
            self.landmarks.update(choices)
            self.model.update(choices)
            self.results.update()
            self.enhance.refresh()
            self.refine.update(self.results.node, self.results.reference)
            self.run.update(choices, self.settings.problem() or problem(choices, self.model.problem))
        finally:
            self._updating = False

    def choices(self) -> Choices:
        """What is chosen now."""
        parameters = self.parameters
        if parameters is None:
            return Choices()
        rows, modalities = self.inputs.rows(), self.inputs.modalities()
        used = [row for row, node in enumerate(rows) if node is not None and row]
        chosen = [getattr(parameters, f"transform{row}") for row in used]
        points = [getattr(parameters, f"landmarks{row}") for row in used]
        kind = parameters.registration
        return Choices(
            reference=rows[0],
            moving=[rows[row] for row in used],
            modalities=[modalities[0], *(modalities[row] for row in used)] if rows[0] is not None else [],
            registration=kind if kind in KINDS else "rigid",
            transforms={number: node for number, node in enumerate(chosen) if node is not None},
            fixedLandmarks=parameters.fixedLandmarks,
            landmarks={number: node for number, node in enumerate(points) if node is not None},
            backend=parameters.backend or "auto",
            model=parameters.model or "default",
            region=parameters.regionOfInterest,
            output=parameters.outputSegmentation,
            probabilities=self.model.probabilities(parameters.model or "default"),
            syntheticDetail=self.inputs.syntheticDetail(),
        )

    def onFinished(self, result: Any) -> None:
        """A run has finished."""
        flow = self.run.flow
        if flow is None:
            self.results.take(result, {})
        else:
            self.results.take(result, flow.choices.movingByModality, keepFiles=flow.options["keepFiles"])
            speed = self.model.learnedSpeed(result.record, flow.choices, flow.seconds, flow.options["threads"])
            self.settings.keepSpeed(result.device, speed)

    def onModelsChanged(self) -> None:
        """The folder of models, or another setting, was changed."""
        self.model.refresh()
        self.update()

    def volumeCame(self) -> None:
        """A volume was added to the scene; it is looked at when it is complete."""
        self._volumeTimer.start()

    def onVolumeCame(self) -> None:
        """Propose the volumes that are there now."""
        self.inputs.preselect()
        self.update()

    def sceneClosing(self) -> None:
        """The scene is about to be emptied."""
        self.run.cancel()
        self.landmarks.stop()
        self.refine.stop()
        self.enhance.stop()
        self.logic.close()
        self.results.close()

    def close(self) -> None:
        """The module is going away: stop what runs."""
        self._volumeTimer.stop()
        self.cohort.close()
        self.federation.close()
        self.sceneClosing()
        self.settings.close()

    def waitUntilDone(self, *, seconds: float) -> bool:
        """Let the application live until no run is on; for tests. False if the time was not enough."""
        end = time.monotonic() + seconds
        while self.run.running and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.01)
        return not self.run.running

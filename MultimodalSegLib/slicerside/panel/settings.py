"""Section Settings: what belongs to this computer and not to the scene, packages, and what this computer can do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import MultimodalSegError
from ...models.folders import user_folder
from ..packages import slicer
from ..run.estimate import used_device
from ..setup import installation, package_list
from ..setup.doctor import Doctor, doctor_text
from ..setup.package_source import Source
from ..setup.trial import DeviceTrial, Trial
from ..text import _
from .widgets import chosen, copy, fill, select, timer

PREFIX = "MultimodalSeg/"
MODELS_VARIABLE = "MMS_MODELS"
POLL_MS = 100


class SettingsSection:
    """Device, threads, memory, model folder and kept files; installation and the findings about this computer.

    Args:
        ui: the form's widgets.
        changed: is called when something was changed on which the other sections depend.
    """

    def __init__(self, ui: Any, changed: Callable[[], None]) -> None:
        self.ui, self.changed = ui, changed
        self._missing: list[str] = []
        self._given = os.environ.get(MODELS_VARIABLE)
        self._work: Any = None
        self._timer = timer(POLL_MS, self._onTimer)
        fill(ui.deviceBox, {"auto": _("Automatic"), "cpu": _("Processor"), "cuda": _("Graphics card (CUDA)")})
        self._load()
        ui.deviceBox.connect("activated(int)", lambda _index: self.save())
        ui.threadsBox.connect("valueChanged(int)", lambda _value: self.save())
        ui.memoryBox.connect("valueChanged(int)", lambda _value: self.save())
        ui.keepFilesBox.connect("toggled(bool)", lambda _on: self.save())
        ui.proxyEdit.connect("editingFinished()", self.save)
        ui.modelFolderEdit.connect("currentPathChanged(QString)", lambda _path: self.save())
        ui.wheelFolderEdit.connect("currentPathChanged(QString)", lambda _path: self.save())
        ui.installButton.connect("clicked(bool)", lambda _checked: self.install())
        ui.installNowButton.connect("clicked(bool)", lambda _checked: self.install())
        ui.repairButton.connect("clicked(bool)", lambda _checked: self.install(repair=True))
        ui.doctorButton.connect("clicked(bool)", lambda _checked: self.onDoctor())
        ui.copyDoctorButton.connect("clicked(bool)", lambda _checked: copy(self.ui.doctorText.plainText))
        ui.doctorText.visible = ui.copyDoctorButton.visible = False
        ui.packagesFrame.visible = False

    def options(self) -> dict[str, Any]:
        """What a run is given besides the inputs."""
        return {
            "device": chosen(self.ui.deviceBox) or "auto",
            "threads": self.ui.threadsBox.value or None,
            "memoryLimitMb": self.ui.memoryBox.value or None,
            "keepFiles": bool(self.ui.keepFilesBox.checked),
        }

    def speed(self, device: str) -> float | None:
        """How fast this computer was in its last run on a device, as the estimate has it; None before the first."""
        import qt

        try:
            return float(qt.QSettings().value(f"{PREFIX}speed/{device}") or "")
        except ValueError:
            return None

    def keepSpeed(self, device: str, speed: float | None) -> None:
        """Remember how fast a run was, if that is known."""
        import qt

        if speed is not None:
            qt.QSettings().setValue(f"{PREFIX}speed/{used_device(device)}", f"{speed:.3g}")

    def problem(self) -> str:
        """Why nothing can be segmented on this computer; empty if it can."""
        return _("Install the packages first.") if self._missing else ""

    def checkPackages(self) -> None:
        """Show whether packages are missing."""
        self._missing = [package.name for package in package_list.missing()]
        self.ui.packagesFrame.visible = bool(self._missing)
        names = ", ".join(self._missing)
        self.ui.packagesLabel.text = _("These packages are missing in Slicer's Python: {names}.").format(names=names)

    def save(self) -> None:
        """Remember what is set, for this and later sessions."""
        import qt

        settings = qt.QSettings()
        for key, value in self._values().items():
            settings.setValue(PREFIX + key, value)
        self._useModelFolder()
        self.changed()

    def install(self, *, repair: bool = False) -> None:
        """Install what is missing, torch in any case if it is to be repaired; asks first and tries it out afterwards.

        This happens in the main thread, as Slicer's installer wants it.
        """
        try:
            sentences = installation.install(
                _ask, source=self._source(), tell=_status, repair=repair, show_progress=True
            )
        except MultimodalSegError as error:
            self._say(f"{error.message}\n{error.hint}")
        else:
            self._say("\n".join([*sentences, _("The device is being tried out…")]))
            self._follow(DeviceTrial(self.options()["device"]), self._onTrial)
        self.checkPackages()
        self.changed()

    def installForReport(self) -> None:
        """Install what a report needs, if anything is missing; asks first.

        Raises:
            Cancelled: the user does not want it.
            MissingPackageError: an installation failed.
        """
        installation.install_for_report(_ask, source=self._source(), show_progress=True)

    def _source(self) -> Source:
        wheels = self.ui.wheelFolderEdit.currentPath
        return Source(self.ui.proxyEdit.text.strip(), Path(wheels) if wheels else None)

    def onDoctor(self) -> None:
        """Say what this computer can do."""
        self._say(_("Looking…"))
        self._follow(Doctor(), lambda report: self._say(doctor_text(report)))

    def close(self) -> None:
        """Nobody looks anymore."""
        self._timer.stop()
        self._work = None

    def _onTrial(self, trial: Trial) -> None:
        self._say("\n".join(text for text in (trial.sentence, trial.hint) if text))

    def _follow(self, work: Any, told: Callable[[Any], None]) -> None:
        """Start something that is polled and tells once."""
        self._work = work
        work.finished.connect(told)
        work.failed.connect(lambda _kind, message, hint: self._say(f"{message}\n{hint}"))
        work.start()
        self._timer.start()

    def _onTimer(self) -> None:
        if self._work is None or not self._work.poll():
            self._timer.stop()

    def _say(self, text: str) -> None:
        """Show findings, and make them visible wherever the button was."""
        self.ui.settingsCollapsibleButton.collapsed = False
        self.ui.packagesGroup.collapsed = False
        self.ui.doctorText.visible = self.ui.copyDoctorButton.visible = True
        self.ui.doctorText.plainText = text

    def _values(self) -> dict[str, Any]:
        ui = self.ui
        return {
            "device": chosen(ui.deviceBox),
            "threads": ui.threadsBox.value,
            "memoryMb": ui.memoryBox.value,
            "keepFiles": "yes" if ui.keepFilesBox.checked else "no",  # a bool comes back as text on some systems
            "modelFolder": ui.modelFolderEdit.currentPath,
            "wheelFolder": ui.wheelFolderEdit.currentPath,
            "proxy": ui.proxyEdit.text,
        }

    def _load(self) -> None:
        """Show what was remembered."""
        import qt

        settings, ui = qt.QSettings(), self.ui

        def remembered(key: str) -> str:
            value = settings.value(PREFIX + key)
            return "" if value is None else str(value)

        select(ui.deviceBox, remembered("device") or "auto")
        ui.threadsBox.value = _number(remembered("threads"))
        ui.memoryBox.value = _number(remembered("memoryMb"))
        ui.keepFilesBox.checked = remembered("keepFiles") == "yes"
        ui.modelFolderEdit.currentPath = remembered("modelFolder")
        ui.wheelFolderEdit.currentPath = remembered("wheelFolder")
        ui.proxyEdit.text = remembered("proxy")
        self._useModelFolder()

    def _useModelFolder(self) -> None:
        """Tell the library, and through the environment its child process, where the user's models are."""
        folder = self.ui.modelFolderEdit.currentPath
        if folder:
            os.environ[MODELS_VARIABLE] = folder
        elif self._given is not None:
            os.environ[MODELS_VARIABLE] = self._given
        else:
            os.environ.pop(MODELS_VARIABLE, None)
        self.ui.modelFolderEdit.toolTip = _("Folder of your own models, now {folder}.").format(folder=user_folder())


def _ask(text: str) -> bool:
    return bool(slicer.util.confirmOkCancelDisplay(text, _("Install packages")))


def _status(text: str) -> None:
    slicer.util.showStatusMessage(text)
    slicer.app.processEvents()


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0

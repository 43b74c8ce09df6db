"""Choosing volumes, kinds of alignment and models; Apply says why it cannot be pressed."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

FORM = Path(__file__).resolve().parents[3] / "MultimodalSeg" / "Resources" / "UI" / "MultimodalSeg.ui"
CONTROLS = {"QPushButton", "QCheckBox", "QComboBox", "QLineEdit", "QSpinBox", "QPlainTextEdit", "QTextBrowser"}
CONTROLS |= {"QTableWidget", "QProgressBar", "ctkCollapsibleButton", "ctkCollapsibleGroupBox", "ctkPathLineEdit"}
CONTROLS |= {"ctkSliderWidget", "qMRMLNodeComboBox", "qMRMLSegmentsTableView"}


def entries(property_name):
    """Name of each widget of the form and a property of it, None where it has none."""
    for element in ElementTree.parse(FORM).iter("widget"):
        found = [entry for entry in element.findall("property") if entry.get("name") == property_name]
        yield element, found[0][0].text if found else None


def test_every_control_has_a_tooltip_and_can_be_reached_by_the_keyboard():
    tabs = {entry.text for entry in ElementTree.parse(FORM).iter("tabstop")}
    for element, tip in entries("toolTip"):
        if element.get("class") in CONTROLS:
            assert tip, f"{element.get('name')} has no tooltip"
            shown_only = element.get("class") in ("QProgressBar", "ctkCollapsibleGroupBox")
            assert shown_only or element.get("name") in tabs, f"{element.get('name')} is no tab stop"


def test_labels_belong_to_controls_and_no_letter_is_taken_twice():
    names = {element.get("name") for element, _ in entries("text")}
    buddies = {element.get("name"): buddy for element, buddy in entries("buddy") if buddy}
    assert set(buddies.values()) <= names
    letters = [re.findall(r"&(\w)", text or "") for _, text in entries("text")]
    letters = [found[0].upper() for found in letters if found]
    assert len(letters) == len(set(letters)), sorted(letters)


def test_the_empty_panel_offers_the_sample_pair(widget, shim, pictures):
    assert widget.ui.sampleDataButton.visible
    assert not widget.ui.applyButton.enabled
    assert widget.ui.reasonLabel.text == widget.ui.applyButton.toolTip == "Choose a reference volume."
    pictures(widget, "empty", shim)


def test_volumes_are_chosen_and_their_modality_guessed(widget, a_pair, shim, pictures):
    parameters = widget._parameterNode
    assert parameters.referenceVolume is a_pair[0] and parameters.movingVolume1 is a_pair[1]
    assert (widget.ui.referenceModality.currentText, widget.ui.movingModality1.currentText) == ("CT", "T1")
    assert widget.ui.movingSelector2.visible and not widget.ui.movingSelector3.visible
    assert not widget.ui.sampleDataButton.visible
    pictures(widget, "chosen", shim)


def test_synthetic_detail_is_used_only_if_that_is_said(widget, a_pair, a_volume, segmentations, shim, pictures):
    ui, parameters = widget.ui, widget._parameterNode
    parameters.registration = "none"
    assert not ui.syntheticDetailBox.visible and ui.applyButton.enabled
    made_up = a_volume("T2 (synthetic detail)")
    shim.process_events(0.3)
    assert parameters.movingVolume2 is None, "it must not be proposed"
    parameters.movingVolume1 = made_up
    assert ui.syntheticDetailBox.visible and not ui.applyButton.enabled
    assert "T2 (synthetic detail) is synthetic" in ui.reasonLabel.text
    pictures(widget, "synthetic", shim)
    ui.syntheticDetailBox.click()
    assert ui.applyButton.enabled
    ui.applyButton.click()
    assert segmentations[0][0][1]["syntheticDetail"] is True
    parameters.movingVolume1 = a_pair[1]
    assert not ui.syntheticDetailBox.visible and not ui.syntheticDetailBox.checked


def test_a_modality_can_be_corrected_and_is_kept_with_the_volume(widget, a_pair):
    box = widget.ui.movingModality1
    box.setCurrentIndex(box.findData("FLAIR"))
    box.activated.emit(box.currentIndex)
    assert a_pair[1].GetAttribute("MultimodalSeg.Modality") == "FLAIR"
    assert list(widget.panel.choices().movingByModality) == ["FLAIR"]
    box.setCurrentIndex(box.findData("CT"))
    box.activated.emit(box.currentIndex)
    assert "Two volumes are CT" in widget.ui.reasonLabel.text
    assert not widget.ui.applyButton.enabled


def test_a_choice_of_the_user_is_not_overruled_by_another_volume(widget, a_pair, a_volume, shim):
    widget._parameterNode.movingVolume1 = None
    a_volume("another T2")
    shim.process_events(0.4)
    assert widget._parameterNode.movingVolume1 is None


def test_the_same_volume_twice_is_told(widget, a_pair):
    widget.ui.movingSelector2.setCurrentNode(a_pair[0])
    assert "chosen twice" in widget.ui.reasonLabel.text and not widget.ui.applyButton.enabled


def test_a_modality_that_the_model_does_not_know_is_told(widget, a_pair):
    a_pair[1].SetAttribute("MultimodalSeg.Modality", "PET")
    widget.panel.update()
    assert "cannot use PET" in widget.ui.reasonLabel.text and not widget.ui.applyButton.enabled


def test_a_model_that_is_not_there_is_told(widget, a_pair):
    widget._parameterNode.model = "nowhere"
    assert "nowhere" in widget.ui.reasonLabel.text and not widget.ui.applyButton.enabled


def test_existing_transforms_are_chosen_by_volume(widget, a_pair, a_transform, shim, pictures):
    box = widget.ui.registrationBox
    box.setCurrentIndex(box.findData("transform"))
    box.activated.emit(box.currentIndex)
    assert widget.ui.transformSelector1.visible and not widget.ui.backendBox.visible
    assert not widget.ui.transformSelector2.visible
    node = a_transform(3.0)
    widget.ui.transformSelector1.setCurrentNode(node)
    assert widget.panel.choices().transformsByModality == {"T1": node}
    pictures(widget, "existing-transforms", shim)


def test_the_model_says_what_it_is_and_what_it_needs(widget, a_pair):
    assert "License" in widget.ui.modelText.plainText and "Limits" in widget.ui.modelText.plainText
    assert "the head, resampled to" in widget.ui.modelText.plainText
    assert "GB" in widget.ui.estimateLabel.text


def test_every_section_fits_when_it_is_open(widget, a_pair, shim, pictures):
    for name in ("model", "settings"):
        getattr(widget.ui, f"{name}CollapsibleButton").collapsed = False
    widget.ui.packagesGroup.collapsed = widget.ui.logGroup.collapsed = False
    pictures(widget, "all-open", shim)
    assert widget.ui.repairButton.visible and widget.ui.logText.visible


def test_a_model_from_a_folder_is_checked(widget, a_pair, tmp_path, dialogs_shown):
    (tmp_path / "no model").mkdir()
    dialogs_shown.answers.append(str(tmp_path / "no model"))
    widget.ui.loadFolderButton.click()
    assert "There is no model in" in widget.ui.modelMessage.text
    assert widget._parameterNode.model == "default"


@pytest.mark.parametrize("how", ["folder", "zip"])
def test_a_model_is_copied_into_the_model_folder(widget, a_pair, tmp_path, dialogs_shown, how):
    import json
    import shutil

    from MultimodalSegLib.models.bundle import load_bundle

    source = tmp_path / "from" / "mine"
    shutil.copytree(load_bundle("default").path, source)
    file = source / "configs" / "metadata.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | {"name": "mine"}), encoding="utf-8")
    widget.ui.modelFolderEdit.currentPath = str(tmp_path / "models")
    answer = str(source) if how == "folder" else shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path / "from")
    dialogs_shown.answers.append(answer)
    (widget.ui.loadFolderButton if how == "folder" else widget.ui.loadZipButton).click()
    assert widget._parameterNode.model == "mine", widget.ui.modelMessage.text
    assert (tmp_path / "models" / "mine" / "models" / "model.safetensors").is_file()
    assert widget.ui.applyButton.enabled


def test_parameters_come_back_with_the_scene(widget, a_pair, shim, tmp_path):
    import slicer

    widget._parameterNode.registration = "affine"
    widget._parameterNode.lesionProbability = True
    a_pair[1].SetAttribute("MultimodalSeg.Modality", "T2")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear()
    shim.process_events(0.3)
    assert widget._parameterNode.referenceVolume is None and not widget.ui.applyButton.enabled
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    shim.process_events(0.5)
    assert widget._parameterNode.referenceVolume.GetName() == "Head CT"
    assert widget.ui.movingSelector1.currentNode().GetName() == "Head T1"
    assert widget.panel.choices().modalities == ["CT", "T2"]
    assert widget.ui.registrationBox.currentText == "Affine" and widget.ui.lesionProbabilityBox.checked


def test_leaving_and_coming_back_keeps_everything(widget, a_pair):
    widget.exit()
    assert widget._parameterNode is None
    widget.enter()
    assert widget._parameterNode.movingVolume1 is a_pair[1] and widget.ui.applyButton.enabled

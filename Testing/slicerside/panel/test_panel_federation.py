"""The section Federated training: it explains, shows the document, loads the model, and can start nothing."""

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.resources import document


@pytest.fixture
def section(widget):
    """The widgets of the opened section."""
    widget.ui.federationCollapsibleButton.collapsed = False
    return widget.ui


def section_of_the_form(name: str) -> ElementTree.Element:
    form = Path(__file__).parents[3] / "MultimodalSeg" / "Resources" / "UI" / "MultimodalSeg.ui"
    found = ElementTree.parse(form).getroot().find(f".//widget[@name='{name}']")
    assert found is not None
    return found


def a_trained_model(folder: Path) -> Path:
    """A bundle with another name, as a federation leaves one."""
    shutil.copytree(load_bundle("default").path, folder)
    file = folder / "configs" / "metadata.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | {"name": "consortium"}), encoding="utf-8")
    return folder


def test_it_explains_and_has_no_controls_of_training(widget, section, shim, pictures):
    assert "images stay where they are" in section.federationText.text
    inside = {element.get("name") for element in section_of_the_form("federationCollapsibleButton").iter("widget")}
    shown = {"federationText", "federationMessage"}
    assert inside - shown == {"federationCollapsibleButton", "federationDocumentButton", "federationLoadButton"}
    assert not section.federationMessage.visible
    pictures(widget, "federation", shim)


def test_the_document_is_shown_and_leaves_with_the_module(widget, section, shim):
    section.federationDocumentButton.click()
    window = widget.panel.federation.window
    assert window.visible and "What leaves a site" in window.plainText and "federate provision" in window.plainText
    assert window.openExternalLinks and "](../" not in document("federated.md").read_text(encoding="utf-8")
    section.federationDocumentButton.click()
    assert widget.panel.federation.window is window
    widget.cleanup()
    assert not window.visible


def test_its_model_is_loaded_and_chosen(widget, section, tmp_path, dialogs_shown):
    section.modelFolderEdit.currentPath = str(tmp_path / "models")
    dialogs_shown.answers.append(str(a_trained_model(tmp_path / "from" / "consortium")))
    section.federationLoadButton.click()
    assert section.federationMessage.text == "The model consortium was added."
    assert widget._parameterNode.model == "consortium"
    assert (tmp_path / "models" / "consortium" / "models" / "model.safetensors").is_file()


def test_a_folder_without_a_model_is_refused_here_too_and_no_folder_says_nothing(section, tmp_path, dialogs_shown):
    dialogs_shown.answers.append(str(tmp_path))
    section.federationLoadButton.click()
    assert "There is no model in" in section.federationMessage.text and section.federationMessage.visible
    dialogs_shown.answers.append("")
    section.federationLoadButton.click()
    assert not section.federationMessage.visible

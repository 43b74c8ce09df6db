"""Dialogs never wait: they are recorded and answered."""

import pytest


def test_message_boxes_are_recorded_and_a_question_is_answered_yes(dialogs_shown) -> None:
    import qt

    assert qt.QMessageBox.question(None, "Sure?", "Remove it?") == qt.QMessageBox.Yes
    qt.QMessageBox.critical(None, "Error", "It broke.")
    assert [(one.kind, one.text) for one in dialogs_shown.shown] == [
        ("question", "Remove it?"),
        ("critical", "It broke."),
    ]


def test_answers_are_used_up_in_order(dialogs_shown) -> None:
    import qt

    dialogs_shown.answers += [qt.QMessageBox.No, "/data/model"]
    assert qt.QMessageBox.question(None, "", "Sure?") == qt.QMessageBox.No
    assert qt.QFileDialog.getExistingDirectory(None, "Folder") == "/data/model"
    assert qt.QFileDialog.getOpenFileName(None, "File") == ""


def test_slicer_s_own_display_functions_come_here(dialogs_shown) -> None:
    import slicer

    slicer.util.errorDisplay("Out of memory.", detailedText="Traceback ...")
    assert slicer.util.confirmOkCancelDisplay("Overwrite?") is True
    first, second = dialogs_shown.shown
    assert (first.text, first.detail) == ("Out of memory.", "Traceback ...")
    assert second.text == "Overwrite?"


def test_nothing_is_displayed_while_slicer_is_testing(dialogs_shown, monkeypatch) -> None:
    import slicer

    monkeypatch.setattr(slicer.app, "testing", True)
    slicer.util.errorDisplay("Out of memory.")
    assert dialogs_shown.shown == []


def test_any_other_dialog_or_menu_does_not_wait_either(dialogs_shown) -> None:
    import qt

    dialog = qt.QDialog()
    dialog.windowTitle = "Options"
    assert dialog.exec_() == 0
    menu = qt.QMenu()
    menu.addAction("Copy")
    assert menu.exec_() is None
    assert [(one.kind, one.text) for one in dialogs_shown.shown] == [("dialog", "Options"), ("menu", "Copy")]


def test_nothing_shown_fails_when_something_is(dialogs_shown) -> None:
    import qt

    with pytest.raises(AssertionError, match="Hello"), dialogs_shown.nothing_shown():
        qt.QMessageBox.information(None, "", "Hello")

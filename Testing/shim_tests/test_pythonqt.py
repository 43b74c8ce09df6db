"""Qt through the shim behaves as Slicer's Python sees it, and a mistake is an error."""

import pytest


@pytest.fixture
def qt(shim):
    import qt

    return qt


def test_properties_are_attributes(qt) -> None:
    button = qt.QPushButton("Apply")
    button.enabled = False
    button.toolTip = "Starts the run"
    assert (button.text, button.enabled, button.toolTip) == ("Apply", False, "Starts the run")
    assert not button.isEnabled()


def test_a_getter_is_not_a_function(qt) -> None:
    with pytest.raises(TypeError, match="not callable"):
        qt.QLabel("x").text()


@pytest.mark.parametrize(
    ("name", "value", "hint"), [("enable", True, "enabled"), ("tooltip", "x", "toolTip"), ("setText", "x", "text")]
)
def test_a_misspelt_property_is_refused(qt, name: str, value: object, hint: str) -> None:
    with pytest.raises(AttributeError, match=f"did you mean '{hint}'"):
        setattr(qt.QPushButton(), name, value)


def test_a_read_only_property_is_refused(qt) -> None:
    with pytest.raises(AttributeError, match="read-only"):
        qt.QWidget().width = 300


@pytest.mark.parametrize("value", [None, object()])
def test_a_value_of_another_kind_is_refused(qt, value: object) -> None:
    with pytest.raises(ValueError, match="QString"):
        qt.QLabel().text = value


def test_a_class_of_the_module_may_have_attributes_of_its_own(qt) -> None:
    class Panel(qt.QWidget):
        pass

    panel = Panel()
    panel.anything = 3
    assert panel.anything == 3 and isinstance(panel, qt.QWidget)
    assert panel.connect("customContextMenuRequested(QPoint)", lambda: None)


def test_every_widget_is_a_widget(qt) -> None:
    table = qt.QTableWidget(1, 1)
    assert isinstance(table, qt.QWidget) and isinstance(table.horizontalHeader(), qt.QWidget)
    assert not isinstance(table, qt.QLabel) and issubclass(qt.QPushButton, qt.QWidget)


def test_objects_made_by_qt_have_attributes_too(qt) -> None:
    table = qt.QTableWidget(1, 1)
    table.horizontalHeader().visible = False
    assert table.horizontalHeader().isHidden()


@pytest.mark.parametrize("signal", ["click(bool)", "clicked(int)", "Clicked()", "clicked"])
def test_an_unknown_signal_is_refused(qt, signal: str) -> None:
    with pytest.raises(ValueError, match=r"has no signal .*; it has clicked"):
        qt.QPushButton().connect(signal, print)


def test_a_signal_that_only_newer_qt_has_is_refused(qt) -> None:
    with pytest.raises(ValueError, match="no signal"):
        qt.QCheckBox().connect("checkStateChanged(Qt::CheckState)", print)


def test_a_receiver_gets_as_many_arguments_as_it_takes(qt) -> None:
    got = []
    button = qt.QPushButton()
    button.connect("clicked(bool)", lambda: got.append("none"))
    button.connect("clicked(bool)", lambda checked: got.append(checked))
    button.connect("clicked()", lambda: got.append("short"))
    button.connect("clicked(bool)", lambda *all_of_them: got.append(all_of_them))
    button.click()
    assert got == ["none", False, "short", (False,)]


def test_a_connection_keeps_its_receiver_alive(qt) -> None:
    got = []

    class Receiver:
        def take(self) -> None:
            got.append(1)

    button = qt.QPushButton()
    button.connect("clicked()", Receiver().take)
    button.click()
    assert got == [1]


def test_disconnect_ends_only_that_connection(qt) -> None:
    got = []
    button = qt.QPushButton()

    def first() -> None:
        got.append(1)

    def second() -> None:
        got.append(2)

    button.connect("clicked()", first)
    button.connect("clicked()", second)
    assert button.disconnect("clicked()", first)
    button.click()
    assert got == [2]
    assert not button.disconnect("clicked()", first)


def test_an_error_in_a_slot_is_noted(qt, shim) -> None:
    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert "ZeroDivisionError" in shim.errors.pop()


def test_an_error_in_an_observer_of_the_scene_is_noted(shim) -> None:
    import slicer

    def fails(caller, event) -> None:
        raise KeyError("observer")

    tag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, fails)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    slicer.mrmlScene.RemoveObserver(tag)
    assert "observer" in shim.errors.pop()


def test_a_class_that_qt_lacks_is_refused(qt) -> None:
    with pytest.raises(AttributeError, match="QPushButon"):
        qt.QPushButon  # noqa: B018


def test_a_timer_and_a_process_are_real(qt, shim) -> None:
    import sys

    got = []
    qt.QTimer.singleShot(5, lambda: got.append("timer"))
    process = qt.QProcess()
    process.connect("finished(int,QProcess::ExitStatus)", lambda code: got.append(code))
    process.start(sys.executable, ["-c", "raise SystemExit(3)"])
    shim.wait(lambda: len(got) == 2, 60)
    assert sorted(got, key=str) == [3, "timer"]


def test_waiting_for_nothing_ends(shim) -> None:
    with pytest.raises(TimeoutError, match="0.05 s"):
        shim.wait(lambda: False, 0.05)

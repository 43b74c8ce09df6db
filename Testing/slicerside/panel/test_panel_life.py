"""The panel's life: how soon it is there, leaving and coming back, cleaning up."""

from Testing.slicerside.panel.starting import started_alone


def test_the_module_and_its_panel_are_there_at_once():
    """In a process of its own; the better of two, because other work slows the processor's caches too."""
    tries = [started_alone() for _ in range(2)]
    assert min(figures["import"].processor_s for figures in tries) < 0.1
    assert not any(figures["import"].loaded_library for figures in tries)
    assert min(figures["panel"].processor_s for figures in tries) < 1.0


def test_leaving_and_coming_back_many_times_binds_the_panel_once(widget, a_pair, monkeypatch):
    for _time in range(4):
        widget.exit()
        widget.enter()
    calls, update = [], widget.panel.run.update
    monkeypatch.setattr(widget.panel.run, "update", lambda *given: (calls.append(given), update(*given)))
    widget._parameterNode.registration = "affine"
    assert len(calls) == 1 and widget.ui.registrationBox.currentText == "Affine"


def test_a_module_that_is_left_does_not_follow_the_scene_until_its_return(widget, a_pair, a_volume, shim):
    import slicer

    widget.exit()
    widget.parent.isEntered = False
    slicer.mrmlScene.Clear()
    a_volume("Head CT", air=-1000.0)
    shim.process_events(0.4)
    assert widget._parameterNode is None
    widget.enter()
    assert widget._parameterNode.referenceVolume.GetName() == "Head CT" and widget.ui.applyButton.enabled


def test_after_cleaning_up_the_panel_hears_nothing_anymore(widget, a_pair, a_volume, shim, monkeypatch):
    import slicer

    widget.cleanup()
    heard = []
    for name in ("update", "onVolumeCame", "sceneClosing"):
        monkeypatch.setattr(widget.panel, name, lambda name=name: heard.append(name))
    a_volume("one more")
    slicer.mrmlScene.Clear()
    shim.process_events(0.4)
    assert not heard
    widget.cleanup()  # a second time, as a reload does
    assert not widget.panel._volumeTimer.active and not widget.panel.run.timer.active

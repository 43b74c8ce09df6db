import pytest

from MultimodalSegLib.slicerside.signal import Signal


def test_listeners_are_called_in_order_with_what_is_emitted():
    heard, signal = [], Signal()
    signal.connect(lambda *given: heard.append(("first", given)))
    signal.connect(lambda *given: heard.append(("second", given)))
    signal.emit(1, "two")
    assert heard == [("first", (1, "two")), ("second", (1, "two"))]


def test_a_listener_is_connected_once_and_can_be_disconnected():
    heard, signal = [], Signal()
    signal.connect(heard.append)
    signal.connect(heard.append)
    signal.emit("a")
    signal.disconnect(heard.append)
    signal.disconnect(heard.append)
    signal.emit("b")
    assert heard == ["a"]


def test_a_listener_that_disconnects_another_keeps_it_from_being_called():
    heard, signal = [], Signal()
    signal.connect(lambda: signal.disconnect(late))

    def late():
        heard.append("late")

    signal.connect(late)
    signal.emit()
    assert heard == []


def test_a_listener_that_raises_does_not_silence_the_others():
    heard, signal = [], Signal()

    def broken():
        raise RuntimeError("broken listener")

    signal.connect(broken)
    signal.connect(lambda: heard.append("heard"))
    with pytest.raises(RuntimeError, match="broken listener"):
        signal.emit()
    assert heard == ["heard"]

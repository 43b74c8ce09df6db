"""Small things that several sections do with their widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def fill(box: Any, entries: Mapping[str, str]) -> None:
    """Put entries into a combo box: shown text by value. What was chosen stays chosen if it is still there."""
    before, blocked = chosen(box), box.blockSignals(True)
    box.clear()
    for value, text in entries.items():
        box.addItem(text, value)
    if before in entries:
        select(box, before)
    box.blockSignals(blocked)


def chosen(box: Any) -> str:
    """The value of the chosen entry, empty if there is none."""
    return str(box.itemData(box.currentIndex) or "") if box.currentIndex >= 0 else ""


def select(box: Any, value: str) -> None:
    """Choose the entry of a value; the first entry where there is none such."""
    box.setCurrentIndex(max(0, box.findData(value)))


def tell(label: Any, text: str) -> None:
    """Show a sentence, or hide the label if there is none."""
    label.text = text
    label.visible = bool(text)


def advance(bar: Any, fraction: float) -> None:
    """Show how far something is, 0 to 1; while nothing is known the bar only moves."""
    bar.maximum = 100 if fraction > 0 else 0
    bar.value = round(100 * fraction)


def timer(milliseconds: int, call: Callable[[], None]) -> Any:
    """A timer that calls a function again and again, once it is started."""
    import qt

    made = qt.QTimer()
    made.setInterval(milliseconds)
    made.connect("timeout()", call)
    return made


def copy(text: str) -> None:
    """Put a text on the clipboard."""
    import qt

    qt.QApplication.clipboard().setText(text)

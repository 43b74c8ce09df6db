"""``refine --listen``: requests as JSON lines on stdin, answered one after the other on stdout."""

from __future__ import annotations

import json
import os
import queue
import threading
from pathlib import Path
from typing import Any

from ..errors import Cancelled, InputError, MultimodalSegError
from ..progress import Progress
from .ending import shown_error
from .listeners import Listener

MEASURE_AFTER_S = 1.5
"""Quiet after which the tables are brought up to date."""

END_AFTER_S = 600.0
"""Quiet after which the program ends, as it holds memory."""


def listen(run: Path, model: str, device: str, told: Listener, progress: Progress, end_after_s: float) -> None:
    """Take requests until stdin ends, or nothing has come for a while.

    Each is one line, an object as :meth:`~MultimodalSegLib.stages.clicking.Clicking.answer` takes it, and is answered
    with one line, a result or an error. A line ``{"result": {"measured": true}}`` that nobody asked for says that the
    tables are up to date. Places in errors are in RAS, as whoever sends requests shows them in 3D Slicer.

    Args:
        run: the run folder.
        model: name or folder of a click model.
        device: where to compute.
        told: is told the answers.
        progress: takes the events.
        end_after_s: seconds without a request after which this returns.
    """
    from ..refinement.places import PlaceError
    from ..stages.clicking import Clicking

    clicking, lines = Clicking(run, model, device), _lines()
    waiting = END_AFTER_S if end_after_s <= 0 else end_after_s
    patience = waiting
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            if patience == waiting:
                return
            patience = waiting
            line = ""
        if line is None:
            return
        try:
            if not line:
                if clicking.measure(progress):
                    told.result({"measured": True})
                continue
            patience = min(MEASURE_AFTER_S, waiting / 2)
            told.result(clicking.answer(_request(line), progress))
        except Cancelled:
            raise
        except PlaceError as error:
            told.error(error.in_ras())
        except Exception as error:
            told.error(error if isinstance(error, MultimodalSegError) else shown_error(error, run))


def _request(line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except ValueError as error:
        raise InputError("A request is no line of JSON.", "Send one object a line.") from error
    if not isinstance(content, dict):
        raise InputError("A request is no object.", "Send one object a line.")
    return content


def _lines() -> queue.SimpleQueue[str | None]:
    """What comes on stdin, read in a thread; None at its end."""
    found: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        rest = b""
        while part := os.read(0, 65536):  # a buffered stdin could not be left while somebody reads it
            *whole, rest = (rest + part).split(b"\n")
            for line in whole:
                if line.strip():
                    found.put(line.decode("utf-8", "replace"))
        found.put(None)

    threading.Thread(target=read, name="requests", daemon=True).start()
    return found

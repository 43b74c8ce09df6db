"""A real program in place of the interpreter that the panel starts."""

from __future__ import annotations

import stat
import sys
from pathlib import Path


def a_program(folder: Path, text: str) -> str:
    """Make an executable from lines of Python, to be given as the interpreter; not for Windows.

    Args:
        folder: where it lies, as ``program`` with ``program.py`` beside it; both are replaced.
        text: the lines; their arguments are those of the interpreter.
    """
    script, program = folder / "program.py", folder / "program"
    script.write_text(text, encoding="utf-8")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {script} "$@"\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)

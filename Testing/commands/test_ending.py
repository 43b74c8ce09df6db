"""What a stopped command says about going on."""

from pathlib import Path

import pytest
import typer

from MultimodalSegLib.commands.ending import ending


class Recorder:
    """A listener that keeps the error."""

    def __init__(self) -> None:
        self.hint = ""

    def error(self, error) -> None:
        self.hint = error.hint

    def close(self) -> None: ...


def stopped(*given: Path, **options: str) -> str:
    recorder = Recorder()
    with pytest.raises(typer.Exit), ending(recorder, *given, **options):
        raise KeyboardInterrupt
    return recorder.hint


def test_only_a_command_with_a_run_folder_is_said_to_resume(tmp_path):
    assert "--resume" in stopped(tmp_path / "run")
    assert stopped() == ""
    assert stopped(hint="The same command goes on.") == "The same command goes on."
    assert stopped(tmp_path / "run", hint="The same command begins anew.") == "The same command begins anew."

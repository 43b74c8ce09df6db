"""Two programs that change one run wait for each other."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from MultimodalSegLib.errors import OutputError
from MultimodalSegLib.run_lock import changing

ADD = """
import sys, time
from pathlib import Path
from MultimodalSegLib.run_lock import changing

file = Path(sys.argv[1]) / "count"
for _ in range(20):
    with changing(sys.argv[1]):
        count = int(file.read_text(encoding="utf-8"))
        time.sleep(0.002)
        file.write_text(str(count + 1), encoding="utf-8")
"""


def test_programs_that_change_a_run_lose_nothing_of_each_other(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0", encoding="utf-8")
    programs = [subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path)]) for _ in range(3)]
    assert [program.wait(timeout=120) for program in programs] == [0, 0, 0]
    assert (tmp_path / "count").read_text(encoding="utf-8") == "60"
    assert [file.name for file in tmp_path.iterdir()] == ["count"]


def test_who_waits_too_long_is_told(tmp_path: Path) -> None:
    told = []

    def second() -> None:
        try:
            with changing(tmp_path, patience_s=0.2):
                told.append(None)
        except OutputError as error:
            told.append(error)

    with changing(tmp_path), changing(tmp_path.parent):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "still works" in str(told[0])
    with changing(tmp_path / ".." / tmp_path.name, patience_s=0):
        pass


def test_a_killed_program_leaves_no_lock(tmp_path: Path) -> None:
    code = "import os, sys\nfrom MultimodalSegLib.run_lock import changing\n"
    code += "with changing(sys.argv[1]):\n    os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -9
    with changing(tmp_path, patience_s=0):
        pass
    with pytest.raises(ZeroDivisionError), changing(tmp_path):
        1 / 0  # noqa: B018
    with changing(tmp_path, patience_s=0):
        pass

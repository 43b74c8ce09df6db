"""Every benchmark starts and says how it is used, so that none rots unseen between its runs of hours."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent / "benchmarks"

ASK_EACH = """
import contextlib, io, json, runpy, sys, traceback
from pathlib import Path

folder, told = Path(sys.argv[1]), {}
for script in sorted(folder.rglob("*.py")):
    sys.argv = [str(script), "--help"]
    sys.path.insert(0, str(script.parent))
    shown = io.StringIO()
    try:
        with contextlib.redirect_stdout(shown):
            runpy.run_path(str(script), run_name="__main__")
        code = None
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        code = traceback.format_exc()
    sys.path.pop(0)
    for name, module in list(sys.modules.items()):  # two folders have a table.py
        if folder in Path(getattr(module, "__file__", None) or "/").parents:
            del sys.modules[name]
    told[str(script.relative_to(folder))] = [code, shown.getvalue()]
print(json.dumps(told))
"""
"""All in one child, which imports torch once; each script finds what it would find if it was started by itself."""


def test_every_benchmark_tells_how_it_is_used() -> None:
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK_EACH, str(SCRIPTS)],
        capture_output=True, text=True, cwd=SCRIPTS.parents[1], timeout=300,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    told = json.loads(child.stdout.splitlines()[-1])
    assert len(told) > 40
    failed = {name: code for name, (code, _) in told.items() if code not in (None, 0)}
    assert not failed, "\n".join(f"{name}: {code}" for name, code in failed.items())
    started = {name for name in told if 'if __name__ == "__main__":' in (SCRIPTS / name).read_text(encoding="utf-8")}
    silent = [name for name in started if not told[name][1].startswith("usage:")]
    assert started and not silent

"""Keep the file lists of ``MultimodalSegLib/CMakeLists.txt`` equal to the files.

A Slicer extension ships only files that CMake lists. Without ``--write`` it prints what differs and exits with 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CMAKE = ROOT / "MultimodalSegLib" / "CMakeLists.txt"
SHIPPED_RESOURCES = ("models", "demo", "terminology", "registration")  # screenshots are for the web page only
SHIPPED_DOCUMENTS = ("federated.md",)  # that the panel shows
CACHED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def scripts() -> list[str]:
    """Every Python file of the library, relative to it."""
    package = CMAKE.parent
    return sorted(p.relative_to(package).as_posix() for p in package.rglob("*.py") if not CACHED & set(p.parts))


def resources() -> list[str]:
    """Every other file that the library needs, relative to it."""
    package = CMAKE.parent
    own = [
        p.relative_to(package).as_posix()
        for p in package.rglob("*")
        if p.is_file() and p.suffix not in (".py", ".pyc") and p != CMAKE and not p.name.startswith(".")
    ]
    shared = [
        "../" + p.relative_to(ROOT).as_posix()
        for folder in SHIPPED_RESOURCES
        for p in (ROOT / "Resources" / folder).rglob("*")
        if p.is_file() and not p.name.startswith(".")
    ]
    return sorted(own) + sorted(shared) + [f"../docs/{name}" for name in SHIPPED_DOCUMENTS]


def with_list(text: str, variable: str, entries: list[str]) -> str:
    """The CMake text with the entries of ``set(variable ...)`` replaced."""
    lines = "".join(f"  {entry}\n" for entry in entries)
    new, count = re.subn(rf"set\({variable}\n.*?  \)", f"set({variable}\n{lines}  )", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{CMAKE} has {count} lists named {variable}, not one")
    return new


def wanted() -> str:
    """What the CMake file should say."""
    text = with_list(CMAKE.read_text(encoding="utf-8"), "MODULE_PYTHON_SCRIPTS", scripts())
    return with_list(text, "MODULE_PYTHON_RESOURCES", resources())


def differences() -> list[str]:
    """Lines to add (+) and to remove (-), in order."""
    have, want = CMAKE.read_text(encoding="utf-8").splitlines(), wanted().splitlines()
    return [f"+ {x.strip()}" for x in want if x not in have] + [f"- {x.strip()}" for x in have if x not in want]


def main() -> int:
    """Write the lists, or tell how they differ."""
    if "--write" in sys.argv[1:]:
        CMAKE.write_text(wanted(), encoding="utf-8")
        return 0
    print("\n".join(differences()))
    return 1 if differences() else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The rules of the library's design that can be read from its imports."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "MultimodalSegLib"
PACKAGE = LIBRARY.name

# A room (a folder, or a file beside them) imports rooms of its own or an earlier line; never in a circle.
ORDER = (
    ("__init__", "errors", "notice", "progress", "resources", "machine", "checksum", "writing"),
    ("images",),
    ("networks", "losses", "registration", "synthesis"),
    ("models",),
    ("report", "explain", "inference", "training", "evaluation", "enhancement", "federation", "refinement", "painting"),
    ("run_folder", "run_lock", "segment_options"),
    ("restore",),
    ("pipeline", "stages", "cohort", "slicerside"),
    ("studies",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}

APPLICATION = {"slicer", "vtk", "vtkmodules", "qt", "ctk", "PySide6", "sitkUtils", "ScreenCapture"}
TORCH_ROOMS = {"networks", "losses", "training", "synthesis", "inference", "explain", "federation", "refinement"}
TORCH_ROOMS |= {"enhancement", "painting"}
# Packages that a file may import when it is itself imported; all others are imported where they are used.
ANYWHERE = {"numpy"}
AT_FILE_SCOPE = {
    **{room: {"scipy", "SimpleITK"} for room in RANK},
    "commands": {"typer", "rich"},
    "cli": {"typer", "rich"},
    "__main__": {"typer", "rich"},
    "slicerside": {"scipy", "SimpleITK", "slicer", "vtk"},
    **{room: {"scipy", "SimpleITK", "torch", "einops", "monai"} for room in TORCH_ROOMS},
}
AT_FILE_SCOPE["federation"] |= {"nvflare"}  # classes that FLARE builds derive from its own
WITHOUT_TORCH = {  # they hold only data, or measure
    Path("inference/segmentation.py"),
    Path("inference/components.py"),
    Path("explain/explanation.py"),
    Path("enhancement/consistency.py"),
    Path("enhancement/enhance.py"),
    Path("enhancement/intensities.py"),
    Path("enhancement/slices.py"),
    Path("enhancement/thick.py"),
    Path("painting/asked.py"),
    Path("painting/canvas.py"),
    Path("painting/load.py"),
    Path("painting/paint.py"),
    Path("refinement/clicks.py"),
    Path("refinement/crops.py"),
    Path("refinement/edit.py"),
    Path("refinement/prompts.py"),
}

FILES = sorted(path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py"))


def room_of(path: Path) -> str:
    """The folder or file directly below the library."""
    return path.parts[0] if len(path.parts) > 1 else path.stem


def imported_names(path: Path, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Full names that one statement imports, relative ones resolved."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif node.level == 0:
        yield node.module or ""
    else:
        folder = [PACKAGE, *path.parts[:-1]]
        base = folder[: len(folder) - node.level + 1] + (node.module.split(".") if node.module else [])
        if len(base) == 1:  # from . import errors: each name is a room
            yield from (f"{PACKAGE}.{alias.name}" for alias in node.names)
        else:
            yield ".".join(base)


def imports(path: Path, *, only_file_scope: bool = False) -> Iterator[tuple[str, int]]:
    """Every imported name with its line; at file scope, or anywhere in the file."""

    def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        if only_file_scope and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return
        if only_file_scope and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        for child in ast.iter_child_nodes(node):
            yield from statements(child)

    tree = ast.parse((LIBRARY / path).read_text(encoding="utf-8"))
    for statement in statements(tree):
        for name in imported_names(path, statement):
            yield name, statement.lineno


def rooms_imported(path: Path) -> Iterator[tuple[str, int]]:
    """Rooms of the library that a file imports, other than its own."""
    for name, line in imports(path):
        parts = name.split(".")
        if parts[0] == PACKAGE:
            room = parts[1] if len(parts) > 1 else "__init__"
            if room != room_of(path):
                yield room, line


def in_a_new_process(code: str) -> str:
    """What the code prints, run in a fresh interpreter in the repository's root."""
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room_of(path) for path in FILES} <= set(RANK), "add the new folder or file to ORDER"


def test_imports_point_one_way() -> None:
    wrong = [
        f"{path}:{line} imports {room}"
        for path in FILES
        for room, line in rooms_imported(path)
        if room_of(path) != "__init__" and RANK.get(room, 0) > RANK.get(room_of(path), 0)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_two_rooms_import_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        if room_of(path) != "__init__":  # its names are loaded when used
            graph.setdefault(room_of(path), set()).update(room for room, _ in rooms_imported(path))
    for rooms in graph.values():
        rooms.discard("__init__")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_only_slicerside_imports_the_application() -> None:
    wrong = [
        f"{path}:{line} imports {name}"
        for path in FILES
        for name, line in imports(path)
        if name.split(".")[0] in APPLICATION and room_of(path) != "slicerside"
    ]
    assert not wrong, "\n".join(wrong)


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    wrong = []
    for path in FILES:
        allowed = ANYWHERE | AT_FILE_SCOPE.get(room_of(path), set())
        if path in WITHOUT_TORCH:
            allowed = allowed - {"torch", "monai", "einops"}
        for name, line in imports(path, only_file_scope=True):
            package = name.split(".")[0]
            if package not in allowed | {PACKAGE} | sys.stdlib_module_names:
                wrong.append(f"{path}:{line} imports {name} at file scope")
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_torchvision() -> None:
    assert not [path for path in FILES for name, _ in imports(path) if name.split(".")[0] == "torchvision"]


def test_init_files_import_nothing() -> None:
    wrong = [str(path) for path in FILES if path.name == "__init__.py" and len(path.parts) > 1 and any(imports(path))]
    assert not wrong, "\n".join(wrong)
    names = {name for name, _ in imports(Path("__init__.py"), only_file_scope=True)}
    assert names <= {"typing", "importlib"}


def test_the_library_is_imported_in_a_fifth_of_a_second_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import MultimodalSegLib; "
        "print(time.perf_counter() - start, *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    answers = [in_a_new_process(code).split() for _ in range(3)]  # the least of three: other work may slow one
    assert not {"torch", "SimpleITK", "monai", "numpy", "scipy", "slicer", "vtk", "typer"} & set(answers[0][1:])
    assert min(float(answer[0]) for answer in answers) < 0.2


@pytest.mark.parametrize("module", ["cli", "inference.segmentation", "models.bundle", "run_folder", "images.io"])
def test_what_every_command_imports_loads_no_torch(module: str) -> None:
    loaded = in_a_new_process(f"import sys, {PACKAGE}.{module}; print(*sys.modules)").split()
    assert not {"torch", "monai", "slicer", "vtk"} & set(loaded)


def test_public_names_are_these_and_all_are_there() -> None:
    public = "Case Grid Volume align enhance list_bundles load_bundle measure read_volume refine register segment"
    public += " write_volume"
    code = f"import {PACKAGE} as p; print(*[name for name in p.__all__ if getattr(p, name) is not None])"
    assert in_a_new_process(code) == public


def test_an_unknown_name_is_an_attribute_error() -> None:
    code = f"import {PACKAGE} as p; print(hasattr(p, 'nothing'), 'segment' in dir(p))"
    assert in_a_new_process(code) == "False True"

"""What is shipped is complete and says the same everywhere: CMake, pyproject, json, citation, module file."""

import ast
import json
import re
import runpy
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import MultimodalSegLib

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, where pytest brings the same under another name
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "MultimodalSegLib"
MODULE = ROOT / "MultimodalSeg"
ROOT_CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Import names whose package on PyPI is called otherwise.
DISTRIBUTION = {"skimage": "scikit-image", "slicer": "slicer-core", "vtk": "slicer-core", "PIL": "pillow"}
DISTRIBUTION |= {
    "lightning_fabric": "lightning-fabric",
    "yaml": "PyYAML",
    "fpdf": "fpdf2",
    "dask_jobqueue": "dask-jobqueue",
    "pynvml": "nvidia-ml-py",
}


def extension(name: str) -> str:
    """The value of EXTENSION_<name> in the root CMake file."""
    found = re.search(rf'^set\(EXTENSION_{name} "([^"]*)"\)$', ROOT_CMAKE, re.MULTILINE)
    assert found, f"EXTENSION_{name} must be one plainly quoted string on one line"
    return found.group(1)


def requirements(*extras: str) -> set[str]:
    """Names of the packages that pyproject.toml asks for, with those of the extras."""
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return {re.split(r"[<>=~! ]", line)[0].lower() for packages in lists for line in packages}


def files_of(folder: Path, suffix: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob(f"*{suffix}")}


def test_cmake_lists_every_file_of_the_library() -> None:
    tool = runpy.run_path(str(ROOT / "Tools" / "list_package_files.py"))
    assert tool["differences"]() == [], "run: make cmake"
    listed = set((LIBRARY / "CMakeLists.txt").read_text(encoding="utf-8").split())
    assert files_of(LIBRARY, ".py") <= listed


def test_cmake_lists_every_file_of_the_module() -> None:
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", "MultimodalSeg")
    there = files_of(MODULE, ".py") | {
        path.relative_to(MODULE).as_posix() for path in (MODULE / "Resources").rglob("*") if path.is_file()
    }
    assert there - set(text.split()) == set()


def test_a_folder_that_slicer_searches_for_modules_holds_only_the_module() -> None:
    assert [path.name for path in MODULE.glob("*.py")] == ["MultimodalSeg.py"]
    assert list(ROOT.glob("*.py")) == []


def test_the_index_entry_agrees_with_cmake() -> None:
    (project,) = re.findall(r"^project\((\w+)\)$", ROOT_CMAKE, re.MULTILINE)
    entries = list(ROOT.glob("*.json"))
    assert [entry.stem for entry in entries] == [project] == ["MultimodalSeg"]
    entry = json.loads(entries[0].read_text(encoding="utf-8"))
    # The required and known keys of Slicer's schema of catalog entries, version 1.0.2.
    assert {"$schema", "category", "scm_url"} <= set(entry)
    assert set(entry) <= {
        *("$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "dicom_support_rule"),
        *("build_subdirectory", "enabled", "tier"),
    }
    assert entry["category"] == "Segmentation"
    assert entry["scm_url"].endswith(f"/Slicer{project}") and entry["scm_url"] == extension("HOMEPAGE")
    assert entry["build_dependencies"] == extension("DEPENDS").split()


@pytest.mark.parametrize("name", ["ICONURL", "SCREENSHOTURLS"])
def test_the_extension_s_pictures_are_in_the_repository(name: str) -> None:
    start = extension("HOMEPAGE").replace("github.com", "raw.githubusercontent.com") + "/main/"
    for url in extension(name).split():
        assert url.startswith(start)
        assert (ROOT / url.removeprefix(start)).is_file(), url


def test_the_icon_is_a_square_png_of_128_pixels() -> None:
    data = (MODULE / "Resources" / "Icons" / "MultimodalSeg.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (128, 128)


def test_the_version_is_the_same_everywhere() -> None:
    version = MultimodalSegLib.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_package_that_the_library_imports_is_asked_for() -> None:
    used: dict[str, str] = {}
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                used[node.module.split(".")[0]] = str(path)
            elif isinstance(node, ast.Import):
                used.update({alias.name.split(".")[0]: str(path) for alias in node.names})
    own = {"MultimodalSegLib", "qt", "ctk", "SampleData"} | sys.stdlib_module_names
    asked_for = requirements("headless", "report", "openvino", "train", "federated", "cluster", "benchmarks")
    missing = {name: path for name, path in used.items() if name not in own}
    assert not {n: path for n, path in missing.items() if DISTRIBUTION.get(n, n).lower() not in asked_for}


def test_torch_is_pinned_for_make_and_torchvision_is_not_wanted() -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.search(r"^torch==[\d.]+$", constraints, re.MULTILINE)
    everything = requirements(*PROJECT["optional-dependencies"])
    assert "torchvision" not in everything and "torchvision" not in constraints
    pinned = {line.split("==")[0].strip().lower() for line in constraints.splitlines() if "==" in line}
    assert requirements("headless", "test") <= pinned  # what make installs


def test_a_wheel_holds_the_library_and_its_resources(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("multimodalseg-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"MultimodalSegLib/{name}" for name in files_of(LIBRARY, ".py")} <= names
    shared = {path.relative_to(ROOT).as_posix() for path in (ROOT / "Resources").rglob("*") if path.is_file()}
    assert {f"MultimodalSegLib/{name}" for name in shared} <= names
    # From an unpacked wheel, as from the checkout, the resources are found.
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = "from MultimodalSegLib.resources import resource; print(resource())"
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert Path(answer.stdout.strip()) == tmp_path / "site" / "MultimodalSegLib" / "Resources"


MODULE_IN_A_NEW_PROCESS = """
import sys
import time
from pathlib import Path
sys.path.insert(0, {shim!r})
import application
application.start()
before = set(sys.modules)
start = time.process_time()
content = application.load_module_file("MultimodalSeg", Path({module!r}))
seconds = time.process_time() - start
loaded = set(sys.modules) - before
{code}
"""


def run_module(code: str) -> str:
    """What the code prints after the module file was imported on the shim of Slicer."""
    pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")
    pytest.importorskip("PySide6", reason="PySide6 is not installed")
    shim = str(ROOT / "Testing" / "shim")
    program = MODULE_IN_A_NEW_PROCESS.format(shim=shim, module=str(MODULE), code=code)
    # -I: neither the current folder nor an editable install's neighbors are on the path by accident
    answer = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_module_file_loads_nothing_of_the_library_and_no_package() -> None:
    loaded = run_module("print(*loaded)").split()
    assert {name.split(".")[0] for name in loaded} <= {"MultimodalSeg"} | sys.stdlib_module_names


def test_the_module_file_is_imported_in_a_tenth_of_a_second() -> None:
    assert min(float(run_module("print(seconds)")) for _ in range(2)) < 0.1  # the least: other work may slow one


def test_the_module_describes_itself() -> None:
    code = """
from scripted_module import ModuleDescription
module = ModuleDescription("MultimodalSeg", "MultimodalSeg.py")
content.MultimodalSeg(module)
print({name: getattr(module, name) for name in
       ("title", "categories", "helpText", "contributors", "acknowledgementText", "dependencies")})
"""
    described = ast.literal_eval(run_module(code))
    assert described["title"] == "Multimodal Segmentation"
    assert described["categories"] == ["Segmentation"]
    assert "research use only" in described["helpText"]
    assert described["contributors"] and described["acknowledgementText"] and described["dependencies"] == []

"""What the panel installs is what the library needs, and what is there already is not asked for."""

import pytest

from Testing.phantoms import ROOT

pytest.importorskip("slicer", reason="slicer-core is not installed (pip install 'multimodalseg[headless]')")

from MultimodalSegLib.slicerside.setup import installation, package_list


def test_the_list_has_wheels_only_lower_bounds_and_no_torch():
    names = [package.name for package in package_list.packages()]
    assert names[0] == "torch" and names.count("torch") == 1
    text = package_list.requirements_file().read_text(encoding="utf-8")
    assert "torch" not in [line.split(">")[0] for line in text.splitlines()] and "==" not in text
    assert package_list.requirements_file() == ROOT / "MultimodalSeg" / "Resources" / "requirements.txt"
    assert all(package.megabytes > 0 and package.license for package in package_list.packages())


def test_the_list_agrees_with_the_library():
    tomllib = pytest.importorskip("tomllib")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert {package.requirement for package in package_list.packages()} <= set(wanted)


def test_the_list_of_the_report_is_that_of_the_library_and_is_installed_with_the_extension():
    tomllib = pytest.importorskip("tomllib")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"][
        "report"
    ]
    listed = {package.requirement for package in package_list.packages(package_list.REPORT)}
    assert listed == {name for name in extra if not name.startswith("highdicom")}  # Slicer brings that one
    assert all(package.license for package in package_list.packages(package_list.REPORT))
    cmake = (ROOT / "MultimodalSeg" / "CMakeLists.txt").read_text(encoding="utf-8")
    assert all(f"Resources/{name}" in cmake for name in (package_list.RUN, package_list.REPORT, package_list.COHORT))


def test_the_list_of_cohorts_is_part_of_that_of_the_library():
    tomllib = pytest.importorskip("tomllib")
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"][
        "cluster"
    ]
    listed = package_list.packages(package_list.COHORT)
    assert listed and {package.requirement for package in listed} <= set(extra)
    assert all(package.license for package in listed)


def test_in_this_python_nothing_is_missing_and_nobody_is_asked():
    assert package_list.missing() == ()
    assert installation.install(lambda text: pytest.fail("asked")) == ()


def test_an_old_version_does_not_fit(monkeypatch):
    monkeypatch.setattr(package_list, "version_of", lambda name: "2.7.1+cpu" if name == "torch" else "99.0")
    (torch,) = package_list.missing()
    assert torch.name == "torch" and torch.installed == "2.7.1+cpu" and not torch.fits

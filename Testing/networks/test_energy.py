"""Energy counters: Linux's files and NVIDIA's library, stood in for by files and a module of the same form."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from MultimodalSegLib.networks.energy import CardEnergy, ProcessorEnergy


def a_zone(root: Path, folder: str, name: str, microjoules: int) -> Path:
    zone = root / folder
    zone.mkdir()
    for file, text in (("name", name), ("energy_uj", str(microjoules)), ("max_energy_range_uj", "10000000")):
        (zone / file).write_text(text + "\n", encoding="utf-8")
    return zone / "energy_uj"


def test_packages_and_their_memory_are_added_up_and_parts_are_not(tmp_path: Path):
    package = a_zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    core = a_zone(tmp_path, "intel-rapl:0:0", "core", 0)
    dram = a_zone(tmp_path, "intel-rapl:0:1", "dram", 500_000)
    platform = a_zone(tmp_path, "intel-rapl:1", "psys", 0)
    energy = ProcessorEnergy(tmp_path)
    for file, now in ((package, 4_000_000), (dram, 1_500_000), (core, 9_000_000), (platform, 9_000_000)):
        file.write_text(str(now), encoding="utf-8")
    assert energy.joules() == pytest.approx(4.0)


def test_a_counter_that_passed_its_end_goes_on_from_zero(tmp_path: Path):
    package = a_zone(tmp_path, "intel-rapl:0", "package-0", 9_000_000)
    energy = ProcessorEnergy(tmp_path)
    package.write_text("2000000", encoding="utf-8")
    assert energy.joules() == pytest.approx(3.0)


def test_without_counters_or_the_right_to_read_them_there_is_no_figure(tmp_path: Path):
    assert ProcessorEnergy(tmp_path / "missing").joules() is None
    a_zone(tmp_path, "intel-rapl:0", "package-0", 1).unlink()  # what a user without the right sees of it
    assert ProcessorEnergy(tmp_path).joules() is None
    assert CardEnergy("").joules() is None


def test_a_card_tells_millijoules_by_its_identifier(monkeypatch: pytest.MonkeyPatch):
    asked, counts = [], iter([5000, 7500])
    library = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: asked.append(uuid) or "handle",
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: next(counts),
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert CardEnergy("1234-5678").joules() == pytest.approx(2.5)
    assert asked == ["GPU-1234-5678"]


def test_a_card_without_library_has_no_figure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert CardEnergy("1234").joules() is None

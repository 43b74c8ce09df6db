"""What is kept is found whole or not at all, whoever else is at work, and not more than there is room for."""

import os
import subprocess
import sys
from pathlib import Path

from MultimodalSegLib.networks.blob_cache import BlobCache, cache_folder
from Testing.phantoms import ROOT

KEY = {"weights": "0" * 64, "shape": (1, 2, 32, 32, 32)}


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_what_was_kept_is_found_by_the_same_key_alone(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path / "new" / "folder")
    assert cache.find(KEY) is None
    cache.keep(KEY, b"compiled")
    assert cache.find(KEY) == b"compiled" and cache.find({**KEY, "weights": "1" * 64}) is None
    cache.forget(KEY)
    assert cache.find(KEY) is None and files(cache.folder) == []


def test_a_damaged_file_counts_as_missing_and_goes(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path)
    for damage in (
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: content[:40] + b"X" + content[41:],
    ):
        cache.keep(KEY, b"compiled" * 100)
        (path,) = files(tmp_path)
        path.write_bytes(damage(path.read_bytes()))
        assert cache.find(KEY) is None and files(tmp_path) == []


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path, limit=2500)
    for number in range(3):
        if number == 2:
            assert cache.find({"n": 0})  # used again
        cache.keep({"n": number}, b"x" * 1000)
        for age, path in enumerate(sorted(files(tmp_path), key=lambda path: path.stat().st_mtime)):
            os.utime(path, (1e9 + age + 10 * number, 1e9 + age + 10 * number))
    assert [cache.find({"n": number}) is not None for number in range(3)] == [True, False, True]


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    cache = BlobCache(tmp_path / "file" / "cache")
    cache.keep(KEY, b"compiled")
    assert cache.find(KEY) is None and (tmp_path / "file").read_text(encoding="utf-8") == "in the way"


def test_processes_that_write_and_read_the_same_never_see_half_of_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from MultimodalSegLib.networks.blob_cache import BlobCache\n"
        "cache = BlobCache(Path(sys.argv[1]))\n"
        "for n in range(60):\n"
        "    cache.keep({'n': 0}, bytes([n]) * 300_000)\n"
        "    found = cache.find({'n': 0})\n"
        "    assert found is not None and len(found) == 300_000 and len(set(found)) == 1\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    children = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [child.communicate(timeout=300)[1] for child in children]
    assert [child.returncode for child in children] == [0, 0], ended
    assert len(files(tmp_path)) == 1


def test_the_folder_may_be_chosen(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MMS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MMS_CACHE")
    assert "MultimodalSeg" in cache_folder().parts

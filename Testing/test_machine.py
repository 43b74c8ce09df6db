"""What the computer says of a process."""

import subprocess
import sys

import numpy as np
import pytest

from MultimodalSegLib.machine import give_memory_back, linux_memory_mb, peak_memory_mb

ASK = "from MultimodalSegLib.machine import peak_memory_mb; print(peak_memory_mb())"


def test_the_peak_is_of_this_process_and_not_of_the_larger_one_that_started_it():
    held = np.ones(60_000_000)  # 458 MiB
    assert peak_memory_mb() > held.nbytes / 1024**2
    told = float(subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout)
    assert 5 < told < 200


def test_the_peak_stays_when_memory_is_given_back():
    held = np.ones(20_000_000)
    high = peak_memory_mb()
    del held
    assert peak_memory_mb() >= high


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is nothing to hand back")
def test_freed_memory_between_pieces_in_use_is_handed_back():
    pieces = [bytes(4000) for _ in range(50_000)]  # 191 MiB
    some = pieces[::100]
    del pieces
    before = linux_memory_mb("VmRSS")
    give_memory_back()
    assert before - linux_memory_mb("VmRSS") > 100
    assert len(some) == 500

"""Time and memory of a pass, measured in a process that can be ended."""

import pytest

from MultimodalSegLib.errors import Cancelled
from MultimodalSegLib.networks.config import NetworkConfig, teacher
from MultimodalSegLib.networks.measurement import measure
from Testing.processes import children

PLAIN = NetworkConfig(families=2, classes=60, widths=(8, 8, 8))


def test_the_memory_of_a_pass_holds_at_least_its_answer():
    found = measure(PLAIN.to_dict(), (96, 96, 96), 1, runs=1)
    answer_mb = 62 * 96**3 * 2 / 2**20  # logits of 16 bits at least
    assert found.state == "measured"
    assert answer_mb < found.peak_mb < 12 * answer_mb
    assert 0 < found.seconds < 60


def test_openvino_is_measured_from_its_loading_on():
    found = measure(PLAIN.to_dict(), (32, 32, 32), 1, runs=1, engine="openvino")
    assert found.state == "measured" and found.seconds > 0
    assert 20 < found.peak_mb < 1000  # compiling alone takes tens of MiB


def test_what_openvino_cannot_compute_is_told_in_a_sentence():
    entry = teacher(2, 4, widths=(8, 8, 24), swin_from=2, swin_width=24, cross_width=24).to_dict()
    found = measure(entry, (32, 32, 32), 1, runs=1, engine="openvino")
    assert found.seconds is None and found.peak_mb is None and "deformable" in found.state


def test_a_network_that_needs_too_much_memory_is_told_as_such():
    found = measure(PLAIN.to_dict(), (96, 96, 96), 1, runs=1, memory_limit_mb=60)
    assert found.state == "out of memory" and found.seconds is None


def test_whoever_waits_can_stop_the_measurement_and_no_process_stays():
    calls = []

    def stop_at_the_third_call():
        calls.append(len(children()))
        if len(calls) == 3:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        measure(PLAIN.to_dict(), (96, 96, 96), 1, waiting=stop_at_the_third_call)
    assert calls[-1] == 1  # it was at work
    assert not children()

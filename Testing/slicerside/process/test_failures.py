import pytest

from MultimodalSegLib.errors import Cancelled, MissingPackageError, OutOfMemoryError, OutputError
from MultimodalSegLib.slicerside.process.failures import from_exception, from_exit, told


@pytest.mark.parametrize("code", [-9, 137, 0xC0000017, 0xC0000017 - 2**32])
def test_a_process_killed_by_the_system_is_short_of_memory(code):
    failure = from_exit(code, ["register 40 %"])
    assert failure.kind == "memory" and "smaller region" in failure.hint
    assert isinstance(failure.error(), OutOfMemoryError)


@pytest.mark.parametrize("line", ["std::bad_alloc", "torch.OutOfMemoryError: CUDA out of memory.", "MemoryError"])
def test_words_of_memory_are_understood_whatever_the_exit_code(line):
    assert from_exit(1, ["Traceback", line]).kind == "memory"


def test_a_missing_package_is_named():
    failure = from_exit(1, ["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'monai.nets'"])
    assert failure.kind == "package" and "monai.nets" in failure.message and "Install" in failure.hint
    assert isinstance(failure.error(), MissingPackageError)


def test_an_end_without_a_word_tells_code_and_last_line():
    failure = from_exit(3, ["", "the last line", "  "])
    assert failure.kind == "internal" and "exit code 3" in failure.message and "the last line" in failure.message
    assert "crashed" in from_exit(-11, []).message and "crashed" in from_exit(0xC0000005, []).message


def test_a_stop_from_outside_is_no_crash():
    assert isinstance(from_exit(-15, []).error(), Cancelled)


def test_hints_of_the_command_line_are_put_in_words_of_the_panel():
    assert "--" not in told("input", "The CT is empty.", "Give another one with --ct FILE.").hint
    assert told("input", "The CT is empty.", "Load it again.").hint == "Load it again."
    assert "smaller region" in told("memory", "Too large.", "Set --memory-limit.").hint
    assert told("something new", "Odd.").hint


def test_errors_of_the_application_side():
    assert from_exception(OutputError("Full.", "Free space.")).hint == "Free space."
    assert from_exception(PermissionError(13, "Permission denied")).message.count("Permission denied") == 1
    assert "KeyError" in from_exception(KeyError("x")).message

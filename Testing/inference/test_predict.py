"""The whole way from an aligned case to labels, with a real small network that knows one phantom."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MultimodalSegLib.errors import Cancelled, InputError, OutOfMemoryError
from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.images.case import Case
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.memory import bytes_per_voxel
from MultimodalSegLib.inference.predict import segment
from MultimodalSegLib.networks.device import choose_device, choose_precision
from MultimodalSegLib.registration.aligned import AlignedCase

LEFT, RIGHT, BRAIN, BONE = 10, 49, 3, 515
ALL = (LEFT, RIGHT, BRAIN, BONE)


def rotation(*degrees):
    transform = sitk.Euler3DTransform()
    transform.SetRotation(*np.deg2rad(degrees).tolist())
    return np.array(transform.GetMatrix()).reshape(3, 3)


def a_grid(size, spacing, direction=None):
    """A grid with its middle at the origin."""
    matrix = np.eye(3) if direction is None else np.asarray(direction, float)
    origin = -matrix @ ((np.asarray(size) - 1) / 2 * np.asarray(spacing))
    return Grid(tuple(size), tuple(map(float, spacing)), tuple(origin.tolist()), tuple(matrix.ravel().tolist()))


def just_too_little(model, modalities):
    """Megabytes that do not hold the phantom's head (40 x 48 x 40 working voxels) at once, but windows of it."""
    need = bytes_per_voxel(model.metadata["network"], modalities, choose_precision(torch.device("cpu")))
    return 0.9 * need * 40 * 48 * 40 / 2**20


GRIDS = {
    "canonical": a_grid((50, 54, 50), (3, 3, 3)),
    "flipped": a_grid((50, 54, 50), (3, 3, 3), np.diag([-1, -1, 1])),
    "upside down and mirrored": a_grid((50, 54, 50), (3, 3, 3), np.diag([-1, 1, -1])),
    "sagittal": a_grid((54, 50, 50), (3, 3, 3), [[0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    "oblique": a_grid((62, 66, 62), (2.6, 2.6, 2.6), rotation(25, -20, 35)),
    "thick slices": a_grid((110, 118, 24), (1.4, 1.4, 6.5)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_left_is_left_on_every_reference_grid(phantom, a_trained_model, name):
    grid = GRIDS[name]
    result = segment(phantom.case(grid, "CT"), a_trained_model)
    assert result.labels.grid == grid and result.labels.array.dtype == np.uint16
    scores = dice(result.labels, phantom.labels(grid), ALL)
    assert min(scores.values()) > 0.75, scores


def test_flipped_reference_gives_physically_the_same(phantom, a_random_model):
    straight, flipped = GRIDS["canonical"], GRIDS["flipped"]
    volume = phantom.volume(straight, "CT")
    mirrored = Volume(np.ascontiguousarray(volume.array[:, ::-1, ::-1]), flipped)
    a = segment(AlignedCase({"CT": volume}, "CT"), a_random_model, cleanup=False).labels.array
    b = segment(AlignedCase({"CT": mirrored}, "CT"), a_random_model, cleanup=False).labels.array[:, ::-1, ::-1]
    assert len(np.unique(a)) > 2
    assert np.mean(a == b) > 0.999


@pytest.mark.parametrize("modalities", [("CT",), ("MR",), ("T1",), ("CT", "MR"), ("CT", "T1", "T2")])
def test_any_set_of_modalities(phantom, a_trained_model, modalities):
    result = segment(phantom.case(GRIDS["canonical"], *modalities), a_trained_model)
    assert min(dice(result.labels, phantom.labels(result.labels.grid), ALL).values()) > 0.7
    assert set(result.modality_weights) == set(modalities)
    assert sum(result.modality_weights.values()) == pytest.approx(1, abs=0.01)
    assert result.windows == 1 and result.warnings == () and result.seconds > 0
    assert result.model == {"name": "phantom", "version": "1", "checksum": a_trained_model.checksum}
    assert 0 <= result.lesion_presence < 0.5


def test_a_modality_the_model_does_not_know_is_refused(phantom, a_trained_model):
    case = phantom.case(GRIDS["canonical"], "CT")
    with_pet = AlignedCase(dict(case.volumes) | {"PET": case.volumes["CT"]}, "CT")
    with pytest.raises(InputError, match="PET") as caught:
        segment(with_pet, a_trained_model)
    assert "Leave" in caught.value.hint


def test_windows_are_taken_when_memory_is_short(phantom, a_trained_model):
    case = phantom.case(GRIDS["canonical"], "CT")
    whole = segment(case, a_trained_model)
    parts = segment(case, a_trained_model, memory_limit_mb=just_too_little(a_trained_model, 1))
    assert whole.windows == 1 and parts.windows > 1
    # not the same: instance normalization sees other statistics in a window
    assert np.mean((parts.labels.array > 0) == (whole.labels.array > 0)) > 0.95


def test_too_little_memory_even_for_windows(phantom, a_trained_model):
    with pytest.raises(OutOfMemoryError, match="1 MB") as caught:
        segment(phantom.case(GRIDS["canonical"], "CT"), a_trained_model, memory_limit_mb=1)
    assert "memory" in caught.value.hint


def test_memory_that_runs_out_in_one_shot_leads_to_windows(phantom, a_trained_model, monkeypatch):
    def exhausted(self, images, family):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("MultimodalSegLib.inference.windows.Engine.one_shot", exhausted)
    result = segment(phantom.case(GRIDS["canonical"], "CT"), a_trained_model)
    assert any("windows" in warning for warning in result.warnings)
    assert dice(result.labels, phantom.labels(result.labels.grid), [BRAIN])[BRAIN] > 0.6


def test_other_failures_are_not_taken_for_memory(phantom, a_trained_model, monkeypatch):
    def broken(self, images, family):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("MultimodalSegLib.inference.windows.Engine.one_shot", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        segment(phantom.case(GRIDS["canonical"], "CT"), a_trained_model)


def test_probabilities_on_request(phantom, a_trained_model):
    case = phantom.case(GRIDS["thick slices"], "CT")
    wanted = ["Left thalamus", "right thalamus", "lesion"]
    maps = segment(case, a_trained_model, probabilities=wanted).probabilities
    assert list(maps) == wanted
    truth = phantom.labels(case.grid).array
    for name, value in (("Left thalamus", LEFT), ("right thalamus", RIGHT)):
        assert maps[name].grid == case.grid and maps[name].array.dtype == np.float32
        assert maps[name].array[truth == value].mean() > 0.7 and maps[name].array[truth != value].mean() < 0.05
        assert maps[name].array.min() >= 0 and maps[name].array.max() <= 1
    assert maps["lesion"].array.max() < 0.5


def test_an_unknown_class_names_the_near_ones(phantom, a_trained_model):
    with pytest.raises(InputError, match="'left talamus'") as caught:
        segment(phantom.case(GRIDS["canonical"], "CT"), a_trained_model, probabilities=["left talamus"])
    assert "left thalamus" in caught.value.hint


def test_lesion_overrides_structures(phantom, a_trained_model, tmp_path):
    from MultimodalSegLib.models.save import save_bundle

    state = a_trained_model.network().state_dict()
    state["head.bias"] = state["head.bias"].clone()
    state["head.bias"][-8:] = 50.0  # the eight sub-voxels of the lesion channel
    everywhere = save_bundle(tmp_path / "lesions", a_trained_model.metadata, state)
    result = segment(phantom.case(GRIDS["canonical"], "CT"), everywhere, probabilities=["lesion"])
    head = phantom.labels(GRIDS["canonical"]).array > 0
    assert np.all(result.labels.array[head] == 600)
    assert result.probabilities["lesion"].array[head].min() > 0.99


def test_values_that_are_not_finite_are_refused(phantom, a_trained_model):
    volume = phantom.volume(GRIDS["canonical"], "CT")
    volume.array[10, 10, 10] = np.nan
    with pytest.raises(InputError, match="CT"):
        segment(AlignedCase({"CT": volume}, "CT"), a_trained_model)


def test_a_volume_that_shows_nothing_is_left_out(phantom, a_trained_model):
    grid = GRIDS["canonical"]
    empty = Volume(np.zeros(grid.shape, np.float32), grid)
    result = segment(AlignedCase({"CT": phantom.volume(grid, "CT"), "T2": empty}, "CT"), a_trained_model)
    assert list(result.modality_weights) == ["CT"] and "T2" in result.warnings[0]
    with pytest.raises(InputError, match="same"):
        segment(AlignedCase({"MR": empty}, "MR"), a_trained_model)


def test_a_field_of_view_smaller_than_the_network_needs(phantom, a_trained_model):
    grid = Grid((8, 8, 6), (3.0, 3.0, 3.0))
    result = segment(phantom.case(grid, "CT"), a_trained_model)
    assert result.labels.array.shape == (6, 8, 8)


def test_a_case_of_volumes_that_share_a_space(phantom, a_trained_model):
    case = Case({"CT": phantom.volume(GRIDS["canonical"], "CT"), "T1": phantom.volume(GRIDS["oblique"], "T1")})
    result = segment(case, a_trained_model)
    assert result.labels.grid == GRIDS["canonical"]
    assert min(dice(result.labels, phantom.labels(result.labels.grid), ALL).values()) > 0.7


def test_progress_rises_to_the_end_and_can_stop(phantom, a_trained_model):
    case = phantom.case(GRIDS["canonical"], "CT", "MR")
    events = []
    segment(case, a_trained_model, progress=events.append, memory_limit_mb=just_too_little(a_trained_model, 2))
    done = [event.done for event in events]
    assert done == sorted(done) and done[0] == 0 and done[-1] == events[-1].total
    assert {event.stage for event in events} == {"segment"}

    def stop_at(share):
        def listen(event):
            if event.done >= share:
                raise Cancelled("Stopped.")

        return listen

    for share in (0, 10, 30, 70):
        with pytest.raises(Cancelled):
            segment(case, a_trained_model, progress=stop_at(share), memory_limit_mb=just_too_little(a_trained_model, 2))


def test_threads_are_put_back(phantom, a_trained_model):
    before = torch.get_num_threads()
    segment(phantom.case(GRIDS["canonical"], "CT"), a_trained_model, threads=1)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", ["gpu", "cuda:99" if not torch.cuda.is_available() else "xpu"])
def test_devices_that_are_not_there(name):
    with pytest.raises(InputError, match=name):
        choose_device(name)


def test_precision_follows_the_instructions_of_the_processor(monkeypatch):
    for unit in ("avx512_bf16", "amx_tile"):
        monkeypatch.setattr(torch.cpu, f"_is_{unit}_supported", lambda: False)
    assert choose_precision(torch.device("cpu")) == torch.float32

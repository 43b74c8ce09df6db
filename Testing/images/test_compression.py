"""Which volumes are compressed."""

import numpy as np
import pytest

from MultimodalSegLib.images.compression import FAST, NONE, fast_level
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_volume, write_volume
from MultimodalSegLib.images.volume import Volume


def noise(shape):
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def test_noise_is_not_compressed_and_whole_numbers_and_air_are():
    values = noise((16, 64, 64))
    assert fast_level(values) == NONE
    assert fast_level(np.rint(20 * values)) == FAST
    air = values.copy()
    air[:, :, 20:] = -1024.0
    assert fast_level(air) == FAST


@pytest.mark.parametrize("depth", [1, 3])
def test_few_slices_will_do(depth):
    assert fast_level(noise((depth, 64, 64))) == NONE


def test_a_file_without_compression_holds_the_same(tmp_path):
    volume = Volume(noise((8, 9, 10)), Grid((10, 9, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
    write_volume(volume, tmp_path / "raw.nrrd", compression=NONE)
    assert b"encoding: raw" in (tmp_path / "raw.nrrd").read_bytes()[:600]
    assert np.array_equal(read_volume(tmp_path / "raw.nrrd").array, volume.array)

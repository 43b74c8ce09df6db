"""Lesions painted into files, marked, recorded, and refused further on."""

import json
from pathlib import Path

import numpy as np
import pytest

from MultimodalSegLib.errors import Cancelled, InputError, ModelError, OutputError
from MultimodalSegLib.images.io import read_labels, read_volume, write_volume
from MultimodalSegLib.images.synthetic import has_synthetic_detail
from MultimodalSegLib.models.bundle import Bundle, list_bundles
from MultimodalSegLib.painting.asked import AskedLesion
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.progress import Event
from MultimodalSegLib.segment_options import SegmentOptions
from MultimodalSegLib.stages.paint import PaintOptions, paint
from Testing.enhancement.handmade import a_detail_model
from Testing.painting.handmade import a_paint_model, a_pair

ASKED = [AskedLesion("tumor", (8.0, -6.0, 5.0), 10.0)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return a_paint_model(tmp_path_factory.mktemp("models") / "painter")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for name, volume in a_pair().items():
        write_volume(volume, tmp_path / f"{name}.nii.gz")
    return {name: tmp_path / f"{name}.nii.gz" for name in ("CT", "T1")}


def test_the_files_are_marked_and_recorded(files: dict[str, Path], model: Bundle, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = PaintOptions(steps=2, model=str(model.path), device="cpu")
    result = paint(files, ASKED, out, options)
    for name in files:
        file = out / f"{name} (synthetic detail).nrrd"
        assert np.allclose(read_volume(file).array, result.volumes[name].array) and has_synthetic_detail(file)
    mask = read_labels(out / "lesions (synthetic detail).nrrd")
    assert np.array_equal(mask.array, result.mask.array) and mask.array.max() == 1
    record = json.loads((out / "paint.json").read_text(encoding="utf-8"))
    assert record["synthetic_detail"] and record["model"]["checksum"] == model.checksum
    assert record["lesions"][0]["kind"] == "tumor" and record["lesions"][0]["ml"] == pytest.approx(
        result.ml[0], abs=1e-3
    )
    assert record["inputs"]["CT"]["sha256"] and "no patient has them" in record["warnings"][0]
    with pytest.raises(OutputError, match="holds a result already"):
        paint(files, ASKED, out, options)
    paint(files, ASKED, out, options, overwrite=True)
    painted = SegmentOptions({"CT": out / "CT (synthetic detail).nrrd"}, tmp_path / "run")
    with pytest.raises(InputError, match="detail of CT is synthetic"):
        run_segment(painted)


def test_the_model_is_not_offered_for_segmenting(model: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMS_MODELS", str(model.path.parent))
    assert "painter" not in {bundle.name for bundle in list_bundles()}


def test_what_cannot_be_done_is_told(files: dict[str, Path], model: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not paint lesions"):
        paint(files, ASKED, None, PaintOptions(model=str(a_detail_model(tmp_path / "detail").path)))
    with pytest.raises(InputError, match="cannot use a PET volume"):
        paint({"PET": files["CT"]}, ASKED, None, PaintOptions(model=str(model.path)))
    with pytest.raises(InputError, match="0 steps"):
        PaintOptions(steps=0)


def test_nothing_is_left_of_one_that_was_stopped(files: dict[str, Path], model: Bundle, tmp_path: Path) -> None:
    def stop(_event: Event) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        paint(files, ASKED, tmp_path / "out", PaintOptions(model=str(model.path)), progress=stop)
    assert not (tmp_path / "out").exists()

"""``explain`` for a person and for a program."""

import json
import shutil
from pathlib import Path

from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.segment_options import SegmentOptions
from Testing.phantoms import child


def test_tells_maps_and_figures(command, place: Path, tmp_path: Path) -> None:
    volumes = {"CT": place / "ct.nrrd", "MR": place / "mr.nii.gz"}
    model = str(place / "models" / "tiny")
    run_segment(SegmentOptions(volumes, tmp_path / "run", registration="none", model=model, threads=1))

    asked = ("explain", tmp_path / "run", "--class", "skull", "--threads", 1)
    ended = command(*asked)
    assert ended.code == 0, ended.err
    assert (
        "skull.gradcam" in ended.out
        and "insertion area" in ended.out
        and "blurred mask" in ended.out
        and "Traceback" not in ended.err
    )

    other = (
        "--method",
        "gradcam++",
        "--layer",
        "encoder4",
        "--no-faithfulness",
        "--contributions",
        "--events",
        "jsonl",
    )
    with child(*asked, *other, MMS_MODELS=str(place / "models")) as process:
        out, err = process.communicate(timeout=100)
    lines = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0 and {line["stage"] for line in lines[:-1]} == {"explain", "contributions"}, err
    result = lines[-1]["result"]
    assert Path(result["maps"]["skull.gradcam++"]).is_file() and result["faithfulness"] == {}
    assert (tmp_path / "run" / "explanation" / "contributions.csv").is_file()

    ended = command(*asked[:3], "spleen")
    assert ended.code == 2 and "no class 'spleen'" in ended.err

    shutil.copy(tmp_path / "run" / "measurements.csv", tmp_path / "run" / "segmentation.seg.nrrd")
    ended = command(*asked)  # a damaged run
    assert ended.code == 2 and "was changed after" in ended.err and "Traceback" not in ended.err

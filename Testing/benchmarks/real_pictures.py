"""Segment real volumes through the whole pipeline and draw what a user would see.

    python Testing/benchmarks/real_pictures.py --data FOLDER [--model NAME_OR_FOLDER] [--out FOLDER]

Writes one picture of slices a case into OUT (``Testing/benchmarks/results`` by default) and prints seconds and memory.
"""

import argparse
import tempfile
from pathlib import Path

from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.segment_options import SegmentOptions
from MultimodalSegLib.slicerside.headless import start_scene
from MultimodalSegLib.slicerside.pictures.pictures import slice_pictures
from MultimodalSegLib.slicerside.pictures.run_scene import build_scene

CASES = {
    "head-ct": {"CT": "head-ct/head_ct_ge_untilted_0.98x0.98x2mm.nii.gz"},
    "remind-022": {"T1C": "remind-022/ReMIND-022_T1post.nii.gz", "T2": "remind-022/ReMIND-022_T2SPACE.nii.gz"},
    "icbm152": {"T1": "templates/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"},
    "seeg-brain": {"T1": "seeg-brain/seeg_brain.nii.gz"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=CASES)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    start_scene()
    import slicer

    for name in given.only:
        volumes = {modality: given.data / file for modality, file in CASES[name].items()}
        with tempfile.TemporaryDirectory() as folder:
            run = run_segment(SegmentOptions(volumes=volumes, out=Path(folder) / name, model=given.model))
            slice_pictures(
                build_scene(run.path, name), given.out / f"{name}.png", title=f"{name}: {' + '.join(volumes)}"
            )
            slicer.mrmlScene.Clear()
            record = run.record
            print(name, record["seconds"], f"{record['peak_memory_mb']} MiB", *record["warnings"][1:], sep="  ")


if __name__ == "__main__":
    main()

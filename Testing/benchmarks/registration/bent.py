"""B-splines on pairs that are bent in a known way: by structure (MIND-SSC, this library's), and by mutual information.

    python Testing/benchmarks/registration/bent.py HEAD_LABELS [--pairs 8] [--data DATA]
        [--kinds CT-MR T1-T2 CT-PET] [--methods affine MIND "mutual information" elastix]
        [--work runs/registration-bent] [--out Testing/benchmarks/results/registration/bent]

All start from this library's affine transform of the pair; CT-PET, a real body in DATA/ct-pet-body, from the headers.
"mutual information" is SimpleITK's: Mattes, L-BFGS-B, 45 mm between the knots, 4 mm voxels, 10,000 points, 25
iterations. "elastix" is itk-elastix with the panel's parameters.
Results are kept one by one: a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk
from bent_pairs import BentPair, bent_body, bent_pair

from MultimodalSegLib.images.resample import map_points, resample
from MultimodalSegLib.registration.bend import bend
from MultimodalSegLib.registration.pyramid import build_pyramid, dilate
from MultimodalSegLib.registration.register import register
from MultimodalSegLib.slicerside.registration.elastix import elastix_parameters
from MultimodalSegLib.training.plan import Plan

CONTRASTS = {"CT-MR": ("CT", "MR"), "T1-T2": ("T1", "T2"), "CT-PET": ("CT", "PET")}
HEADS = ("pairs", "method", "number", "brain mm", "brain p95", "head mm", "worst pair's brain", "folded", "CPU s")


def mind(pair: BentPair, names: tuple[str, str], affine: sitk.Transform) -> sitk.Transform:
    """This library's B-spline."""
    fixed, moving = build_pyramid(pair.fixed, names[0]), build_pyramid(pair.moving, names[1])
    spline, _ = bend(fixed, moving, affine, pair.fixed.grid, observe=lambda level: lambda number, value: None)
    return sitk.CompositeTransform([affine, spline])


def mutual_information(pair: BentPair, names: tuple[str, str], affine: sitk.Transform) -> sitk.Transform:
    """SimpleITK's B-spline."""
    fixed, moving = build_pyramid(pair.fixed, names[0]), build_pyramid(pair.moving, names[1])
    near = dilate(fixed.head, 12.0)
    box = np.asarray(pair.fixed.grid.size) * pair.fixed.grid.spacing
    spline = sitk.BSplineTransformInitializer(pair.fixed.to_sitk(), [max(1, round(side / 45.0)) for side in box])
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricFixedMask(near.with_array(near.array.astype(np.uint8)).to_sitk())
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(min(1.0, 10_000 / np.count_nonzero(near.array)), 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetMovingInitialTransform(affine)
    method.SetOptimizerAsLBFGSB(1e-5, 25, costFunctionConvergenceFactor=1e11)
    method.SetInitialTransform(spline, inPlace=True)
    method.Execute(fixed.middle.to_sitk(), moving.middle.to_sitk())
    return sitk.CompositeTransform([affine, spline])


def elastix(pair: BentPair, names: tuple[str, str], affine: sitk.Transform) -> sitk.Transform:
    """itk-elastix on the moving volume after the affine transform, as a field of displacements."""
    import itk

    moving = resample(pair.moving, pair.fixed.grid, affine, outside=float(pair.moving.array.min()))
    images = [itk.image_from_array(volume.array.astype(np.float32)) for volume in (pair.fixed, moving)]
    for image in images:
        image.SetSpacing(pair.fixed.grid.spacing)
        image.SetOrigin(pair.fixed.grid.origin)
    chosen = itk.ParameterObject.New()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "bspline.txt"
        file.write_text(elastix_parameters("bspline")[-1], encoding="utf-8")
        chosen.AddParameterFile(str(file))
        _, found = itk.elastix_registration_method(
            *images, parameter_object=chosen, number_of_threads=1, log_to_console=False
        )
        field = np.asarray(itk.transformix_deformation_field(images[1], found, output_directory=folder), np.float64)
    vectors = sitk.GetImageFromArray(field, isVector=True)
    vectors.CopyInformation(pair.fixed.to_sitk())
    return sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(vectors)])


METHODS: dict[str, Callable[[BentPair, tuple[str, str], sitk.Transform], sitk.Transform]] = {
    "affine": lambda pair, names, affine: affine,
    "MIND": mind,
    "mutual information": mutual_information,
    "elastix": elastix,
}


def judge(pair: BentPair, found: sitk.Transform) -> dict[str, float]:
    """Errors in mm, and the part of the head's points at which space is folded."""
    apart = np.linalg.norm(map_points(found, pair.points) - pair.true, axis=1)
    steps = [map_points(found, pair.points + step) - map_points(found, pair.points - step) for step in np.eye(3)]
    return {
        "brain": float(np.median(apart[pair.brain])),
        "brain_p95": float(np.percentile(apart[pair.brain], 95)),
        "head": float(np.median(apart)),
        "folded": float(np.mean(np.linalg.det(np.stack(steps, axis=1)) <= 0.0)),
    }


def run(maps: Path, data: Path, number: int, kind: str, methods: list[str], work: Path) -> None:
    """What is still missing of one pair."""
    file = work / f"{kind}-{number:02d}.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    missing = [name for name in methods if name not in kept]
    if not missing:
        return
    stems, names = Plan().held_out, CONTRASTS[kind]
    if kind == "CT-PET":
        pair, affine = bent_body(data / "ct-pet-body", number), sitk.AffineTransform(3)
    else:
        pair = bent_pair(maps / f"{stems[number % len(stems)]}.nii.gz", 100 + number, names)
        modalities = {"fixed_modality": names[0], "moving_modality": names[1]}
        affine = register(pair.fixed, pair.moving, "affine", **modalities).transform
    for name in missing:
        began = time.process_time()
        found = METHODS[name](pair, names, affine)
        kept[name] = {"cpu": time.process_time() - began, **judge(pair, found)}
        work.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(kept), encoding="utf-8")
        print(kind, number, name, {key: round(value, 3) for key, value in kept[name].items()}, flush=True)


def page(work: Path) -> str:
    """A Markdown page: one line for the pairs of a kind and a method."""
    lines = ["| " + " | ".join(HEADS) + " |", "| --- " * len(HEADS) + "|"]
    for kind in CONTRASTS:
        kept = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(work.glob(f"{kind}-*.json"))]
        for name in METHODS:
            some = [each[name] for each in kept if name in each]
            if some:
                middle = partial(_median, some)
                worst = max(each["brain"] for each in some)
                folded = f"{100 * max(each['folded'] for each in some):.1f} %"
                cells = [middle("brain"), middle("brain_p95"), middle("head"), f"{worst:.2f}", folded, middle("cpu")]
                lines.append("| " + " | ".join([kind, name, str(len(some)), *cells]) + " |")
    return (
        "# B-splines on pairs bent in a known way\n\n"
        "Held-out label maps made into a CT and an MRI, or a T1 and a T2, of 2 mm, one of them bent by a smooth random "
        "field, and a real CT and PET; all methods start from the same affine transform. Methods on fewer pairs ran on "
        "the first ones. Medians over pairs of the median and the 95th "
        "percentile over points of the brain and the median over the head; the largest median of a pair; the largest "
        "part of the head at which space is folded; processor seconds on one thread, without the affine part.\n\n"
        "`python Testing/benchmarks/registration/bent.py HEAD_LABELS --out ...`\n\n" + "\n".join(lines) + "\n"
    )


def _median(results: list[dict[str, float]], key: str) -> str:
    return f"{statistics.median(each[key] for each in results):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path, help="folder of label maps of heads")
    parser.add_argument("--pairs", type=int, default=8, help="of each kind")
    parser.add_argument("--data", type=Path, help="folder of real volumes, for CT-PET")
    parser.add_argument("--kinds", nargs="+", default=["CT-MR", "T1-T2"], choices=list(CONTRASTS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--work", type=Path, default=Path("runs/registration-bent"))
    parser.add_argument("--out", type=Path, help="page without ending .md")
    given = parser.parse_args()
    for number in range(given.pairs):
        for kind in given.kinds:
            run(given.maps, given.data, number, kind, given.methods, given.work)
    if given.out:
        given.out.with_suffix(".md").write_text(page(given.work), encoding="utf-8")


if __name__ == "__main__":
    main()

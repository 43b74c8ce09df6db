"""Made-up patients for ``calibration.py``: drawn, rendered, segmented several times, and kept in files."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.predict import labelling_of
from MultimodalSegLib.inference.uncertainty.accumulate import Accumulator
from MultimodalSegLib.inference.uncertainty.sampling import Runner, answers
from MultimodalSegLib.inference.view import network_view
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.synthesis.anatomy import Anatomy, load_anatomy
from MultimodalSegLib.synthesis.pair import Truth, label_values, locate, render, sample_patient, truth
from MultimodalSegLib.training.plan import Plan
from MultimodalSegLib.training.samples import brain_center

MODALITIES = (("CT", "MR"), ("CT",), ("MR",))
VOXELS = 4000
"""Voxels of a patient from which the temperature is fitted."""


@dataclass(frozen=True)
class Patient:
    """What a patient tells about the model; volumes by label value, ml."""

    logits: np.ndarray
    channel: np.ndarray
    lesion_logits: np.ndarray
    lesion: np.ndarray
    true_ml: dict[str, float]
    samples_ml: dict[str, list[float]]
    entropy: float
    disagreement: float
    modalities: str
    seconds: float


def one_patient(number: int, anatomy: Anatomy, runner: Runner, samples: int, shape: tuple[int, int, int]) -> Patient:
    """Draw, render, segment ``samples`` times."""
    start = time.perf_counter()
    bundle, names = runner.bundle, MODALITIES[number % len(MODALITIES)]
    patient = sample_patient(np.random.default_rng((7, number)), anatomy, names, strip_chance=0.1)
    x, y, z = bundle.spacing
    size = (shape[2], shape[1], shape[0])
    origin = brain_center(anatomy) - (np.asarray(size) - 1) / 2 * bundle.spacing - (0, 0, 0.08 * shape[0] * z)
    grid = Grid(size, (x, y, z), tuple(float(v) for v in origin))
    codes, lesions = locate(anatomy, patient, grid)
    answer = truth(codes, lesions, patient)
    volumes = {name: render(codes, lesions, patient, grid, name) for name in names}
    view = network_view(bundle, volumes)
    found = Accumulator(view.grid.shape, labelling_of(bundle))
    first = None
    for logits, part in answers("tta", runner, view, samples):
        if first is None:
            first = _voxels(logits, found.structures, number, answer, grid, view.grid)
        found.add(logits, part)
        del logits
    assert first is not None
    values = label_values(answer)
    unit, own = grid.voxel_ml, view.grid.voxel_ml
    true_ml = {str(c.value): float((values == c.value).sum() * unit) for c in bundle.classes()}
    samples_ml = {str(c.value): [v.get(c.value, 0) * own for v in found.voxels] for c in bundle.classes()}
    body = found.mean[0].float() < 0.5
    doubt = [float(m[body].mean()) if bool(body.any()) else 0.0 for m in (found.entropy(), found.disagreement())]
    seconds = time.perf_counter() - start
    return Patient(*first, true_ml, samples_ml, *doubt, "+".join(names), seconds)


def _voxels(logits: torch.Tensor, structures: int, seed: int, answer: Truth, grid: Grid, working: Grid) -> tuple:
    """Logits and truth at random voxels in which there is something or something is found."""
    channel = resample(Volume(answer.channel, grid), working, labels=True).array.ravel()
    lesion = resample(Volume(answer.lesion.astype(np.uint8), grid), working, labels=True).array.ravel() > 0
    flat = logits.float().flatten(1)
    body = np.flatnonzero((channel > 0) | (flat[:structures].argmax(0).numpy() > 0))
    at = np.random.default_rng(seed).choice(body, min(VOXELS, len(body)), replace=False)
    chosen = flat[:, at].numpy()
    return chosen[:structures].T.astype(np.float16), channel[at], chosen[-1].astype(np.float16), lesion[at]


def keep(patient: Patient, path: Path) -> None:
    texts = {name: json.dumps(getattr(patient, name)) for name in ("true_ml", "samples_ml")}
    np.savez_compressed(path.with_suffix(".part.npz"), **(vars(patient) | texts))
    path.with_suffix(".part.npz").rename(path)


def kept(path: Path) -> Patient:
    with np.load(path) as file:
        values = {name: file[name] if file[name].ndim else file[name].item() for name in file.files}
    return Patient(**(values | {name: json.loads(values[name]) for name in ("true_ml", "samples_ml")}))


def gathered(
    bundle: Bundle, data: Path, work: Path, count: int, samples: int, shape: tuple[int, int, int]
) -> list[Patient]:
    """All patients, those of an earlier run from their files."""
    folder = work / f"{bundle.name}-{bundle.checksum[:12]}-{samples}-{'x'.join(map(str, shape))}"
    folder.mkdir(parents=True, exist_ok=True)
    runner, anatomies, found = None, {}, []
    for number in range(count):
        path = folder / f"{number:04d}.npz"
        if not path.is_file():
            runner = runner or Runner(bundle, torch.device("cuda:0" if torch.cuda.is_available() else "cpu"))
            maps = Plan().held_out
            stem = maps[number // len(MODALITIES) % len(maps)]
            if stem not in anatomies:
                anatomies[stem] = load_anatomy(data / f"head-labels/{stem}.nii.gz")
            keep(one_patient(number, anatomies[stem], runner, samples, shape), path)
        found.append(kept(path))
        print(f"patient {number}: {found[-1].modalities}, {found[-1].seconds:.1f} s", flush=True)
    return found

"""Made-up patients for ``calibration.py``: drawn, rendered, segmented several times, and kept in files.

The volume that an interval is put around is what ``segment`` gives: labels on the grid of the volumes, without specks.
Its spread is that of the answers on the working grid, as ``uncertainty`` computes it.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.cleanup import remove_specks
from MultimodalSegLib.inference.predict import labelling_of
from MultimodalSegLib.inference.uncertainty.accumulate import Accumulator
from MultimodalSegLib.inference.uncertainty.calibration import SUSPECT
from MultimodalSegLib.inference.uncertainty.sampling import Runner, answers
from MultimodalSegLib.inference.upsample import to_reference
from MultimodalSegLib.inference.view import NetworkView, network_view
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.synthesis.anatomy import Anatomy, load_anatomy
from MultimodalSegLib.synthesis.pair import Truth, label_values, locate, render, sample_patient, truth
from MultimodalSegLib.training.plan import Plan
from MultimodalSegLib.training.samples import brain_center

METHOD = "tta"
MODALITIES = (("CT", "MR"), ("CT",), ("MR",))
VOLUMES = ("true_ml", "found_ml", "samples_ml")
VOXELS = 4000
"""Voxels of a patient from which the scaling of logits is fitted; of those that may be lesion, as many again."""

FORMAT = "2"
"""Of the files: those of another one are made again."""

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Patient:
    """What a patient tells about the model; volumes by label value, ml.

    Args:
        label_map: the stem of the anatomy.
        logits: (n, K) of random voxels of the body.
        channel: (n,) their true structure.
        lesion_logits: (n,) at the same voxels.
        lesion: (n,) whether there is a lesion.
        suspect_logits: (m,) of the lesion at random voxels that may be lesion.
        suspect: (m,) whether there is a lesion.
        true_ml: in the drawn anatomy.
        found_ml: as ``segment`` answers.
        samples_ml: of each answer on the working grid, the unchanged case first.
        entropy: mean in the body, nats.
        disagreement: the same.
        modalities: such as ``"CT+MR"``.
        seconds: wall time.
    """

    label_map: str
    logits: np.ndarray
    channel: np.ndarray
    lesion_logits: np.ndarray
    lesion: np.ndarray
    suspect_logits: np.ndarray
    suspect: np.ndarray
    true_ml: dict[str, float]
    found_ml: dict[str, float]
    samples_ml: dict[str, list[float]]
    entropy: float
    disagreement: float
    modalities: str
    seconds: float


def patient_grid(anatomy: Anatomy, spacing: tuple[float, float, float], shape: Shape | None) -> Grid:
    """Grid of the volumes: so many voxels (k, j, i) around the brain, or the whole label map if None."""
    if shape is None:
        own = anatomy.grid
        size = tuple(round(n * s / mm) for n, s, mm in zip(own.size, own.spacing, spacing, strict=True))
        return Grid((size[0], size[1], size[2]), spacing, own.origin)
    size = (shape[2], shape[1], shape[0])
    origin = brain_center(anatomy) - (np.asarray(size) - 1) / 2 * spacing - (0, 0, 0.08 * shape[0] * spacing[2])
    return Grid(size, spacing, tuple(float(v) for v in origin))


def one_patient(
    number: int, label_map: str, anatomy: Anatomy, runner: Runner, samples: int, shape: Shape | None
) -> Patient:
    """Draw, render, segment ``samples`` times."""
    start = time.perf_counter()
    bundle, names = runner.bundle, MODALITIES[number % len(MODALITIES)]
    patient = sample_patient(np.random.default_rng((7, number)), anatomy, names, strip_chance=0.1)
    grid = patient_grid(anatomy, bundle.spacing, shape)
    codes, lesions = locate(anatomy, patient, grid)
    answer = truth(codes, lesions, patient)
    volumes = {name: render(codes, lesions, patient, grid, name) for name in names}
    view = network_view(bundle, volumes)
    found = Accumulator(view.grid.shape, labelling_of(bundle))
    first, found_ml = None, {}
    for logits, part in answers(METHOD, runner, view, samples):
        if first is None:
            first = _voxels(logits, found.structures, number, answer, grid, view.grid)
            found_ml = _volumes(bundle, segmented(bundle, view, logits, grid))
        found.add(logits, part)
        del logits
    assert first is not None
    own = view.grid.voxel_ml
    true_ml = _volumes(bundle, Volume(label_values(answer), grid))
    samples_ml = {str(c.value): [v.get(c.value, 0) * own for v in found.voxels] for c in bundle.classes()}
    body = found.mean[0].float() < 0.5
    doubt = [float(m[body].mean()) if bool(body.any()) else 0.0 for m in (found.entropy(), found.disagreement())]
    seconds = time.perf_counter() - start
    return Patient(label_map, *first, true_ml, found_ml, samples_ml, *doubt, "+".join(names), seconds)


def segmented(bundle: Bundle, view: NetworkView, logits: torch.Tensor, grid: Grid) -> Volume:
    """The label map that ``segment`` makes of logits on the working grid."""
    labels, _maps = to_reference(logits, view.grid, view.box, grid, labelling_of(bundle), lambda done: None)
    return remove_specks(Volume(labels, grid), bundle.classes())


def _volumes(bundle: Bundle, labels: Volume) -> dict[str, float]:
    counts = np.bincount(labels.array.ravel(), minlength=1 + max(c.value for c in bundle.classes()))
    return {str(c.value): float(counts[c.value] * labels.grid.voxel_ml) for c in bundle.classes()}


def _voxels(logits: torch.Tensor, structures: int, seed: int, answer: Truth, grid: Grid, working: Grid) -> tuple:
    """Logits and truth at random voxels in which there is something or something is found."""
    channel = resample(Volume(answer.channel, grid), working, labels=True).array.ravel()
    lesion = resample(Volume(answer.lesion.astype(np.uint8), grid), working, labels=True).array.ravel() > 0
    flat = logits.float().flatten(1)
    body = np.flatnonzero((channel > 0) | (flat[:structures].argmax(0).numpy() > 0))
    rng = np.random.default_rng(seed)
    at = rng.choice(body, min(VOXELS, len(body)), replace=False)
    chosen, lesions = flat[:, at].numpy(), flat[-1].numpy()
    plain = chosen[:structures].T.astype(np.float16), channel[at], chosen[-1].astype(np.float16), lesion[at]
    maybe = np.flatnonzero(lesions > np.log(SUSPECT / (1 - SUSPECT)))
    maybe = rng.choice(maybe, min(VOXELS, len(maybe)), replace=False)
    return *plain, lesions[maybe].astype(np.float16), lesion[maybe]


def keep(patient: Patient, path: Path) -> None:
    texts = {name: json.dumps(getattr(patient, name)) for name in VOLUMES}
    np.savez_compressed(path.with_suffix(".part.npz"), **(vars(patient) | texts))
    path.with_suffix(".part.npz").rename(path)


def kept(path: Path) -> Patient:
    with np.load(path) as file:
        values = {name: file[name] if file[name].ndim else file[name].item() for name in file.files}
    return Patient(**(values | {name: json.loads(values[name]) for name in VOLUMES}))


def gathered(bundle: Bundle, data: Path, work: Path, count: int, samples: int, shape: Shape | None) -> list[Patient]:
    """All patients, those of an earlier run from their files."""
    size = "x".join(map(str, shape)) if shape else "whole"
    folder = work / f"{bundle.name}-{bundle.checksum[:12]}-{samples}-{size}-{FORMAT}"
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
            keep(one_patient(number, stem, anatomies[stem], runner, samples, shape), path)
        found.append(kept(path))
        print(f"patient {number}: {found[-1].modalities}, {found[-1].seconds:.1f} s", flush=True)
    return found

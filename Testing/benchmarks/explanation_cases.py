"""Made-up patients of held-out label maps, and the lesions that the network finds in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from MultimodalSegLib.explain.faithfulness import distance_mm
from MultimodalSegLib.explain.subject import Subject, subject_of, tiles
from MultimodalSegLib.explain.targets import Target, channel_of
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.resample import resample
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.inference.components import components
from MultimodalSegLib.inference.view import network_view
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.synthesis.anatomy import load_anatomy
from MultimodalSegLib.synthesis.pair import locate, render, sample_patient, truth
from MultimodalSegLib.training.samples import brain_center

LEAST_VOXELS = 8
"""Predicted lesions below this many working voxels are left out."""

FIRST_SEED = 2000
SIZE, SPACING_MM = (160, 200, 180), 1.2
"""Of the scans: a whole head."""


@dataclass(frozen=True)
class FoundLesion:
    """A lesion of the network's that touches a true one.

    Args:
        subject: what the network sees.
        target: what it calls lesion there.
        distance: (D, H, W) from the truth, mm.
    """

    subject: Subject
    target: Target
    distance: np.ndarray


def patient(bundle: Bundle, label_map: Path, seed: int) -> tuple[Subject, np.ndarray]:
    """What the network sees of a made-up patient, and its true lesions on the working grid; they may be none."""
    anatomy = load_anatomy(label_map)
    origin = brain_center(anatomy) - (np.array(SIZE) - 1) / 2 * SPACING_MM
    grid = Grid(SIZE, (SPACING_MM,) * 3, tuple(float(x) for x in origin))
    drawn = sample_patient(np.random.default_rng(seed), anatomy, ("CT", "MR"), strip_chance=0.0, lesion_chance=1.0)
    codes, lesions = locate(anatomy, drawn, grid)
    answer = truth(codes, lesions, drawn).lesion.astype(np.float32)
    view = network_view(bundle, {name: render(codes, lesions, drawn, grid, name) for name in ("CT", "MR")})
    true = resample(Volume(answer, grid), view.grid).array > 0.5
    return subject_of(bundle, view, "auto"), true


def found_lesions(bundle: Bundle, subject: Subject, true: np.ndarray, edge: int, most: int) -> Iterator[FoundLesion]:
    """The network's own lesions that touch true ones, in the order of the true ones, the largest first.

    Args:
        bundle: the model.
        subject: the whole head.
        true: (D, H, W) bool.
        edge: of a cube around each lesion which is all that the network sees then; 0 is the whole head.
        most: number of lesions.
    """
    left = most
    channel, rivals = channel_of(bundle, int(bundle.metadata["lesion"]["value"]))
    whole = None if edge else lesion_mask(subject, channel)
    for part in components(true):
        if not left:
            return
        cut = cube(part.index.mean(0), true.shape, edge)
        local = seen_in(subject, cut, bundle.stride) if edge else subject
        touched = part.on(true.shape)[cut]
        for lesion in components(lesion_mask(local, channel) if whole is None else whole):
            mask = lesion.on(touched.shape)
            if lesion.voxels >= LEAST_VOXELS and (mask & touched).any():
                target = Target(f"lesion-{part.number}", channel, rivals, torch.from_numpy(mask))
                yield FoundLesion(local, target, distance_mm(torch.from_numpy(true[cut]), subject.spacing))
                left -= 1
                break  # the largest one that touches it


def all_lesions(bundle: Bundle, subject: Subject, most: int) -> list[Target]:
    """What ``explain`` is asked about: all that is called lesion, then the largest single ones; maybe nothing."""
    channel, rivals = channel_of(bundle, int(bundle.metadata["lesion"]["value"]))
    mask = lesion_mask(subject, channel)
    masks = [mask, *(part.on(mask.shape) for part in components(mask)[:most])] if mask.any() else []
    return [Target(f"{n}", channel, rivals, torch.from_numpy(one)) for n, one in enumerate(masks)]


def seen_in(subject: Subject, cut: tuple[slice, ...], stride: int) -> Subject:
    """A block of the images in one window."""
    inside = subject.images[(slice(None), *cut)].clone()
    parts = tiles(inside.shape[1:], inside.shape[1:], stride)
    return Subject(subject.engine, inside, subject.family, parts, subject.spacing)


def cube(center: np.ndarray, shape: tuple[int, ...], edge: int) -> tuple[slice, ...]:
    """A cube around a place, inside the array; everything if the edge is 0."""
    if not edge:
        return tuple(slice(0, n) for n in shape)
    starts = [
        int(np.clip(round(float(c)) - edge // 2, 0, max(0, n - edge))) for c, n in zip(center, shape, strict=True)
    ]
    return tuple(slice(s, min(s + edge, n)) for s, n in zip(starts, shape, strict=True))


@torch.no_grad()
def lesion_mask(subject: Subject, channel: int) -> np.ndarray:
    """Where the network says lesion, (D, H, W) bool."""
    total = torch.zeros(subject.images.shape[1:])
    for tile in subject.tiles:
        whole = tuple(slice(0, n) for n in tile.weight.shape)
        total[tile.place] += subject.answer(tile).logits(whole, slice(channel, channel + 1))[0].cpu() * tile.weight
    return (total > 0).numpy()

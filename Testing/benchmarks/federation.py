"""Federated training beside local training at each site and training on everything pooled.

    python Testing/benchmarks/federation.py hippocampus --data Task04_Hippocampus --work FOLDER
    python Testing/benchmarks/federation.py modalities --data LABEL_MAPS --work FOLDER

`hippocampus`: 150 cases of the Decathlon's Task04 (Simpson et al. 2019; CC BY-SA 4.0; no part of this repository)
over four sites of 80, 40, 20 and 10; the 42 others are scored on their own grids. `modalities`: made-up heads from
whole-head label maps at three sites, with CT alone, MRI alone and both; heads of other label maps are scored with CT,
MRI and both.

All ways run the same code from the same first weights: local training is a federation of one site, pooled training one
of a site with all cases, once with the steps of one site and once with those of all sites together. Stopped, it goes on
run by run and round by round. Writes results/federation.json and federation.md.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ablation_sets import triple, uncut
from federation_table import ALL_STEPS, page, summary

from MultimodalSegLib import Case, load_bundle, read_volume, segment
from MultimodalSegLib.evaluation.dice import WHOLE_BRAIN, dice
from MultimodalSegLib.federation.average import average
from MultimodalSegLib.federation.common_model import common_model, shared_plan
from MultimodalSegLib.federation.server_state import ServerState, add_metrics, write_model
from MultimodalSegLib.federation.settings import Federation
from MultimodalSegLib.federation.site import Site
from MultimodalSegLib.federation.site_file import SiteFile
from MultimodalSegLib.images.grid import Grid
from MultimodalSegLib.images.io import read_labels, write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.synthesis.anatomy import Anatomy, load_anatomy
from MultimodalSegLib.synthesis.pair import label_values, locate, render, sample_patient, truth
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.data.adapters import read_data_set
from MultimodalSegLib.training.data.data_set import DataSet, with_classes
from MultimodalSegLib.training.data.description import read_description, write_description
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.samples import brain_center

RESULTS = Path(__file__).parent / "results" / "federation.json"
SIZES = {"first": 80, "second": 40, "third": 20, "fourth": 10}
SPLIT_SEED = 20
GRID_MM, GRID_SIZE = 6.0, 32
PER_SITE, SCORED_HEADS = 8, 6
AUGMENTATION = Augmentation(mirror_chance=0.0, elastic_chance=0.0, bias_chance=0.0, blur_chance=0.0)
"""The quick part of it: the slow part costs more than the small network."""


@dataclass(frozen=True)
class Experiment:
    """Data of an experiment.

    Args:
        sites: description of the data set of each.
        pooled: of all of them together.
        scored: by name of a case: images by modality, and its label map.
        inputs: which images of a scored case are given together.
    """

    sites: Mapping[str, Path]
    pooled: Path
    scored: Mapping[str, tuple[Mapping[str, Path], Path]]
    inputs: Sequence[tuple[str, ...]]


def hippocampus(data: Path, folder: Path, most: int) -> Experiment:
    """The Decathlon's set, divided by a fixed seed."""
    whole = with_classes(read_data_set(data))
    names = sorted(case.name for case in whole.labelled)
    random.Random(SPLIT_SEED).shuffle(names)
    parts, start = {}, 0
    for site, size in SIZES.items():
        parts[site] = _described(whole.only(names[start : start + size]), folder / f"{site}.json")
        start += size
    pooled = _described(whole.only(names[:start]), folder / "pooled.json")
    cases = {case.name: case for case in whole.labelled}
    scored = {
        name: ({"MR": next(iter(cases[name].images.values())).path}, cases[name].label.path)  # type: ignore[union-attr]
        for name in names[start:][:most]
    }
    return Experiment(parts, pooled, scored, [("MR",)])


def modalities(data: Path, folder: Path, most: int) -> Experiment:
    """Made-up heads, of which the brain is to be found; the scored ones are of label maps that no site has."""
    maps = sorted(data.glob("*.nii.gz"))
    apart = [path for path in maps if path.name.split(".")[0] in Plan().held_out]
    own = [path for path in maps if path not in apart]
    wanted = {"ct": ("CT",), "mr": ("MR",), "both": ("CT", "MR"), "scored": ("CT", "MR")}
    made = {}
    for number, (part, names) in enumerate(wanted.items()):
        found, count = (
            (apart, min(most, SCORED_HEADS)) if part == "scored" else (own[number :: len(wanted) - 1], PER_SITE)
        )
        made[part] = _heads(found, folder / part, part, names, count)
    parts = {site: _written(site, made[site], folder) for site in wanted if site != "scored"}
    pooled = _written("pooled", [entry for site in parts for entry in made[site]], folder)
    scored = {
        entry["case"]: ({name: folder / path for name, path in entry["images"].items()}, folder / entry["label"])
        for entry in made["scored"]
    }
    return Experiment(parts, pooled, scored, [("CT",), ("MR",), ("CT", "MR")])


def _heads(
    maps: Sequence[Path], folder: Path, name: str, modalities: tuple[str, ...], count: int
) -> list[dict[str, Any]]:
    """Made-up patients as entries of a description; of each label map as many as of the others."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number in range(min(count, len(maps))):
        anatomy = None
        for n in range(number, count, len(maps)):
            files = {key: folder / f"{name}{n}_{key}.nrrd" for key in (*modalities, "label")}
            if not all(path.exists() for path in files.values()):
                anatomy = anatomy or load_anatomy(maps[number])
                _head(anatomy, (len(name), *map(ord, name), n), files)
            places = {key: f"{folder.name}/{path.name}" for key, path in files.items()}
            label = places.pop("label")
            about = {"already_aligned": True, "reference": modalities[0]}
            entries.append({"case": f"{name}{n}", "images": places, "label": label, **about})
    return entries


def _head(anatomy: Anatomy, key: tuple[int, ...], files: Mapping[str, Path]) -> None:
    """Images and labels of a made-up patient without lesions, as files."""
    grid = Grid((GRID_SIZE,) * 3, (GRID_MM,) * 3, triple(brain_center(anatomy) - (GRID_SIZE - 1) / 2 * GRID_MM))
    modalities = tuple(name for name in files if name != "label")
    patient = uncut(sample_patient(np.random.default_rng(key), anatomy, modalities, lesion_chance=0, strip_chance=0))
    codes, lesions = locate(anatomy, patient, grid)
    for name in modalities:
        write_volume(render(codes, lesions, patient, grid, name), files[name])
    brain = np.isin(label_values(truth(codes, lesions, patient)), list(WHOLE_BRAIN))
    write_volume(Volume(brain.astype(np.uint8), grid), files["label"])


def _written(name: str, cases: list[dict[str, Any]], folder: Path) -> Path:
    content = {"format_version": 1, "name": name, "cases": cases}
    content["classes"] = [{"name": "brain", "value": 1}]
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    read_description(folder / f"{name}.json")
    return folder / f"{name}.json"


def _described(data_set: DataSet, path: Path) -> Path:
    write_description(data_set, path)
    return path


def trained(
    plan: Plan, sites: Mapping[str, Path], rounds: int, steps: int, ema: float, folder: Path, cache: Path
) -> Path:
    """A federation in this process, with what FLARE would carry handed over directly; goes on after the last round."""
    federation = Federation("benchmark", tuple(sites), rounds, steps, ema_decay=ema)
    model = common_model(plan)
    shared = shared_plan(plan, federation.steps)
    opened = {
        name: Site(
            SiteFile(data=str(path), cache=str(cache)).plan(shared, number), federation, model.metadata, folder / name
        )
        for number, (name, path) in enumerate(sites.items())
    }
    state = ServerState.read(folder, model.weights)
    while state.rounds < rounds:
        updates = []
        for name, site in opened.items():
            update, metrics = site.train(state.weights, state.rounds)
            add_metrics(folder, state.rounds, name, update.cases, metrics)
            updates.append(update)
        state = state.after_round(average(state.weights, updates), ema)
        state.write(folder)
    return write_model(state, model.metadata, federation, folder).path


def scores(bundle: Path, experiment: Experiment) -> dict[str, float]:
    """Mean Dice over classes and cases, for each kind of input."""
    model, found = load_bundle(bundle), {}
    values = [int(entry["value"]) for entry in model.metadata["network_classes"][1:]]
    for names in experiment.inputs:
        each = []
        for images, label in experiment.scored.values():
            labels = segment(Case({name: read_volume(images[name]) for name in names}), model, device="cpu").labels
            each.append(np.nanmean(list(dice(labels, read_labels(label), values).values())))
        found["+".join(names)] = round(float(np.mean(each)), 4)
    return found


def ways_of(experiment: Experiment) -> dict[str, dict[str, Path]]:
    """Federated, each site alone, and pooled with the steps of one site and of all."""
    pooled = {"pooled": experiment.pooled}
    alone = {f"local {name}": {name: path} for name, path in experiment.sites.items()}
    return {"federated": dict(experiment.sites), **alone, "pooled": pooled, ALL_STEPS: pooled}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=["hippocampus", "modalities"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--local-steps", type=int, default=40)
    parser.add_argument("--spacing", type=float, default=1.0)
    parser.add_argument("--crop", type=int, nargs=3, default=(64, 64, 64))
    parser.add_argument("--widths", type=int, nargs="+", default=(16, 32, 48, 64))
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--ema", type=float, default=0.5)
    parser.add_argument("--scored", type=int, default=42)
    given = parser.parse_args()
    folder = given.work.resolve() / given.experiment
    folder.mkdir(parents=True, exist_ok=True)
    build = {"hippocampus": hippocampus, "modalities": modalities}[given.experiment]
    experiment = build(given.data.resolve(), folder, given.scored)
    names = ("seeds", "rounds", "local_steps", "spacing", "crop", "widths", "batch", "learning_rate", "ema")
    settings = {name: getattr(given, name) for name in names[1:]} | {"scored cases": len(experiment.scored)}
    title = f"{given.experiment}, {given.rounds} rounds of {given.local_steps} steps"
    for seed in range(given.seeds):
        for way, sites in ways_of(experiment).items():
            known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
            entry = known.setdefault(title, {"settings": settings, "runs": {}})
            if f"{way} seed {seed}" in entry["runs"]:
                continue
            plan = Plan(
                name="benchmark",
                data=str(experiment.pooled),
                held_out=(),
                network={"kind": "fusion", "widths": list(given.widths), "stride": 2 ** len(given.widths)},
                stages=(Stage(1.0, given.spacing, (tuple(given.crop),), (1.0,)),),
                augmentation=AUGMENTATION,
                batch=given.batch,
                learning_rate=given.learning_rate,
                seed=seed,
                workers=0,
            )
            steps = given.local_steps * (len(experiment.sites) if way == ALL_STEPS else 1)
            began, place = time.process_time(), folder / f"{way} {seed} {given.rounds}x{given.local_steps}"
            bundle = trained(plan, sites, given.rounds, steps, given.ema, place, folder / "prepared")
            spent = time.process_time() - began
            entry["runs"][f"{way} seed {seed}"] = {"dice": scores(bundle, experiment), "cpu_s": round(spent, 1)}
            entry["summary"] = summary(entry["runs"])
            RESULTS.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
            RESULTS.with_suffix(".md").write_text(page(known), encoding="utf-8")
            print(way, seed, entry["runs"][f"{way} seed {seed}"], flush=True)


if __name__ == "__main__":
    main()

"""Federated training beside local training at each site and training on everything pooled.

    python Testing/benchmarks/federation.py hippocampus --data Task04_Hippocampus --work FOLDER
    python Testing/benchmarks/federation.py modalities --data LABEL_MAPS --work FOLDER

`hippocampus`: 150 cases of the Decathlon's Task04 (Simpson et al. 2019; CC BY-SA 4.0; no part of this repository)
over four sites of 80, 40, 20 and 10; the 42 others are scored on their own grids. `modalities`: made-up heads from
whole-head label maps at three sites, with CT alone, MRI alone and both; heads of other label maps are scored with CT,
MRI and both.

All ways run the same code from the same first weights: local training is a federation of one site, pooled training one
of a site with all cases, once with the steps of one site and once with those of all sites together. Stopped, it goes on
run by run and round by round. Writes results/federation.json.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from MultimodalSegLib import Case, load_bundle, read_volume, segment
from MultimodalSegLib.evaluation.dice import dice
from MultimodalSegLib.federation.average import average
from MultimodalSegLib.federation.common_model import common_model, shared_plan
from MultimodalSegLib.federation.server_state import ServerState, add_metrics, write_model
from MultimodalSegLib.federation.settings import Federation
from MultimodalSegLib.federation.site import Site
from MultimodalSegLib.federation.site_file import SiteFile
from MultimodalSegLib.images.io import read_labels, write_volume
from MultimodalSegLib.images.volume import Volume
from MultimodalSegLib.synthesis.anatomy import head_classes, load_anatomy
from MultimodalSegLib.synthesis.pair import locate, render, sample_patient, truth
from MultimodalSegLib.training.augment.settings import Augmentation
from MultimodalSegLib.training.data.adapters import read_data_set
from MultimodalSegLib.training.data.classes import LabelClass
from MultimodalSegLib.training.data.data_set import DataSet, with_classes
from MultimodalSegLib.training.data.description import read_description, write_description
from MultimodalSegLib.training.plan import Plan, Stage

RESULTS = Path(__file__).parent / "results" / "federation.json"
SIZES = {"first": 80, "second": 40, "third": 20, "fourth": 10}
SPLIT_SEED = 20
GRID_MM, GRID_SIZE = 4.0, 48
PER_SITE, SCORED_HEADS = 4, 3


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
    """Made-up heads; every site has label maps of its own, and so have the scored ones."""
    maps = sorted(data.glob("*.nii.gz"))
    wanted = {"ct": ("CT",), "mr": ("MR",), "both": ("CT", "MR")}
    entries = [entry for entry in head_classes()["classes"] if entry["name"] != "background"]
    classes = tuple(LabelClass(str(entry["name"]), value) for value, entry in enumerate(entries, 1))
    made: dict[str, list[dict[str, Any]]] = {}
    for number, site in enumerate([*wanted, "scored"]):
        names = wanted.get(site, ("CT", "MR"))
        count = PER_SITE if site in wanted else min(most, SCORED_HEADS)
        made[site] = [
            _head(maps[(number * 4 + n) % len(maps)], folder / site, f"{site}{n}", names, n) for n in range(count)
        ]
    parts = {site: _written(site, made[site], classes, folder) for site in wanted}
    pooled = _written("pooled", [entry for site in wanted for entry in made[site]], classes, folder)
    scored = {
        entry["case"]: ({name: folder / path for name, path in entry["images"].items()}, folder / entry["label"])
        for entry in made["scored"]
    }
    return Experiment(parts, pooled, scored, [("CT",), ("MR",), ("CT", "MR")])


def _head(labels: Path, folder: Path, name: str, modalities: tuple[str, ...], seed: int) -> dict[str, Any]:
    """Images and labels of a made-up patient as files; an entry of a description."""
    files = {key: folder / f"{name}_{key}.nrrd" for key in (*modalities, "label")}
    if not all(path.exists() for path in files.values()):
        anatomy = load_anatomy(labels)
        whole = anatomy.grid
        size = np.asarray(whole.size) * np.asarray(whole.spacing)
        middle = np.asarray(whole.origin) + size / 2
        origin = middle - GRID_MM * GRID_SIZE / 2
        grid = replace(whole, size=(GRID_SIZE,) * 3, spacing=(GRID_MM,) * 3, origin=tuple(map(float, origin)))
        rng = np.random.default_rng((seed, len(labels.name), sum(map(ord, name))))
        patient = sample_patient(rng, anatomy, modalities)
        codes, lesions = locate(anatomy, patient, grid)
        folder.mkdir(parents=True, exist_ok=True)
        for key in modalities:
            write_volume(render(codes, lesions, patient, grid, key), files[key])
        write_volume(Volume(truth(codes, lesions, patient).channel.astype(np.uint8), grid), files["label"])
    places = {key: f"{folder.name}/{path.name}" for key, path in files.items()}
    label = places.pop("label")
    return {"case": name, "images": places, "label": label, "already_aligned": True, "reference": modalities[0]}


def _written(name: str, cases: list[dict[str, Any]], classes: Sequence[LabelClass], folder: Path) -> Path:
    content = {"format_version": 1, "name": name, "cases": cases}
    content["classes"] = [{"name": entry.name, "value": entry.value} for entry in classes]
    (folder / f"{name}.json").write_text(json.dumps(content))
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


ALL_STEPS = "pooled, all steps"


def ways_of(experiment: Experiment) -> dict[str, dict[str, Path]]:
    """Federated, each site alone, and pooled with the steps of one site and of all."""
    pooled = {"pooled": experiment.pooled}
    alone = {f"local {name}": {name: path} for name, path in experiment.sites.items()}
    return {"federated": dict(experiment.sites), **alone, "pooled": pooled, ALL_STEPS: pooled}


def summary(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means over seeds by way; the share of pooled that federated reaches, and local training on average."""
    by_way: dict[str, dict[str, list[float]]] = {}
    for key, run in runs.items():
        way = key.rpartition(" seed ")[0]
        for kind, value in run["dice"].items():
            by_way.setdefault(way, {}).setdefault(kind, []).append(value)
    means = {way: {kind: round(float(np.mean(v)), 4) for kind, v in kinds.items()} for way, kinds in by_way.items()}
    if not {"federated", "pooled"} <= set(means):
        return {"means": means}
    local = [kinds for way, kinds in means.items() if way.startswith("local")]
    alone = {kind: round(float(np.mean([kinds[kind] for kinds in local])), 4) for kind in means["federated"]}
    share = {kind: round(value / means["pooled"][kind], 3) for kind, value in means["federated"].items()}
    return {"means": means, "mean of local": alone, "federated / pooled": share}


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
    parser.add_argument("--ema", type=float, default=0.5)
    parser.add_argument("--scored", type=int, default=42)
    given = parser.parse_args()
    folder = given.work.resolve() / given.experiment
    folder.mkdir(parents=True, exist_ok=True)
    build = {"hippocampus": hippocampus, "modalities": modalities}[given.experiment]
    experiment = build(given.data.resolve(), folder, given.scored)
    names = ("seeds", "rounds", "local_steps", "spacing", "crop", "widths", "batch", "ema")
    settings = {name: getattr(given, name) for name in names[1:]} | {"scored cases": len(experiment.scored)}
    title = f"{given.experiment}, {given.rounds} rounds of {given.local_steps} steps"
    for seed in range(given.seeds):
        for way, sites in ways_of(experiment).items():
            known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            entry = known.setdefault(title, {"settings": settings, "runs": {}})
            if f"{way} seed {seed}" in entry["runs"]:
                continue
            plan = Plan(
                name="benchmark",
                data=str(experiment.pooled),
                held_out=(),
                network={"kind": "fusion", "widths": list(given.widths), "stride": 2 ** len(given.widths)},
                stages=(Stage(1.0, given.spacing, (tuple(given.crop),), (1.0,)),),
                augmentation=Augmentation(mirror_chance=0.0),
                batch=given.batch,
                seed=seed,
                workers=0,
            )
            steps = given.local_steps * (len(experiment.sites) if way == ALL_STEPS else 1)
            began, place = time.process_time(), folder / f"{way} {seed} {given.rounds}x{given.local_steps}"
            bundle = trained(plan, sites, given.rounds, steps, given.ema, place, folder / "prepared")
            spent = time.process_time() - began
            entry["runs"][f"{way} seed {seed}"] = {"dice": scores(bundle, experiment), "cpu_s": round(spent, 1)}
            entry["summary"] = summary(entry["runs"])
            RESULTS.write_text(json.dumps(known, indent=2) + "\n")
            print(way, seed, entry["runs"][f"{way} seed {seed}"], flush=True)


if __name__ == "__main__":
    main()

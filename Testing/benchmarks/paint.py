"""Whether painted lesions help to find real ones: the shipped model trained on with the generator's lesions, and with a
part of them painted, scored on real patients that no painter saw.

    python Testing/benchmarks/paint.py --data FOLDER --work FOLDER [--painter-steps 3000] [--steps 1200]
        [--share 0.5] [--seeds 0 1 2] [--folds 07 19] [--rate 3e-4] [--crop 96] [--device auto] [--until STAGE]

FOLDER of ``--data`` holds ``head-labels``, ``open-ms`` and ``stroke-mr``. There are three arms: the model as it is;
``generator``, which trains on for ``--steps`` with the generator's lesions alone; and ``painted``, the same with
``--share`` of the patients with lesions painted. Of ``painted`` there is one for each fold: its painter learned from
made-up lesions and from the real ones of one patient of ``open-ms`` (the fold's name), and is scored on the other one
and on ``stroke-mr``, of which no painter saw anything. Arms of one seed see the same label maps in the same order.

Everything lies in the folder of ``--work`` and goes on where it was stopped; models that are there are not trained
again, so other settings need another folder. The weights of a painter that saw real patients stay there. ``paint.json``
and ``paint.md`` are written into ``--out``.

The whole experiment, an estimated day on two cores:

    python Testing/benchmarks/paint.py --data DATA --work runs/paint

To see every step of it in minutes (its figures mean nothing):

    python Testing/benchmarks/paint.py --data DATA --work runs/paint-small --painter-steps 4 --steps 4 --crop 32
        --seeds 0 --folds 07 --small --out runs/paint-small
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent / "real"))
from lesions import SEQUENCES, open_ms, stroke_mr
from trial import Trial, plain, score

from MultimodalSegLib import Case, align, load_bundle, segment
from MultimodalSegLib.progress import Event
from MultimodalSegLib.training.export import export
from MultimodalSegLib.training.painting.plan import PaintPlan
from MultimodalSegLib.training.painting.start import export as export_painter
from MultimodalSegLib.training.painting.start import prepare as prepare_painter
from MultimodalSegLib.training.plan import Plan, Stage
from MultimodalSegLib.training.plan_file import read_plan
from MultimodalSegLib.training.start import prepare

HERE = Path(__file__).resolve().parent
SHIPPED, GENERATOR = "shipped", "generator"
BASE = HERE / "plans" / "head-0.4.0.yaml"
PATIENTS = ("07", "19")
STAGES = ("painter", "train", "score")


def painter(given: argparse.Namespace, patient: str) -> Path:
    """The painter that learned from one real patient."""
    run = given.work / f"painter-{patient}"
    model = run / "paint"
    if not model.is_dir():
        folder = given.data / "open-ms" / f"patient{patient}"
        images = [f"MR={folder / name}.nii.gz" for name in SEQUENCES]
        real = ",".join([*images, str(folder / "GOLD_STANDARD.nii.gz"), "white matter"])
        small: dict[str, Any] = {"widths": (8, 16), "size": 48, "patch": 32, "batch": 2} if given.small else {}
        plan = PaintPlan(
            labels=str(given.data / "head-labels"),
            real=(real,),
            steps=given.painter_steps,
            validation_samples=2 if given.small else 8,
            device=given.device,
            **small,
        )
        prepare_painter(plan, run).run(told)
        export_painter(run, model)
    return model


def arms(given: argparse.Namespace) -> Iterator[tuple[str, str, int, Path]]:
    """Name of the arm, the patient whose lesions its painter saw, seed, and folder of the run."""
    for seed in given.seeds:
        yield GENERATOR, "", seed, given.work / f"generator-{seed}"
        for fold in given.folds:
            yield f"painted {fold}", fold, seed, given.work / f"painted-{fold}-{seed}"


def trained(given: argparse.Namespace, fold: str, seed: int, run: Path) -> Path:
    """A model that was trained on."""
    model = run / "model"
    if not model.is_dir():
        prepared = prepare(plan_of(given, fold, seed), run)
        prepared.run(told)
        export(run, model)
    return model


def plan_of(given: argparse.Namespace, fold: str, seed: int) -> Plan:
    """That of the shipped model, shorter and with another painter."""
    base = read_plan(BASE)
    side = (given.crop,) * 3
    return replace(
        base,
        name="painted" if fold else GENERATOR,
        labels=str(given.data / "head-labels"),
        init=given.model,
        painter=str(painter(given, fold)) if fold else "",
        painted=given.share,
        stages=(Stage(1.0, base.stages[-1].spacing, (side,), (1.0,)),),
        steps=given.steps,
        warm_up_steps=min(base.warm_up_steps, given.steps // 10),
        learning_rate=given.rate,
        validation_samples=0,
        device=given.device,
        seed=seed,
    )


def real_trials(given: argparse.Namespace, fold: str) -> Iterator[Trial]:
    """Patients that the painter of a fold did not see; all of them without one."""
    for trial in open_ms(given.data / "open-ms"):
        if trial.name.split()[1] != fold and not (given.small and len(trial.volumes) == 1):
            yield trial
    for trial in stroke_mr(given.data / "stroke-mr"):
        yield replace(trial, name=f"stroke {trial.name}")


def measured(given: argparse.Namespace, model: str, fold: str) -> dict[str, Any]:
    """Lesion Dice and volumes of a model by trial."""
    bundle, rows = load_bundle(model), {}
    for trial in real_trials(given, fold):
        found = score(trial, segment(align(Case(trial.volumes), "none"), bundle))
        rows[trial.name] = {"dice": found["dice"]["lesion"], **found["lesion"]}
        print(f"{bundle.name} {trial.name}: Dice {rows[trial.name]['dice']:.3f}", flush=True)
    content: dict[str, Any] = plain(rows)
    return content


def markdown(results: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    """The table: mean over seeds, smallest and largest; and the gain of each painted arm over the same seeds."""
    kinds = list(dict.fromkeys(name.rsplit(" seed ", 1)[0] for name in results))
    trials = list(next(iter(results.values())))
    lines = [
        "# Painted lesions in training",
        "",
        "Lesion Dice on real patients; mean over seeds, smallest to largest. A painted arm is not scored on the "
        "patient whose lesions its painter saw. Two patients with multiple sclerosis and one with a stroke are far too "
        "few for more than a hint.",
        "",
        f"Settings: {json.dumps(dict(settings))}",
        "",
        "| volumes | " + " | ".join(kinds) + " |",
        "| --- |" + " --- |" * len(kinds),
    ]
    for trial in trials:
        lines.append(f"| {trial} | " + " | ".join(_cell(results, kind, trial) for kind in kinds) + " |")
    gains = [_gain(results, kind, trials) for kind in kinds if kind.startswith("painted")]
    return "\n".join([*lines, "", *gains, ""])


def _dice(results: Mapping[str, Mapping[str, Any]], kind: str, trial: str) -> dict[str, float]:
    """By seed."""
    rows = {name: rows for name, rows in results.items() if name.rsplit(" seed ", 1)[0] == kind}
    return {
        name.rsplit(" ", 1)[-1]: r[trial]["dice"]
        for name, r in rows.items()
        if r.get(trial, {}).get("dice") is not None
    }


def _cell(results: Mapping[str, Mapping[str, Any]], kind: str, trial: str) -> str:
    values = list(_dice(results, kind, trial).values())
    if not values:
        return ""
    spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def _gain(results: Mapping[str, Mapping[str, Any]], kind: str, trials: Sequence[str]) -> str:
    """Painted minus generator of the same seed, over trials and seeds."""
    found = []
    for trial in trials:
        ours, theirs = _dice(results, kind, trial), _dice(results, GENERATOR, trial)
        found += [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    if not found:
        return f"- {kind}: nothing to compare yet"
    better = sum(gain > 0 for gain in found)
    return f"- {kind} minus {GENERATOR}: {np.mean(found):+.3f} on average, better in {better} of {len(found)}"


def told(event: Event) -> None:
    if event.message:
        print(f"{event.stage} {event.done:g} of {event.total:g}: {event.message}", flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="head", help="to train on from")
    parser.add_argument("--painter-steps", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folds", nargs="+", choices=PATIENTS, default=list(PATIENTS))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1], help="stop after this")
    parser.add_argument("--small", action="store_true", help="a tiny painter and few volumes, to see that all works")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    return parser.parse_args()


def main() -> None:
    given = options()
    for fold in given.folds:
        painter(given, fold)
    if given.until == "painter":
        return
    models = {SHIPPED: (given.model, "")}
    for name, fold, seed, run in arms(given):
        models[f"{name} seed {seed}"] = (str(trained(given, fold, seed, run)), fold)
    if given.until == "train":
        return
    stored = given.work / "scores.json"
    results: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    for name, (model, fold) in models.items():
        if name not in results:
            results[name] = measured(given, model, fold)
            stored.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    names = ("model", "painter_steps", "steps", "share", "rate", "crop", "seeds")
    settings = {name: getattr(given, name) for name in names}
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "paint.json").write_text(
        json.dumps({"settings": settings, "results": results}, indent=1) + "\n", encoding="utf-8"
    )
    (given.out / "paint.md").write_text(markdown(results, settings), encoding="utf-8")
    print(markdown(results, settings))


if __name__ == "__main__":
    main()

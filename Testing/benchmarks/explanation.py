"""How far the explanations can be believed: maps of lesions of made-up patients whose label maps training never saw.

    python Testing/benchmarks/explanation.py --data FOLDER --work FOLDER [--model NAME_OR_FOLDER] [--edge 0]
        [--methods NAME[:LAYER] ...] [--stems training_seg_04 ...] [--patients 1] [--lesions 3] [--out FOLDER]

FOLDER of --data holds ``head-labels``. Each predicted lesion that touches a true one is explained. ``explanation.json``
and ``explanation.md`` tell where the brightest 5 % of the map's mass lies; the insertion area beside that of random
voxels and of the blurred prediction (paired Wilcoxon tests); the pointing game; stability; the sanity check; and the
seconds of Grad-CAM of all lesions of a head. With ``--edge`` the network sees only a cube of so many voxels around each
lesion, which takes a tenth of the time of the whole head.

What is known of a lesion stays in the folder --work: a run that was stopped goes on, and one with other methods adds
them. Of the whole head a method takes about twenty-five passes through the network for each lesion.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from explanation_cases import FIRST_SEED, FoundLesion, all_lesions, found_lesions, patient
from explanation_table import BASELINES, as_markdown, summary

from MultimodalSegLib import load_bundle
from MultimodalSegLib.explain.baselines import baseline_maps, blurred_mask
from MultimodalSegLib.explain.blurring import blurred
from MultimodalSegLib.explain.faithfulness import (
    NEAR_MM,
    brightest,
    insertion,
    mass_inside,
    pointing_game,
    stability,
)
from MultimodalSegLib.explain.gradcam import Attribution
from MultimodalSegLib.explain.methods import attribute
from MultimodalSegLib.explain.randomization import randomized_likeness
from MultimodalSegLib.explain.subject import Subject
from MultimodalSegLib.models.bundle import Bundle
from MultimodalSegLib.stages.explain import MOST_LESIONS
from MultimodalSegLib.training.plan import Plan

STEPS = 3
"""Of the cascade."""


def figures_of(lesion: FoundLesion, name: str) -> dict[str, Any]:
    """All figures of a method, or of a baseline, for one lesion."""
    subject, target = lesion.subject, lesion.target
    found: dict[str, Any] = {}

    def again(other: Subject) -> Attribution:
        if name == "blurred mask":
            return Attribution(blurred_mask(target, other.spacing))
        method, _, layer = name.partition(":")
        return attribute(method, other, [target], layer)[0]

    if name == "random":
        map_ = baseline_maps(target, subject.spacing)[name]
    else:
        start, cpu = time.perf_counter(), time.process_time()
        attribution = again(subject)
        if name not in BASELINES:
            found = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
            found["stability"] = stability(subject, attribution.whole, again)
        found["likeness"] = randomized_likeness(subject, target, attribution.signed, again, STEPS)
        map_ = attribution.whole
    curve = insertion(subject, target, map_, blurred(subject.images, subject.spacing))
    return found | {
        "near": mass_inside(brightest(map_), lesion.distance, NEAR_MM),
        "pointing_game": pointing_game(map_, lesion.distance),
        "insertion_area": curve.area,
        "insertion": list(curve.values),
    }


def of_all_lesions(bundle: Bundle, subject: Subject) -> dict[str, float]:
    """Seconds of the Grad-CAM of all lesions of a head, together and one by one."""
    targets = all_lesions(bundle, subject, MOST_LESIONS)
    if not targets:
        return {}
    start, cpu = time.perf_counter(), time.process_time()
    attribute("gradcam", subject, targets)
    return {"maps": len(targets), "seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}


def measure(bundle: Bundle, case: Path, label_map: Path, seed: int, given: argparse.Namespace) -> None:
    """Bring the folder of a patient up to date: ``patient.json``, and a file for each lesion."""
    names = [*BASELINES, *given.methods]
    files = [case / f"{name}.json" for name in read(case / "patient.json").get("lesions", {})][: given.lesions]
    asked = read(case / "patient.json").get("asked", -1) >= given.lesions
    if asked and all(set(names) <= set(read(file)) for file in files):
        return
    subject, true = patient(bundle, label_map, seed)
    lesions = list(found_lesions(bundle, subject, true, given.edge, given.lesions)) if true.any() else []
    told = read(case / "patient.json") | {"asked": given.lesions}
    told["lesions"] = {lesion.target.name: int(lesion.target.mask.sum()) for lesion in lesions}
    if not given.edge and "all_lesions" not in told:
        told["all_lesions"] = of_all_lesions(bundle, subject)
    write(case / "patient.json", told)
    for lesion in lesions:
        file = case / f"{lesion.target.name}.json"
        for name in names:
            known = read(file)
            if name not in known:
                write(file, known | {name: figures_of(lesion, name)})
                print(f"{case.name} {lesion.target.name}: {name}", flush=True)


def gathered(cases: list[Path], bundle: Bundle, given: argparse.Namespace) -> dict[str, Any]:
    """All lesions that are known so far."""
    lesions, seconds = {}, {}
    for case in cases:
        told = read(case / "patient.json")
        for name in list(told.get("lesions", {}))[: given.lesions]:
            rows = read(case / f"{name}.json")
            if {*BASELINES, *given.methods} <= set(rows):
                lesions[f"{case.name} {name}, {told['lesions'][name]} voxels"] = rows
        if told.get("all_lesions"):
            seconds[case.name] = told["all_lesions"]
    return {
        "model": f"{bundle.name} {bundle.version}",
        "view": f"seen in a cube of {given.edge} voxels around each" if given.edge else "the whole head seen",
        "summary": summary(list(lesions.values()), given.methods) if lesions else {},
        "all_lesions": seconds,
        "lesions": lesions,
    }


def read(path: Path) -> dict[str, Any]:
    """A file of figures; empty if it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="what is known of each lesion")
    parser.add_argument("--model", default="default")
    parser.add_argument("--methods", nargs="*", default=["gradcam", "gradcam:fused8", "hirescam"])
    parser.add_argument("--stems", nargs="*", default=list(Plan().held_out), help="label maps")
    parser.add_argument("--patients", type=int, default=1, help="of each label map")
    parser.add_argument("--lesions", type=int, default=3, help="of each patient, the largest first")
    parser.add_argument("--edge", type=int, default=0, help="of a cube around each lesion; 0 is the whole head")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    bundle = load_bundle(given.model)
    place = given.work / f"{bundle.name}-{bundle.version}-{given.edge or 'whole'}"
    cases: list[Path] = []
    for seed in range(FIRST_SEED, FIRST_SEED + given.patients):
        for stem in given.stems:
            cases.append(place / f"{stem}-{seed}")
            measure(bundle, cases[-1], given.data / f"head-labels/{stem}.nii.gz", seed, given)
            results = gathered(cases, bundle, given)
            if results["lesions"]:
                given.out.mkdir(parents=True, exist_ok=True)
                write(given.out / "explanation.json", results)
                (given.out / "explanation.md").write_text(as_markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The mean of the weights of two models, one of which was trained on from the other ("model soup").

    python Testing/benchmarks/average_models.py FIRST SECOND OUT [--chosen-on DATA]

FIRST and SECOND are names or folders of bundles of one network; OUT becomes a copy of SECOND with the mean weights and
without SECOND's calibration, which no longer holds. Weights that come of one training and a continuation of it lie in
one valley of the loss, and their mean is often better than the worse of the two in everything (Wortsman et al., Model
soups, ICML 2022).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.models.save import save_bundle

FITTED = ("calibration", "conformal", "typical", "asymmetry")
"""Entries of the metadata that ``calibration.py`` writes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("out", type=Path)
    parser.add_argument("--chosen-on", help="data whose figures led to the mean, for the model card")
    given = parser.parse_args()
    first, second = load_bundle(given.first), load_bundle(given.second)
    if first.metadata["network"] != second.metadata["network"]:
        parser.error(f"{given.first} and {given.second} are different networks.")
    one, other = (bundle.network().state_dict() for bundle in (first, second))
    mean = {name: ((one[name] + value) / 2 if value.is_floating_point() else value) for name, value in other.items()}
    told = {name: value for name, value in second.metadata.items() if name not in FITTED}
    told["training"] = {**told["training"], "averaged_with": f"{first.name} {first.version} ({first.checksum[:16]})"}
    if given.chosen_on:
        told["training"]["chosen_on"] = given.chosen_on
    print(save_bundle(given.out, told, mean).path)


if __name__ == "__main__":
    main()

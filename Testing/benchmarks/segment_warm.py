"""``segment`` without registration again and again in one process, the model loaded, as a cohort's worker has it.

    python Testing/benchmarks/segment_warm.py RUNS OPTIONS

OPTIONS are those of :class:`MultimodalSegLib.segment_options.SegmentOptions`, as JSON. One run that loads and compiles,
then RUNS more, of which the seconds are printed as JSON: ``[[network, whole], ...]``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from MultimodalSegLib.cohort.held import HeldBundle
from MultimodalSegLib.models.bundle import load_bundle
from MultimodalSegLib.pipeline import run_segment
from MultimodalSegLib.segment_options import SegmentOptions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=int)
    parser.add_argument("options", type=json.loads)
    asked = parser.parse_args()
    given = asked.options
    volumes = {name: Path(file) for name, file in given.pop("volumes").items()}
    options = SegmentOptions(volumes, Path(given.pop("out")), registration="none", overwrite=True, **given)
    found = load_bundle(options.model, options.device)
    bundle, seconds = HeldBundle(found.path, found.metadata), []
    for _ in range(asked.runs + 1):
        record = run_segment(options, bundle=bundle).record
        seconds.append([record["segmentation"]["network_seconds"], sum(record["seconds"].values())])
    print(json.dumps(seconds[1:]))


if __name__ == "__main__":
    main()

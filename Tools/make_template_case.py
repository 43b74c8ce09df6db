"""Make ``Resources/demo/templates`` from the CT template of Rorden et al. and the ICBM152 T1 template.

    python Tools/make_template_case.py FOLDER

FOLDER holds ``clin_scct.nii.gz`` (in Cormack units, turned to Hounsfield units here) and
``mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz``. Both are averages of many heads: real intensities, no patient.
"""

import json
import sys
from pathlib import Path

import numpy as np

from MultimodalSegLib.images.io import read_volume, write_volume
from MultimodalSegLib.resources import resource

CORMACK = (0.0, 900.0, 3100.0, 5000.0)
HOUNSFIELD = (-1000.0, -100.0, 100.0, 2000.0)
"""Cormack units (Rorden et al., NeuroImage 61:957, 2012) give -100..100 HU eleven times their range."""

NOTICE = (
    "Templates averaged over many heads, not one patient; the CT and the MRI are of different people. See NOTICE.txt."
)


def main(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ct = read_volume(source / "clin_scct.nii.gz")
    hounsfield = np.interp(ct.array, CORMACK, HOUNSFIELD)
    write_volume(ct.with_array(np.rint(hounsfield).astype(np.int16)), folder / "CT.nii.gz")
    t1 = read_volume(source / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    scaled = t1.array * (1000.0 / float(t1.array.max()))
    write_volume(t1.with_array(np.rint(scaled).astype(np.int16)), folder / "T1.nii.gz")
    entry = {
        "synthetic": False,
        "reference": "CT",
        "volumes": {"CT": "CT.nii.gz", "T1": "T1.nii.gz"},
        "notice": NOTICE,
    }
    (folder / "case.json").write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
    print(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), resource("demo/templates"))

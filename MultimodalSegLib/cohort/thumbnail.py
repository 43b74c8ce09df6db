"""One small picture of a finished run, for the cohort's index."""

from __future__ import annotations

from pathlib import Path

from ..progress import Progress, silent
from ..report.findings import read_findings
from ..report.pictures.drawing import draw
from ..report.sections.views import Views
from ..restore import FinishedRun

STAGE = "thumbnail"
FILE = "thumbnail.png"
PIXELS = 160


def run_thumbnail(run: FinishedRun, progress: Progress = silent) -> Path:
    """Draw the axial slice through the middle of the reference scan, with the structures in color.

    Args:
        run: the run; ``thumbnail.png`` is written into its folder.
        progress: not told: this takes a moment.

    Returns:
        The file.
    """
    findings = read_findings(run.folder.path, run.folder.record, run.aligned, run.segmentation, run.bundle.region)
    views, reference = Views(findings), run.aligned.reference
    plane = views.whole(PIXELS)[0]
    picture = draw(views.structures(views.slice(reference, plane), plane), plane, "")
    file = run.folder.path / FILE
    with run.folder.stage(STAGE):
        run.folder.write(file, lambda path: path.write_bytes(picture.png))
    return file

"""The DICOM objects of a case: the segmentation, and the measurements that refer to it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import InputError, MissingPackageError
from ..findings import Findings
from .seg import MANUFACTURER, seg_dataset
from .segments import measured_segments
from .structured_report import structured_report

DESCRIPTION = "MultimodalSeg (research use)"


def dicom_objects(findings: Findings, files: Sequence[Path]) -> tuple[Any, Any]:
    """Segmentation (DICOM SEG) and structured report (TID 1500) that belong to the study of the reference.

    As all objects of a study they repeat the patient's name and number from its images.

    Args:
        findings: the case.
        files: DICOM files of the reference series, in order of position.

    Returns:
        The two data sets; ``save_as`` writes one.

    Raises:
        InputError: nothing is segmented, the slices are not those of the reference, or they lack what DICOM needs.
        MissingPackageError: highdicom is not installed.
    """
    if importlib.util.find_spec("highdicom") is None:
        raise MissingPackageError("highdicom is not installed.", "Install it with: pip install 'multimodalseg[report]'")
    labels, segments = measured_segments(findings)
    model = {key: findings.segmentation.model.get(key) or "unknown" for key in ("name", "version")}
    try:
        seg = seg_dataset(
            labels,
            findings.aligned.grid.affine,
            files,
            [segment.info for segment in segments],
            algorithm=f"{MANUFACTURER} {model['name']}",
            version=model["version"],
            description=DESCRIPTION,
        )
        return seg, structured_report(seg, files, segments, model, description=DESCRIPTION)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # what highdicom says of incomplete headers
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"The DICOM images lack what a segmentation object needs: {reason}",
            "Use the images as the scanner sent them.",
        ) from error

"""What the report is about, and the whole of the result in three planes."""

from __future__ import annotations

from ..corrected import corrected
from ..document.content import Facts, Pictures, Section
from ..findings import Findings
from .figures import shown
from .views import Views

PIXELS = 360


def case(findings: Findings, identifier: str, identity: tuple[tuple[str, str], ...] = ()) -> Section:
    """The case in a few facts.

    Args:
        findings: the case.
        identifier: a name for it that tells nothing of the patient.
        identity: what is known of the patient, only if asked for.
    """
    record, reference = findings.record, findings.aligned.reference
    others = [name for name in findings.modalities if name != reference]
    pairs = [("Case", identifier), *identity, ("Scans", ", ".join([f"{reference} (reference)", *others]))]
    if record.get("created"):
        pairs.append(("Computed", str(record["created"])[:16].replace("T", ", ")))
    model = record.get("model", {})
    pairs.append(("Model", f"{model.get('name', '')} {model.get('version', '')}".strip()))
    if findings.segmentation.lesion_presence is not None:
        title = "Lesion score" + (", by the model before corrections" if corrected(record) else "")
        pairs.append((title, f"{findings.segmentation.lesion_presence:.2f} (0 to 1, not a probability)"))
    if any(entry.group == "lesion" for entry in findings.segmentation.classes):
        total = sum(part.volume_ml for part in findings.parts)
        count = len(findings.parts)
        pairs.append(("Lesions", f"{count}, together {shown(total)} ml" if count else "none found"))
    return Section("Case", (Facts(tuple(pairs)),))


def overview(findings: Findings, views: Views) -> Section:
    """All structures over the reference scan, beside the scan alone."""
    pictures = views.pictures(
        findings.aligned.reference,
        views.whole(PIXELS),
        "through the middle of the head" if findings.region == "head" else "through the middle",
        overlays=[(None, ", scan alone"), (views.structures, ", with all structures in color")],
    )
    caption = "The scan, and over it all structures in the colors of the tables."
    return Section("Overview", (Pictures(tuple(pictures), columns=3, narrow=2, caption=caption, down=True),))

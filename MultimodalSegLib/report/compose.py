"""The whole report from what a run has found."""

from __future__ import annotations

from collections.abc import Iterator

from ..notice import RESEARCH_USE
from .document.content import Document, Section
from .findings import Findings
from .privacy import case_identifier
from .sections.corrections import corrections
from .sections.explanation import explanation
from .sections.lesions import lesions
from .sections.modalities import modalities
from .sections.overview import case, overview
from .sections.provenance import provenance
from .sections.quality import quality, registration
from .sections.structures import structures
from .sections.uncertainty import uncertainty
from .sections.views import Views

TITLE = "Segmentation report"


def compose(
    findings: Findings,
    *,
    warnings: tuple[str, ...] = (),
    identity: tuple[tuple[str, str], ...] = (),
) -> Document:
    """Put a report together; what a run has not computed is not spoken of.

    Args:
        findings: what the run has found.
        warnings: sentences for the reader.
        identity: pairs of a title and what is known of the patient; empty unless the user asked for it.
    """
    identifier = case_identifier(findings.record)
    scans = " and ".join(findings.modalities)
    return Document(
        title=TITLE,
        notice=RESEARCH_USE,
        lead=f"Case {identifier}: {scans}, made by SlicerMultimodalSeg.",
        sections=tuple(_sections(findings, identifier, warnings, identity)),
    )


def _sections(
    findings: Findings, identifier: str, warnings: tuple[str, ...], identity: tuple[tuple[str, str], ...]
) -> Iterator[Section]:
    views = Views(findings)
    yield case(findings, identifier, identity)
    yield from quality(findings, warnings)
    yield from corrections(findings)
    yield overview(findings, views)
    yield from lesions(findings, views)
    yield from structures(findings)
    yield from modalities(findings, views)
    yield from uncertainty(findings, views)
    yield from explanation(findings, views)
    yield from registration(findings, views)
    yield provenance(findings)

"""The shipped pair of volumes in Slicer's Sample Data module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..resources import resource

SAMPLE_NAME = "MultimodalSeg synthetic CT+MRI"


def registerSampleData(thumbnail: str | Path) -> None:
    """Offer the pair; it is read from the extension, not downloaded.

    Args:
        thumbnail: picture to click on.
    """
    import SampleData

    folder = resource("demo/synthetic")
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="MultimodalSeg",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(thumbnail),
        uris=[(folder / name).as_uri() for name in ("CT.nrrd", "MR.nrrd")],
        fileNames=["MultimodalSegSyntheticCT.nrrd", "MultimodalSegSyntheticMR.nrrd"],
        nodeNames=["SyntheticCT", "SyntheticMR"],
    )


def loadSampleData() -> list[Any]:
    """Load the pair as the Sample Data module does; answers the two volume nodes, the CT first."""
    import SampleData

    nodes: list[Any] = SampleData.SampleDataLogic().downloadSamples(SAMPLE_NAME)
    return nodes

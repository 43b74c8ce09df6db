"""Stand-in for Slicer's module ``SampleData``: keeps what is registered, downloads nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname


@dataclass
class SampleDataSource:
    """The arguments of the real class by their names; an unknown one is a TypeError."""

    sampleName: str = ""
    sampleDescription: str = ""
    uris: Any = ()
    fileNames: Any = ()
    nodeNames: Any = ()
    checksums: Any = ()
    loadFiles: Any = None
    customDownloader: Any = None
    thumbnailFileName: str = ""
    loadFileType: Any = None
    loadFileProperties: Any = field(default_factory=dict)


sources: dict[str, list[SampleDataSource]] = {}
"""What modules have registered, by category."""


class SampleDataLogic:
    """Registers sources; loads those whose addresses are files of this machine."""

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **arguments: Any) -> None:
        source = SampleDataSource(**arguments)
        known = sources.setdefault(category, [])
        known[:] = [other for other in known if other.sampleName != source.sampleName]
        known.append(source)

    @staticmethod
    def sourceForSampleName(sampleName: str) -> SampleDataSource | None:
        return next((s for group in sources.values() for s in group if s.sampleName == sampleName), None)

    def downloadSamples(self, sampleName: str) -> list[Any]:
        import slicer

        source = self.sourceForSampleName(sampleName)
        if source is None:
            raise ValueError(f"no sample is named {sampleName!r}")
        if source.customDownloader is not None:
            return source.customDownloader(source)
        listed = [[value] if isinstance(value, str) else value for value in (source.uris, source.nodeNames)]
        nodes = []
        for address, name in zip(*listed, strict=True):
            parts = urlparse(address)
            if parts.scheme != "file":
                raise ValueError(f"the shim downloads nothing: {address}")
            nodes.append(slicer.util.loadVolume(url2pathname(parts.path), {"name": name}))
        return nodes

    def downloadSample(self, sampleName: str) -> Any:
        return self.downloadSamples(sampleName)[0]

"""A finished run folder becomes nodes of the scene, as a Slicer user expects them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...registration.aligned import error_text
from ...run_folder import RunFolder
from ..packages import slicer
from ..scene.landmarks import put_under
from ..scene.nodes import Node, attach_to_reference, hierarchy_item, set_provenance
from ..scene.scene_changes import loaded, remove_with_displays
from ..scene.tables import flat, has_rows, table_from_csv, table_from_records
from ..text import _
from .edited import TABLE_ATTRIBUTE
from .maps import MapStudy, map_files, map_key
from .result import Inputs, Result


class Loader:
    """Puts one run into the scene: everything, or nothing if something fails.

    Args:
        folder: a finished run folder.
        inputs: the nodes it was made from; those that were deleted meanwhile are done without.
        output: a segmentation node whose segments are replaced; None makes a new node.

    Example:
        >>> result = Loader(folder, Inputs(ct, {"MR": mr})).load()
    """

    def __init__(self, folder: Path, inputs: Inputs, output: Node | None = None) -> None:
        self._run = RunFolder.open(folder)
        self._inputs, self._output = inputs, output
        self._made: list[Node] = []
        self._parents: list[tuple[Node, str | None]] = []
        self._warnings = [sentence for sentence in self._run.record["warnings"] if isinstance(sentence, str)]
        present = slicer.mrmlScene.IsNodePresent
        self._reference = inputs.reference if present(inputs.reference) else None
        self._moving = {name: node for name, node in inputs.moving.items() if present(node)}
        if self._reference is None:
            self._warnings.append(_("The reference volume was deleted during the run; the result has no background."))

    def load(self) -> Result:
        """Make the nodes.

        Raises:
            InputError: a file of the run cannot be read.
        """
        try:
            tables = self._tables()
            volumes = self._maps()
            transforms = self._transforms()
            segmentation = self._segmentation()
        except BaseException:
            self._undo()
            raise
        return Result(
            segmentationNode=segmentation,
            transformNodes=transforms,
            tableNodes=tables,
            volumeNodes=volumes,
            warnings=tuple(self._warnings),
            runFolder=self._run.path,
            record=dict(self._run.record),
        )

    def _transforms(self) -> dict[str, Node]:
        """The transform of each moving volume; the volume is put under it."""
        found = {}
        for modality, node in self._moving.items():
            kind = self._run.record.get("registration", {}).get(modality, {}).get("kind", "none")
            given = self._inputs.given.get(modality)
            if modality in self._inputs.trusted or (given is None and kind == "none"):
                continue
            if given is not None and slicer.mrmlScene.IsNodePresent(given):
                transform = given
            else:
                transform = self._loaded_transform(modality, node, kind)
            self._parents.append((node, node.GetTransformNodeID()))
            put_under(node, transform.GetID())
            found[modality] = transform
        return found

    def _loaded_transform(self, modality: str, node: Node, kind: str) -> Node:
        """A new transform node between a moving volume and the reference's space."""
        path = self._run.transforms.get(modality)
        if path is None:
            raise InputError(_("The run has no transform of {name}.").format(name=modality), _("Run it again."))
        transform = self._keep(loaded(slicer.util.loadTransform, path))
        to = self._reference.GetName() if self._reference is not None else self._run.record["reference"]
        transform.SetName(slicer.mrmlScene.GenerateUniqueName(f"{node.GetName()} to {to}"))
        quality = self._run.record["registration"][modality]
        set_provenance(
            transform,
            {
                "registration": kind,
                "moving": modality,
                "converged": quality["converged"],
                "overlap": f"{quality['head_overlap']:.3f}",
                "light": quality.get("light", "unknown"),
                "error": error_text(quality.get("error_mm"), quality.get("error_high_mm")),
            },
        )
        if self._reference is not None:
            transform.SetAndObserveTransformNodeID(self._reference.GetTransformNodeID())
        self._put_in_study(transform)
        placement = self._inputs.placements.get(modality)
        if placement is None or np.allclose(placement, np.eye(4), atol=1e-12):
            return transform
        if transform.IsLinear():
            found = slicer.util.arrayFromTransformMatrix(transform)
            transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(found @ placement))
            return transform
        place = self._keep(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode"))
        place.SetName(slicer.mrmlScene.GenerateUniqueName(f"{node.GetName()} placement"))
        place.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(placement))
        place.SetAndObserveTransformNodeID(transform.GetID())
        self._put_in_study(place)
        return place

    def _tables(self) -> dict[str, Node]:
        tables = {}
        files = {
            "measurements": (self._run.measurements, _("measurements")),
            "lesions": (self._run.lesions, _("lesions")),
            "changes": (self._run.path / "changes.csv", _("changes of lesions")),
            "modalities": (self._run.path / "explanation" / "modalities.csv", _("modality weights")),
        }
        for key, (path, title) in files.items():
            if path.is_file() and has_rows(path):
                tables[key] = self._keep(table_from_csv(path, self._name(title)))
                tables[key].SetAttribute(TABLE_ATTRIBUTE, path.relative_to(self._run.path).as_posix())
        quality = self._run.record.get("registration")
        if quality:
            rows = {modality: flat(entry) for modality, entry in quality.items()}
            tables["registration"] = self._keep(table_from_records(rows, "modality", self._name(_("registration"))))
        for node in tables.values():
            self._put_in_study(node)
        return tables

    def _maps(self) -> dict[str, Node]:
        """Maps as float volumes: colored, transparent where low, with a legend, not shown."""
        name = self._inputs.reference.GetName() or self._run.record["reference"]
        study = MapStudy(self._run.path, name, self._reference, self._identity())
        return {map_key(file): self._keep(study.load(file)) for file in map_files(self._run.path)}

    def _segmentation(self) -> Node:
        node = self._keep(loaded(slicer.util.loadSegmentation, self._run.segmentation, {}))
        if not node.GetSegmentation().GetNumberOfSegments():
            self._warnings.append(_("The model found no structure; check the volumes and their modalities."))
        if self._output is not None and slicer.mrmlScene.IsNodePresent(self._output):
            self._output.GetSegmentation().RemoveAllSegments()
            self._output.GetSegmentation().DeepCopy(node.GetSegmentation())
            self._made.remove(node)
            remove_with_displays(node)
            node = self._output
            node.CreateDefaultDisplayNodes()
        else:
            node.SetName(slicer.mrmlScene.GenerateUniqueName(self._name(_("segmentation"))))
        if self._reference is not None:
            attach_to_reference(node, self._reference)
        set_provenance(node, self._identity())
        return node

    def _identity(self) -> dict[str, Any]:
        """How the result was made."""
        record = self._run.record
        model = {key: value for key, value in record["model"].items() if key != "path"}
        volumes = {record["reference"]: self._inputs.reference, **self._inputs.moving}
        kinds = [f"{name} {entry['kind']}" for name, entry in record.get("registration", {}).items()]
        return {
            **model,
            "device": record["device"],
            "seconds": round(sum(record["seconds"].values()), 2),
            "created": record["created"],
            "library": record["versions"]["MultimodalSeg"],
            "inputs": "; ".join(f"{name}={node.GetName()}" for name, node in volumes.items()),
            "registration": "; ".join(kinds),
        }

    def _name(self, what: str) -> str:
        reference = self._inputs.reference
        return f"{reference.GetName() or self._run.record['reference']} {what}"

    def _put_in_study(self, node: Node) -> None:
        if self._reference is not None:
            hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
            hierarchy.SetItemParent(hierarchy_item(node), hierarchy.GetItemParent(hierarchy_item(self._reference)))

    def _keep(self, node: Node) -> Node:
        self._made.append(node)
        return node

    def _undo(self) -> None:
        for node, parent in self._parents:
            put_under(node, parent)
        for node in reversed(self._made):
            remove_with_displays(node)

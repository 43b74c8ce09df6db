"""The modality is guessed so that most users need not correct it."""

import numpy as np
import pytest

from MultimodalSegLib.images.case import MODALITIES
from MultimodalSegLib.images.intensities import is_hounsfield
from MultimodalSegLib.slicerside.scene.modality import distinct, guess, guess_from_node
from Testing.phantoms import a_ct, an_mr

NAMES = {
    "CTBrain": "CT",
    "MRBrainT1": "T1",
    "MRBrainT2": "T2",
    "4: CT Head 1.0 H31s": "CT",
    "CBCT": "CT",
    "ncct_01": "CT",
    "CTA neck": "CT",
    "PET WB": "PET",
    "SUVbw": "PET",
    "PET/CT": "PET",
    "3: t1 mprage + gd": "T1C",
    "T1Gd": "T1C",
    "sub-01_ses-2_T1w": "T1",
    "sub-01_ce-gadolinium_T1w": "T1C",
    "t1ce": "T1C",
    "T1 without contrast": "T1",
    "MPRAGE": "T1",
    "T2FLAIR": "FLAIR",
    "t2_tirm_tra_dark-fluid_flair": "FLAIR",
    "t2_tse_tra": "T2",
    "DWI b1000": "MR",
    "Patient12": "MR",
    "factor": "MR",
    "": "MR",
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert guess(name) == NAMES[name]
    assert guess(name) in MODALITIES


def test_dicom_knows_better_than_the_name():
    assert guess("MR planning", "CT") == "CT"
    assert guess("CT fused", "PT") == "PET"
    assert guess("head ct protocol T2", "MR") == "T2"
    assert guess("series 5", "MR") == "MR"
    assert guess("T1 head", "SEG") == "T1"


def test_values_tell_a_ct_from_an_mri_where_the_name_does_not():
    assert guess("volume", sample=a_ct().array) == "CT"
    assert guess("volume", sample=an_mr().array) == "MR"
    assert guess("MR_to_CT", sample=a_ct().array) == "CT"
    assert guess("CT_to_MR", sample=an_mr().array) == "MR"
    assert guess("T1 in space of the CT", sample=an_mr().array) == "T1"


def test_what_counts_as_hounsfield_units():
    assert is_hounsfield(np.array([-1000.0, 40.0, np.nan, 900.0]))
    assert not is_hounsfield(np.array([np.nan]))
    assert not is_hounsfield(np.linspace(-1.0, 1.0, 100))
    assert not is_hounsfield(np.array([-32768.0, 100.0, 3000.0]))


def test_a_repeated_contrast_becomes_a_plain_mri_where_that_is_free():
    assert distinct(["CT", "T1", "T1"]) == ["CT", "T1", "MR"]
    assert distinct(["MR", "T1", "T1"]) == ["MR", "T1", "T1"]
    assert distinct(["T1", "T1", "T1"]) == ["T1", "MR", "T1"]
    assert distinct(["CT", "CT"]) == ["CT", "CT"]


def test_a_node_is_asked_for_what_was_chosen_then_for_dicom_then_for_its_values(scene):
    import slicer

    from MultimodalSegLib.slicerside.scene.nodes import hierarchy_item, volume_node

    node = volume_node(a_ct(), "series 7", "")
    assert guess_from_node(node) == "CT"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    hierarchy.SetItemAttribute(hierarchy_item(node), "DICOM.Modality", "PT")
    assert guess_from_node(node) == "PET"
    node.SetAttribute("MultimodalSeg.Modality", "FLAIR")
    assert guess_from_node(node) == "FLAIR"

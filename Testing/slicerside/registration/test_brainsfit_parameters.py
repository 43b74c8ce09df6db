"""BRAINSFit gets parameters that suit CT and MRI, and its failures have a way out."""

import pytest

from MultimodalSegLib.slicerside.registration.brainsfit import brainsfit_failure, brainsfit_parameters, start_modes
from Testing.slicerside.registration.stand_in_brainsfit import BRAINSFIT

CHOICES = {
    "initializeTransformMode": {
        "Off",
        "useMomentsAlign",
        "useCenterOfHeadAlign",
        "useGeometryAlign",
        "useCenterOfROIAlign",
    },
    "maskProcessingMode": {"NOMASK", "ROIAUTO", "ROI"},
    "costMetric": {"MMI", "MSE", "NC", "MIH"},
    "interpolationMode": {"Linear"},
}


SHAPE = {"size": (256, 256, 180), "spacing": (0.9, 0.9, 1.0)}


@pytest.mark.parametrize("kind", ["rigid", "affine", "bspline"])
@pytest.mark.parametrize("initial", ["", "vtkMRMLLinearTransformNode7"])
def test_every_parameter_is_one_of_brainsfits_own(kind, initial):
    parameters = brainsfit_parameters("f", "m", "t", kind, **SHAPE, initial=initial, threads=3)
    assert set(parameters) <= BRAINSFIT
    for name, allowed in CHOICES.items():
        assert parameters[name] in allowed
    assert all(isinstance(value, str | bool | int | float) for value in parameters.values())


def test_the_choices_suit_two_modalities():
    parameters = brainsfit_parameters("f", "m", "t", "rigid", **SHAPE)
    assert parameters["costMetric"] == "MMI"
    assert parameters["histogramMatch"] is False
    assert parameters["samplingPercentage"] >= 10 * 0.002  # BRAINSFit's default
    assert parameters["maskProcessingMode"] == "ROIAUTO"
    assert parameters["initializeTransformMode"] == "useGeometryAlign"


def test_phases_and_output_follow_the_kind():
    linear = [brainsfit_parameters("f", "m", "t", kind, **SHAPE) for kind in ("rigid", "affine")]
    bent = brainsfit_parameters("f", "m", "t", "bspline", **SHAPE)
    assert [p["useAffine"] for p in (*linear, bent)] == [False, True, True]
    assert [p["useBSpline"] for p in (*linear, bent)] == [False, False, True]
    for parameters in linear:
        assert parameters["linearTransform"] == "t" and "bsplineTransform" not in parameters
    assert bent["bsplineTransform"] == "t" and "linearTransform" not in bent
    assert bent["splineGridSize"] == "5,5,4"


def test_small_volumes_are_sampled_densely_and_a_thin_one_has_enough_knots():
    parameters = brainsfit_parameters("f", "m", "t", "bspline", size=(60, 60, 10), spacing=(2.0, 2.0, 3.0))
    assert parameters["samplingPercentage"] == 0.3
    assert parameters["splineGridSize"] == "3,3,3"


def test_a_start_transform_turns_the_search_for_a_start_off():
    parameters = brainsfit_parameters("f", "m", "t", "rigid", **SHAPE, initial="node")
    assert parameters["initializeTransformMode"] == "Off" and parameters["initialTransform"] == "node"


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'fluid'"):
        brainsfit_parameters("f", "m", "t", "fluid", **SHAPE)


def test_a_cts_air_is_not_taken_for_its_centre_of_mass():
    assert start_modes(("CT", "T1"))[0] == "useGeometryAlign"
    assert start_modes(("T2", "T1"))[0] == "useMomentsAlign"
    assert start_modes(("", ""))[0] == "useGeometryAlign"


def test_known_failures_have_a_way_out():
    for text in ("itk::ERROR: All samples map outside moving image buffer", "std::bad_alloc", "what: ???", ""):
        message, hint = brainsfit_failure(text)
        assert message and hint and "\n" not in message
    assert "overlap" in brainsfit_failure("All samples map outside")[0]
    assert "memory" in brainsfit_failure("Failed to allocate memory for image.")[0]

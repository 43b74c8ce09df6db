from MultimodalSegLib.evaluation.dice import LESION, WHOLE_BRAIN
from MultimodalSegLib.evaluation.structures import SIXTEEN, sides, structures


def test_the_sixteen_are_structures_of_the_brain():
    assert len(set(SIXTEEN)) == 16
    for name in SIXTEEN:
        assert structures()[name] <= WHOLE_BRAIN | {136, 137, 163, 164}


def test_no_number_belongs_to_two_structures():
    for table in (structures(), sides()):
        values = [value for group in table.values() for value in group]
        assert len(values) == len(set(values)) and LESION not in values


def test_callosum_and_plexus_go_with_their_neighbours():
    assert {251, 255, 77} <= structures()["cerebral white matter"]
    assert {4, 43, 31, 63} <= structures()["lateral ventricle"]


def test_sides_are_the_patients():
    assert sides()["left hippocampus"] == {17} and sides()["right hippocampus"] == {53}
    assert 31 in sides()["left lateral ventricle"] and 63 in sides()["right lateral ventricle"]
    assert "left brain stem" not in sides()

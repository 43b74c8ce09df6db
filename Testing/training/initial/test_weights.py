"""Initial weights: taken by module, class and modality; what the old network said is not lost by what is new."""

from dataclasses import replace

import pytest
import torch

from MultimodalSegLib.errors import InputError
from MultimodalSegLib.networks.build import build_network
from MultimodalSegLib.networks.config import NetworkConfig, teacher
from MultimodalSegLib.training.initial.known import KnownModel
from MultimodalSegLib.training.initial.weights import start_from
from Testing.training.small import MODEL, NETWORK, a_network


def a_model(names: list[str], families: list[str], **changes: object) -> dict:
    network = {**NETWORK, "classes": len(names), "families": len(families), **changes}
    return {
        **MODEL,
        "network": network,
        "network_classes": [{"name": name} for name in names],
        "modality_families": families,
    }


def a_known(model: dict, seed: int = 1) -> KnownModel:
    torch.manual_seed(seed)
    network = build_network(model["network"])
    with torch.no_grad():
        for parameter in network.parameters():  # no row is like another, and none is zero
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return KnownModel("old 1", model, network.state_dict(), "c" * 64)


def answer(network: torch.nn.Module, family: int = 0, images: torch.Tensor | None = None) -> object:
    if images is None:
        images = torch.randn(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        return network.eval()(images, torch.ones(1, 1, dtype=torch.bool), torch.tensor([[family]]))


def test_classes_sides_and_lesions_keep_their_answers_in_another_order() -> None:
    old = a_known(a_model(["background", "a", "b", "c"], ["CT", "MR"]))
    model = a_model(["background", "c", "a"], ["MR", "CT"])
    network = build_network(model["network"])
    sentence = start_from(network, model, old)
    before, after = answer(old.network(), family=0), answer(network, family=1)
    assert torch.allclose(after.structures, before.structures[:, [0, 3, 1]], atol=1e-5)
    for head in ("side", "lesion", "presence"):
        assert torch.allclose(getattr(after, head), getattr(before, head), atol=1e-5)
    assert not torch.allclose(answer(network, family=0).structures, after.structures)  # families do differ
    assert "old 1" in sentence and "left behind: class b" in sentence


def test_an_output_begun_anew_keeps_its_random_start_and_the_others_their_answers() -> None:
    settings = {"widths": [8, 8, 8], "stride": 8, "deep_supervision": True}
    model = a_model(["background", "a"], ["CT", "MR"], **settings)
    old, network = a_known(model), build_network(model["network"])
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    sentence = start_from(network, model, old, ("lesion",))
    lesions = [name for name in fresh if ".lesion." in name]
    assert lesions and all(torch.equal(network.state_dict()[name], fresh[name]) for name in lesions)
    before, after = answer(old.network()), answer(network)
    for output in ("structures", "side"):
        assert torch.allclose(getattr(after, output), getattr(before, output), atol=1e-5)
    assert not torch.allclose(after.lesion, before.lesion)
    assert torch.equal(network.head.weight[-8:], fresh["head.weight"][-8:])
    assert "new: coarse, lesion" in sentence and "left behind: coarse, former lesion" in sentence


def test_new_classes_share_the_probability_of_the_background() -> None:
    old = a_known(a_model(["background", "a", "b"], ["CT", "MR"], widths=[8, 8, 8], stride=8, deep_supervision=True))
    model = a_model(["background", "a", "x", "b", "y"], ["CT", "MR", "PET"], widths=[8, 8, 8], stride=8)
    model["network"]["deep_supervision"] = True
    network = build_network(model["network"])
    sentence = start_from(network, model, old)
    before = answer(old.network()).structures.softmax(1)
    after = answer(network).structures.softmax(1)
    assert torch.allclose(after[:, [1, 3]], before[:, [1, 2]], atol=1e-5)
    for n in (0, 2, 4):
        assert torch.allclose(after[:, n], before[:, 0] / 3, atol=1e-5)
    bias = network.coarse.stride4.anatomy.bias
    assert torch.allclose(bias[[1, 3]], old.weights["coarse.stride4.anatomy.bias"][[1, 2]])
    assert bias[2] == bias[0] < old.weights["coarse.stride4.anatomy.bias"][0]
    assert "class x, class y, modality PET" in sentence
    assert torch.equal(network.modulate[0].scale[2], torch.zeros(8))


def test_a_concatenating_fusion_finds_the_place_of_each_modality() -> None:
    old = a_known(a_model(["background", "a"], ["CT", "MR"], fusion="concat"))
    model = a_model(["background", "a"], ["MR", "PET", "CT"], fusion="concat")
    network = build_network(model["network"])
    start_from(network, model, old)
    mix, before = network.fuse[0].mix.weight, old.weights["fuse.0.mix.weight"]
    assert torch.equal(mix[:, :8], before[:, 8:]) and torch.equal(mix[:, 16:], before[:, :8])
    assert torch.allclose(answer(network, 2).structures, answer(old.network(), 0).structures, atol=1e-5)


def test_a_plain_network_says_the_same_at_the_start_of_a_teacher() -> None:
    """As head 0.1.0 did when 0.2.0 was trained: what a teacher has more begins without a voice."""
    plain = NetworkConfig(2, 5, widths=(16, 24, 48), side=False, lesion=True).to_dict()
    old = a_known({**a_model(list("abcde"), ["CT", "MR"]), "lesion": {"name": "lesion"}, "network": plain})
    settings = teacher(2, 5, widths=(16, 24, 48), swin_from=2, side=False).to_dict()
    torch.manual_seed(5)
    network = build_network(settings).eval()
    sentence = start_from(network, {**old.metadata, "network": settings}, old)
    assert "left behind: nothing" in sentence and "new: context, cross, deform, coarse, gate" in sentence
    images = torch.randn(1, 2, 64, 32, 32, generator=torch.Generator().manual_seed(0))
    given = images, torch.tensor([[True, True]]), torch.tensor([[0, 1]])
    known = build_network(plain).eval()
    known.load_state_dict(old.weights)
    with torch.inference_mode():
        before, after = known(*given), network(*given)
    for name in ("structures", "lesion", "presence"):
        assert torch.allclose(getattr(before, name), getattr(after, name), atol=1e-4), name
    assert before.structures.std() > 0.5


def test_another_network_is_refused_with_what_fits() -> None:
    old = a_known(a_model(["background", "a"], ["CT"], widths=[16, 16]))
    model = a_model(["background", "a"], ["CT"])
    with pytest.raises(InputError, match="old 1 is another network: [0-9]+ of its [0-9]+ weights fit"):
        start_from(build_network(model["network"]), model, old)


def test_an_encoder_gives_the_encoder_and_nothing_else() -> None:
    old = a_known(a_model(["background", "a"], ["MR"]))
    parts = ("stem.", "down.", "modulate.", "encode.")
    weights = {name: value for name, value in old.weights.items() if name.startswith(parts)}
    encoder = KnownModel("encoder x", {"network": old.metadata["network"], "modality_families": ["MR"]}, weights, "")
    model = a_model(["background", "a", "b"], ["CT", "MR"])
    network = a_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    sentence = start_from(network, model, encoder)
    after = network.state_dict()
    assert torch.equal(after["encode.0.conv1.weight"], weights["encode.0.conv1.weight"])
    assert torch.equal(after["modulate.0.scale"][1], weights["modulate.0.scale"][0])
    assert torch.equal(after["head.weight"], before["head.weight"])
    assert "new: fuse, up, decode, head, presence, modality CT;" in sentence
    assert replace(encoder, title="e").network.__self__.classes == ()
    with pytest.raises(InputError, match="segments nothing"):
        encoder.network()

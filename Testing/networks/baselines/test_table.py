"""The published networks can be built by name and answer like the fusion network."""

import subprocess
import sys

import pytest
import torch

from MultimodalSegLib.networks.baselines.table import BASELINES, build_baseline
from MultimodalSegLib.networks.build import build_network


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_answers_with_one_logit_per_class_side_and_lesion(name):
    """On the meta device: shapes are worked out, nothing is computed."""
    network = build_network({"kind": name, "families": 2, "classes": 27}).eval().to("meta")
    size = (96, 64, 80)  # sides that no stride of 32 divides are padded
    with torch.inference_mode():
        output = network(
            torch.empty(1, 2, *size, device="meta"), torch.ones(1, 2, dtype=torch.bool), torch.tensor([[0, 1]])
        )
    assert output.structures.shape == (1, 27, *size)
    assert output.side.shape == output.lesion.shape == (1, 1, *size)


def test_a_baseline_computes_the_same_whatever_is_stored_for_an_absent_modality():
    torch.manual_seed(0)
    network = build_baseline("unet", families=2, classes=4).eval()
    images = torch.randn(1, 2, 32, 32, 32)
    changed = images.clone()
    changed[:, 1] = float("nan")
    present, modality = torch.tensor([[True, False]]), torch.tensor([[0, 1]])
    with torch.inference_mode():
        first, second = network(images, present, modality), network(changed, present, modality)
    assert torch.equal(first.structures, second.structures) and first.structures.std() > 0


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'alexnet'.*unet.*mednext"):
        build_network({"kind": "alexnet", "families": 2, "classes": 27})


def test_building_baselines_loads_neither_torchvision_nor_timm():
    code = (
        "import sys; from MultimodalSegLib.networks.baselines.table import BASELINES, build_baseline; "
        "import torch; torch.set_default_device('meta'); "
        "[build_baseline(name, 1, 2) for name in BASELINES if name != 'swinunetr']; "
        "print({n.split('.')[0] for n in sys.modules} & {'torchvision', 'timm'})"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert answer.stdout.strip() == "set()", answer.stderr

"""Rows that images reach, seen through penalties that reach everything."""

import torch
from torch import nn

from MultimodalSegLib.federation.local_layers import normalization_names
from MultimodalSegLib.federation.task import SiteTask
from MultimodalSegLib.federation.trained_rows import TrainedRows


def test_dead_rows_and_missing_parameters_are_told_apart_and_buffers_count() -> None:
    network = nn.ModuleDict({"used": nn.Conv3d(1, 2, 1), "unused": nn.Linear(2, 3), "norm": nn.BatchNorm3d(2)})
    seen = TrainedRows(network)
    network["used"](torch.ones(1, 1, 2, 2, 2))[:, :1].sum().backward()
    found = {name: rows.tolist() for name, rows in seen.arrays().items()}
    assert found["used.weight"] == found["used.bias"] == [True, False]
    assert found["unused.weight"] == [False] * 3 and found["norm.weight"] == [False] * 2
    assert found["norm.running_mean"] == [True] * 2 and found["norm.num_batches_tracked"] is True
    assert set(found) == set(network.state_dict())


def test_penalties_do_not_train_what_no_image_reaches() -> None:
    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = nn.Parameter(torch.ones(2, 3))

        def forward(self, images, present, family, spacing):
            return images * self.rows[0].sum()

    def objective(output, sample, fraction, step, spacing, deep):
        return output.square().sum(), {}

    network = Table()
    task = SiteTask(network, objective, proximal=1.0, norm_weight=1.0)
    task.anchor = {"rows": torch.zeros(2, 3)}

    class Batch:
        images, present, family, sample = torch.ones(1, 1), None, None, staticmethod(lambda n: None)

        def __len__(self) -> int:
            return 1

    task.judged = lambda output, batch, n, fraction, step, spacing: objective(output, None, 0, 0, None, ())
    for step in range(3):
        network.rows.grad = None
        loss, parts = task(Batch(), 0.0, step, (1.0, 1.0, 1.0))
        loss.backward()
        assert network.rows.grad[1].tolist() == [0, 0, 0]
        with torch.no_grad():
            network.rows.mul_(0.9)  # weight decay
    assert parts["proximal"] > 0 and parts["norm"] > 0
    assert task.trained.arrays()["rows"].tolist() == [True, False]


def test_layers_of_every_kind_of_normalization_are_named() -> None:
    kinds = [nn.BatchNorm3d(2), nn.InstanceNorm3d(2, affine=True), nn.GroupNorm(1, 2), nn.LayerNorm(2), nn.Linear(2, 2)]
    names = normalization_names(nn.Sequential(*kinds))
    assert {name.split(".")[0] for name in names} == {"0", "1", "2", "3"} and "0.running_var" in names

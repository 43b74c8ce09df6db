"""Persistence diagrams of a volume, through which gradients flow, and the distance between two of them.

A threshold falls from 1 to 0; components (k = 0), rings (k = 1) and hollows (k = 2) of the voxels above it are born and
die. A diagram lists them as bars (birth, death) with birth >= death: a long bar is a structure, a short one noise.
Edelsbrunner and Harer, "Computational Topology" (2010), chapter VII; as a loss Hu et al., "Topology-preserving deep
image segmentation" (NeurIPS 2019), and in three dimensions Clough et al. (IEEE TPAMI 44:8766, 2022).

Voxels above the threshold are neighbours across faces (6), those below it also across corners (26).
"""

from __future__ import annotations

from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from ..errors import MissingPackageError

DIMENSIONS = 3
"""Components, rings, hollows."""

_TINY = 1e-12


def import_gudhi() -> Any:
    """The package gudhi.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        import gudhi
    except ImportError as error:
        raise MissingPackageError(
            "The topology loss needs the package gudhi, which is not installed.",
            "Install the extra train: pip install 'multimodalseg[train]'.",
        ) from error
    return gudhi


def persistence_diagrams(probability: Tensor, bars: int = 64, least: float = 0.01) -> tuple[Tensor, ...]:
    """Bars of a volume that is surrounded by zeros.

    The one component that never dies ends at 0, the value around the volume, and is a bar as any other; so an empty
    volume has no bar and a solid one has one.

    Args:
        probability: (D, H, W) in 0..1.
        bars: the most bars kept in each dimension, the longest first.
        least: shorter bars are left out.

    Returns:
        For k = 0, 1, 2 a tensor (n, 2) of births and deaths, values of ``probability`` with its gradient.

    Raises:
        MissingPackageError: gudhi is not installed.
    """
    padded = F.pad(probability, (1,) * 6)
    cubes = import_gudhi().CubicalComplex(vertices=-padded.detach().cpu().double().numpy())
    cubes.compute_persistence(min_persistence=least)
    finite, endless = cubes.vertices_of_persistence_pairs()
    # gudhi numbers voxels with the first axis running fastest (Fortran's order), torch with the last
    values = padded.permute(2, 1, 0).reshape(-1)
    diagrams = []
    for k in range(DIMENSIONS):
        pairs = torch.as_tensor(finite[k] if k < len(finite) else [], dtype=torch.int64).reshape(-1, 2)
        diagram = values[pairs.to(values.device)]
        if k == 0:
            birth = values[torch.as_tensor(endless[0], dtype=torch.int64, device=values.device)]
            diagram = torch.cat([torch.stack([birth, torch.zeros_like(birth)], dim=1), diagram])
        length = (diagram[:, 0] - diagram[:, 1]).detach()
        longest = length.argsort(descending=True, stable=True)[:bars]
        diagrams.append(diagram[longest[length[longest] > 0]])
    return tuple(diagrams)


def wasserstein_distance(first: Tensor, second: Tensor) -> Tensor:
    """2-Wasserstein distance of two diagrams; two bars are ``|birth - birth'| + |death - death'|`` apart.

    The square root of the least sum of squared distances over all ways to pair bars with bars or to leave them alone,
    which costs their squared length. With this distance a long true bar is always paired with the longest bar of the
    prediction. (With the Euclidean one a faint bar far from 1/2 would be left alone, and a descent would erase it
    where it has to grow.) Below 1e-12 the sum itself is returned, since the root has no slope at 0.

    Args:
        first: (n, 2) births and deaths.
        second: (m, 2).
    """
    alone_first = (first[:, 0] - first[:, 1]).square()
    alone_second = (second[:, 0] - second[:, 1]).square()
    with torch.no_grad():
        together = (first[:, None] - second[None]).abs().sum(2).square()
        # to pair i with j saves that j stands alone; the last n columns leave i alone
        cost = torch.cat([together - alone_second, alone_first[:, None].expand(-1, len(first))], dim=1)
        rows, columns = (torch.as_tensor(index) for index in linear_sum_assignment(cost.cpu().double().numpy()))
    paired = columns < len(second)
    i, j = rows[paired], columns[paired]
    left = torch.ones(len(second), dtype=torch.bool)
    left[j] = False
    apart = (first[i] - second[j]).abs().sum(1).square()
    total = apart.sum() + alone_first[rows[~paired]].sum() + alone_second[left.to(second.device)].sum()
    return total.sqrt() if float(total.detach()) > _TINY else total

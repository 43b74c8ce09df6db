"""Processes, devices and precision of a run, by Lightning Fabric."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import torch

from ..errors import InputError, MissingPackageError
from ..networks.device import choose_device, choose_precision
from .plan import Plan

if TYPE_CHECKING:
    from lightning_fabric import Fabric

AUTOMATIC = {torch.float32: "32", torch.float16: "16", torch.bfloat16: "bf16"}


def make_fabric(plan: Plan) -> Fabric:
    """Start the processes of a plan; with more than one, the command line of this process is run again for each.

    Args:
        plan: device, devices and precision.

    Raises:
        InputError: the device is not there, or there are too few.
        MissingPackageError: lightning-fabric is not installed.
    """
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.plugins import MixedPrecision, Precision
        from lightning_fabric.strategies import DDPStrategy
    except ImportError as error:
        raise MissingPackageError(
            "Training needs the package lightning-fabric, which is not installed.",
            "Install it with: pip install 'multimodalseg[train]'.",
        ) from error

    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    device = choose_device(plan.device)
    if device.type == "cuda" and plan.devices > torch.cuda.device_count():
        raise InputError(
            f"The plan wants {plan.devices} devices, but there are {torch.cuda.device_count()}.",
            "Lower 'devices' in the plan.",
        )
    precision = plan.precision if plan.precision != "auto" else AUTOMATIC[choose_precision(device)]
    # as a plugin, because Fabric would silently take bf16 for 16 on a processor
    plugin = Precision() if precision == "32" else MixedPrecision(f"{precision}-mixed", device.type)
    # with one modality there is nothing to fuse, and the weights of the fusion get no gradient
    strategy = DDPStrategy(find_unused_parameters=True) if plan.devices > 1 else "auto"
    fabric = Fabric(accelerator=device.type, devices=plan.devices, strategy=strategy, plugins=plugin)
    fabric.launch()
    return fabric


def is_first_process() -> bool:
    """Whether this is the process that talks and writes; known before any is started."""
    return os.environ.get("LOCAL_RANK", "0") == "0"

"""Options with a few fixed values, and those that several commands have."""

from enum import Enum
from typing import Annotated

import typer


class Kind(str, Enum):
    """How the moving volumes are registered."""

    rigid = "rigid"
    affine = "affine"
    bspline = "bspline"
    none = "none"


class Between(str, Enum):
    """How two runs of one patient are brought into one space."""

    rigid = "rigid"
    none = "none"


class Device(str, Enum):
    """Where the network runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Engine(str, Enum):
    """What computes the network."""

    auto = "auto"
    torch = "torch"
    openvino = "openvino"


class Events(str, Enum):
    """How progress is told to a program."""

    jsonl = "jsonl"


DeviceOption = Annotated[Device, typer.Option(help="Where the network runs.")]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="Processor threads.")]
MemoryOption = Annotated[int | None, typer.Option(min=1, metavar="MB", help="Memory for the network in MiB.")]
SyntheticOption = Annotated[
    bool, typer.Option("--synthetic-detail", help="Use volumes whose detail was made up by 'enhance' all the same.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of the random points of a registration.")]
EventsOption = Annotated[Events | None, typer.Option(help="Tell progress and result as JSON lines on stdout.")]

"""Options with a few fixed values."""

from enum import Enum


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

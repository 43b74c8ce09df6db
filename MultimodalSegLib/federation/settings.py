"""Every choice of a federation beside the training plan."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import InputError

FEDERATION = "federation.json"
"""Name of the file in a job."""

SITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
RESERVED = ("server", "all", "client", "app", "app_server")


@dataclass(frozen=True)
class Federation:
    """How several sites train together; written into the job as ``federation.json``.

    Args:
        identity: of this one; a job that is submitted again goes on where the federation of this identity was.
        sites: their names.
        rounds: how often weights are sent and averaged.
        local_steps: steps of each site in a round.
        min_sites: a round is over without the others when so many have answered.
        wait_s: seconds that the others still have then.
        proximal: mu of FedProx; 0 for FedAvg.
        norm_weight: lambda, weight of the norm of the parameters.
        local_normalization: normalization layers stay at the sites (FedBN), each of which gets a model of its own.
        ema_decay: decay of the average over the rounds, which is the model; 0 for the last round's weights.
        clip: largest norm of the change of a site's weights in a round; 0 for no bound.
        noise: standard deviation of the noise on the change, as a multiple of ``clip``; 0 for none.
        delta: of differential privacy.

    Raises:
        InputError: a value out of its range.
    """

    identity: str
    sites: tuple[str, ...]
    rounds: int
    local_steps: int
    min_sites: int = 1
    wait_s: int = 600
    proximal: float = 0.0
    norm_weight: float = 0.0
    local_normalization: bool = False
    ema_decay: float = 0.0
    clip: float = 0.0
    noise: float = 0.0
    delta: float = 1e-5

    def __post_init__(self) -> None:
        check_sites(self.sites)
        for name in ("rounds", "local_steps", "min_sites"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "a whole number from 1 on")
        for name in ("wait_s", "proximal", "norm_weight", "clip", "noise"):
            value = getattr(self, name)
            _require(math.isfinite(value) and value >= 0, name, value, "0 or a positive number")
        _require(0 <= self.ema_decay < 1, "ema_decay", self.ema_decay, "at least 0 and below 1")
        _require(0 < self.delta < 1, "delta", self.delta, "between 0 and 1")
        if self.min_sites > len(self.sites):
            raise InputError(
                f"A round needs {self.min_sites} sites, but there are {len(self.sites)}.", "Lower --min-sites."
            )
        if self.noise and not self.clip:
            raise InputError("Noise is a multiple of the bound on the change, and there is none.", "Give --clip too.")

    @property
    def steps(self) -> int:
        """Steps of each site in all rounds together."""
        return self.rounds * self.local_steps

    def to_json(self) -> str:
        """As the text of a file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Federation:
        """Read what :meth:`to_json` gave.

        Raises:
            InputError: not there, or not such a file.
        """
        try:
            content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            unknown = sorted(set(content) - {entry.name for entry in fields(cls)})
            if unknown:
                raise ValueError(f"unknown key {unknown[0]!r}")
            return cls(**{**content, "sites": tuple(content["sites"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path} does not describe a federation: {error}.", "Write the job again.") from error


def check_sites(sites: tuple[str, ...]) -> None:
    """Refuse names that cannot be those of certificates and folders.

    Raises:
        InputError: no site, a name twice, or one with other characters than letters, digits, - and _.
    """
    if not sites:
        raise InputError("A federation needs sites.", "Give --sites.")
    doubled = [name for name in sites if sites.count(name) > 1]
    if doubled:
        raise InputError(f"The site {doubled[0]!r} is named twice.", "Give each site a name of its own.")
    bad = [name for name in sites if not SITE_NAME.fullmatch(name) or name.lower() in RESERVED]
    if bad:
        raise InputError(
            f"{bad[0]!r} cannot be the name of a site.",
            f"Use letters, digits, '-' and '_', and none of {', '.join(RESERVED)}.",
        )


def _require(good: bool, name: str, value: object, wanted: str) -> None:
    if not good:
        raise InputError(f"The federation's {name} is {value!r}, but must be {wanted}.", "Correct it.")

"""Where the packages come from in a hospital: through a proxy, or from a folder without any network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """Where packages come from, if not straight from the internet.

    Args:
        proxy: such as ``"http://proxy.hospital.example:3128"``; empty for the system's own.
        wheels: folder of wheel files to install from without any network; None for the index.
    """

    proxy: str = ""
    wheels: Path | None = None

    def environment(self) -> dict[str, str]:
        """Variables that make pip and light-the-torch do so."""
        variables: dict[str, str] = {}
        if self.proxy:
            variables |= {name: self.proxy for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
            variables["PIP_PROXY"] = self.proxy
        if self.wheels is not None:
            variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.resolve().as_uri()}
        return variables

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Everything that is installed meanwhile comes from here; afterwards the variables are as they were."""
        variables = self.environment()
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

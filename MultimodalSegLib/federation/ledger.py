"""How often a site has sent weights that its patients shaped."""

from __future__ import annotations

import json
import os
from pathlib import Path

NAME = "privacy.json"


class Ledger:
    """Counts the releases of a site in its folder, so that privacy that was spent before a restart stays spent.

    Args:
        folder: of the site's training.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    @property
    def rounds(self) -> int:
        """Releases so far."""
        try:
            return int(json.loads(self.path.read_text(encoding="utf-8"))["rounds"])
        except FileNotFoundError:
            return 0

    def add_round(self) -> int:
        """Count one more, before it is sent; gives the new number."""
        rounds = self.rounds + 1
        temporary = self.path.with_name(f".{NAME}.part")
        temporary.write_text(json.dumps({"rounds": rounds}) + "\n", encoding="utf-8")
        os.replace(temporary, self.path)
        return rounds

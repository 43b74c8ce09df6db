"""What a report may not tell unasked: who the patient is, and names of files and folders that may say it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def case_identifier(record: Mapping[str, Any]) -> str:
    """A name for a case that tells nothing of the patient and is the same for the same scans: 10 hex digits.

    Args:
        record: content of run.json.
    """
    inputs = record.get("inputs") or {}
    text = "".join(f"{name}{inputs[name].get('sha256', '')}" for name in sorted(inputs))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def without_names(sentences: Iterable[str], paths: Iterable[str | Path]) -> tuple[str, ...]:
    """Sentences that name no file; in place of those that do, one that says so.

    Args:
        sentences: for the user.
        paths: of the scans, the run folder and the model.

    Example:
        >>> without_names(["/data/Doe_J.nii is cut.", "The MR is cut."], ["/data/Doe_J.nii"])
        ('The MR is cut.', 'One more warning names a file and is only in run.json.')
    """
    names: set[str] = set()
    for path in map(Path, paths):
        names |= {str(path), path.name} if path.suffix else {str(path)}
        names |= {str(parent) + "/" for parent in path.parents if len(parent.parts) > 2}
    told = tuple(sentences)
    kept = tuple(sentence for sentence in told if not any(name in sentence for name in names))
    left_out = len(told) - len(kept)
    if not left_out:
        return kept
    words = "One more warning names a file and is" if left_out == 1 else f"{left_out} more warnings name files and are"
    return (*kept, f"{words} only in run.json.")

"""Writing a trained model as a bundle."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checksum import sha256
from ..errors import ModelError, OutputError
from .bundle import Bundle, load_bundle
from .check_input import needed_format
from .checks import METADATA, WEIGHTS, check_metadata
from .monai_form import defaults, inference

if TYPE_CHECKING:
    from torch import Tensor

PRECISIONS = ("float16", "float32")


def save_bundle(
    path: Path | str,
    metadata: Mapping[str, Any],
    state_dict: Mapping[str, Tensor],
    *,
    dtype: str = "float16",
    license_text: str = "",
) -> Bundle:
    """Write a bundle: to a temporary folder, checked there, then renamed; an older bundle at ``path`` is replaced.

    Args:
        path: the folder to make; its name is the model's name in the search folders.
        metadata: name, version, description, license, network, working_spacing, modality_families, network_classes,
            lesion ({} for none), training_data, limits, and whatever else is worth saying. Checksum, format version,
            package versions and the tensor description that MONAI asks for are filled in. A model of something else
            than the head says so with ``working_spacing`` (one number or three, x, y, z, mm), ``region`` (``"head"``,
            ``"body"``, ``"volume"``), ``preprocessing`` (by family, see
            :class:`~MultimodalSegLib.images.normalization.Normalization`) and ``patch`` ([k, j, i] voxels; the whole
            region in one shot without it).
        state_dict: the network's weights.
        dtype: ``"float16"`` halves the file, ``"float32"`` keeps every bit.
        license_text: text of ``LICENSE``; the name of the license if empty.

    Raises:
        ModelError: metadata incomplete or contradictory, or weights that are not finite in ``dtype``.
        OutputError: ``path`` is something else than a bundle, or cannot be written.
    """
    path = Path(path)
    if dtype not in PRECISIONS:
        raise ValueError(f"dtype {dtype!r} is none of {PRECISIONS}")
    if path.exists() and not (path / METADATA).is_file() and not (path.is_dir() and not any(path.iterdir())):
        raise OutputError(f"{path} exists and is not a model folder.", "Choose another folder for the model.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise OutputError(f"Cannot write into {path.parent}: {error.strerror}.", "Choose a writable folder.") from error
    try:
        _write(temporary, metadata, state_dict, dtype, license_text)
        load_bundle(temporary)
        temporary.chmod(0o755)
        _replace(temporary, path)
    except OSError as error:
        raise OutputError(f"Cannot write the model {path}: {error.strerror}.", "Free some disk space.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return load_bundle(path)


def _replace(new: Path, path: Path) -> None:
    """Put ``new`` in the place of ``path``; on failure the old folder stays."""
    if not path.exists():
        new.rename(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    try:
        path.rename(old / path.name)
        try:
            new.rename(path)
        except OSError:
            (old / path.name).rename(path)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _write(folder: Path, given: Mapping[str, Any], state: Mapping[str, Tensor], dtype: str, license_text: str) -> None:
    import torch
    from safetensors.torch import save_file

    for part in ("configs", "models", "docs"):
        (folder / part).mkdir()
    wanted = getattr(torch, dtype)
    tensors = {
        name: (t.detach().cpu().to(wanted) if t.is_floating_point() else t.detach().cpu()).contiguous().clone()
        for name, t in state.items()
    }
    bad = [name for name, t in tensors.items() if t.is_floating_point() and not bool(torch.isfinite(t).all())]
    if bad:
        raise ModelError(f"The weight {bad[0]!r} is not finite as {dtype}.", "Train on, or save it as float32.")
    save_file(tensors, str(folder / WEIGHTS), metadata={"format": "pt"})

    needed = ("name", "network", "modality_families", "network_classes", "license", "lesion", "working_spacing")
    missing = [key for key in needed if key not in given]
    if missing:
        raise ModelError(f"The metadata of the model lack {', '.join(missing)}.", "Give them to save_bundle.")
    metadata = defaults(given) | dict(given)
    metadata |= {"format_version": needed_format(metadata), "checksum": sha256(folder / WEIGHTS)}
    check_metadata(metadata, folder)
    texts = {
        METADATA: json.dumps(metadata, indent=2, ensure_ascii=False),
        Path("configs") / "inference.json": json.dumps(inference(metadata), indent=2),
        Path("LICENSE"): license_text or f"{metadata['license']}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    _write_readme(folder, metadata)


def _write_readme(folder: Path, metadata: Mapping[str, Any]) -> None:
    described = Bundle(folder, metadata).describe().splitlines()
    lines = [f"- {line}" for line in described if not line.startswith("Folder:")]
    (folder / "docs" / "README.md").write_text(f"# {metadata['name']}\n\n" + "\n".join(lines) + "\n", encoding="utf-8")

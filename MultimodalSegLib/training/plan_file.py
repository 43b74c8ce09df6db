"""``plan.yaml``: a plan as a file for people to read and to edit."""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_type_hints

from ..errors import InputError, OutputError
from ..losses.schedule import LossSchedule, LossWeights
from ..writing import whole_file
from .augment.settings import Augmentation
from .distillation.settings import Distillation
from .plan import Plan, Stage

PLAN = "plan.yaml"
"""Name of the plan in the folder of a run."""


def to_dict(plan: Plan) -> dict[str, Any]:
    """A plan as plain lists, mappings, numbers and texts."""
    content = {entry.name: _plain(getattr(plan, entry.name)) for entry in fields(plan)}
    content["augmentation"] = _plain(asdict(plan.augmentation))
    content["distillation"] = _plain(asdict(plan.distillation))
    content["stages"] = [_plain(asdict(stage)) for stage in plan.stages]
    content["losses"] = [{"fraction": place, **_plain(asdict(weights))} for place, weights in plan.losses.points]
    return content


def from_dict(content: Mapping[str, Any]) -> Plan:
    """A plan from plain values; what is left out is as in :class:`Plan`.

    Raises:
        InputError: names the unknown key with the nearest known one, or the value that is impossible.
    """
    _check_keys(content, Plan, "plan")
    given = {name: _typed(name, value) for name, value in content.items()}
    try:
        if "stages" in content:
            given["stages"] = tuple(_stage(entry) for entry in content["stages"])
        if "losses" in content:
            given["losses"] = LossSchedule(tuple(_weights(entry) for entry in content["losses"]))
        if "augmentation" in content:
            given["augmentation"] = _augmentation(content["augmentation"])
        if "distillation" in content:
            given["distillation"] = _distillation(content["distillation"])
        return Plan(**given)
    except (TypeError, ValueError) as error:
        raise InputError(f"The plan cannot be understood: {error}", "Correct the plan.") from error


def read_plan(path: Path) -> Plan:
    """Read ``plan.yaml``.

    Raises:
        InputError: not there, not YAML, an unknown key or an impossible value.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The plan {path} cannot be read: {error}.", "The command 'plan' writes one.") from error
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise InputError(f"The plan {path} is not YAML: {where}.", "The command 'plan' writes one.") from error
    if not isinstance(content, dict):
        raise InputError(f"The plan {path} holds no 'key: value' lines.", "The command 'plan' writes one.")
    return from_dict(content)


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan with a comment on every choice; to a temporary name first.

    Raises:
        OutputError: the file cannot be written.
    """
    import yaml

    comments, lines = _comments(), ["# Every choice of a training run. Lines may be changed or left out.\n"]
    for name, value in to_dict(plan).items():
        lines += textwrap.wrap(comments[name], 110, initial_indent="# ", subsequent_indent="#   ")
        style = None if isinstance(value, list | dict) else False  # the innermost lists on one line
        lines.append(yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, default_flow_style=style))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            partial.write_text("\n".join(lines), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"Cannot write the plan {path}: {error.strerror}.", "Choose a writable folder.") from error


def _comments() -> dict[str, str]:
    """What the docstring of :class:`Plan` says of each choice."""
    arguments = inspect.cleandoc(Plan.__doc__ or "").split("Args:\n")[-1].split("\nRaises:")[0]
    found = re.findall(r"^    (\w+): (.+?)$", arguments, re.MULTILINE)
    return {entry.name: "" for entry in fields(Plan)} | dict(found)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, tuple | list) else value


def _typed(name: str, value: Any) -> Any:
    """A value of the type that :class:`Plan` wants; YAML reads ``1e-3`` as text and ``32`` as a number."""
    wanted = get_type_hints(Plan)[name]
    if wanted is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    kinds = {float: (), int: (int,), bool: (bool,), str: (str,), tuple[str, ...]: (list, tuple)}
    if name == "precision":
        value = str(value)
    right = isinstance(value, kinds.get(wanted, object)) and (wanted is bool or not isinstance(value, bool))
    if not right:
        kind = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}.get(wanted, "a list")
        raise InputError(f"The plan's {name} is {value!r}, but must be {kind}.", "Correct the plan.")
    return tuple(map(str, value)) if wanted == tuple[str, ...] else value


def _augmentation(entry: Mapping[str, Any]) -> Augmentation:
    _check_keys(entry, Augmentation, "augmentation")
    return Augmentation(**{name: _number_or_numbers(value) for name, value in entry.items()})


def _distillation(entry: Mapping[str, Any]) -> Distillation:
    _check_keys(entry, Distillation, "distillation")
    texts = ("teacher", "checksum", "start")
    given: dict[str, Any] = {name: str(value) if name in texts else float(value) for name, value in entry.items()}
    return Distillation(**given)


def _stage(entry: Mapping[str, Any]) -> Stage:
    _check_keys(entry, Stage, "stages")
    sizes = tuple((int(k), int(j), int(i)) for k, j, i in entry["sizes"])
    chances = tuple(float(chance) for chance in entry.get("chances", [1 / len(sizes)] * len(sizes)))
    return Stage(float(entry.get("until", 1.0)), _number_or_numbers(entry["spacing"]), sizes, chances)


def _weights(entry: Mapping[str, Any]) -> tuple[float, LossWeights]:
    _check_keys(entry, LossWeights, "losses", ("fraction",))
    given = {name: _number_or_numbers(value) for name, value in entry.items() if name != "fraction"}
    return float(entry["fraction"]), LossWeights(**given)


def _number_or_numbers(value: Any) -> Any:
    return tuple(map(float, value)) if isinstance(value, list | tuple) else float(value)


def _check_keys(content: object, kind: type, where: str, more: tuple[str, ...] = ()) -> None:
    if not isinstance(content, Mapping):
        raise InputError(f"The plan's {where} is {content!r}, but must be 'key: value' lines.", "Correct the plan.")
    known = [*more, *(entry.name for entry in fields(kind))]
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1, 0.0)[0]
            place = f"The {where}" if where == "plan" else f"The plan's {where}"
            raise InputError(f"{place} holds the unknown key {key!r}; the nearest known is {near!r}.", "Correct it.")

"""Stand-in for ``slicer.parameterNodeWrapper``: typed parameters kept in a real vtkMRMLScriptedModuleNode.

Parameters may be nodes, bool, int, float or str, plain or ``Annotated`` with a default, range or choice. Anything else
is refused, so that a module cannot come to rely on a type that the shim would keep differently.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import slicer
import vtk
from parameter_gui import Connections

PLAIN: dict[type, Callable[[str], Any]] = {bool: lambda text: text == "True", int: int, float: float, str: str}
NODE = slicer.vtkMRMLNode


class Validator:
    """Base of the annotations that refuse values."""

    def validate(self, value: Any) -> None:
        raise NotImplementedError


@dataclass
class Default:
    value: Any = None
    generator: Callable[[], Any] | None = None


@dataclass
class Decimals:
    value: int


@dataclass
class SingleStep:
    value: float


@dataclass
class Minimum(Validator):
    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"{value} is less than {self.minimum}")


@dataclass
class Maximum(Validator):
    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"{value} is more than {self.maximum}")


@dataclass
class WithinRange(Validator):
    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within {self.minimum} and {self.maximum}")


class Choice(Validator):
    def __init__(self, choices: Iterable[Any]) -> None:
        self.choices = list(choices)

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


class Parameter:
    """One member of a wrapper, a descriptor that reads and writes the node."""

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        self.name = name
        self.kind, *self.notes = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
        options = [kind for kind in get_args(self.kind) if kind is not type(None)] or [self.kind]  # a union of nodes
        self.is_node = all(isinstance(kind, type) and issubclass(kind, NODE) for kind in options)
        self.types = tuple(options)
        if not self.is_node and self.kind not in PLAIN:
            raise TypeError(f"{name}: {annotation} is not a node, bool, int, float or str; the shim keeps no others")
        for note in self.notes:
            if isinstance(note, Default):
                default = note.generator() if note.generator else note.value
        self.default = default if default is not None or self.is_node else self.kind()

    def check(self, value: Any) -> None:
        expected = (*self.types, type(None)) if self.is_node else (int, float) if self.kind is float else self.types
        if not isinstance(value, expected) or (isinstance(value, bool) and self.kind in (int, float)):
            raise ValueError(f"{self.name} is a {self.kind}; {value!r} is not")
        for note in self.notes:
            if isinstance(note, Validator):
                note.validate(value)

    def __get__(self, wrapper: Any, owner: type | None = None) -> Any:
        if wrapper is None:
            return self
        node = wrapper.parameterNode
        return node.GetNodeReference(self.name) if self.is_node else PLAIN[self.kind](node.GetParameter(self.name))

    def __set__(self, wrapper: Any, value: Any) -> None:
        self.check(value)
        node = wrapper.parameterNode
        if self.is_node:
            identifier = value.GetID() if value is not None else None
            if node.GetNodeReferenceID(self.name) != identifier:
                node.SetNodeReferenceID(self.name, identifier)
                node.Modified()
        else:
            node.SetParameter(self.name, str(self.kind(value)))


class Wrapper:
    """What every parameter node class can do besides its parameters."""

    allParameters: dict[str, Parameter] = {}

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        if not parameterNode.IsA("vtkMRMLScriptedModuleNode"):
            raise TypeError(f"{parameterNode.GetClassName()} is not a vtkMRMLScriptedModuleNode")
        object.__setattr__(self, "parameterNode", parameterNode)
        object.__setattr__(self, "_connections", Connections(self))
        for name, parameter in self.allParameters.items():
            if not parameter.is_node and name not in parameterNode.GetParameterNames():
                setattr(self, name, parameter.default)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.allParameters:
            raise AttributeError(f"{type(self).__name__} has no parameter {name!r}")
        object.__setattr__(self, name, value)

    def default(self, name: str) -> Default:
        return Default(self.allParameters[name].default)

    def setToDefault(self, name: str) -> None:
        setattr(self, name, self.allParameters[name].default)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, before: int) -> int:
        return self.parameterNode.EndModify(before)

    def AddObserver(self, event: Any, callback: Callable[..., None], priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def connectGui(self, gui: Any) -> int:
        """Bind the widgets that have a ``SlicerParameterName``; answers a tag for ``disconnectGui``."""
        return self._connections.connect_named(gui)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        return self._connections.connect(mapping)

    def disconnectGui(self, tag: int) -> None:
        self._connections.disconnect(tag)


def parameterNodeWrapper(cls: type) -> type:
    """Class decorator: annotated members become parameters of a vtkMRMLScriptedModuleNode."""
    hints = typing.get_type_hints(cls, include_extras=True)
    parameters = {name: Parameter(name, hint, vars(cls).get(name)) for name, hint in hints.items()}
    methods = {k: v for k, v in vars(cls).items() if k not in parameters and k not in ("__dict__", "__weakref__")}
    return type(cls.__name__, (Wrapper,), {**methods, **parameters, "allParameters": parameters})


MODIFIED = vtk.vtkCommand.ModifiedEvent

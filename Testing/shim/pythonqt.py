"""PySide6 made to behave like PythonQt, through which Slicer's Python sees Qt.

Properties are attributes (``button.enabled = False``), signals are named by their C++ signature
(``button.connect("clicked(bool)", f)``), and a misspelt property or signal is an error, not a new attribute.
"""

from __future__ import annotations

import difflib
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

QObject = QtCore.QObject
SOURCES = (QtCore, QtGui, QtWidgets, QtNetwork)

loading = False
"""True while a ``.ui`` file is read."""

STAYS_A_METHOD = {"sizeHint", "minimumSizeHint", "spacing"}
"""Properties whose getter is virtual: Shiboken looks up these names itself for every call from C++."""


class QtProperty:
    """One Qt property as an attribute that can be read and, where Qt allows it, written."""

    def __init__(self, owner: type, name: str, declared: QtCore.QMetaProperty) -> None:
        self.owner, self.name = owner.__name__, name
        self.writable, self.kind = declared.isWritable(), declared.typeName()
        self.enumeration = declared.isEnumType()
        self.function = vars(owner).get(name)

    def __get__(self, instance: QObject | None, owner: type | None = None) -> Any:
        if instance is not None:
            if not shiboken6.isValid(instance):
                raise RuntimeError(f"{self.name!r} of a {type(instance).__name__} that is deleted")
            return QObject.property(instance, self.name)
        return self if self.function is None else self.function.__get__(None, owner)  # qt.QTimer.singleShot(...)

    def __set__(self, instance: QObject, value: Any) -> None:
        if not self.writable:
            raise AttributeError(f"{self.owner}.{self.name} is a read-only property")
        if self.enumeration and isinstance(value, int) and not isinstance(value, bool):
            value = type(QObject.property(instance, self.name))(value)  # PythonQt takes numbers for enum values
        if self.kind in ("int", "uint") and isinstance(value, float):
            value = int(value)
        if value is None or not QObject.setProperty(instance, self.name, value):
            raise ValueError(f"{self.owner}.{self.name} is a {self.kind}; {value!r} is not")


def own_properties(cls: type) -> list[QtCore.QMetaProperty]:
    """Properties that a class itself declares."""
    meta = cls.staticMetaObject
    return [meta.property(index) for index in range(meta.propertyOffset(), meta.propertyCount())]


ONLY_QT_6 = {"checkStateChanged(Qt::CheckState)"}
"""Signals of PySide6 that Slicer's Qt 5.15 lacks."""


def is_object_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, QObject)


def turn_properties_into_attributes() -> None:
    """Give every QObject class of PySide6 its properties as attributes, also for objects that C++ makes."""
    for module in SOURCES:
        for name in dir(module):  # not vars(): PySide6 makes classes when they are first asked for
            cls = getattr(module, name)
            if is_object_class(cls):
                for declared in own_properties(cls):
                    if declared.name() not in STAYS_A_METHOD:
                        setattr(cls, declared.name(), QtProperty(cls, declared.name(), declared))
    QObject.name = QtProperty(QObject, "objectName", QObject.staticMetaObject.property(0))
    QObject.className = lambda self: self.metaObject().className()
    QtWidgets.QDialog.exec_ = QtWidgets.QDialog.exec


def signal_signatures(instance: QObject) -> list[str]:
    """All signals of an object by their C++ signature, those of the doubles as the real class declares them."""
    meta = instance.metaObject()
    methods = [meta.method(index) for index in range(meta.methodCount())]
    names = [bytes(m.methodSignature()).decode() for m in methods if m.methodType() == QtCore.QMetaMethod.Signal]
    aliases = getattr(type(instance), "signalAliases", {})
    hidden = {*ONLY_QT_6, *aliases.values()}
    return [*(name for name in names if name not in hidden), *aliases]


def signal_of(instance: QObject, signature: str) -> str:
    """The signal's signature as Qt knows it.

    Raises:
        ValueError: the object has no such signal; the message names the nearest one.
    """
    wanted = QtCore.QMetaObject.normalizedSignature(signature)
    wanted = bytes(wanted).decode() if not isinstance(wanted, str) else wanted
    known = signal_signatures(instance)
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, 2) or sorted(known)
        raise ValueError(f"{instance.metaObject().className()} has no signal {signature!r}; it has {', '.join(near)}")
    return getattr(type(instance), "signalAliases", {}).get(wanted, wanted)


def accepted_arguments(function: Callable[..., Any]) -> int | None:
    """How many positional arguments a function takes at most; None for any number. PythonQt leaves out the rest."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


_deliveries: weakref.WeakKeyDictionary[QObject, list[tuple[str, Any, Any]]] = weakref.WeakKeyDictionary()
"""Per sender: signal, the function that the module gave, and what was connected in its place."""


def connect(self: QObject, signature: str, receiver: Any, slot: str | None = None) -> bool:
    """``connect("clicked(bool)", function)`` or ``connect("clicked()", widget, "show()")``; holds the function."""
    signal = signal_of(self, signature)
    function = getattr(receiver, slot.split("(")[0]) if slot else receiver
    if not callable(function):
        raise ValueError(f"{function!r} cannot be called")
    most = accepted_arguments(function)

    def deliver(*arguments: Any) -> None:
        function(*arguments[:most])

    if not QObject.connect(self, QtCore.SIGNAL(signal), deliver):
        raise ValueError(f"{signature!r} of {self} could not be connected")
    _deliveries.setdefault(self, []).append((signal, function, deliver))
    return True


def disconnect(self: QObject, signature: str, receiver: Any = None, slot: str | None = None) -> bool:
    """Undo ``connect``; without a function, all of them. False where nothing was connected."""
    signal = signal_of(self, signature)
    function = getattr(receiver, slot.split("(")[0]) if slot else receiver
    kept, gone = [], []
    for entry in _deliveries.get(self, []):
        matches = entry[0] == signal and (function is None or entry[1] == function)
        (gone if matches else kept).append(entry)
    for _, _, deliver in gone:
        QObject.disconnect(self, QtCore.SIGNAL(signal), deliver)
    _deliveries[self] = kept
    return bool(gone)


def strict_attributes(base: type) -> Callable[[QObject, str, Any], None]:
    """A ``__setattr__``: PythonQt has no room for attributes that a C++ class lacks; a module's own classes have."""

    def assign(self: QObject, name: str, value: Any) -> None:
        descriptor = inspect.getattr_static(type(self), name, None)
        derived_by_module = "isQtClass" not in vars(type(self))
        known = hasattr(type(descriptor), "__set__") or isinstance(descriptor, QtCore.Property)
        if known or derived_by_module or name == "_d":
            return base.__setattr__(self, name, value)
        if loading and isinstance(value, QObject):  # PySide6's loader puts each child on the root as an attribute
            return None
        near = [n for n in difflib.get_close_matches(name, dir(type(self)), 3) if n != name][:1]
        hint = f"; did you mean {near[0]!r}?" if near else ""
        what = "a method, not a property," if descriptor is not None else "not a property"
        raise AttributeError(f"{name!r} is {what} of {type(self).__name__}{hint}")

    return assign


class LikeTheQtClass(type(QObject)):
    """Metaclass of what a module sees; ``strict=True`` for the stand-ins of C++ classes, whose state is in ``_d``.

    Gives each class its ``connect``, and lets ``isinstance(x, qt.QWidget)`` be true for widgets that C++ made.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], content: dict[str, Any], strict: bool = False) -> type:
        # PySide6 answers ``connect`` from C where a class has none of its own; and a class that is changed after it
        # was made loses its slots.
        content = {"connect": connect, "disconnect": disconnect, **content}
        if strict:
            content |= {"isQtClass": True, "__setattr__": strict_attributes(bases[0])}
        return super().__new__(mcs, name, bases, content)

    def __init__(cls, name: str, bases: tuple[type, ...], content: dict[str, Any], strict: bool = False) -> None:
        super().__init__(name, bases, content)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, vars(cls).get("qtClass", ())) or super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, vars(cls).get("qtClass", ())) or super().__subclasscheck__(subclass)


_wrapped: dict[type, type] = {}


def as_pythonqt(cls: type) -> type:
    """A class of PySide6 as a Slicer module sees it."""
    if cls not in _wrapped:
        _wrapped[cls] = LikeTheQtClass(cls.__name__, (cls,), {"qtClass": cls}, strict=True)
    return _wrapped[cls]


def properties(**declared: tuple[Any, Any]) -> dict[str, Any]:
    """Names for the body of a double: for each property its type and first value, the Qt property and its setter.

    Values are kept in ``self._d``; ``_changed(name)``, where the class has it, is called after each change.
    """
    content: dict[str, Any] = {}
    for name, (kind, first) in declared.items():

        def get(self: QObject, name: str = name, first: Any = first) -> Any:
            return self._d.get(name, first)

        def put(self: QObject, value: Any, name: str = name) -> None:
            self._d[name] = value
            getattr(self, "_changed", lambda name: None)(name)

        content[name] = QtCore.Property(kind, get, put)
        content[f"set{name[0].upper()}{name[1:]}"] = put
    return content

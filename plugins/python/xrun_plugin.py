"""Write optimizers, regularizers and objectives for xrun in Python.

One file is a plugin; nothing has to be installed. Numpy is used where it can be imported: then
parameters and gradients are numpy arrays on the memory that xrun shares with the plugin, and what
is written to them is seen at once. Without numpy they are of the class Array below.

    from xrun_plugin import optimizer, real, serve

    @optimizer("signsgd", settings=[real("momentum", default=0.9, low=0, high=1, high_open=True)])
    class SignSGD:
        def __init__(self, theta, momentum):
            self.m, self.momentum = 0 * theta, momentum

        def step(self, theta, grad, lr):
            self.m += (1 - self.momentum) * (grad - self.m)
            theta -= lr * numpy.sign(self.m)

    serve()

There is one object for each trial, and many trials share a process: keep everything in self. What
an object gives may depend on its arguments and its seed only, so that a trial has the same result
alone, in a grid, and after an interruption. An exception fails the trial at hand, not the others.
"""

from __future__ import annotations

import array
import base64
import collections
import collections.abc
import functools
import gc
import importlib
import inspect
import json
import math
import mmap
import operator
import os
import random
import runpy
import select
import struct
import sys
import time
import traceback
import types
import zlib

numpy: Any = None  # Any, so that a type checker says the same where there is no numpy
try:
    numpy = importlib.import_module("numpy")
except ImportError:
    pass

TYPE_CHECKING = False  # as typing has it, whose import takes milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Literal, SupportsFloat, SupportsIndex, TypedDict, TypeVar, Union, overload

    from typing_extensions import Unpack

    _Class = TypeVar("_Class", bound=type)
    _Vector = Any  # a numpy array, or an Array where there is no numpy
    _Operand = Union["Array", "Sequence[float]", float]
    _Dict = dict[str, Any]  # what came as JSON, or goes there

    class _About(TypedDict, total=False):
        """What a component may say about itself."""

        summary: str
        doc: str
        citation: str
        revision: int
        state_floats: int
        features: Sequence[str]
        settings: Sequence[_Dict]
        metrics: Sequence[str]

else:

    def overload(f):
        return f

__version__ = "0.1.0"

NUMERICS = 1
"""The revision of what results depend on in this file: the arithmetic and rounding of Array, the order in which layouts
are laid out and parts of vectors are gathered, how settings are read, and what saving and restoring keeps. It belongs to
the digest of a plugin, so a trial that was recorded under another revision is not taken for the same one. Raise it with
any change that can change a bit of a result."""

__all__ = [
    "optimizer", "regularizer", "objective", "tensor", "real", "integer", "choice", "flag", "text", "serve", "report",
    "AGAIN", "SettingError", "Array", "Data", "Rows",
]

AGAIN = object()
"""Returned by step() of an optimizer with features=["reverse"]: evaluate the gradient again, on the same
mini-batch, at the parameters written, and call step() once more."""


class SettingError(ValueError):
    """Settings that are each allowed but make no sense together. Raise it in __init__."""


# What components take.


def real(
    name: str, default: float | None = None, low: float | None = None, high: float | None = None, low_open: bool = False,
    high_open: bool = False, log: bool = False, doc: str = "",
) -> dict[str, Any]:
    """A real number. Without a default it has to be given; low and high are allowed unless open."""
    return _setting(name, "real", default, doc, low=low, high=high, low_open=low_open, high_open=high_open, log_scale=log)


def integer(name: str, default: int | None = None, low: int | None = None, high: int | None = None, doc: str = "") -> dict[str, Any]:
    """A whole number."""
    return _setting(name, "integer", default, doc, low=low, high=high)


def choice(name: str, choices: Sequence[str], default: str | None = None, doc: str = "") -> dict[str, Any]:
    """One of some words; the first is the default unless one is given."""
    return _setting(name, "choice", choices[0] if default is None else default, doc, choices=list(choices))


def flag(name: str, default: bool | None = False, doc: str = "") -> dict[str, Any]:
    """True or false."""
    return _setting(name, "flag", default, doc)


def text(name: str, default: str | None = "", doc: str = "") -> dict[str, Any]:
    """Any text."""
    return _setting(name, "text", default, doc)


def _setting(name: str, kind: str, default: Any, doc: str, **more: Any) -> _Dict:
    s: _Dict = {"name": name, "type": kind, "doc": doc, "required": default is None}
    s.update((k, v) for k, v in more.items() if v is not None and v is not False)
    s["default"] = default
    return s


def tensor(name: str, shape: int | Iterable[SupportsIndex], role: Literal["weight", "bias"] = "weight") -> dict[str, Any]:
    """A named array in the parameters of an objective. The role is weight or bias: regularizers
    leave biases alone unless the sweep asks for them."""
    shape = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    return {"name": name, "shape": shape, "role": role}


# The three kinds of component.

_components: list[_Component] = []


def optimizer(name: str, **about: Unpack[_About]) -> Callable[[_Class], _Class]:
    """A class with

        __init__(self, theta, **settings)   theta has the shape and the type of the parameters
        step(self, theta, grad, lr)         changes theta in place and leaves grad alone

    and, if it wants, evaluate(self, theta), which replaces the parameters by those to judge (as
    averaging methods do), gain(self), what steps settle at for each unit of lr and gradient, a
    parameter `loss` of step, the objective at theta, and state() and restore(saved).
    __init__ may also name lr, the rate that the schedule starts from, seed, dtype, examples, and
    layout, a list of dicts as tensor() makes them, with offset and penalized besides. With
    features=["inputs"] they have inputs, too: what the columns of the first weights are called, and
    no names for other tensors and for sparse data. theta has no meaningful values before the first
    step."""
    return _component("optimizer", name, about)


def regularizer(name: str, **about: Unpack[_About]) -> Callable[[_Class], _Class]:
    """A class with

        __init__(self, lam, examples, **settings)   lam is the strength as the sweep states it
        value(self, theta)                          the penalty R, a number
        add_gradient(self, theta, grad)             adds R's gradient to grad in place

    and, if it has one, prox(self, theta, step), which replaces theta by the y that makes
    |y - theta|^2/2 + step*R(y) least, and coefficients(self), its factors of sum(|theta|) ("l1")
    and sum(theta^2)/2 ("l2"). theta and grad are the penalised parameters only, one behind the
    other, without the biases. __init__ may also name theta, of that size, layout, with the
    penalised tensors and their offsets in theta, seed, dtype, and loss, what examples are averaged
    over: "squares", "log" or "function". With features=["inputs"] the tensors of layout have inputs,
    too: what the columns of the first weights are called, and no names for other tensors and for
    sparse data."""
    return _component("regularizer", name, about)


def objective(name: str, **about: Unpack[_About]) -> Callable[[_Class], _Class]:
    """A class, declared with metrics=["train_loss", …], with

        __init__(self, seed, dtype, **settings)     dtype is "float64" or "float32"
        layout(self)                                a list of tensor(…)
        examples, batches, loss                     training examples; steps an epoch; "squares", "log" or "function"
        initial(self, theta)                        writes the parameters that training starts from
        gradient(self, theta, grad, epoch, batch)   writes the gradient of the mean loss, returns that loss
        evaluate(self, theta)                       a dict with exactly the declared metrics

    __init__ may also name data, a Data: the table of [task] dataset in the sweep file, which xrun reads, encodes and
    divides as for its own models.
    If it wants, it has attach(self, theta, grad), called once after layout with the very arrays that
    each later call has, so that a framework's parameters can be views of them. Epochs count from 1,
    batches from 0; the same two numbers must be the same mini-batch however often it is asked for."""
    return _component("objective", name, about)


def _component(kind: str, name: str, about: _About) -> Callable[[_Class], _Class]:
    known = {"summary", "doc", "citation", "revision", "state_floats", "features", "settings", "metrics"}
    for key in about:
        if key not in known:
            raise TypeError("%s %s: %r is not one of %s" % (kind, name, key, ", ".join(sorted(known))))

    def register(cls: _Class) -> _Class:
        _components.append(_Component(kind, name, cls, about))
        return cls

    return register


_METHODS = {
    "optimizer": ["step"],
    "regularizer": ["value", "add_gradient"],
    "objective": ["layout", "initial", "gradient", "evaluate"],
}
_GIVEN = {
    "optimizer": ["theta", "lr", "seed", "layout", "dtype", "examples"],
    "regularizer": ["lam", "examples", "theta", "layout", "loss", "seed", "dtype"],
    "objective": ["seed", "dtype"],
}


# The keys that a component's table in a sweep file has itself.
_RESERVED = {
    "optimizer": ["plugin", "component", "grid", "base", "schedule"],
    "regularizer": ["plugin", "component", "grid"],
    "objective": ["plugin", "component", "epochs", "dtype", "penalize_bias", "report"],
}


class _Component:
    def __init__(self, kind: str, name: str, cls: Any, about: _About) -> None:
        self.kind, self.name, self.cls, self.about = kind, name, cls, about
        self.settings = list(about.get("settings", []))
        self.metrics = list(about.get("metrics", []))
        for method in _METHODS[kind]:
            if not callable(getattr(cls, method, None)):
                raise TypeError("%s %s: the class %s has no method %s" % (kind, name, cls.__name__, method))
        features: list[str] = list(about.get("features", []))

        def has(method: str) -> bool:
            return callable(getattr(cls, method, None))

        if kind == "optimizer":
            self.wants_loss = "loss" in inspect.signature(cls.step).parameters
            features += [f for f, there in (("eval_params", has("evaluate")), ("gain", has("gain")), ("loss_value", self.wants_loss)) if there]
        if kind == "regularizer":
            features += [f for f, there in (("prox", has("prox")), ("coefficients", has("coefficients"))) if there]
            if has("prox") and not any(s["name"] == "mode" for s in self.settings):
                self.settings.append(choice("mode", ["subgradient", "proximal"], doc="add the gradient before the step, or apply the proximal map after it"))
        self.own_mode = any(s["name"] == "mode" for s in about.get("settings", []))
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        self.takes_all = any(p.kind == p.VAR_KEYWORD for p in parameters)
        self.takes = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        names = [s["name"] for s in self.settings]
        given = list(_GIVEN[kind])
        if kind == "objective" and ("data" in features or "data" in self.takes and "data" not in names):
            features.append("data")
            given.append("data")
        self.features = sorted(set(features))
        for problem in self._mistakes(names):
            raise TypeError("%s %s: %s" % (kind, name, problem))
        for p in parameters:
            if p.name in self.takes and p.default is p.empty and p.name not in names + given:
                raise TypeError(
                    "%s %s: __init__ wants %r, which is neither a setting nor one of %s" % (kind, name, p.name, ", ".join(given))
                )

    def _mistakes(self, names: list[str]) -> Iterator[str]:
        """What would be ignored in silence otherwise."""
        for i, name in enumerate(names):
            if name in names[:i]:
                yield "the setting %r is declared twice" % name
            if name in _RESERVED[self.kind]:
                yield "a setting cannot be called %r, which is a key of sweep files" % name
            if name in _GIVEN[self.kind]:
                yield "a setting cannot be called %r, which xrun gives" % name
            if name not in self.takes and not self.takes_all and (name != "mode" or self.own_mode):
                yield "__init__ does not take the setting %r" % name
        if _method(self.cls, "state") and not _method(self.cls, "restore"):
            yield "state() needs restore(saved) to go with it"
        if self.kind == "objective" and "train_loss" not in self.metrics:
            yield "metrics lack train_loss, which every objective reports"

    def describe(self) -> _Dict:
        out: _Dict = {"kind": "KIND_" + self.kind.upper(), "name": self.name, "features": self.features, "metrics": self.metrics}
        for key in ("summary", "doc", "citation"):
            out[key] = str(self.about.get(key, ""))
        if not out["doc"] and self.cls.__doc__:
            out["doc"] = inspect.cleandoc(self.cls.__doc__)
        out["revision"] = str(int(self.about.get("revision", 1)))
        out["state_floats"] = str(int(self.about.get("state_floats", 0)))
        settings: list[_Dict] = []
        out["settings"] = settings
        for s in self.settings:
            wire = {k: v for k, v in s.items() if k != "default"}
            for bound in ("low", "high"):
                if bound in wire:
                    wire[bound] = _number(wire[bound])
            if s["default"] is not None:
                wire["default_value"] = {s["type"]: _to_wire(s["type"], s["default"])}
            settings.append(wire)
        return out

    def complete(self, given: _Dict) -> _Dict:
        """The values of all settings; what is given is in the form of the wire."""
        values: _Dict = {}
        for s in self.settings:
            name = s["name"]
            if name in given:
                (kind, v), = given[name].items()
                if kind != s["type"] and not (kind == "integer" and s["type"] == "real"):
                    raise SettingError("%s wants a %s, got a %s" % (name, s["type"], kind))
                values[name] = _check(s, _from_wire(s["type"], v))
            elif s["default"] is None:
                raise SettingError("%s has no default and has to be given" % name)
            else:
                values[name] = s["default"]
        for name in given:
            if name not in values:
                raise SettingError("%s %s has no setting %s" % (self.kind, self.name, name))
        return values

    def make(self, values: _Dict, **given: Any) -> Any:
        values = {k: v for k, v in values.items() if k in self.takes or self.takes_all and (k != "mode" or self.own_mode)}
        values.update((k, v) for k, v in given.items() if k in self.takes)
        return self.cls(**values)


def _is(v: Any, kind: Any) -> bool:
    """isinstance, after which v is what it was for a type checker, and no dict[Unknown, Unknown]."""
    return isinstance(v, kind)


def _method(o: Any, name: str) -> bool:
    """Whether an object or a class has a method, and not just an attribute, of that name."""
    return callable(getattr(o if isinstance(o, type) else type(o), name, None))


def _check(s: _Dict, v: Any) -> Any:
    name = s["name"]
    if s["type"] in ("real", "integer"):
        low, high = s.get("low"), s.get("high")
        if not math.isfinite(v) or low is not None and (v < low or s.get("low_open") and v == low) or high is not None and (v > high or s.get("high_open") and v == high):
            raise SettingError("%s is %r, but wants a number from %s to %s" % (name, v, low, high))
    if s["type"] == "choice" and v not in s["choices"]:
        raise SettingError("%s is %r, but wants one of %s" % (name, v, ", ".join(s["choices"])))
    return v


def _gain(v: float) -> float:
    v = float(v)
    if not (v > 0 and math.isfinite(v)):
        raise ValueError("gain() returned %r, but a gain is a finite number above 0" % v)
    return v


def _whole(name: str, v: Any) -> int:
    """A count that a plugin tells: 2 and 2.0, but not 2.5, which int() would cut off."""
    try:
        return int(operator.index(v))  # True is 1
    except TypeError:
        pass
    if isinstance(v, float) or hasattr(v, "__float__"):
        if float(v).is_integer():
            return int(v)
    raise ValueError("%s is %r, but must be a whole number" % (name, v))


def _number(v: SupportsFloat) -> float | str:
    v = float(v)
    if v != v:
        return "NaN"
    if math.isinf(v):
        return "Infinity" if v > 0 else "-Infinity"
    return v


def _to_wire(kind: str, v: Any) -> Any:
    if kind == "real":
        return _number(v)
    if kind == "integer":
        return str(int(v))
    return bool(v) if kind == "flag" else str(v)


def _from_wire(kind: str, v: Any) -> Any:
    if kind == "real":
        return float(v)
    if kind == "integer":
        return int(v)
    return v


# Numbers in memory.


class Array:
    """A vector of float64 or float32, where there is no numpy. It has a length, elements and slices
    that share its memory, and + - * / ** with numbers and vectors of its length, also in place, abs()
    and copy(). Each operation is rounded as numpy rounds it; a division by zero raises an exception,
    where numpy gives an infinity. It has no other functions and one dimension only.
    It is slow: each operation on a thousand elements takes a tenth to a quarter of a millisecond."""

    __slots__ = ("memory", "code")

    def __init__(self, memory: memoryview[Any], code: str) -> None:
        self.memory, self.code = memory, code

    @classmethod
    def zeros(cls, n: int, code: str) -> Array:
        return cls(memoryview(array.array(code, bytes(n * (8 if code == "d" else 4)))), code)

    def __len__(self) -> int:
        return len(self.memory)

    def __iter__(self) -> Iterator[float]:
        return iter(self.memory)

    @overload
    def __getitem__(self, i: int) -> float: ...
    @overload
    def __getitem__(self, i: slice) -> Array: ...
    def __getitem__(self, i: int | slice) -> float | Array:
        return Array(self.memory[i], self.code) if isinstance(i, slice) else self.memory[i]

    def __setitem__(self, i: int | slice, value: _Operand) -> None:
        if not isinstance(i, slice):
            self.memory[i] = value
            return
        part = self.memory[i]
        values = self._values(value, len(part))
        for n, v in enumerate(values):
            part[n] = v

    def __repr__(self) -> str:
        return "Array(%s)" % list(self.memory)

    def copy(self) -> Array:
        out = Array.zeros(len(self), self.code)
        out[:] = self
        return out

    def _values(self, other: _Operand, n: int) -> Sequence[float] | Array:
        if isinstance(other, (int, float)):
            if self.code == "f":  # as numpy does: a number takes on the vector's type
                one = Array.zeros(1, "f")
                one.memory[0] = other
                other = one.memory[0]
            return [other] * n
        if len(other) != n:
            raise ValueError("vectors of the lengths %d and %d" % (n, len(other)))
        return other

    def _with(self, other: _Operand, f: Callable[[float, float], float], out: Array | None = None) -> Array:
        out = Array.zeros(len(self), self.code) if out is None else out
        into = out.memory
        for i, (a, b) in enumerate(zip(self.memory, self._values(other, len(self)))):
            into[i] = f(a, b)
        return out

    def __add__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a / b)

    def __rsub__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: b - a)

    def __rtruediv__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: b / a)

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a**b)

    def __neg__(self) -> Array:
        return self * -1

    def __abs__(self) -> Array:
        return self._with(0, lambda a, _: abs(a))

    def __iadd__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a + b, self)

    def __isub__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a - b, self)

    def __imul__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a * b, self)

    def __itruediv__(self, other: _Operand) -> Array:
        return self._with(other, lambda a, b: a / b, self)


class Rows:
    """The examples of one part of the data: x has a row for each, y its target, of a classification the index of its class as
    a float64. They are numpy arrays, of shape (n, inputs) and (n,), that cannot be written to; without numpy x is a list of
    Arrays and y an Array. All trials share them."""

    def __init__(self, n: int, inputs: int) -> None:
        self.buffer = bytearray(8 * n * (inputs + 1))
        whole = _view(self.buffer, "float64", 0, n * (inputs + 1))
        self.x: Any = [whole[i * inputs : (i + 1) * inputs] for i in range(n)]
        self.y: Any = whole[n * inputs :]
        if numpy is not None:
            self.x = whole[: n * inputs].reshape(n, inputs)
            self.x.flags.writeable = self.y.flags.writeable = False

    def __len__(self) -> int:
        return len(self.y)


class Data:
    """What an objective learns from: the names of its inputs and classes, of which a regression has none, and the Rows that
    train, validate and test. The latter two may be empty."""

    def __init__(self, inputs: list[str], classes: list[str], rows: Sequence[int]) -> None:
        self.inputs, self.classes = inputs, classes
        self.train, self.validation, self.test = (Rows(n, len(inputs)) for n in rows)


def _view(buffer: Any, dtype: str, offset: int, n: int) -> _Vector:
    """A vector of n elements on a buffer."""
    if numpy is not None:
        return numpy.frombuffer(buffer, dtype=dtype, count=n, offset=offset)
    code, size = _CODES[dtype]
    part: Any = memoryview(buffer)[offset : offset + n * size]
    return Array(part.cast(code), code)


def _zeros(dtype: str, n: int) -> _Vector:
    if numpy is not None:
        return numpy.zeros(n, dtype=dtype)
    return Array.zeros(n, _CODES[dtype][0])


def _bytes(vector: _Vector) -> bytes:
    return vector.tobytes() if numpy is not None else bytes(vector.memory.cast("B"))


_CODES: dict[str, tuple[Any, int]] = {"float64": ("d", 8), "float32": ("f", 4)}


# What an object remembers.


def _encode(v: Any, what: str, skip: list[Any]) -> Any:
    kind: type[Any] = type(v)  # pyright: ignore[reportUnknownVariableType]
    if v is None or isinstance(v, (bool, str)):
        return v
    if isinstance(v, int):
        return {"int": str(v)}
    if isinstance(v, float):
        return {"float": v.hex()}
    if isinstance(v, Array):
        return {"vector": v.code, "bytes": base64.b64encode(bytes(v.memory.cast("B"))).decode()}
    if numpy is not None:
        if isinstance(v, numpy.ndarray) and not v.dtype.hasobject:
            if any(numpy.may_share_memory(v, s) for s in skip):
                return {"view": True}
            return {"array": v.dtype.str, "shape": list(v.shape), "bytes": base64.b64encode(numpy.ascontiguousarray(v).tobytes()).decode()}
        if isinstance(v, numpy.generic):
            return {"array": v.dtype.str, "bytes": base64.b64encode(v.tobytes()).decode()}
        if isinstance(v, numpy.random.Generator):
            return {"generator": _encode(v.bit_generator.state, what, skip)}
        if isinstance(v, numpy.random.RandomState):
            return {"legacy": _encode(v.get_state(), what, skip)}
    if isinstance(v, random.Random):
        return {"random": _encode(v.getstate(), what, skip)}
    if isinstance(v, bytes):
        return {"raw": base64.b64encode(v).decode()}
    if kind is collections.deque:
        return {"deque": [_encode(x, what, skip) for x in v], "maxlen": v.maxlen}
    if kind in (list, tuple):
        return {"tuple" if kind is tuple else "list": [_encode(x, what, skip) for x in v]}
    if kind is dict:
        return {"dict": [[_encode(k, what, skip), _encode(x, what, skip)] for k, x in v.items()]}
    raise TypeError("%s is a %s, which cannot be saved: give the class the methods state() and restore(saved)" % (what, kind.__name__))


def _is_code(v: Any) -> bool:
    """Whether an attribute is part of the program, which __init__ sets up again, and no memory."""
    code = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type, functools.partial)
    return isinstance(v, code) or numpy is not None and isinstance(v, (numpy.ufunc, numpy.dtype))


def _decode(v: Any, old: Any = None) -> Any:
    if not _is(v, dict):
        return v
    if "int" in v:
        return int(v["int"])
    if "float" in v:
        return float.fromhex(v["float"])
    if "view" in v:
        if old is None:
            raise ValueError("what was saved holds a view of the parameters that __init__ does not make; give the class the methods state() and restore(saved)")
        return old
    if "vector" in v:
        content: Any = memoryview(bytearray(base64.b64decode(v["bytes"])))
        memory = content.cast(v["vector"])
        if isinstance(old, Array) and len(old) == len(memory):
            old[:] = Array(memory, v["vector"])
            return old
        return Array(memory, v["vector"])
    if "array" in v:
        flat = numpy.frombuffer(base64.b64decode(v["bytes"]), dtype=v["array"])
        if "shape" not in v:
            return flat[0]
        new = flat.reshape(v["shape"])
        if isinstance(old, numpy.ndarray) and old.shape == new.shape and old.dtype == new.dtype:
            old[...] = new
            return old
        return new.copy()
    if "generator" in v:
        old.bit_generator.state = _decode(v["generator"])
        return old
    if "legacy" in v:
        old.set_state(_decode(v["legacy"]))
        return old
    if "random" in v:
        old.setstate(_decode(v["random"]))
        return old
    if "deque" in v:
        before: Any = old if _is(old, collections.deque) and len(old) == len(v["deque"]) else [None] * len(v["deque"])
        return collections.deque([_decode(x, o) for x, o in zip(v["deque"], before)], v["maxlen"])
    if "raw" in v:
        return base64.b64decode(v["raw"])
    for kind in ("list", "tuple"):
        if kind in v:
            before = old if _is(old, (list, tuple)) and len(old) == len(v[kind]) else [None] * len(v[kind])
            return (list if kind == "list" else tuple)(_decode(x, o) for x, o in zip(v[kind], before))
    before = old if _is(old, dict) else {}
    pairs = [(_decode(k), x) for k, x in v["dict"]]
    return {k: _decode(x, before.get(k)) for k, x in pairs}


_STATE = b"xrunpy1\n"


def _attributes(o: object) -> _Dict:
    return vars(o)


class _Slot:
    """One trial's object, and its part of memory."""

    def __init__(self) -> None:
        self.object: Any = None
        self.theta: _Vector = None
        self.grad: _Vector = None
        self.theta_part: _Vector = None
        self.grad_part: _Vector = None

    def save(self, kind: str) -> bytes:
        if _method(self.object, "state"):
            state = _encode(self.object.state(), "the state", [])
        elif kind == "objective" or not hasattr(self.object, "__dict__"):
            state = None
        else:
            skip = [v for v in (self.theta, self.grad, self.theta_part) if v is not None and numpy is not None]
            state = {k: _encode(v, "self." + k, skip) for k, v in _attributes(self.object).items() if not _is_code(v)}
        body = json.dumps(state).encode()
        return _STATE + struct.pack("<I", zlib.crc32(body)) + body

    def restore(self, kind: str, saved: bytes) -> None:
        body = saved[len(_STATE) + 4 :]
        if len(saved) < len(_STATE) + 4 or not saved.startswith(_STATE) or struct.unpack_from("<I", saved, len(_STATE))[0] != zlib.crc32(body):
            raise _Refused(15, "saved state is damaged or of another component")
        state = json.loads(body)
        if _method(self.object, "state"):
            self.object.restore(_decode(state))
        elif state is not None:
            old = _attributes(self.object)
            for k in [k for k, v in old.items() if k not in state and not _is_code(v)]:
                del old[k]  # what only a later step makes
            for k, v in state.items():
                old[k] = _decode(v, old.get(k))


class _Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        Exception.__init__(self, message)
        self.code = code


def _explain(e: BaseException, causes: int = 3) -> str:
    """What went wrong in the author's code: the error first, then where, without the frames of
    this module, then what it came from."""
    runs_it = (__file__, "<string>", runpy.__file__, "<frozen runpy>")
    frames = [f for f in traceback.extract_tb(e.__traceback__) if f.filename not in runs_it]
    text = "".join(traceback.format_exception_only(type(e), e)).strip()
    if frames:
        text += "\n" + "".join(traceback.format_list(frames)).rstrip()
    cause = e.__cause__ or (None if e.__suppress_context__ else e.__context__)
    if cause is not None and causes > 0:
        text += "\nwhich came from " + _explain(cause, causes - 1)
    elif isinstance(e, ModuleNotFoundError):
        text += "\nthe interpreter is %s%s" % (sys.executable, _chosen)
    return text


_chosen = ""  # how the interpreter was chosen, with what comes before it


_STEP, _PENALIZE, _VALUE, _PROX, _EVALUATE, _INIT, _GRADIENT, _METRICS = range(1, 9)
_OPS = {
    "OP_STEP": _STEP, "OP_PENALIZE": _PENALIZE, "OP_VALUE": _VALUE, "OP_PROX": _PROX,
    "OP_EVALUATE": _EVALUATE, "OP_INIT": _INIT, "OP_GRADIENT": _GRADIENT, "OP_METRICS": _METRICS,
}


class _Session:
    """The slots of one component."""

    def __init__(self, component: _Component, request: _Dict, memory: _Memory | None, data: Data | None = None) -> None:
        self.component, self.memory = component, memory
        self.kind, self.dtype = component.kind, request["dtype"]
        self.size = _CODES[self.dtype][1]
        self.layout: list[_Dict] = [
            {"name": t["name"], "shape": tuple(int(n) for n in t.get("shape", [])), "role": t["role"], "penalized": bool(t.get("penalized"))}
            for t in request.get("layout", [])
        ]
        if "inputs" in component.features:
            for t, wire in zip(self.layout, request.get("layout", [])):
                t["inputs"] = list(wire.get("inputs", []))
        self.slots: dict[int, _Slot] = {}
        self.problem: _Dict | None = None
        self.offsets = tuple(int(request.get(k, 0)) for k in ("parameters_offset", "gradients_offset", "stride"))
        self._measure()
        for wire in request.get("slots", []):
            slot = self.slots[int(wire.get("slot", 0))] = _Slot()
            values = component.complete(wire.get("settings", {}))
            if self.kind != "objective":
                self._place(int(wire.get("slot", 0)), slot)
            theta, layout = slot.theta, self.layout
            if self.kind == "regularizer":
                slot.theta_part, slot.grad_part = self._part(slot.theta), self._part(slot.grad)
                theta, layout = slot.theta_part, self._penalised_layout()
            slot.object = component.make(
                values, theta=theta, lr=float(wire.get("lr", 0)), lam=float(wire.get("lambda", 0)), seed=int(wire.get("seed", 0)),
                layout=[dict(t) for t in layout], dtype=self.dtype, examples=int(request.get("examples", 0)), loss=request.get("loss", ""),
                **({"data": data} if "data" in component.features else {}),
            )
            if self.kind == "objective":
                self._ask(slot.object)

    def _measure(self) -> None:
        """Finds out how many parameters there are, and which of them are penalised."""
        at = 0
        self.spans: list[tuple[int, int]] = []
        for t in self.layout:
            n = math.prod(t["shape"])
            t["offset"] = at
            if t.get("penalized"):
                if self.spans and self.spans[-1][1] == at:
                    self.spans[-1] = (self.spans[-1][0], at + n)
                else:
                    self.spans.append((at, at + n))
            at += n
        self.dim = at

    def _penalised_layout(self) -> list[_Dict]:
        at = 0
        layout: list[_Dict] = []
        for t in self.layout:
            if t["penalized"]:
                layout.append(dict(t, offset=at))
                at += math.prod(t["shape"])
        return layout

    def _ask(self, o: Any) -> None:
        layout: list[_Dict] = []
        at, own = 0, _tensors(o.layout())
        for t in own:
            layout.append({"name": t["name"], "shape": [str(_whole("a length of the tensor %s" % t["name"], d)) for d in t["shape"]], "role": t["role"], "offset": str(at)})
            at += math.prod(t["shape"])
        problem: _Dict = {
            "layout": layout, "examples": str(_count(o, "examples", "of training examples")), "batches": str(_count(o, "batches", "of steps an epoch")),
            "loss": _loss(o),
        }
        if self.problem is not None and problem != self.problem:
            raise ValueError("layout, examples, batches and loss differ between two objects with the same settings")
        self.problem, self.layout = problem, own
        self._measure()

    def place(self, offsets: tuple[int, ...]) -> None:
        """Gives objectives their memory, whose size only they have known."""
        self.offsets = offsets
        for number, slot in self.slots.items():
            self._place(number, slot)
            if _method(slot.object, "attach"):
                slot.object.attach(slot.theta, slot.grad)

    def _place(self, number: int, slot: _Slot) -> None:
        if self.memory is None:
            slot.theta, slot.grad = _zeros(self.dtype, self.dim), _zeros(self.dtype, self.dim)
            return
        parameters, gradients, stride = self.offsets
        slot.theta = _view(self.memory.parameters, self.dtype, parameters + number * stride * self.size, self.dim)
        slot.grad = _view(self.memory.gradients, self.dtype, gradients + number * stride * self.size, self.dim)

    def _part(self, vector: _Vector) -> _Vector:
        """The penalised part of a vector: a view where that is in one piece, else room for a copy."""
        if len(self.spans) == 1:
            return vector[self.spans[0][0] : self.spans[0][1]]
        return _zeros(self.dtype, sum(b - a for a, b in self.spans))

    def _gather(self, part: _Vector, vector: _Vector) -> None:
        at = 0
        for a, b in self.spans if len(self.spans) > 1 else ():
            part[at : at + b - a] = vector[a:b]
            at += b - a

    def _scatter(self, part: _Vector, vector: _Vector) -> None:
        at = 0
        for a, b in self.spans if len(self.spans) > 1 else ():
            vector[a:b] = part[at : at + b - a]
            at += b - a

    def run(self, op: int, number: int, rate: float, loss: float, epoch: int, batch: int) -> Any:
        """Does one operation for one slot; returns its value, AGAIN, or a dict of metrics."""
        slot = self.slots.get(number)
        if slot is None:
            raise _Refused(5, "%s has no slot %d in this session" % (self.component.name, number))
        o, theta, grad = slot.object, slot.theta, slot.grad
        if op == _STEP:
            result = o.step(theta, grad, rate, loss=loss) if self.component.wants_loss else o.step(theta, grad, rate)
            return result if result is None or result is AGAIN else _in_place(result, "step", "theta")
        if op == _EVALUATE:
            return _in_place(o.evaluate(theta), "evaluate", "theta")
        if op == _INIT:
            return _in_place(o.initial(theta), "initial", "theta")
        if op == _GRADIENT:
            return _float(o.gradient(theta, grad, epoch, batch), "gradient", "the mean loss of the mini-batch")
        if op == _METRICS:
            metrics = o.evaluate(theta)
            if not _is(metrics, collections.abc.Mapping):
                raise TypeError("evaluate returns %s; it has to return a dict of %s" % (_named(metrics), ", ".join(self.component.metrics)))
            if sorted(metrics) != sorted(self.component.metrics):
                raise ValueError("evaluate gives %s, declared are %s" % (", ".join(sorted(metrics)), ", ".join(sorted(self.component.metrics))))
            return {name: _float(v, "evaluate", name, 'for "%s"' % name) for name, v in metrics.items()}
        if not self.spans:
            return 0.0
        part, into = slot.theta_part, slot.grad_part
        self._gather(part, theta)
        if op == _VALUE:
            return _float(o.value(part), "value", "the penalty")
        if op == _PENALIZE:
            self._gather(into, grad)
            _in_place(o.add_gradient(part, into), "add_gradient", "grad")
            self._scatter(into, grad)
        elif op == _PROX:
            _in_place(o.prox(part, rate), "prox", "theta")
            self._scatter(part, theta)
        else:
            raise _Refused(12, "%s cannot do operation %d" % (self.component.name, op))
        return 0.0


def _in_place(result: Any, method: str, what: str) -> None:
    """Refuses a returned vector, which would be lost: theta = theta - x makes another one."""
    if hasattr(result, "__len__"):
        raise TypeError("%s returns a vector; it has to change %s in place instead, as in %s -= x or %s[:] = x" % (method, what, what, what))


def _named(v: Any) -> str:
    """What a method has returned, in words."""
    if v is None:
        return "None"
    shape = getattr(v, "shape", None)
    if isinstance(shape, tuple) and shape:
        return "an array of shape %s" % (shape,)
    if isinstance(v, (bool, int, float, complex, str)):
        return ascii(v)[:60]
    name = type(v).__name__
    return ("an " if name[:1] in "aeiouAEIOU" else "a ") + name


def _float(v: Any, method: str, what: str, where: str = "") -> float:
    """A number that a method has returned; numbers of numpy and of frameworks, too."""
    try:
        if not isinstance(v, str):
            return float(v)
    except (TypeError, ValueError, RuntimeError):  # frameworks have errors of their own
        pass
    raise TypeError("%s returns %s%s; it has to return %s, a number" % (method, _named(v), where and " " + where, what))


def _coefficients(parts: Any) -> _Dict:
    if not _is(parts, collections.abc.Mapping):
        raise TypeError('coefficients returns %s; it has to return a dict of "l1" and "l2"' % _named(parts))
    return {k: _number(_float(v, "coefficients", k, 'for "%s"' % k)) for k, v in parts.items()}


def _tensors(layout: Any) -> list[_Dict]:
    """Checks what layout() of an objective returns."""
    if not _is(layout, (list, tuple)):
        raise TypeError("layout returns %s; it has to return a list of tensor(name, shape)" % _named(layout))
    for t in layout:
        if not _is(t, dict) or not {"name", "shape", "role"} <= set(t):
            raise TypeError("layout returns a list with %s in it; make each entry by tensor(name, shape)" % _named(t))
    return [dict(t) for t in layout]


def _attribute(o: Any, name: str, what: str) -> Any:
    if not hasattr(o, name):
        raise TypeError("%s has no attribute %s: set it in the class or in __init__, to %s" % (type(o).__name__, name, what))
    return getattr(o, name)


def _count(o: Any, name: str, what: str) -> int:
    """A whole number that an objective has as an attribute."""
    v = _attribute(o, name, "the number " + what)
    try:
        return _whole(name, v)
    except ValueError:
        raise TypeError("%s is %s; it has to be the number %s, a whole number" % (name, _named(v), what)) from None


def _loss(o: Any) -> str:
    words = '"squares", "log" or "function"'
    v = _attribute(o, "loss", words)
    if not isinstance(v, str):
        raise TypeError("loss is %s; it has to be %s" % (_named(v), words))
    return v


# Shared memory: what lies where is written in the documentation of xrun's package protocol.

_MAX_COMMANDS, _MAX_SLOTS, _MESSAGE, _MAX_METRICS = 16, 256, 8192, 64
_TASKS = 64 + _MAX_COMMANDS * 64
_RESULTS = _MAX_COMMANDS * 64
_MESSAGES = _RESULTS + _MAX_COMMANDS * _MAX_SLOTS * 16
_METRIC_VALUES = _MESSAGES + _MAX_COMMANDS * _MESSAGE
_COMMAND = struct.Struct("<IIQIIQQ")
_TASK = struct.Struct("<IIdd")
_RESULT = struct.Struct("<IId")
_REAL = struct.Struct("<d")


_forked: list[int] = []  # not empty in children, which must not answer


class _Memory:
    def __init__(self, request: _Dict) -> None:
        no_reserve = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
        flags = mmap.MAP_SHARED | no_reserve
        both = mmap.PROT_READ | mmap.PROT_WRITE
        slabs = int(request["slab_bytes"])
        access = both if request.get("gradients_writable") else mmap.PROT_READ
        self.control = mmap.mmap(request["control_fd"], int(request["control_bytes"]), flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
        self.gradients = mmap.mmap(request["gradients_fd"], slabs, flags=flags, prot=access)
        self.parameters = mmap.mmap(request["parameters_fd"], slabs, flags=flags, prot=both)
        replies = memoryview(self.parameters)[:_RESULTS]  # 64 bytes for each command
        self.longs, self.words = replies.cast("Q"), replies.cast("I")
        self.commands, self.replies = request["commands_fd"], request["replies_fd"]
        self.magic, self.canary = struct.unpack_from("<QQ", self.control, 0)

    def answer(self, sessions: dict[int, _Session]) -> bool:
        """Does what the bell has rung for. Returns False when the host is gone."""
        bell = os.read(self.commands, 1)
        if not bell:
            return False
        for i in range(min(bell[0], _MAX_COMMANDS)):
            self.command(sessions, i)
        if _forked:
            sys.stderr.write("a child that the plugin has forked came back from the plugin's code and ends here\n")
            os._exit(1)
        os.write(self.replies, bell)
        return True

    def command(self, sessions: dict[int, _Session], i: int) -> None:
        op, number, sequence, count, _, epoch, batch = _COMMAND.unpack_from(self.control, 64 + i * 64)
        words, longs = self.words, self.longs
        session, failed, message = sessions.get(number), 0, b""
        task, into = _TASKS + i * _MAX_SLOTS * 24, _RESULTS + i * _MAX_SLOTS * 16
        start = time.perf_counter_ns()
        for _ in range(min(count, _MAX_SLOTS)):
            slot, _, rate, loss = _TASK.unpack_from(self.control, task)
            words[i * 16 + 4] = slot + 1  # whom it is the fault of if the process dies now
            status, value = 1, 0.0
            try:
                if session is None:
                    raise _Refused(5, "no session %d" % number)
                result = session.run(op, slot, rate, loss, epoch, batch)
                if result is None:
                    pass
                elif result is AGAIN:
                    status = 3
                elif op == _METRICS:
                    for m, name in enumerate(session.component.metrics):
                        _REAL.pack_into(self.parameters, _METRIC_VALUES + (slot * _MAX_METRICS + m) * 8, result[name])
                elif isinstance(result, float):
                    value = result
            except Exception as e:
                status = 2
                if not failed:
                    failed, message = slot + 1, _shorten(_explain(e))
            _RESULT.pack_into(self.parameters, into, status, 0, value)
            task += 24
            into += 16
        words[i * 16 + 4] = 0
        longs[i * 8 + 1] = time.perf_counter_ns() - start
        if failed:
            self.parameters[_MESSAGES + i * _MESSAGE : _MESSAGES + i * _MESSAGE + len(message)] = message
        words[i * 16 + 5], words[i * 16 + 6] = failed, len(message)
        longs[i * 8] = sequence


def _shorten(message: str) -> bytes:
    """The message as bytes that fit: most of the beginning, which says what is wrong, and some of the end,
    which says where."""
    whole = message.encode(errors="replace")
    if len(whole) <= _MESSAGE:
        return whole
    head, tail = (part.decode(errors="ignore").encode() for part in (whole[: _MESSAGE * 3 // 4 - 64], whole[-_MESSAGE // 4 :]))
    return head + ("\n… %d bytes left out …\n" % (len(whole) - len(head) - len(tail))).encode() + tail


def _short(message: str) -> str:
    return message if len(message.encode(errors="replace")) <= _MESSAGE else _shorten(message).decode()


# The conversation with xrun: frames of JSON over two pipes.


class _Worker:
    def __init__(self, manifest: _Dict, read: int, write: int) -> None:
        self.manifest, self.read, self.write = manifest, read, write
        self.memory: _Memory | None = None
        self.sessions: dict[int, _Session] = {}
        self.data: Data | None = None  # the newest
        self.number = 0

    def serve(self) -> None:
        self.send({"ready": True})
        poll = select.poll()
        poll.register(self.read, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == self.read:
                    request = self.receive()
                    if request is None:
                        return
                    had = self.memory
                    self.send(self.reply(request))
                    if self.memory is not None and self.memory is not had:
                        poll.register(self.memory.commands, select.POLLIN)
                elif self.memory is not None and not self.memory.answer(self.sessions):
                    return

    def receive(self) -> Any:
        head = self.take(4)
        body = None if head is None else self.take(struct.unpack("<I", head)[0])
        return None if body is None else json.loads(body)

    def take(self, n: int) -> bytes | None:
        parts: list[bytes] = []
        while n > 0:
            part = os.read(self.read, min(n, 1 << 20))
            if not part:
                return None
            parts.append(part)
            n -= len(part)
        return b"".join(parts)

    def send(self, message: Any) -> None:
        body = json.dumps(message, allow_nan=False).encode()
        left = memoryview(struct.pack("<I", len(body)) + body)
        while left:
            left = left[os.write(self.write, left) :]

    def reply(self, request: _Dict) -> _Dict:
        try:
            return {"ok": getattr(self, request["method"])(request["request"])}
        except _Refused as e:
            return {"code": e.code, "message": _short(str(e))}
        except ValueError as e:
            first = str(e) if isinstance(e, SettingError) else _explain(e)
            return {"code": 3, "message": _short(first)}
        except Exception as e:
            return {"code": 13, "message": _short(_explain(e))}

    def Hello(self, _: _Dict) -> _Dict:
        features = ["state/1"]
        if os.name == "posix" and sys.byteorder == "little":
            features.append("shared_memory/1")
        with_numpy = "numpy " + numpy.__version__ if numpy is not None else "without numpy"
        return {"sdk": "python %s (%s, %s)" % (__version__, sys.version.split()[0], with_numpy), "features": features}

    def Describe(self, _: _Dict) -> _Dict:
        return self.manifest

    def Attach(self, request: _Dict) -> _Dict:
        memory = _Memory(request)
        if memory.magic != 0x314D524E55525831:
            raise _Refused(9, "the control region begins with %#x" % memory.magic)
        self.memory = memory
        return {"canary": str(memory.canary)}

    def session(self, request: _Dict) -> _Session:
        session = self.sessions.get(request.get("session", 0))
        if session is None:
            raise _Refused(5, "no session %d" % request.get("session", 0))
        return session

    def Open(self, request: _Dict) -> _Dict:
        kind = request.get("kind", "").replace("KIND_", "").lower()
        component = next((c for c in _components if c.kind == kind and c.name == request.get("component")), None)
        if component is None:
            raise _Refused(5, "the plugin supplies no %s %r" % (kind, request.get("component")))
        number = int(request.get("data", 0))
        if number and number != self.number:
            raise _Refused(9, "no data %d" % number)
        session = _Session(component, request, self.memory, self.data if number else None)
        self.sessions[request["session"]] = session
        objects = [session.slots[int(s.get("slot", 0))].object for s in request.get("slots", [])]
        reply: _Dict = {}
        if "gain" in component.features:
            reply["gains"] = [_gain(_float(o.gain(), "gain", "what steps settle at for each unit of lr and gradient")) for o in objects]
        if "coefficients" in component.features:
            reply["coefficients"] = [{"parts": _coefficients(o.coefficients())} for o in objects]
        if session.problem is not None:
            reply["problem"] = session.problem
        return reply

    def Place(self, request: _Dict) -> _Dict:
        self.session(request).place(tuple(int(request.get(k, 0)) for k in ("parameters_offset", "gradients_offset", "stride")))
        return {}

    def Load(self, request: _Dict) -> _Dict:
        shape = request.get("shape")
        if shape is not None:
            self.number, rows = int(request["data"]), [int(n) for n in shape.get("rows", [])]
            self.data = Data(list(shape.get("inputs", [])), list(shape.get("classes", [])), rows)
            return {}
        if self.data is None or request.get("data") != self.number:
            raise _Refused(9, "a piece of data without its shape")
        part = (self.data.train, self.data.validation, self.data.test)[int(request.get("part", 0))]
        at, values = 8 * int(request.get("at", 0)), base64.b64decode(request.get("values", ""))
        part.buffer[at : at + len(values)] = values
        return {}

    def Run(self, request: _Dict) -> _Dict:
        session, op = self.session(request), _OPS[request["op"]]
        results: list[_Dict] = []
        start = time.perf_counter_ns()
        for task in request.get("tasks", []):
            number = task.get("slot", 0)
            result: _Dict = {}
            slot = session.slots.get(number)
            try:
                if slot is not None:
                    for key, into in (("parameters", slot.theta), ("gradient", slot.grad)):
                        if key in task:
                            into[:] = _view(bytearray(base64.b64decode(task[key])), session.dtype, 0, session.dim)
                value = session.run(op, number, float(task.get("rate", 0)), float(task.get("loss", 0)), int(request.get("epoch", 0)), int(request.get("batch", 0)))
                if value is AGAIN:
                    result["again"] = True
                elif op == _METRICS:
                    result["metrics"] = [_number(value[name]) for name in session.component.metrics]
                elif isinstance(value, float):
                    result["value"] = _number(value)
            except Exception as e:
                result["error"] = _short(_explain(e))
            if slot is not None and op in (_STEP, _PROX, _EVALUATE, _INIT):
                result["parameters"] = base64.b64encode(_bytes(slot.theta)).decode()
            if slot is not None and op in (_PENALIZE, _GRADIENT):
                result["gradient"] = base64.b64encode(_bytes(slot.grad)).decode()
            results.append(result)
        return {"sequence": request.get("sequence", "0"), "results": results, "nanoseconds": str(time.perf_counter_ns() - start)}

    def Save(self, request: _Dict) -> _Dict:
        session = self.session(request)
        return {"content": base64.b64encode(session.slots[request.get("slot", 0)].save(session.kind)).decode()}

    def Restore(self, request: _Dict) -> _Dict:
        session = self.session(request)
        session.slots[request.get("slot", 0)].restore(session.kind, base64.b64decode(request.get("state", {}).get("content", "")))
        return {}

    def Close(self, request: _Dict) -> _Dict:
        self.sessions.pop(request.get("session", 0), None)
        return {}


def serve(name: str | None = None, version: str = "0.1.0", summary: str = "", license: str = "", citation: str = "") -> None:
    """Serves the components of this file until xrun is done with them, and does not return. The
    name is that of the first component unless one is given."""
    if sys._getframe(1).f_globals.get("__name__") == "__mp_main__":  # pyright: ignore[reportPrivateUsage]
        return  # a process of multiprocessing, which runs this file to find its functions
    fds = os.environ.pop("XRUN_CONTROL_FDS", "")
    if not fds:
        sys.stderr.write(
            "%s is a plugin of xrun. Try it with\n\n    xrun plugin check %s\n\nor name it in a sweep file: plugin = \"./%s\"\n"
            % (sys.argv[0], sys.argv[0], os.path.basename(sys.argv[0]))
        )
        sys.exit(1)
    if not _components:
        raise TypeError("the plugin has no components: decorate a class with @optimizer, @regularizer or @objective")
    manifest = {
        "name": name or _components[0].name.replace("_", "-"), "version": str(version), "summary": summary, "license": license,
        "citation": citation, "components": [c.describe() for c in _components],
    }
    read, write = (int(n) for n in fds.split(","))
    gc.freeze()  # what imports have made stays: no need to look through it again and again
    try:
        _Worker(manifest, read, write).serve()
    except BrokenPipeError:
        pass  # xrun is gone
    except SystemExit as e:
        if isinstance(e.code, str):  # which Python prints
            sys.stderr.write(e.code + "\n")
        sys.stderr.write("the plugin ended itself by sys.exit(%s)\n" % ("" if isinstance(e.code, str) else repr(e.code)))
        os._exit(e.code if isinstance(e.code, int) and e.code else 70)
    except KeyboardInterrupt as e:
        sys.stderr.write("the plugin ended itself: %s\n" % _explain(e))
        os._exit(70)
    os._exit(0)


def report(**metrics: SupportsFloat) -> None:
    """Prints the metrics of an epoch for `[task] command`: report(epoch=3, val_loss=0.41). Numbers may
    be those of numpy or of a framework."""
    sys.stdout.write(json.dumps({k: _plain(v) for k, v in metrics.items()}) + "\n")
    sys.stdout.flush()


def _plain(v: Any) -> float:
    try:
        return int(operator.index(v))
    except TypeError:
        return float(v)


def _main(path: str) -> None:  # pyright: ignore[reportUnusedFunction]
    """What the process of a plugin does: runs the file, with its pipes out of the reach of what it starts."""
    import faulthandler
    import signal

    global _chosen
    _chosen = os.environ.pop("XRUN_PYTHON_CHOSEN", "")
    if _chosen:
        _chosen = ", " + _chosen
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    stacks = os.environ.pop("XRUN_STACKS_FD", "")
    if stacks:  # xrun asks a plugin that does not answer where it is
        faulthandler.register(signal.SIGQUIT, file=int(stacks), all_threads=True)
    own = [int(n) for n in os.environ.pop("XRUN_OWN_FDS", "").split(",") if n]
    for fd in own:
        os.set_inheritable(fd, False)

    def forked() -> None:
        _forked.append(os.getpid())
        for fd in own:
            try:
                os.close(fd)
            except OSError:
                pass

    os.register_at_fork(after_in_child=forked)
    sys.argv = [path]
    sys.path.insert(1, os.path.dirname(os.path.abspath(path)))  # the first has this module and its package only
    try:
        runpy.run_path(path, run_name="__main__")
    except Exception as e:
        sys.stderr.write(_explain(e) + "\n")
        sys.exit(1)
    sys.stderr.write("%s has ended without a call of serve()\n" % path)
    sys.exit(1)


if __name__ == "xrun.plugin":  # whoever imports xrun_plugin, too, gets this module; who has done so before, gets that one
    sys.modules[__name__] = sys.modules.setdefault("xrun_plugin", sys.modules[__name__])

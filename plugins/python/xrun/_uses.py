"""What a function uses, and a text that is the same only as long as all of it is.

A function is known by its bytecode, its defaults, its closure, and all that it reaches by name: functions, classes and
values of the notebook and of modules beside it by what they are, installed modules by their versions. Comments and
the layout of the source do not count. What cannot be compared by its content is refused by name.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import dis
import enum
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import pathlib
import platform
import re
import site
import sys
import sysconfig
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from ._command import Error

FORMAT = 1  # of the manifest, and of how a worker calls the function: another number makes all trials new

TASK = "the task"  # the part that says which of the others is called

Chain = tuple[str, ...]  # a global name, and the attributes that are asked of it one after the other


@dataclasses.dataclass
class Uses:
    """What a function uses: texts by name, each a digest of a part, and the versions of installed modules."""

    function: str
    parts: dict[str, str]
    versions: dict[str, str]
    modules: list[str]
    """Modules in packages that are used, which the notebook may have imported by statements of its own."""

    def manifest(self) -> str:
        """The text that is the same only if all is. It names XRUN_CONFIG, from which the worker has the values of a trial:
        xrun looks for this word in the files of a task to know that it asks for its values."""
        about = {
            "xrun_function": FORMAT,
            "function": self.function,
            "values": "XRUN_CONFIG",
            "python": python_version(),
            "versions": self.versions,
            "parts": self.parts,
        }
        return json.dumps(about, indent=1, sort_keys=True) + "\n"


def python_version() -> str:
    """The version of the interpreter as far as it decides what bytecode means."""
    return f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]}"


def uses(function: Callable[..., Any]) -> Uses:
    """All that a function uses. Raises Error, which names what cannot be hashed."""
    walk = _Walk()
    name = name_of(function)
    what = walk.describe(function, name, [])
    walk.parts[TASK] = _digest(what)
    return Uses(name, dict(sorted(walk.parts.items())), dict(sorted(walk.versions.items())), walk.modules())


def name_of(thing: Any) -> str:
    """What a person calls a function or class."""
    if isinstance(thing, functools.partial):
        return name_of(cast("functools.partial[Any]", thing).func)
    name = getattr(thing, "__name__", None) or type(thing).__name__
    return "lambda" if name == "<lambda>" else str(name)


def is_local(module: str) -> bool:
    """Whether a module is the notebook's own: __main__, or one that lies beside it and is not installed."""
    if module == "__main__":
        return True
    top = module.partition(".")[0]
    if top == __package__ or top in sys.builtin_module_names:
        return False
    loaded = sys.modules.get(module)
    if loaded is None:
        return False
    path = _path_of(loaded)  # a module beside the notebook may be called like one of the standard library
    return path is not None and not _is_installed(path)


def _path_of(module: types.ModuleType) -> str | None:
    file = getattr(module, "__file__", None)
    if file:
        return str(file)
    folders = list(getattr(module, "__path__", ()))
    return str(folders[0]) if folders else None


@functools.cache
def _installed_folders() -> tuple[str, ...]:
    paths = [sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [*getattr(site, "getsitepackages", list)(), getattr(site, "getusersitepackages", str)()]
    return tuple(sorted({os.path.realpath(p) for p in paths if p}))


def _is_installed(path: str) -> bool:
    path = os.path.realpath(path)
    if {"site-packages", "dist-packages"} & set(pathlib.Path(path).parts):
        return True
    return any(path == folder or path.startswith(folder + os.sep) for folder in _installed_folders())


def _digest(what: Any) -> str:
    return hashlib.sha256(_text(what).encode()).hexdigest()


def _text(what: Any) -> str:
    return json.dumps(what, separators=(",", ":"), ensure_ascii=True)


# What the bytecode of a function asks for.


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and those inside it: nested functions, lambdas, comprehensions, classes."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD"}
_NOTHING = {"EXTENDED_ARG", "CACHE", "PUSH_NULL", "NOP"}  # may stand between a name and its attribute


def chains(code: types.CodeType) -> set[Chain]:
    """The global names that a code object and those inside it ask for, each with the attributes that follow it: of
    helpers.f(x) it is ("helpers", "f")."""
    found: set[Chain] = set()
    for c in codes(code):
        chain: list[str] = []
        for i in dis.get_instructions(c):
            if i.opname in _NOTHING:
                continue
            if chain and i.opname in _ATTRIBUTE:
                chain.append(str(i.argval))
                continue
            if chain:
                found.add(tuple(chain))
            chain = [str(i.argval)] if i.opname in _GLOBAL else []
        if chain:
            found.add(tuple(chain))
    return found


def _imports(code: types.CodeType, package: str) -> set[str]:
    """The modules that a code object imports by statements, and what it takes from them, which may be modules."""
    found: set[str] = set()
    for c in codes(code):
        before: list[dis.Instruction] = []
        module = ""
        for i in dis.get_instructions(c):
            if i.opname in _NOTHING:
                continue
            if i.opname == "IMPORT_NAME":
                level = before[-2].argval if len(before) > 1 else 0
                level = level if isinstance(level, int) else 0
                module = _absolute(str(i.argval), level, package)
                found.add(module)
            elif i.opname == "IMPORT_FROM":
                found.add(f"{module}.{i.argval}")
            before.append(i)
    return found - {""}


def _absolute(name: str, level: int, package: str) -> str:
    try:
        return importlib.util.resolve_name("." * level + name, package) if level else name
    except ImportError:
        return ""


# Members of a class that say nothing about what it does, or that other members make again.
_MADE = {
    "__module__", "__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__", "__annotations__",
    "__annotate__", "__annotate_func__", "__annotations_cache__", "__conditional_annotations__", "__classdictcell__",
    "__abstractmethods__", "_abc_impl", "__dataclass_fields__", "__dataclass_params__", "__orig_bases__", "__parameters__",
    "__qualname__", "__subclasshook__", "__non_callable_proto_members__", "__protocol_attrs__", "__match_args__",
    "__slotnames__",
}  # fmt: skip

# Types of the standard library whose objects are what __reduce__ says of them.
_PLAIN_MODULES = {"datetime", "decimal", "fractions", "uuid", "zoneinfo", "ipaddress"}

_HINT = "make it inside the function, or give it what it is made from: a path, a number, a text, an array, a pandas DataFrame"


class _Walk:
    """Goes through what a function uses, each thing once."""

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self._labels: dict[int, str] = {}  # of what has been met, by identity
        self._met: list[Any] = []  # keeps it alive, so that no identity comes back
        self._open: list[int] = []  # containers that are being looked at
        self._tops: set[str] = set()  # packages that are not the notebook's
        self._names: set[str] = set()  # that functions ask for, of modules among others

    def modules(self) -> list[str]:
        """The loaded modules below packages that are used, whose names functions ask for, as in concurrent.futures."""
        return sorted(m for m in sys.modules if m.partition(".")[0] in self._tops and "." in m and set(m.split(".")[1:]) <= self._names)

    # How a thing is called and described.

    def describe(self, value: Any, path: str, chain: list[str]) -> Any:
        """What a value is, as something that JSON can write. path is its name, and chain who uses it."""
        kind = _type(value)
        if value is None or value is Ellipsis or value is NotImplemented or kind in (bool, int, str):
            return [kind.__name__, value if value is None or kind in (bool, int, str) else repr(value)]
        if kind is float:
            return ["float", value.hex()]
        if kind is complex:
            return ["complex", value.real.hex(), value.imag.hex()]
        if kind in (bytes, bytearray):
            return [kind.__name__, hashlib.sha256(value).hexdigest()]
        if kind in (list, tuple, set, frozenset, dict):
            return self._container(value, path, chain)
        if _is(value, types.CodeType):
            return self._code(value, path, chain)
        if _is(value, enum.Enum):
            return ["enum", self.describe(kind, kind.__name__, chain), value.name]
        if _is(value, types.FunctionType):
            return self._function(value, path, chain)
        if _is(value, types.ModuleType):
            return self._module(value.__name__, path, chain)
        if _is(value, type):
            return self._class(cast("type[Any]", value), path, chain)
        return self._other(value, path, chain)

    def _other(self, value: Any, path: str, chain: list[str]) -> Any:
        kind = _type(value)
        if kind is range or kind is slice:
            return [kind.__name__, repr(value)]
        if _is(value, re.Pattern):
            pattern = cast("re.Pattern[Any]", value)
            return ["pattern", self.describe(pattern.pattern, path, chain), pattern.flags]
        if _is(value, pathlib.PurePath):
            return ["path", value.as_posix()]
        if _is(
            value, types.BuiltinFunctionType, types.MethodWrapperType, types.WrapperDescriptorType, types.MethodDescriptorType
        ):
            owner = getattr(value, "__self__", None)
            if owner is None or _is(owner, types.ModuleType, type):
                where = str(getattr(owner, "__name__", None) or getattr(value, "__module__", None))
                self._version(where if _is(owner, types.ModuleType) else str(getattr(owner, "__module__", where)))
                return ["builtin", where, value.__qualname__]
        if _is(value, types.MethodType):
            return ["method", self.describe(value.__self__, path, chain), self.describe(value.__func__, path, chain)]
        if _is(value, functools.partial):
            partial = cast("functools.partial[Any]", value)
            return ["partial", *(self.describe(v, path, chain) for v in (partial.func, partial.args, dict(partial.keywords)))]
        if _is(value, staticmethod, classmethod):
            return [kind.__name__, self.describe(value.__func__, path, chain)]
        if kind is property:
            return ["property", *(self.describe(f, path, chain) for f in (value.fget, value.fset, value.fdel))]
        if _is(value, functools.cached_property):
            return ["cached_property", self.describe(cast("functools.cached_property[Any]", value).func, path, chain)]
        if hasattr(value, "cache_parameters") and hasattr(value, "__wrapped__"):  # of functools.lru_cache
            return [
                "lru_cache",
                self.describe(value.cache_parameters(), path, chain),
                self.describe(value.__wrapped__, path, chain),
            ]
        if _is(value, types.MemberDescriptorType, types.GetSetDescriptorType):
            return ["slot"]
        if kind.__name__ == "_tuplegetter":
            return ["field", value.__reduce__()[1][0]]
        if _is(value, logging.Logger):
            return ["logger", value.name]
        if kind.__module__ == "collections" and kind.__name__ in ("OrderedDict", "defaultdict", "Counter", "deque"):
            content: Any = dict(value) if issubclass(kind, dict) else list(value)
            more = getattr(value, "default_factory", None) or getattr(value, "maxlen", None)
            return [kind.__name__, self._container(content, path, chain), self.describe(more, path, chain)]
        if kind is types.SimpleNamespace or kind.__module__ == "argparse" and kind.__name__ == "Namespace":
            return self._instance(value, {}, path, chain)
        if kind is types.MappingProxyType:
            return ["mapping", self.describe(dict(value), path, chain)]
        if dataclasses.is_dataclass(value) and not _is(value, type):
            return self._instance(value, {f.name: getattr(value, f.name, None) for f in dataclasses.fields(value)}, path, chain)
        if _is(value, tuple) and hasattr(kind, "_fields"):
            return self._instance(value, dict(zip(cast(Any, kind)._fields, cast("tuple[Any, ...]", value))), path, chain)
        if kind.__module__ in _PLAIN_MODULES or f"{kind.__module__}.{kind.__qualname__}" == "torch.device":
            return ["made", self._class(kind, kind.__name__, chain), self.describe(_reduced(value)[1:3], path, chain)]
        if _is(value, typing.TypeVar):
            return ["type variable", name_of(value)]
        if sentinel(value):
            return ["installed", kind.__module__, sentinel(value)]
        known = self._of_numpy(value, path, chain) or self._of_pandas(value, path, chain) or self._of_torch(value)
        return known or self._by_name(value) or self._refuse(value, path, chain)

    def _user(self, chain: list[str]) -> str:
        return "".join([chain[0] + " uses ", *(f"`{name}`, which uses " for name in chain[1:])]) if chain else ""

    def _refuse(self, value: Any, path: str, chain: list[str]) -> Any:
        who = self._user(chain)
        if not chain:
            raise Error(
                f"{_kind_of(value)} is no function that xrun can send to a process of its own",
                "give it a function: def train(lr, seed): …",
            )
        if _is(value, types.ModuleType):
            raise Error(
                f"{who}`{path}`, a module without a file, which cannot be hashed", "write it into a file beside the notebook"
            )
        raise Error(f"{who}`{path}`, {_kind_of(value)}, which cannot be hashed", _HINT)

    def _container(self, value: Any, path: str, chain: list[str]) -> Any:
        kind = _type(value)
        if id(value) in self._open:
            raise Error(
                f"{chain[0] if chain else path} uses `{path}`, a {kind.__name__} that contains itself, which cannot be hashed",
                _HINT,
            )
        self._open.append(id(value))
        try:
            if kind is dict:
                return [
                    "dict",
                    [[self.describe(k, path, chain), self.describe(v, f"{path}[{k!r}]", chain)] for k, v in value.items()],
                ]
            if kind in (list, tuple):
                return [kind.__name__, [self.describe(v, f"{path}[{i}]", chain) for i, v in enumerate(value)]]
            return [kind.__name__, sorted((self.describe(v, path, chain) for v in value), key=_text)]
        finally:
            self._open.pop()

    def _instance(self, value: Any, fields: Mapping[str, Any], path: str, chain: list[str]) -> Any:
        kind = _type(value)
        if id(value) in self._open:
            raise Error(f"{chain[0] if chain else path} uses `{path}`, which contains itself and cannot be hashed", _HINT)
        self._open.append(id(value))
        try:
            fields = {**fields, **getattr(value, "__dict__", {})}
            return [
                "object",
                self.describe(kind, kind.__name__, chain),
                [[k, self.describe(v, f"{path}.{k}", chain)] for k, v in fields.items()],
            ]
        finally:
            self._open.pop()

    def _of_numpy(self, value: Any, path: str, chain: list[str]) -> Any:
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return None
        if _is(value, numpy.dtype):
            return ["dtype", repr(numpy.lib.format.dtype_to_descr(value))]
        if not _is(value, numpy.generic, numpy.ndarray) or _is(value, numpy.ma.MaskedArray):
            return None
        if value.dtype.hasobject:
            return self._refuse(value, path, chain)
        kind = _type(value)
        content = numpy.ascontiguousarray(value)
        what = "ndarray" if kind in (numpy.ndarray, numpy.memmap) else self.describe(kind, kind.__name__, chain)
        return [
            what,
            repr(numpy.lib.format.dtype_to_descr(value.dtype)),
            list(value.shape),
            hashlib.sha256(content.tobytes()).hexdigest(),
        ]

    def _of_pandas(self, value: Any, path: str, chain: list[str]) -> Any:
        pandas: Any = sys.modules.get("pandas")
        if pandas is None or not hasattr(pandas, "util") or _type(value) not in (pandas.DataFrame, pandas.Series):
            return None
        try:
            rows = pandas.util.hash_pandas_object(value, index=True).to_numpy()
        except (TypeError, ValueError):  # of cells that are objects
            return None
        frame = value if _type(value) is pandas.DataFrame else value.to_frame()
        self._version("pandas")
        return [
            _type(value).__name__,
            self.describe([*frame.columns], path, chain),
            self.describe([*frame.index.names], path, chain),
            [str(t) for t in (*frame.dtypes, frame.index.dtype)],
            hashlib.sha256(rows.tobytes()).hexdigest(),
        ]

    def _of_torch(self, value: Any) -> Any:
        torch: Any = sys.modules.get("torch")
        if torch is None or _type(value) is not getattr(torch, "Tensor", None) or value.layout is not torch.strided or value.is_quantized:
            return None
        content = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
        self._version("torch")
        about = [str(value.dtype), list(value.shape), value.requires_grad, str(value.device)]
        return ["Tensor", *about, hashlib.sha256(content.tobytes()).hexdigest()]

    def _by_name(self, value: Any) -> Any:
        """Describes what an installed module has under a name of its own, such as numpy.add or torch.float32."""
        modules = [getattr(value, "__module__", None), type(value).__module__, type(value).__module__.partition(".")[0]]
        names = [getattr(value, "__qualname__", None), getattr(value, "__name__", None)]
        try:
            reduced = _reduced(value)
            names.append(reduced if isinstance(reduced, str) else None)
        except Exception:  # of an object that cannot be pickled
            pass
        for module in modules:
            for name in names:
                if isinstance(module, str) and isinstance(name, str) and not is_local(module) and _found(module, name) is value:
                    return self._installed(module, name)
        return None

    def _installed(self, module: str, name: str) -> Any:
        self._version(module)
        return ["installed", module, name]

    # Parts: functions, classes, modules.

    def _label(self, module: str, name: str, thing: Any) -> str:
        """Gives a thing that is met for the first time the name under which it is a part."""
        label, n = f"{module}:{name}", 1
        while label in self.parts:
            n += 1
            label = f"{module}:{name}#{n}"
        self._labels[id(thing)] = label
        self._met.append(thing)
        self.parts[label] = ""
        return label

    def _function(self, f: types.FunctionType, path: str, chain: list[str]) -> Any:
        if id(f) in self._labels:
            return ["function", self._labels[id(f)]]
        home = str(f.__globals__.get("__name__", ""))
        if not is_local(home) and home in sys.modules:
            own = not is_local(f.__module__) and _found(f.__module__, f.__qualname__) is f
            if own or _found(home, f.__qualname__) is f:
                return self._installed(home, f.__qualname__)
        label = self._label(home, f.__qualname__, f)
        chain = [*chain, name_of(f)]
        positional, defaults = f.__code__.co_varnames[: f.__code__.co_argcount], f.__defaults__ or ()
        cells = {name: self._cell(cell, name, chain) for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ())}
        for code in codes(f.__code__):
            self._names.update(code.co_names)
        what: list[Any] = [
            self._code(f.__code__, path, chain),
            [self.describe(v, name, chain) for name, v in zip(positional[len(positional) - len(defaults) :], defaults)],
            {name: self.describe(v, name, chain) for name, v in sorted((f.__kwdefaults__ or {}).items())},
            cells,
            [
                [name, self.describe(v, f"{name_of(f)}.{name}", chain)]
                for name, v in sorted(f.__dict__.items())
                if name not in ("__abstractmethods__",)
            ],
        ]
        if is_local(home) or home not in sys.modules:
            what += [self._globals(f.__code__, f.__globals__, chain)]
        else:
            self._version(home)
        self.parts[label] = _digest(what)
        return ["function", label]

    def _cell(self, cell: Any, name: str, chain: list[str]) -> Any:
        try:
            value = cell.cell_contents
        except ValueError:
            return ["empty"]
        return self.describe(value, name, chain)

    def _code(self, code: types.CodeType, path: str, chain: list[str]) -> Any:
        return [
            code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_code.hex(),
            list(code.co_names), list(code.co_varnames), list(code.co_freevars), list(code.co_cellvars),
            [self.describe(constant, path, chain) for constant in code.co_consts], getattr(code, "co_exceptiontable", b"").hex(),
        ]  # fmt: skip

    def _globals(self, code: types.CodeType, names: Mapping[str, Any], chain: list[str]) -> Any:
        """What the global names of a function stand for."""
        found: dict[str, Any] = {}
        for c in sorted(chains(code)):
            if c[0] in names:
                found[".".join(c)] = self._attributes(names[c[0]], c, chain)
            elif not hasattr(builtins, c[0]):
                found[c[0]] = ["missing"]
            elif c[0] in ("eval", "exec", "globals", "__import__"):
                raise Error(
                    f"{self._user(chain)}`{c[0]}`, which may use anything, and that cannot be hashed",
                    "use what it finds by its name",
                )
        for module in sorted(_imports(code, str(names.get("__package__") or ""))):
            found["import " + module] = self._imported(module, chain)
        return found

    def _attributes(self, value: Any, c: Chain, chain: list[str]) -> Any:
        """What a chain leads to: helpers.f is the f of a module beside the notebook, numpy.add is numpy."""
        path = c[0]
        for name in c[1:]:
            if not _is(value, types.ModuleType) or not is_local(value.__name__):
                break
            if not hasattr(value, name):
                return ["missing", value.__name__, name]
            value, path = getattr(value, name), f"{path}.{name}"
        return self.describe(value, path, chain)

    def _class(self, c: type[Any], path: str, chain: list[str]) -> Any:
        if id(c) in self._labels:
            return ["class", self._labels[id(c)]]
        if not is_local(c.__module__) and _found(c.__module__, c.__qualname__) is c:
            return self._installed(c.__module__, c.__qualname__)
        label = self._label(c.__module__, c.__qualname__, c)
        chain = [*chain, c.__name__]
        members: dict[str, Any] = {}
        if issubclass(c, enum.Enum):
            members["members"] = [
                [m.name, self.describe(m._value_, f"{c.__name__}.{m.name}", chain)] for m in c.__members__.values()
            ]
        if "__dataclass_fields__" in vars(c):
            fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(cast("Any", c))
            members["fields"] = [
                [f.name, re.sub(r" at 0x[0-9a-f]+", "", repr(f.type)), self.describe(dict(f.metadata), f"{c.__name__}.{f.name}", chain)]
                for f in fields
            ]
        for name, value in sorted(vars(c).items()):
            if (
                name in _MADE
                or issubclass(c, enum.Enum)
                and not _is(value, types.FunctionType, property, staticmethod, classmethod)
            ):
                continue
            members["." + name] = self.describe(value, f"{c.__name__}.{name}", chain)
        bases = [self.describe(b, b.__name__, chain) for b in (type(c), *c.__bases__)]
        self.parts[label] = _digest([bases, members])
        return ["class", label]

    def _module(self, name: str, path: str, chain: list[str]) -> Any:
        """Describes a module that is used as a whole: one beside the notebook by its file and by those that it imports."""
        if not is_local(name):
            self._version(name)
            return ["module", name]
        module = sys.modules.get(name)
        if module is None or name == "__main__":
            return self._refuse(module, path, chain)
        if id(module) in self._labels:
            return ["module", self._labels[id(module)]]
        label = self._label(name, "", module)
        file = getattr(module, "__file__", None)
        if not file:
            if not hasattr(module, "__path__"):
                self._refuse(module, path, chain)
            self.parts[label] = _digest(["folder"])
            return ["module", label]
        content = pathlib.Path(file).read_bytes()
        imported: dict[str, Any] = {}
        if str(file).endswith(".py"):
            package = name if hasattr(module, "__path__") else name.rpartition(".")[0]
            for other in sorted(_imports_of_source(content, package)):
                imported[other] = self._imported(other, [*chain, name])
        self.parts[label] = _digest([hashlib.sha256(content).hexdigest(), imported])
        return ["module", label]

    def _imported(self, name: str, chain: list[str]) -> Any:
        """Describes a module that a statement imports; the name may also be that of something in a module."""
        parent = name.rpartition(".")[0]
        if parent and parent in sys.modules and name not in sys.modules and hasattr(sys.modules[parent], name.rpartition(".")[2]):
            return ["in", self._imported(parent, chain)]
        if not is_local(name) and _is_known(name.partition(".")[0]):
            self._version(name)
            return ["module", name]
        try:
            importlib.import_module(name)
        except Exception:  # the function would meet it as well
            return ["missing"]
        return self._module(name, name, chain)

    def _version(self, module: str) -> None:
        top = module.partition(".")[0]
        self._tops.add(top)
        if (
            top in self.versions
            or top in ("None", "__main__")
            or top in sys.builtin_module_names
            or top in getattr(sys, "stdlib_module_names", ())
        ):
            return
        loaded = sys.modules.get(top)
        path = _path_of(loaded) if loaded else None
        if path is None or "site-packages" not in path and "dist-packages" not in path and _is_installed(path):
            return  # of the standard library, before Python 3.10
        version = getattr(loaded, "__version__", None)
        if not isinstance(version, str):
            try:
                version = importlib.metadata.version(top)
            except importlib.metadata.PackageNotFoundError:
                version = ""
        if not version and os.path.isfile(path) and not _is_installed(path):  # compiled, beside the notebook
            version = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()[:16]
        self.versions[top] = version


def _is(value: Any, *kinds: Any) -> bool:
    return isinstance(value, kinds)


def _reduced(value: Any) -> Any:
    """How pickle sees an object: its class and arguments among others, or the name of a global."""
    return value.__reduce_ex__(2)


def _type(value: object) -> type[Any]:
    return type(value)


def _is_known(top: str) -> bool:
    """Whether a top-level module is loaded, and no module beside the notebook. It is loaded if it can be: the function will
    do so as well, and its version is then the same whether or not the notebook has imported it before."""
    try:
        importlib.import_module(top)
    except Exception:
        return False
    return not is_local(top)


def _imports_of_source(source: bytes, package: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node.module or "", node.level, package)
            found |= {module, *(f"{module}.{a.name}" for a in node.names if a.name != "*")}
    return found - {""}


def _found(module: str, qualname: str) -> Any:
    """What a module that is loaded has under a name."""
    value: Any = sys.modules.get(module)
    for name in qualname.split("."):
        value = getattr(value, name, None)
    return value


def sentinel(value: Any) -> str | None:
    """The name of an object of which there is one, such as dataclasses.MISSING; None for any other."""
    module = type(value).__module__
    names: dict[str, Any] = vars(sys.modules[module]) if module in ("dataclasses", "inspect", "typing") else {}
    return next((name for name, other in names.items() if other is value), None)


def importable(thing: Any) -> bool:
    """Whether a function or class can be imported by another process under its own name."""
    module = getattr(thing, "__module__", None)
    return module != "__main__" and isinstance(module, str) and _found(module, thing.__qualname__) is thing


def _kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, types.ModuleType):
        return "a module"
    if (
        callable(getattr(value, "read", None))
        and callable(getattr(value, "close", None))
        or callable(getattr(value, "write", None))
        and hasattr(value, "closed")
    ):
        return "an open file" if not getattr(value, "closed", False) else "a closed file"
    if isinstance(value, types.GeneratorType):
        return "a generator"
    name = type(value).__name__
    if isinstance(value, (types.BuiltinFunctionType, types.MethodType)):
        owner = type(getattr(value, "__self__", None)).__name__
        return f"a method of {_article(owner)}"
    return "a lock" if name.lower() in ("lock", "rlock") else f"an object of the class {name}"


def _article(name: str) -> str:
    return ("an " if name[:1].lower() in "aeiou" else "a ") + name

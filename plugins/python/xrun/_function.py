"""A function of a notebook as a task: it is written into a folder, from which a worker process runs it."""

from __future__ import annotations

import builtins
import collections
import enum
import functools
import hashlib
import importlib
import inspect
import io
import json
import linecache
import marshal
import os
import pathlib
import pickle
import re
import shlex
import sys
import tempfile
import types
import typing
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from ._command import Error, nearest
from ._uses import TASK, chains, codes, importable, name_of, python_version, sentinel, uses

PLACE, SENT, START = ".place.json", ".sent", ".start"
"""Files of a function's folder that do not count for the key: the notebook's working directory and sys.path, the function
itself, and how it is started. Other files beside them do not depend on where anything lies."""

ALIASES = {"lambda_": "lambda", "lam": "lambda"}
"""Names of parameters for what has a name that Python does not allow."""

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE

_WORKER = f'import json, sys; sys.path[:] = json.load(open("{PLACE}"))["path"]; from xrun._worker import main; sys.exit(main())'


class Task:
    """A function in its folder."""

    def __init__(self, function: Callable[..., Any], functions: pathlib.Path) -> None:
        """Writes the function into a folder of functions, named after its hash. Raises Error if it cannot be sent, or uses
        what cannot be hashed."""
        self.name = re.sub(r"\W", "", name_of(function)) or "function"
        used = uses(function)
        manifest = used.manifest()
        self.hash = hashlib.sha256(manifest.encode()).hexdigest()[:32]
        self.folder = functions / self.hash
        self.folder.mkdir(parents=True, exist_ok=True)
        sent = _send(function)
        here = os.getcwd()
        place = {"cwd": here, "path": [os.path.abspath(p) for p in sys.path], "sources": _sources(sent[1]), "modules": used.modules}
        write(self.folder / SENT, sent[0])
        write(self.folder / PLACE, json.dumps(place).encode())
        start = f'exec {shlex.quote(sys.executable)} -c {shlex.quote(_WORKER)} "$@"\n'
        write(self.folder / START, start.encode())
        write(self.folder / self.name, manifest.encode())

    def command(self) -> list[str]:
        """The command of the task. It names no interpreter, which stands in a file that does not count: so the key is the
        same wherever Python of this version lies. The manifest has the versions, and the worker compares them."""
        if os.name == "nt":  # no sh
            return [sys.executable.replace("{", "{{").replace("}", "}}"), "-m", "xrun._worker", self.name]
        return ["sh", "-c", f". ./{START}", "xrun", self.name]


def write(path: pathlib.Path, content: bytes) -> None:
    """Writes a file whole or not at all. A file with this content is left as it is."""
    try:
        if path.read_bytes() == content:
            return
    except OSError:
        pass
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def check_parameters(function: Callable[..., Any], axes: Iterable[str], has_seeds: bool) -> None:
    """Raises Error if the function has a parameter that no axis gives, or an axis is none of its parameters. Warns if there are
    seeds and it takes none."""
    name, axes = name_of(function), list(axes)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters) or "config" in names
    given = {*axes, "seed", "run", "config"}
    if has_seeds and not takes_all and not {"seed", "run"} & set(names):
        warnings.warn(f"{name} does not take `seed`: unless its randomness has no seed, all seeds train the same", stacklevel=4)
    for p in parameters:
        if p.kind is p.POSITIONAL_ONLY and p.default is p.empty:
            raise Error(
                f"{name} takes `{p.name}` by its position alone, and is called by names", "remove the / from its parameters"
            )
        if p.name in names and p.default is p.empty and ALIASES.get(p.name, p.name) not in given:
            raise Error(
                f"{name} wants `{p.name}`, which no axis gives",
                f'grid={{"{p.name}": […]}} gives it values, or a default in the function',
            )
    for axis in axes:
        used = axis in names or axis in ALIASES.values() and any(a in names for a in ALIASES)
        if not used and not takes_all and axis.isidentifier():
            raise Error(
                f"{name} does not take `{axis}`, so every value of the axis trains the same",
                nearest(axis, names) if names else "add it to the parameters",
            )


def call(function: Callable[..., Any], config: Mapping[str, Any], run: Any) -> Any:
    """Calls the function with the values that its parameters name."""
    special = {"run": run, "config": dict(config)}
    given: dict[str, Any] = {}
    for p in inspect.signature(function).parameters.values():
        name = ALIASES.get(p.name, p.name)
        if p.kind is p.VAR_KEYWORD:
            taken = {ALIASES.get(n, n) for n in given}
            given.update({n: v for n, v in config.items() if n not in taken})
        elif p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
            if name in config:
                given[p.name] = config[name]
            elif name in special:
                given[p.name] = special[name]
    return function(**given)


# How a function gets into another process: by its import path, or, if it has none, by its bytecode and what it uses. Both
# processes have the same version of Python.


def _send(function: Callable[..., Any]) -> tuple[bytes, list[types.CodeType]]:
    """The function as bytes, and the code that is among them."""
    try:
        sender = _Sender(io.BytesIO())
        sender.send(function)
        return sender.file.getvalue(), sender.codes
    except Exception as e:
        raise Error(
            f"{name_of(function)} cannot be sent to another process: {e}", "write it into a module beside the notebook"
        ) from e


def receive(content: bytes, main: dict[str, Any]) -> Callable[..., Any]:
    """The function that was sent. The names of the notebook that it uses go into main, the dict of __main__."""
    main.setdefault("__builtins__", builtins)
    reader = pickle.Unpickler(io.BytesIO(content))
    function, names = reader.load()
    while names is not None:
        main.update(names)
        try:
            names = reader.load()
        except EOFError:
            names = None
    return cast("Callable[..., Any]", function)


class _Sender(pickle.Pickler):
    """Pickles functions and classes that cannot be imported by what they are."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, 5)
        self.file = file
        self.codes: list[types.CodeType] = []
        self._needed: dict[str, Any] = {}
        self._done: set[str] = set()

    def send(self, function: Callable[..., Any]) -> None:
        """Writes the function, then the names of the notebook that it needs, and those that these need, until none is left."""
        self.dump((function, {}))
        while self._needed:
            names, self._needed = self._needed, {}
            self._done |= set(names)
            self.dump(names)

    def reducer_override(self, obj: Any) -> Any:
        """How an object is pickled that pickle cannot, as __reduce__ would say it."""
        if isinstance(obj, types.ModuleType):
            return importlib.import_module, (obj.__name__,)
        if isinstance(obj, types.FunctionType):
            return NotImplemented if importable(obj) else self._function(obj)
        if isinstance(obj, type):
            made = obj.__flags__ & _HEAP_TYPE  # by a class statement or type(…), not in C
            return self._class(cast("type[Any]", obj)) if made and not importable(obj) else NotImplemented
        if isinstance(obj, typing.TypeVar):
            more = {"bound": obj.__bound__, "covariant": obj.__covariant__, "contravariant": obj.__contravariant__}
            return _type_variable, (obj.__name__, obj.__constraints__, more)
        if isinstance(obj, types.CodeType):  # of an annotation that is a text
            return marshal.loads, (marshal.dumps(obj),)
        if isinstance(obj, types.CellType):
            try:
                return _cell, (), (obj.cell_contents,), None, None, _fill_cell
            except ValueError:
                return _cell, ()
        if isinstance(obj, property):
            return property, (obj.fget, obj.fset, obj.fdel, obj.__doc__)
        if isinstance(obj, (staticmethod, classmethod)):
            return type(cast(Any, obj)), (cast(Any, obj).__func__,)
        if isinstance(obj, functools.cached_property):
            return functools.cached_property, (cast("functools.cached_property[Any]", obj).func,)
        if hasattr(obj, "cache_parameters") and hasattr(obj, "__wrapped__"):
            p = obj.cache_parameters()
            return _cached, (obj.__wrapped__, p["maxsize"], p["typed"])
        if isinstance(obj, types.MappingProxyType):
            return _proxy, (dict(cast("types.MappingProxyType[Any, Any]", obj)),)
        if sentinel(obj):
            return _named, (type(obj).__module__, sentinel(obj))
        return NotImplemented

    def _function(self, f: types.FunctionType) -> Any:
        self.codes.append(f.__code__)
        home = f.__globals__.get("__name__")
        used = {c[0]: f.__globals__[c[0]] for c in chains(f.__code__) if c[0] in f.__globals__}
        own: dict[str, Any] = {}
        if home == "__main__":
            self._needed.update({name: v for name, v in used.items() if name not in self._done})
        elif home not in sys.modules:  # made by exec with names of its own, as those of namedtuple are
            own, home = {"__name__": home, **used}, None
        about = {"name": f.__name__, "qualname": f.__qualname__, "module": f.__module__, "doc": f.__doc__}
        state = {"defaults": f.__defaults__, "kwdefaults": f.__kwdefaults__, "dict": f.__dict__, "names": own}
        return _function, (marshal.dumps(f.__code__), home, about, f.__closure__), state, None, None, _fill_function

    def _class(self, c: type[Any]) -> Any:
        if issubclass(c, enum.Enum):
            members = [(m.name, m._value_) for m in c.__members__.values()]
            made: dict[str, Any] = {
                k: v
                for k, v in vars(c).items()
                if isinstance(v, (types.FunctionType, property, staticmethod, classmethod)) and not k.startswith("_")
            }
            return _enum, (c.__name__, c.__qualname__, c.__module__, c.__bases__, members), made, None, None, _fill_class
        left_out = {"__dict__", "__weakref__", "__slotnames__", "_abc_impl", "__classdictcell__"}
        members_of: dict[str, Any] = {
            k: v
            for k, v in vars(c).items()
            if k not in left_out and not isinstance(v, (types.MemberDescriptorType, types.GetSetDescriptorType))
        }
        first = {
            k: members_of.pop(k)
            for k in ("__module__", "__qualname__", "__doc__", "__slots__", "__orig_bases__")
            if k in members_of
        }
        first["__qualname__"] = c.__qualname__
        return _class, (type(c), c.__name__, c.__bases__, first), members_of, None, None, _fill_class


def _cell() -> types.CellType:
    return types.CellType()


def _fill_cell(cell: types.CellType, state: tuple[Any]) -> None:
    cell.cell_contents = state[0]


def _type_variable(name: str, constraints: tuple[Any, ...], more: dict[str, Any]) -> Any:
    make: Any = typing.TypeVar
    return make(name, *constraints, **more)


def _proxy(names: dict[Any, Any]) -> types.MappingProxyType[Any, Any]:
    return types.MappingProxyType(names)


def _named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    return functools.lru_cache(maxsize, typed)(function)


def _function(
    code: bytes, home: str | None, about: dict[str, Any], closure: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    if home is None:
        names: dict[str, Any] = {"__builtins__": builtins}
    else:
        names = (sys.modules.get(home) or importlib.import_module(home)).__dict__
    f = types.FunctionType(marshal.loads(code), names, about["name"], None, closure)
    f.__qualname__, f.__module__, f.__doc__ = about["qualname"], about["module"], about["doc"]
    return f


def _fill_function(f: types.FunctionType, state: dict[str, Any]) -> None:
    f.__defaults__, f.__kwdefaults__ = state["defaults"], state["kwdefaults"]
    f.__dict__.update(state["dict"])
    f.__globals__.update(state["names"])


def _class(meta: type[Any], name: str, bases: tuple[type[Any], ...], first: dict[str, Any]) -> type[Any]:
    return types.new_class(name, bases, {"metaclass": meta}, lambda names: names.update(first))


def _fill_class(c: type[Any], members: dict[str, Any]) -> None:
    for name, value in members.items():
        setattr(c, name, value)
        named = getattr(cast(Any, type(value)), "__set_name__", None)
        if named is not None:
            named(value, c, name)


def _enum(name: str, qualname: str, module: str, bases: tuple[type[Any], ...], members: list[tuple[str, Any]]) -> type[Any]:
    made = types.new_class(name, bases, {}, lambda names: collections.deque((names.__setitem__(k, v) for k, v in members), 0))
    made.__qualname__, made.__module__ = qualname, module
    return made


def _sources(sent: list[types.CodeType]) -> dict[str, list[str]]:
    """The lines of code that stands in no file, such as that of a notebook's cells: tracebacks show them."""
    files = {c.co_filename for code in sent for c in codes(code)}
    return {name: linecache.getlines(name) for name in sorted(files) if not os.path.isfile(name) and linecache.getlines(name)}


def check_python(manifest: Mapping[str, Any]) -> None:
    """Raises Error if the function was sent from another version of Python, whose bytecode this one does not read."""
    if manifest["python"] != python_version():
        raise Error(f"this is {python_version()}, and the function was sent from {manifest['python']}", "call xrun.sweep again")


def check_same(function: Callable[..., Any], manifest: Mapping[str, Any]) -> None:
    """Raises Error if the function that a worker has got is not the one that was sent: a module beside the notebook has
    been edited since, or an installed one has another version."""
    now = uses(function)
    for name, version in manifest["versions"].items():
        if now.versions.get(name) != version:
            found = now.versions.get(name) or "missing"
            raise Error(
                f"{name} is {found} now, and was {version} when the function was sent",
                "restart the notebook and call xrun.sweep again",
            )
    parts: dict[str, str] = manifest["parts"]
    changed = [
        part.rstrip(":") for part in sorted({*parts, *now.parts}) if now.parts.get(part) != parts.get(part) and part != TASK
    ]
    if changed:
        raise Error(
            f"{', '.join(changed)} has changed since the function was sent",
            "reload the module in the notebook, and call xrun.sweep again",
        )

"""What a function's key covers: every edit of what it uses makes another, and nothing else does."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import venv
import unittest

from support import Case

from xrun._command import Error
from xrun._uses import uses

try:
    import numpy
except ImportError:
    numpy = None

# What a cell says, a change of it, and whether the function is another afterwards.
EDITS = {
    "the body": ("def train(lr): return lr", "def train(lr): return lr + 1", True),
    "a number in it": ("def train(lr): return lr * 2", "def train(lr): return lr * 3", True),
    "1 and 1.0": ("def train(lr): return lr * 1", "def train(lr): return lr * 1.0", True),
    "0.0 and -0.0": ("A = 0.0\ndef train(lr): return A", "A = -0.0\ndef train(lr): return A", True),
    "1 and True": ("A = 1\ndef train(lr): return A", "A = True\ndef train(lr): return A", True),
    "a comment": ("def train(lr): return lr", "# why\ndef train(lr):\n\n    return lr  # this", False),
    "its place": ("def train(lr): return lr", "\n\n\nx = 1\ndef train(lr): return lr", False),
    "a parameter": ("def train(lr): return 1", "def train(lr, width=2): return 1", True),
    "a default": ("def train(lr, width=2): return width", "def train(lr, width=3): return width", True),
    "a keyword's default": ("def train(lr, *, width=2): return width", "def train(lr, *, width=3): return width", True),
    "a helper": ("def f(x): return x\ndef train(lr): return f(lr)", "def f(x): return -x\ndef train(lr): return f(lr)", True),
    "a helper's helper": (
        "def g(x): return x\ndef f(x): return g(x)\ndef train(lr): return f(lr)",
        "def g(x): return -x\ndef f(x): return g(x)\ndef train(lr): return f(lr)",
        True,
    ),
    "a helper's default": (
        "def f(x, n=1): return x\ndef train(lr): return f(lr)",
        "def f(x, n=2): return x\ndef train(lr): return f(lr)",
        True,
    ),
    "another helper": ("def g(x): return x\ndef train(lr): return lr", "def g(x): return -x\ndef train(lr): return lr", False),
    "a global": ("A = 1\ndef train(lr): return A", "A = 2\ndef train(lr): return A", True),
    "another global": ("A = 1\ndef train(lr): return lr", "A = 2\ndef train(lr): return lr", False),
    "a global that a helper uses": (
        "A = 1\ndef f(): return A\ndef train(lr): return f()",
        "A = 2\ndef f(): return A\ndef train(lr): return f()",
        True,
    ),
    "deep in a global": (
        "A = {'a': [1, (2, {3})]}\ndef train(lr): return A",
        "A = {'a': [1, (2, {4})]}\ndef train(lr): return A",
        True,
    ),
    "an order of a dict": ("A = {1: 1, 2: 2}\ndef train(lr): return A", "A = {2: 2, 1: 1}\ndef train(lr): return A", True),
    "an order of a set": ("A = {'a', 'b', 'c'}\ndef train(lr): return A", "A = {'c', 'b', 'a'}\ndef train(lr): return A", False),
    "a list and a tuple": ("A = [1]\ndef train(lr): return A", "A = (1,)\ndef train(lr): return A", True),
    "bytes": ("A = b'a'\ndef train(lr): return A", "A = b'b'\ndef train(lr): return A", True),
    "a path": (
        "import pathlib\nA = pathlib.Path('a')\ndef train(lr): return A",
        "import pathlib\nA = pathlib.Path('b')\ndef train(lr): return A",
        True,
    ),
    "a date": (
        "import datetime\nA = datetime.date(2020, 1, 1)\ndef train(lr): return A",
        "import datetime\nA = datetime.date(2020, 1, 2)\ndef train(lr): return A",
        True,
    ),
    "a closure": (
        "def m(n):\n def train(lr): return n\n return train\ntrain = m(1)",
        "def m(n):\n def train(lr): return n\n return train\ntrain = m(2)",
        True,
    ),
    "a closure's function": (
        "def m(f):\n def train(lr): return f(lr)\n return train\ntrain = m(lambda x: x)",
        "def m(f):\n def train(lr): return f(lr)\n return train\ntrain = m(lambda x: -x)",
        True,
    ),
    "a nested function": (
        "def train(lr):\n def g(x): return x\n return g(lr)",
        "def train(lr):\n def g(x): return -x\n return g(lr)",
        True,
    ),
    "a global of a nested function": (
        "A = 1\ndef train(lr):\n def g(x):\n  return A\n return g(lr)",
        "A = 2\ndef train(lr):\n def g(x):\n  return A\n return g(lr)",
        True,
    ),
    "a nested class's global": (
        "A = 1\ndef train(lr):\n class C:\n  a = A\n return C.a",
        "A = 2\ndef train(lr):\n class C:\n  a = A\n return C.a",
        True,
    ),
    "a lambda": ("f = lambda x: x\ndef train(lr): return f(lr)", "f = lambda x: -x\ndef train(lr): return f(lr)", True),
    "a lambda as the task": ("train = lambda lr: lr", "train = lambda lr: -lr", True),
    "one of two lambdas": (
        "f, g = lambda x: x, lambda x: x\ndef train(lr): return f(g(lr))",
        "f, g = lambda x: x, lambda x: -x\ndef train(lr): return f(g(lr))",
        True,
    ),
    "two lambdas change places": (
        "f, g = lambda x: x, lambda x: -x\ndef train(lr): return f(1), g(2)",
        "f, g = lambda x: -x, lambda x: x\ndef train(lr): return f(1), g(2)",
        True,
    ),
    "a comprehension": ("def train(lr): return [x for x in range(3)]", "def train(lr): return [-x for x in range(3)]", True),
    "a global of a comprehension": (
        "A = 1\ndef train(lr): return [A for x in range(3)]",
        "A = 2\ndef train(lr): return [A for x in range(3)]",
        True,
    ),
    "a generator's global": (
        "A = 1\ndef train(lr): return sum(A for x in range(3))",
        "A = 2\ndef train(lr): return sum(A for x in range(3))",
        True,
    ),
    "a method": (
        "class C:\n def f(self): return 1\ndef train(lr): return C().f()",
        "class C:\n def f(self): return 2\ndef train(lr): return C().f()",
        True,
    ),
    "a method that another calls": (
        "class C:\n def f(self): return self.g()\n def g(self): return 1\ndef train(lr): return C().f()",
        "class C:\n def f(self): return self.g()\n def g(self): return 2\ndef train(lr): return C().f()",
        True,
    ),
    "a method of a base": (
        "class B:\n def f(self): return 1\nclass C(B): pass\ndef train(lr): return C().f()",
        "class B:\n def f(self): return 2\nclass C(B): pass\ndef train(lr): return C().f()",
        True,
    ),
    "a static method": (
        "class C:\n @staticmethod\n def f(): return 1\ndef train(lr): return C.f()",
        "class C:\n @staticmethod\n def f(): return 2\ndef train(lr): return C.f()",
        True,
    ),
    "a class method": (
        "class C:\n @classmethod\n def f(c): return 1\ndef train(lr): return C.f()",
        "class C:\n @classmethod\n def f(c): return 2\ndef train(lr): return C.f()",
        True,
    ),
    "a property": (
        "class C:\n @property\n def f(self): return 1\ndef train(lr): return C().f",
        "class C:\n @property\n def f(self): return 2\ndef train(lr): return C().f",
        True,
    ),
    "a cached property": (
        "import functools\nclass C:\n @functools.cached_property\n def f(self): return 1\ndef train(lr): return C().f",
        "import functools\nclass C:\n @functools.cached_property\n def f(self): return 2\ndef train(lr): return C().f",
        True,
    ),
    "a class's attribute": ("class C: a = 1\ndef train(lr): return C.a", "class C: a = 2\ndef train(lr): return C.a", True),
    "a metaclass": (
        "class M(type):\n def f(c): return 1\nclass C(metaclass=M): pass\ndef train(lr): return C.f()",
        "class M(type):\n def f(c): return 2\nclass C(metaclass=M): pass\ndef train(lr): return C.f()",
        True,
    ),
    "a class's comment": (
        "class C:\n def f(self): return 1\ndef train(lr): return C().f()",
        "class C:\n # why\n def f(self):\n  return 1\ndef train(lr): return C().f()",
        False,
    ),
    "an enum": (
        "import enum\nclass E(enum.Enum): A = 1\ndef train(lr): return E.A",
        "import enum\nclass E(enum.Enum): A = 2\ndef train(lr): return E.A",
        True,
    ),
    "a member of an enum": (
        "import enum\nclass E(enum.Enum): A = 1; B = 2\nA = E.A\ndef train(lr): return A",
        "import enum\nclass E(enum.Enum): A = 1; B = 2\nA = E.B\ndef train(lr): return A",
        True,
    ),
    "a dataclass's default": (
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n a: int = 1\n b: list = dataclasses.field(default_factory=list)\ndef train(lr): return D()",
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n a: int = 2\n b: list = dataclasses.field(default_factory=list)\ndef train(lr): return D()",
        True,
    ),
    "a dataclass's value": (
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n a: int = 1\nA = D(3)\ndef train(lr): return A",
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n a: int = 1\nA = D(4)\ndef train(lr): return A",
        True,
    ),
    "a field of a global": (
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n a: int = 1\nA = D(3)\ndef train(lr): return A.a",
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n a: int = 1\nA = D(4)\ndef train(lr): return A.a",
        True,
    ),
    "a named tuple": (
        "import collections\nP = collections.namedtuple('P', 'x y')\nA = P(1, 2)\ndef train(lr): return A",
        "import collections\nP = collections.namedtuple('P', 'x y')\nA = P(1, 3)\ndef train(lr): return A",
        True,
    ),
    "a decorator": (
        "def d(f):\n def w(lr): return f(lr)\n return w\n@d\ndef train(lr): return lr",
        "def d(f):\n def w(lr): return -f(lr)\n return w\n@d\ndef train(lr): return lr",
        True,
    ),
    "under a decorator": (
        "import functools\ndef d(f):\n @functools.wraps(f)\n def w(lr): return f(lr)\n return w\n@d\ndef train(lr): return lr",
        "import functools\ndef d(f):\n @functools.wraps(f)\n def w(lr): return f(lr)\n return w\n@d\ndef train(lr): return -lr",
        True,
    ),
    "a decorator's argument": (
        "def d(n):\n def e(f):\n  def w(lr): return n * f(lr)\n  return w\n return e\n@d(1)\ndef train(lr): return lr",
        "def d(n):\n def e(f):\n  def w(lr): return n * f(lr)\n  return w\n return e\n@d(2)\ndef train(lr): return lr",
        True,
    ),
    "under a cache": (
        "import functools\n@functools.lru_cache(None)\ndef f(x): return x\ndef train(lr): return f(lr)",
        "import functools\n@functools.lru_cache(None)\ndef f(x): return -x\ndef train(lr): return f(lr)",
        True,
    ),
    "under contextmanager": (
        "import contextlib\n@contextlib.contextmanager\ndef f(): yield 1\ndef train(lr):\n with f() as x: return x",
        "import contextlib\n@contextlib.contextmanager\ndef f(): yield 2\ndef train(lr):\n with f() as x: return x",
        True,
    ),
    "a partial's argument": (
        "import functools\ndef f(n, lr): return n\ntrain = functools.partial(f, 1)",
        "import functools\ndef f(n, lr): return n\ntrain = functools.partial(f, 2)",
        True,
    ),
    "an attribute of a function": (
        "def f(): return f.n\nf.n = 1\ndef train(lr): return f()",
        "def f(): return f.n\nf.n = 2\ndef train(lr): return f()",
        True,
    ),
    "a function in a table": (
        "def f(x): return x\nT = {'f': f}\ndef train(lr): return T['f'](lr)",
        "def f(x): return -x\nT = {'f': f}\ndef train(lr): return T['f'](lr)",
        True,
    ),
    "one of two that call each other": (
        "def f(n): return n and g(n - 1)\ndef g(n): return n and f(n - 1)\ndef train(lr): return f(3)",
        "def f(n): return n and g(n - 1)\ndef g(n): return n and f(n - 2)\ndef train(lr): return f(3)",
        True,
    ),
    "a class that names itself": (
        "class C:\n def f(self): return C\n def g(self): return super().__init__()\ndef train(lr): return C().f()",
        "class C:\n def f(self): return C()\n def g(self): return super().__init__()\ndef train(lr): return C().f()",
        True,
    ),
    "a default of a method": (
        "class C:\n def f(self, n=1): return n\ndef train(lr): return C().f()",
        "class C:\n def f(self, n=2): return n\ndef train(lr): return C().f()",
        True,
    ),
    "a module for another": (
        "import math as m\ndef train(lr): return m.sqrt(lr)",
        "import cmath as m\ndef train(lr): return m.sqrt(lr)",
        True,
    ),
    "a function of a module for another": (
        "from math import sqrt as f\ndef train(lr): return f(lr)",
        "from math import exp as f\ndef train(lr): return f(lr)",
        True,
    ),
    "a name that appears": ("def train(lr): return later", "later = 1\ndef train(lr): return later", True),
    "a default dict": (
        "import collections\nA = collections.defaultdict(list, a=1)\ndef train(lr): return A",
        "import collections\nA = collections.defaultdict(list, a=2)\ndef train(lr): return A",
        True,
    ),
    "its factory": (
        "import collections\nA = collections.defaultdict(list, a=1)\ndef train(lr): return A",
        "import collections\nA = collections.defaultdict(dict, a=1)\ndef train(lr): return A",
        True,
    ),
    "a namespace": (
        "import types\nA = types.SimpleNamespace(a=1)\ndef train(lr): return A.a",
        "import types\nA = types.SimpleNamespace(a=2)\ndef train(lr): return A.a",
        True,
    ),
    "a dataclass's factory": (
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n a: int = dataclasses.field(default_factory=lambda: 1)\ndef train(lr): return D()",
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n a: int = dataclasses.field(default_factory=lambda: 2)\ndef train(lr): return D()",
        True,
    ),
    "a generic class": (
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass C(Generic[T]):\n def f(self): return 1\ndef train(lr): return C[int]().f()",
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass C(Generic[T]):\n def f(self): return 2\ndef train(lr): return C[int]().f()",
        True,
    ),
    "a made dataclass": (
        "import dataclasses\nD = dataclasses.make_dataclass('D', [('a', int, 1)])\ndef train(lr): return D()",
        "import dataclasses\nD = dataclasses.make_dataclass('D', [('a', int, 2)])\ndef train(lr): return D()",
        True,
    ),
    "a made class": (
        "C = type('C', (), {'a': 1})\nC.__module__ = 'math'\ndef train(lr): return C.a",
        "C = type('C', (), {'a': 2})\nC.__module__ = 'math'\ndef train(lr): return C.a",
        True,
    ),
    "an attribute set on a class later": (
        "class C: pass\nC.f = lambda self: 1\ndef train(lr): return C().f()",
        "class C: pass\nC.f = lambda self: 2\ndef train(lr): return C().f()",
        True,
    ),
    "a pattern": (
        "import re\nP = re.compile('a')\ndef train(lr): return P",
        "import re\nP = re.compile('b')\ndef train(lr): return P",
        True,
    ),
    "a global in a try": (
        "A = 1\ndef train(lr):\n try: return A\n except ValueError: return 0",
        "A = 2\ndef train(lr):\n try: return A\n except ValueError: return 0",
        True,
    ),
    "which exception is caught": (
        "def train(lr):\n try: return lr\n except ValueError: return 0",
        "def train(lr):\n try: return lr\n except KeyError: return 0",
        True,
    ),
    "a global in an f-string": ("A = 1\ndef train(lr): return f'{A}'", "A = 2\ndef train(lr): return f'{A}'", True),
    "a global that is called back": (
        "def f(x): return x\ndef train(lr): return list(map(f, [lr]))",
        "def f(x): return -x\ndef train(lr): return list(map(f, [lr]))",
        True,
    ),
}

# The same of a module beside the notebook, helpers.py.
LOCAL = {
    "its function": ("import helpers\ndef train(lr): return helpers.f(lr)", "def f(x): return x", "def f(x): return -x", True),
    "taken from it": ("from helpers import f\ndef train(lr): return f(lr)", "def f(x): return x", "def f(x): return -x", True),
    "what that uses": (
        "import helpers\ndef train(lr): return helpers.f(lr)",
        "A = 1\ndef f(x): return A",
        "A = 2\ndef f(x): return A",
        True,
    ),
    "its value": ("import helpers\ndef train(lr): return helpers.A", "A = 1", "A = 2", True),
    "its other function": (
        "import helpers\ndef train(lr): return helpers.f(lr)",
        "def f(x): return x\ndef g(x): return x",
        "def f(x): return x\ndef g(x): return -x",
        False,
    ),
    "its class": (
        "import helpers\ndef train(lr): return helpers.C().f()",
        "class C:\n def f(self): return 1",
        "class C:\n def f(self): return 2",
        True,
    ),
    "imported inside": (
        "def train(lr):\n import helpers\n return helpers.f(lr)",
        "def f(x): return x",
        "def f(x): return -x",
        True,
    ),
    "taken inside": ("def train(lr):\n from helpers import f\n return f(lr)", "def f(x): return x", "def f(x): return -x", True),
    "passed as a value": (
        "import helpers\ndef train(lr): return getattr(helpers, 'f')(lr)",
        "def f(x): return x",
        "def f(x): return -x",
        True,
    ),
    "used through a local name": (
        "import helpers\ndef train(lr):\n h = helpers\n return h.f(lr)",
        "def f(x): return x",
        "def f(x): return -x",
        True,
    ),
}

# What cannot be hashed, and what is said.
REFUSED = {
    "an open file": ("handle = open(__file__)\ndef train(lr): return handle", "train uses `handle`, an open file"),
    "through a helper": (
        "handle = open(__file__)\ndef f(): return handle\ndef train(lr): return f()",
        "train uses `f`, which uses `handle`, an open file",
    ),
    "a lock": ("import threading\nlock = threading.Lock()\ndef train(lr): return lock", "train uses `lock`, a lock"),
    "a generator": ("g = (x for x in [1])\ndef train(lr): return g", "train uses `g`, a generator"),
    "an object": (
        "class Model: pass\nmodel = Model()\ndef train(lr): return model",
        "train uses `model`, an object of the class Model",
    ),
    "an object's attribute": (
        "class Model: a = 1\nmodel = Model()\ndef train(lr): return model.a",
        "train uses `model`, an object of the class Model",
    ),
    "in a table": ("import threading\nT = {'a': [threading.Lock()]}\ndef train(lr): return T", "train uses `T['a'][0]`, a lock"),
    "in a closure": (
        "def m(f):\n def train(lr): return f\n return train\ntrain = m(open(__file__))",
        "train uses `f`, an open file",
    ),
    "a default": ("def train(lr, f=open(__file__)): return f", "train uses `f`, an open file"),
    "in a class": ("class C: f = open(__file__)\ndef train(lr): return C", "train uses `C`, which uses `C.f`, an open file"),
    "a list of itself": ("A = []\nA.append(A)\ndef train(lr): return A", "train uses `A[0]`, a list that contains itself"),
    "what eval uses": ("A = 1\ndef train(lr): return eval('A')", "train uses `eval`, which may use anything"),
    "a random generator": (
        "import random\nr = random.Random(1)\ndef train(lr): return r.random()",
        "train uses `r`, an object of the class Random",
    ),
}


class Uses(Case):
    def setUp(self) -> None:
        super().setUp()
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))

    def manifest(self, cell: str) -> str:
        """That of the train of a cell."""
        names = vars(self.cell(cell))
        self.addCleanup(self.close, names)
        train = names["train"]
        first, second = uses(train).manifest(), uses(train).manifest()
        self.assertEqual(first, second, "the same function has two keys")
        return first

    def close(self, names: dict[str, object]) -> None:
        train = names.get("train")
        of_class = [vars(c).get("f") for c in names.values() if isinstance(c, type)]
        cells = [c.cell_contents for c in getattr(train, "__closure__", None) or ()]
        for thing in [*names.values(), *of_class, *cells, *(getattr(train, "__defaults__", None) or ())]:
            if hasattr(thing, "read") and hasattr(thing, "close"):
                thing.close()

    def test_edits(self) -> None:
        for name, (before, after, differs) in EDITS.items():
            with self.subTest(name):
                (self.assertNotEqual if differs else self.assertEqual)(self.manifest(before), self.manifest(after))

    def test_edits_of_modules_beside_the_notebook(self) -> None:
        for name, (cell, before, after, differs) in LOCAL.items():
            with self.subTest(name):
                found = [self.of_module(cell, text) for text in (before, after)]
                (self.assertNotEqual if differs else self.assertEqual)(*found)

    def of_module(self, cell: str, text: str, file: str = "helpers.py") -> str:
        for module in [m for m in sys.modules if m.partition(".")[0] in ("helpers", "others")]:
            del sys.modules[module]
        self.write(file, text)
        importlib.invalidate_caches()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            return self.manifest(cell)
        finally:
            sys.dont_write_bytecode = before

    def test_what_a_module_imports_counts_where_it_is_used_as_a_whole(self) -> None:
        cell = "def train(lr):\n import helpers\n return helpers.f(lr)"
        self.write("helpers.py", "from others import f\n")
        found = [self.of_module(cell, text, "others.py") for text in ("def f(x): return x", "def f(x): return -x")]
        self.assertNotEqual(*found)

    def test_a_package_beside_the_notebook(self) -> None:
        for cell in (
            "import helpers.part\ndef train(lr): return helpers.part.f(lr)",
            "from helpers import part\ndef train(lr): return part.f(lr)",
            "from helpers.part import f\ndef train(lr): return f(lr)",
            "def train(lr):\n import helpers.part as p\n return p.f(lr)",
            "def train(lr):\n from helpers import part\n return part.f(lr)",
        ):
            with self.subTest(cell):
                self.write("helpers/__init__.py", "")
                found = [self.of_module(cell, text, "helpers/part.py") for text in ("def f(x): return x", "def f(x): return -x")]
                self.assertNotEqual(*found)

    def test_where_a_module_lies_does_not_count(self) -> None:
        cell = "import helpers\ndef train(lr): return helpers.f(lr)"
        first = self.of_module(cell, "def f(x): return x")
        (self.folder / "helpers.py").unlink()
        other = self.folder / "other"
        sys.path.insert(0, str(other))
        self.addCleanup(sys.path.remove, str(other))
        self.assertEqual(first, self.of_module(cell, "# moved\ndef f(x): return x", "other/helpers.py"))

    def test_an_installed_module_counts_by_its_version(self) -> None:
        cell = "import helpers\ndef train(lr): return helpers.f(lr)"
        folder = self.folder / "site-packages"
        sys.path.insert(0, str(folder))
        self.addCleanup(sys.path.remove, str(folder))
        file = "site-packages/helpers.py"
        first = self.of_module(cell, "__version__ = '1'\ndef f(x): return x", file)
        self.assertIn('"helpers": "1"', first)
        self.assertEqual(first, self.of_module(cell, "__version__ = '1'\ndef f(x): return -x", file))
        self.assertNotEqual(first, self.of_module(cell, "__version__ = '2'\ndef f(x): return x", file))
        wrapped = "import helpers\n@helpers.d\ndef train(lr): return {}"
        decorator = "__version__ = '1'\ndef d(f):\n def w(lr): return f(lr)\n return w"
        self.assertNotEqual(
            self.of_module(wrapped.format("lr"), decorator, file),
            self.of_module(wrapped.format("-lr"), decorator, file),
            "under an installed decorator",
        )

    def test_a_call_makes_no_other_function(self) -> None:
        main = self.cell("""
            import functools
            class C:
                def __init__(self, x): self.x = x
                @functools.cached_property
                def f(self): return self.x
            @functools.lru_cache(None)
            def cached(x): return C(x).f
            def train(lr): return sum(cached(i) * lr for i in range(10)) if lr else None
        """)
        before = uses(vars(main)["train"]).manifest()
        for _ in range(1000):  # so that the interpreter specializes its bytecode
            vars(main)["train"](2)
        self.assertEqual(uses(vars(main)["train"]).manifest(), before)

    def test_the_hash_seed_and_the_environment_do_not_count(self) -> None:
        path = self.write(
            "script.py",
            """
            from xrun._uses import uses
            A = {"a", "b", "c", ("d", 1)}
            def train(lr): return lr in {"x", "y", "z"} and A
            if __name__ == "__main__":
                print(uses(train).manifest())
            """,
        )
        venv.create(self.folder / "env", symlinks=True)
        found = set()
        for python, seed in ((sys.executable, "1"), (sys.executable, "2"), (str(self.folder / "env" / "bin" / "python"), "3")):
            done = subprocess.run(
                [python, "-B", str(path)], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            found.add(done.stdout)
        self.assertEqual(len(found), 1, found)

    def test_refusals(self) -> None:
        for name, (cell, said) in REFUSED.items():
            with self.subTest(name):
                with self.assertRaises(Error) as refused:
                    self.manifest(cell)
                self.assertTrue(refused.exception.message.startswith(said), refused.exception.message)
                self.assertIn("hash", refused.exception.message)

    @unittest.skipIf(numpy is None, "there is no numpy")
    def test_arrays(self) -> None:
        head, tail = "import numpy\nA = ", "\ndef train(lr): return A"
        arrays = [
            "numpy.arange(3)",
            "numpy.arange(3.0)",
            "numpy.arange(3.0).reshape(1, 3)",
            "numpy.arange(3.0, dtype='>f8')",
            "numpy.array([0, 1, 4.0])",
            "numpy.float64(1)",
            "numpy.float32(1)",
            "1.0",
            "numpy.array(1.0)",
            "numpy.zeros(0)",
            "numpy.zeros((0, 2))",
            "[0, 1, 2]",
            "numpy.dtype('f8')",
            "numpy.float64",
            "numpy.add",
            "numpy.multiply",
            "numpy.linalg.norm",
        ]
        found = [self.manifest(head + a + tail) for a in arrays]
        self.assertEqual(len(set(found)), len(found), "two of the arrays are the same")
        self.assertEqual(found[1], self.manifest(head + "numpy.arange(0, 6.0)[:3]" + tail))
        self.assertEqual(
            found[1], self.manifest(head + "numpy.array([[0, 9], [1, 9], [2, 9.0]])[:, 0]" + tail), "its strides count"
        )
        for refused in ("numpy.array([object()])", "numpy.random.default_rng(1)"):
            with self.assertRaises(Error):
                self.manifest(head + refused + tail)

    def of(self, module: str, values: list[str], refused: list[str]) -> None:
        try:
            importlib.import_module(module)
        except ImportError:
            self.skipTest(f"there is no {module}")
        head, tail = f"import pickle, {module}\nA = ", "\ndef train(lr): return A"
        found = [self.manifest(head + a + tail) for a in values]
        self.assertEqual(len(set(found)), len(found), "two of the values are the same")
        self.assertEqual(found, [self.manifest(f"{head}pickle.loads(pickle.dumps({a})){tail}") for a in values])
        for a in refused:
            with self.assertRaises(Error):
                self.manifest(head + a + tail)

    def test_frames(self) -> None:
        frame = "pandas.DataFrame({'a': [1, 2.5], 'b': ['x', None]}%s)"
        self.of(
            "pandas",
            [frame % "", frame % ", index=[5, 6]", frame % "" + ".astype({'a': 'float32'})", frame % "" + ".rename(columns={'b': 'c'})",
             frame % "" + ".iloc[::-1]", frame % "" + "['a']", "pandas.DataFrame({'a': [1, 2.5], 'b': ['x', 'y']})", "pandas.DataFrame()"],
            ["pandas.DataFrame({'a': [[1], [2]]})"],
        )  # fmt: skip

    def test_tensors(self) -> None:
        self.of(
            "torch",
            ["torch.arange(6)", "torch.arange(6.0)", "torch.arange(6.0).reshape(2, 3)", "torch.arange(6.0).reshape(2, 3).t()",
             "torch.arange(6, dtype=torch.bfloat16)", "torch.arange(6.0, requires_grad=True)", "torch.tensor(1.5)", "torch.zeros(0)"],
            ["torch.nn.Linear(2, 2)", "torch.eye(2).to_sparse()", "torch.Generator()"],
        )  # fmt: skip


if __name__ == "__main__":
    unittest.main()

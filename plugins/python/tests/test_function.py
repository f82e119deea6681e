"""Functions as tasks, from a script: what they are given, what they return, when they run again."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import unittest

from support import Case

import xrun
from xrun._command import text as printed_by
from xrun._function import _Sender
from xrun._uses import uses

SCRIPT = """
import xrun

def train(lr, width, seed, run):
    w = 4.0
    for epoch in range(3):
        w -= lr * w / width
        run.log({"val_loss": w * w + seed})

if __name__ == "__main__":
    r = xrun.sweep(train, grid={"lr": [0.1, 0.5], "width": [1, 2]}, seeds=2, workers=2)
    print(r.complete, r.best().config, round(r.best().value, 6), len(r.runs()))
"""


class Function(Case):
    def test_a_sweep_of_a_function(self) -> None:
        self.assertEqual(self.script(SCRIPT), "True {'lr': 0.5, 'seed': 0, 'width': 1} 0.25 8\n")
        self.assertIn("8/8", self.said)
        self.script(SCRIPT)
        self.assertIn("nothing to train", self.said)
        self.script(SCRIPT.replace("4.0", "3.0  # smaller"))
        self.assertIn("8/8", self.said)
        self.script(SCRIPT.replace("[1, 2]", "[1, 2, 3]"))
        self.assertIn("12 trials · 8 done", self.said)

    def test_keys_do_not_depend_on_where_things_lie(self) -> None:
        keys = []
        for name in ("one", "two"):
            folder = self.folder / name / ("deep" if name == "two" else "")
            folder.mkdir(parents=True)
            (folder / "helpers.py").write_text("def f(x): return x\n")
            text = SCRIPT.replace("import xrun\n", "import xrun, helpers\n").replace("w = 4.0", "w = helpers.f(4.0)")
            keys.append(
                self.script(text + "    print(sorted(k['trial_key'] for k in r.runs()))\n", folder=folder, name=name + ".py")
            )
        self.assertEqual(*keys)

    def test_what_a_function_is_given(self) -> None:
        printed = self.script("""
            import xrun
            def train(lr, seed, lam, name, flag, n, width=7, *, config, **others):
                print(repr((lr, seed, lam, name, flag, n, width, sorted(others), config["name"])))
                return 1
            r = xrun.sweep(train, grid={"lr": 1, "lambda": 2, "name": "a b", "flag": True, "n": 3, "odd-one": 0.5}, metrics="acc", epochs=4)
            print(r.best().metric)
            import subprocess, os
            print(subprocess.run([xrun.binary(), "show", "1", "--output"], capture_output=True, text=True).stdout.strip())
        """)
        self.assertTrue(printed.startswith("acc\n"), printed)
        self.assertIn("(1.0, 0, 2.0, 'a b', True, 3, 7, ['epochs', 'odd-one'", printed)

    def test_what_a_function_returns(self) -> None:
        printed = self.script("""
            import xrun
            def number(lr): return lr
            def metrics(lr): return {"val_loss": lr, "acc": 0.5}
            class Odd:
                def __float__(self): return 2.5
            def odd(lr): return Odd()
            for f in number, metrics, odd:
                r = xrun.sweep(f, grid={"lr": 0.25}, metrics=["val_loss", "acc"][:1 + (f is metrics)])
                print([(c["metric"], c["step"], c["value"]) for c in r.curves()])
            def text(lr): return "3"
            def nothing(lr): pass
            def fails(lr):
                raise ValueError("no such thing")
            for f in text, nothing, fails:
                r = xrun.sweep(f, grid={"lr": 0.25})
                print(r.complete, [run["error"] for run in r.runs()])
        """)
        lines = printed.splitlines()
        self.assertEqual(
            lines[:3], ["[('val_loss', 1, 0.25)]", "[('acc', 1, 0.5), ('val_loss', 1, 0.25)]", "[('val_loss', 1, 2.5)]"]
        )
        self.assertIn("text returned str, which is no number", lines[3])
        self.assertTrue(lines[4].startswith("False"), lines[4])
        self.assertIn("ValueError: no such thing", lines[5])
        self.assertIn("script.py", lines[5], "the traceback does not show the function")
        self.assertNotIn("_worker.py", lines[5], "the traceback begins in the package")

    def test_early_stopping_ends_the_process(self) -> None:
        printed = self.script("""
            import time, xrun
            def train(lr, run):
                try:
                    for epoch in range(1, 10000):
                        run.log({"val_loss": float(epoch)})
                        time.sleep(0.01)
                finally:
                    open("left", "a").write("left")
            r = xrun.sweep(train, grid={"lr": 0.25}, early_stop={"patience": 3})
            print([(run["status"], run["epochs"] < 10000) for run in r.runs()], open("left").read())
        """)
        self.assertEqual(printed, "[('stopped', True)] left\n")

    def test_files_count(self) -> None:
        text = """
            import xrun
            def train(lr): return float(open("data.txt").read())
            r = xrun.sweep(train, grid={"lr": 1}, files="data.txt")
            print(r.best().value)
        """
        for value in ("2", "3"):
            self.write("data.txt", value)
            self.assertEqual(self.script(text), value + "\n")

    def test_an_edit_while_a_sweep_runs_is_refused(self) -> None:
        self.write("helpers.py", "def f(x): return x\n")
        printed = self.script("""
            import helpers, xrun
            def train(lr, seed):
                open("helpers.py", "w").write("def f(x): return -x\\n")
                return helpers.f(lr)
            r = xrun.sweep(train, grid={"lr": 1}, seeds=2, workers=1)
            print([run["status"] for run in r.runs()], r.runs()[0]["error"])
        """)
        self.assertIn("['failed', 'finished']", printed)
        self.assertIn("helpers:f has changed since the function was sent", printed)

    def test_a_module_that_the_notebook_has_changed_is_refused(self) -> None:
        self.write("helpers.py", "def f(x): return x\n")
        printed = self.script("""
            import helpers, xrun
            helpers.f = lambda x: -x
            def train(lr): return helpers.f(lr)
            print(xrun.sweep(train, grid={"lr": 1}).runs()[0]["error"])
        """)
        self.assertIn("has changed since the function was sent", printed)

    def test_another_version_of_a_module_is_refused(self) -> None:
        module = self.write("site-packages/installed.py", "__version__ = '1'\n")
        text = f"""
            import sys
            sys.path.insert(0, {str(module.parent)!r})
            import installed, xrun
            def train(lr, seed):
                open(installed.__file__, "w").write("__version__ = '22'\\n")
                return 1
            r = xrun.sweep(train, grid={{"lr": 1}}, seeds=2, workers=1)
            print(r.runs()[0]["error"])
        """
        self.assertIn("installed is 22 now, and was 1 when the function was sent", self.script(text))

    def test_an_interrupt_stops_as_ctrl_c_does(self) -> None:
        path = self.write(
            "script.py",
            """
            import time, xrun
            def train(lr, seed, run):
                for epoch in range(40):
                    run.log({"val_loss": 1 / (epoch + 1)})
                    time.sleep(0.01 if open("fast").read() else 0.2)
            if __name__ == "__main__":
                try:
                    r = xrun.sweep(train, grid={"lr": [1, 2]}, workers=2)
                    print("done", sorted(run["status"] for run in r.runs()))
                except KeyboardInterrupt:
                    print("interrupted", sorted(run["status"] for run in xrun.open().runs()))
        """,
        )
        self.write("fast", "")
        child = subprocess.Popen(
            [sys.executable, "-B", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.addCleanup(lambda: child.poll() is None and os.killpg(child.pid, signal.SIGKILL))
        assert child.stderr is not None and child.stdout is not None
        for line in child.stderr:
            if "started" in line:
                break
        os.killpg(child.pid, signal.SIGINT)  # all of the group, as terminals and Jupyter do
        printed, _ = child.communicate(timeout=120)
        self.assertEqual(printed, "interrupted ['interrupted', 'interrupted']\n")
        self.write("fast", "yes")
        done = subprocess.run([sys.executable, "-B", str(path)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.stdout, "done ['finished', 'finished', 'interrupted', 'interrupted']\n", done.stderr)

    def test_a_sweep_ends_with_the_process_that_began_it(self) -> None:
        path = self.write(
            "script.py",
            """
            import time, xrun
            def train(lr, run):
                while True:
                    run.log({"val_loss": 1.0})
                    time.sleep(0.05)
            xrun.sweep(train, grid={"lr": 1})
        """,
        )
        child = subprocess.Popen([sys.executable, "-B", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: child.poll() is None and child.kill())
        assert child.stderr is not None
        for line in child.stderr:
            if "started" in line:
                break
        child.kill()
        child.communicate(timeout=60)  # the program has the other end: it waits for its end as well
        db, status, until = xrun.open(), "", time.monotonic() + 60
        while status != "interrupted" and time.monotonic() < until:
            status = db.runs()[0]["status"] if len(db.runs()) else ""
            time.sleep(0.1)
        self.assertEqual(status, "interrupted")

    def test_a_function_of_a_module(self) -> None:
        self.write("mine.py", "def train(lr, seed): return lr * (seed + 1)\n")
        text = """
            import mine, xrun
            r = xrun.sweep(mine.train, grid={"lr": 2}, seeds=2)
            print(r.sweep, sorted(run["value"] for run in r.runs()))
        """
        self.assertEqual(self.script(text), "train [2, 4]\n")
        self.write("mine.py", "def train(lr, seed): return lr * (seed + 2)\n")
        self.assertEqual(self.script(text), "train [4, 6]\n")

    def test_the_command_line_goes_on_with_a_sweep_of_a_function(self) -> None:
        self.script(SCRIPT)
        os.mkdir("elsewhere")
        os.chdir("elsewhere")
        store = ["--store", str(self.folder / "xrun.db")]
        self.assertIn("the same bits", printed_by(["repro", "1", *store]))
        confirmed = json.loads(printed_by(["confirm", "train", "--top", "1", "--seeds", "2", "--json", *store]))
        self.assertIn("xrun_confirm", confirmed)

    def test_mistakes_are_found_before_anything_runs(self) -> None:
        def train(lr: float, width: int, run: object) -> float:
            return lr

        for given, said in (
            ({"grid": {"lr": 1}}, "train wants `width`, which no axis gives"),
            (
                {"grid": {"lr": 1, "width": 2, "widht": 3}},
                "train does not take `widht`, so every value of the axis trains the same\nhint: did you mean width?",
            ),
            ({"grid": {"lr": 1, "width": 2}, "sedes": 3}, "xrun.sweep has no sedes\nhint: did you mean seeds?"),
            ({"grid": {"lr": 1, "width": 2}, "task": {}}, "a function is the task, so there is no other"),
            ({"grid": {"lr": 1, "width": object()}}, "grid.width is object, which a sweep file cannot have"),
        ):
            with self.assertRaises(xrun.Error) as refused:
                xrun.sweep(train, **given)
            self.assertTrue(str(refused.exception).startswith(said), str(refused.exception))
        self.assertFalse((self.folder / "xrun.db").exists())

    def test_seeds_that_a_function_does_not_take_are_told(self) -> None:
        def train(lr: float) -> float:
            return lr

        with self.assertWarnsRegex(UserWarning, "train does not take `seed`") as told, self.assertRaises(xrun.Error):
            xrun.sweep(train, grid={"lr": object()}, seeds=3)
        self.assertEqual(told.filename, __file__)

    def test_whatever_can_be_sent_comes_through(self) -> None:
        cell = """
            import abc, collections, contextlib, dataclasses, enum, functools, math, typing
            def even(n): return n == 0 or odd(n - 1)
            def odd(n): return n != 0 and even(n - 1)
            @functools.lru_cache(None)
            def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
            class Base:
                kind = "base"
                def __init__(self, x): self.x = x
                def get(self): return self.x
                @staticmethod
                def one(): return 1
                @classmethod
                def make(cls, x): return cls(x)
                @property
                def double(self): return 2 * self.x
                @functools.cached_property
                def triple(self): return 3 * self.x
            class Sub(Base):
                __slots__ = ("y",)
                def get(self): return super().get() + Sub.one()
            class Meta(type):
                def count(cls): return len(cls.__name__)
            class Made(metaclass=Meta): pass
            class Color(enum.Enum):
                RED = 1
                BLUE = 2
                def twice(self): return self.value * 2
            class Level(enum.IntFlag):
                A = 1
                B = 2
            @dataclasses.dataclass(frozen=True, order=True)
            class D:
                a: int = 1
                b: list = dataclasses.field(default_factory=list, compare=False)
                c: dataclasses.InitVar[int] = 5
            Point = collections.namedtuple("Point", "x y", defaults=[9])
            class Typed(typing.NamedTuple):
                x: int
                y: int = 3
                def sum(self): return self.x + self.y
            @contextlib.contextmanager
            def context():
                yield 7
            def counter():
                n = 0
                def up():
                    nonlocal n
                    n += 1
                    return n
                def seen(): return n
                return up, seen
            up, seen = counter()
            def decorate(k):
                def d(f):
                    @functools.wraps(f)
                    def w(*a, **b): return k * f(*a, **b)
                    return w
                return d
            @decorate(3)
            def scaled(x): return x + 1
            T = typing.TypeVar("T")
            class Box(typing.Generic[T]):
                def __init__(self, x: T): self.x = x
            class Abstract(abc.ABC):
                @abc.abstractmethod
                def f(self): ...
            class Concrete(Abstract):
                def f(self): return 8
            table = {"f": lambda x: x + 0.5, "d": D(4)}
            part = functools.partial(pow, 2)
            def train(lr, n=4, *, level=Level.A | Level.B):
                '''says'''
                up()
                with context() as c:
                    return [even(10), fib(20), Sub(3).get(), Base.make(2).double, Base(2).triple, Sub(1).kind, Made.count(), Color.BLUE.twice(), Color(1).name,
                            int(level), D() < D(2), len(dataclasses.fields(D)), D().b, Point(1).y, Typed(1).sum(), c, seen(), scaled(1), table["f"](1), table["d"].a,
                            part(5), [math.floor(x + lr) for x in range(n)], train.__doc__, train.__name__, isinstance(Sub(1), Base), (lambda: n)(), Box[int](6).x, Concrete().f()]
        """
        train = self.cell(cell).__dict__["train"]
        manifest = uses(train).manifest()
        sender = _Sender(io.BytesIO())
        sender.send(train)
        self.assertEqual(uses(train).manifest(), manifest, "that it was sent makes it another")
        called = [True, 6765, 4, 4, 6, "base", 4, 4, "RED", 3, True, 2, [], 9, 4, 7, 1, 6, 1.5, 4, 32, [1, 2, 3, 4]]
        expected = [*called, "says", "train", True, 4, 6, 8]
        read = (
            "import io, json, sys, types; sys.path[:] = json.loads(sys.argv[1]); from xrun._function import check_same, receive\n"
            "sys.modules['__main__'] = m = types.ModuleType('__main__')\n"
            "train = receive(sys.stdin.buffer.read(), m.__dict__); check_same(train, json.loads(sys.argv[2]))\n"
            "print(json.dumps(train(1.5)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", read, json.dumps(sys.path), manifest],
            input=sender.file.getvalue(),
            capture_output=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(json.loads(done.stdout), expected)


class Corners(Case):
    def values(self, text: str, extra: str = "") -> str:
        head = "import xrun\n" + textwrap.dedent(extra) + "\n"
        tail = "\nprint([p['result']['mean'] for p in xrun.sweep(train, grid={'lr': [1.0]}, seeds=1).compare().points])\n"
        return self.script(head + textwrap.dedent(text) + tail).splitlines()[-1]

    def test_modules_beside_the_notebook_called_like_the_standard_librarys(self) -> None:
        for value in (1, 2):
            self.write("profile.py", f"def f(x): return {value} * x")
            self.assertEqual(self.values("import profile\ndef train(lr): return profile.f(lr)"), f"[{value}]")

    def test_modules_of_packages(self) -> None:
        text = """
            import concurrent.futures, xml.dom.minidom
            def train(lr):
                with concurrent.futures.ThreadPoolExecutor(1) as pool:
                    return pool.submit(lambda: lr * len(xml.dom.minidom.parseString("<a/>").childNodes)).result()
            """
        self.assertEqual(self.values(text), "[1]")

    def test_fields_of_dataclasses(self) -> None:
        for value in (3, 4):
            text = f"""
                import dataclasses
                @dataclasses.dataclass
                class C:
                    x: float = dataclasses.field(default=1.0, metadata={{"scale": {value}}})
                def train(lr): return lr * dataclasses.fields(C)[0].metadata["scale"]
                """
            self.assertEqual(self.values(text), f"[{value}]")

    def test_dates(self) -> None:
        try:
            import numpy
        except ImportError:
            self.skipTest("there is no numpy")
        del numpy
        self.assertEqual(self.values("import numpy\nA = numpy.array(['2020-01-01'], 'M8[D]')\ndef train(lr): return len(A)"), "[1]")


if __name__ == "__main__":
    unittest.main()

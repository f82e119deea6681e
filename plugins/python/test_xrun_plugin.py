"""Tests of xrun_plugin as a module: python -m unittest. How it works behind xrun is tested in Go."""

import base64
import collections
import io
import json
import os
import random
import struct
import subprocess
import sys
import unittest
from contextlib import redirect_stdout

import xrun_plugin
from xrun_plugin import Array, choice, flag, integer, objective, optimizer, real, regularizer, tensor, text

try:
    import numpy
except ImportError:
    numpy = None

LAYOUT = [
    {"name": "W1", "shape": ["2"], "role": "weight", "penalized": True},
    {"name": "b1", "shape": ["1"], "role": "bias"},
    {"name": "W2", "shape": ["2", "1"], "role": "weight", "penalized": True},
]


def packed(values, code="d"):
    return base64.b64encode(struct.pack("<%d%s" % (len(values), code), *values)).decode()


def unpacked(encoded, code="d"):
    content = base64.b64decode(encoded)
    return list(struct.unpack("<%d%s" % (len(content) // struct.calcsize(code), code), content))


class Case(unittest.TestCase):
    def setUp(self):
        xrun_plugin._components.clear()
        self.worker = xrun_plugin._Worker({}, -1, -1)

    def ask(self, method, **request):
        reply = self.worker.reply({"method": method, "request": request})
        json.dumps(reply, allow_nan=False)  # what the pipe will carry
        return reply

    def open(self, kind, name, settings=None, **more):
        slot = dict({"slot": 0, "settings": settings or {}, "lambda": 3.0, "lr": 0.5, "seed": "18446744073709551615"}, **more.pop("slot", {}))
        request = dict({"session": 1, "kind": "KIND_" + kind.upper(), "component": name, "dtype": "float64", "layout": LAYOUT, "examples": "7", "loss": "log", "slots": [slot]}, **more)
        return self.ask("Open", **request)

    def run_op(self, op, parameters=(1, 2, 3, 4, 5), gradient=(0, 0, 0, 0, 0), **task):
        task.update(parameters=packed(parameters), gradient=packed(gradient))
        reply = self.ask("Run", session=1, op=op, sequence="9", tasks=[task], epoch="1", batch="0")
        return reply["ok"]["results"][0]

    def object(self):
        return self.worker.sessions[1].slots[0].object


class Declarations(Case):
    def test_mistakes_are_refused_where_they_are_made(self):
        class Fine:
            def __init__(self, theta, a=1):
                pass

            def step(self, theta, grad, lr):
                pass

        class Forgets(Fine):
            def state(self):
                return []

        for settings, cls, want in (
            ([real("b")], Fine, "__init__ does not take the setting 'b'"),
            ([real("a"), flag("a")], Fine, "the setting 'a' is declared twice"),
            ([real("lr")], Fine, "a setting cannot be called 'lr'"),
            ([real("a")], Forgets, "state() needs restore(saved)"),
        ):
            with self.assertRaisesRegex(TypeError, "optimizer x: " + want.replace("(", r"\(").replace(")", r"\)")):
                optimizer("x", settings=settings)(cls)
        with self.assertRaisesRegex(TypeError, "'colour' is not one of"):
            optimizer("x", colour="red")
        with self.assertRaisesRegex(TypeError, "lack train_loss"):
            methods = dict.fromkeys(("layout", "initial", "gradient", "evaluate"), lambda self: None)
            objective("x", metrics=["val_loss"])(type("O", (), methods))
        self.assertEqual(xrun_plugin._components, [])

    def test_a_description_is_what_was_declared(self):
        @optimizer(
            "all",
            summary="s",
            citation="c",
            revision=3,
            state_floats=2,
            settings=[
                real("r", default=0.5, low=0, high=float("inf"), low_open=True, log=True, doc="d"),
                integer("n", low=1),
                choice("c", ["x", "y"], default="y"),
                flag("f", default=True),
                text("t", default="z"),
            ],
        )
        class All:
            """Its rule."""

            def __init__(self, theta, **settings):
                self.settings = settings

            def step(self, theta, grad, lr, loss):
                pass

            def evaluate(self, theta):
                pass

            def gain(self):
                return float("inf")

        got = xrun_plugin._components[0].describe()
        settings = {s["name"]: s for s in got.pop("settings")}
        self.assertEqual(
            got,
            {
                "kind": "KIND_OPTIMIZER", "name": "all", "summary": "s", "doc": "Its rule.", "citation": "c", "revision": "3",
                "state_floats": "2", "features": ["eval_params", "gain", "loss_value"], "metrics": [],
            },
        )
        self.assertEqual(
            settings["r"],
            {"name": "r", "type": "real", "doc": "d", "required": False, "low": 0.0, "high": "Infinity", "low_open": True, "log_scale": True, "default_value": {"real": 0.5}},
        )
        self.assertTrue(settings["n"]["required"])
        self.assertEqual([settings[n]["default_value"] for n in "cft"], [{"choice": "y"}, {"flag": True}, {"text": "z"}])
        self.assertIn("gain() returned inf, but a gain is a finite number above 0", str(self.open("optimizer", "all", {"n": {"integer": "2"}})))
        self.assertEqual(self.object().settings, {"r": 0.5, "n": 2, "c": "y", "f": True, "t": "z"})

    def test_settings_out_of_bounds_are_refused_by_name(self):
        @optimizer("o", settings=[real("r", default=0.5, low=0, high=1, high_open=True), choice("c", ["x"]), integer("n", default=1)])
        class O:
            def __init__(self, theta, r, c, n):
                self.r = r

            def step(self, theta, grad, lr):
                pass

        for name, value, want in (
            ("r", {"real": 1}, "r is 1.0"), ("r", {"real": -0.1}, "r is -0.1"), ("r", {"real": "NaN"}, "r is nan"),
            ("c", {"choice": "y"}, "c is 'y'"), ("n", {"real": 1.5}, "n wants a integer"), ("q", {"real": 1}, "no setting q"),
        ):
            got = self.open("optimizer", "o", {name: value})
            self.assertEqual(got["code"], 3)
            self.assertIn(want, got["message"])
        self.assertIn("ok", self.open("optimizer", "o", {"r": {"integer": "0"}}))


class Calls(Case):
    def test_an_optimizer_works_in_place_and_is_told_what_it_names(self):
        @optimizer("o", features=["reverse"])
        class O:
            def __init__(self, theta, lr, seed, layout, dtype, examples):
                self.given = (len(theta), lr, seed, dtype, examples)
                self.layout = layout

            def step(self, theta, grad, lr, loss):
                theta -= lr * grad
                return xrun_plugin.AGAIN if loss < 0 else None

            def evaluate(self, theta):
                theta[:] = 8

        self.assertIn("ok", self.open("optimizer", "o"))
        self.assertEqual(self.object().given, (5, 0.5, 2**64 - 1, "float64", 7))
        self.assertEqual([(t["shape"], t["offset"], t["penalized"]) for t in self.object().layout], [((2,), 0, True), ((1,), 2, False), ((2, 1), 3, True)])
        got = self.run_op("OP_STEP", gradient=(1, 1, 1, 1, 1), rate=0.5, loss=2.0)
        self.assertEqual(unpacked(got["parameters"]), [0.5, 1.5, 2.5, 3.5, 4.5])
        self.assertNotIn("again", got)
        self.assertTrue(self.run_op("OP_STEP", loss=-1.0)["again"])
        self.assertEqual(unpacked(self.run_op("OP_EVALUATE")["parameters"]), [8] * 5)

    def test_a_regularizer_sees_the_penalised_parameters_only(self):
        @regularizer("r")
        class R:
            def __init__(self, lam, examples, theta, layout, loss):
                self.given = (lam, examples, len(theta), [(t["name"], t["offset"]) for t in layout], loss)

            def value(self, theta):
                return sum(theta)

            def add_gradient(self, theta, grad):
                grad += theta

            def prox(self, theta, step):
                theta *= step

            def coefficients(self):
                return {"l2": float("inf")}

        got = self.open("regularizer", "r", {"mode": {"choice": "proximal"}})
        self.assertEqual(got, {"ok": {"coefficients": [{"parts": {"l2": "Infinity"}}]}})
        self.assertEqual(self.object().given, (3.0, 7, 4, [("W1", 0), ("W2", 2)], "log"))
        self.assertEqual(self.run_op("OP_VALUE")["value"], 12)
        for _ in range(2):  # the second with the buffers of the first
            self.assertEqual(unpacked(self.run_op("OP_PENALIZE", gradient=(1, 1, 1, 1, 1))["gradient"]), [2, 3, 1, 5, 6])
            self.assertEqual(unpacked(self.run_op("OP_PROX", rate=2.0)["parameters"]), [2, 4, 3, 8, 10])
        self.assertEqual(xrun_plugin._components[0].features, ["coefficients", "prox"])
        self.assertIn("ok", self.open("regularizer", "r", layout=LAYOUT[1:2]))
        self.assertEqual(self.run_op("OP_VALUE", parameters=(5,), gradient=(0,))["value"], 0)

    def test_an_objective_is_placed_once_and_gives_what_it_declares(self):
        @objective("q", metrics=["train_loss", "val_loss"])
        class Q:
            examples, batches, loss = 4, 2, "squares"

            def __init__(self, seed, dtype):
                self.attached = []

            def layout(self):
                return [tensor("W", (1, 2)), tensor("b", 1, role="bias")]

            def attach(self, theta, grad):
                self.attached.append((theta, grad))

            def initial(self, theta):
                theta[:] = 2

            def gradient(self, theta, grad, epoch, batch):
                assert theta is self.attached[0][0] and grad is self.attached[0][1]
                grad[:] = theta
                return epoch + batch

            def evaluate(self, theta):
                return {"train_loss": float("nan"), "other" if theta[0] < 0 else "val_loss": 0.5}

        got = self.open("objective", "q", layout=[])
        want = [{"name": "W", "shape": ["1", "2"], "role": "weight", "offset": "0"}, {"name": "b", "shape": ["1"], "role": "bias", "offset": "2"}]
        self.assertEqual(got["ok"]["problem"], {"layout": want, "examples": "4", "batches": "2", "loss": "squares"})
        self.assertEqual(self.object().attached, [])
        self.assertEqual(self.ask("Place", session=1), {"ok": {}})
        self.assertEqual(unpacked(self.run_op("OP_INIT", (0, 0, 0), (0, 0, 0))["parameters"]), [2, 2, 2])
        got = self.run_op("OP_GRADIENT", (1, 2, 3), (0, 0, 0))
        self.assertEqual((got["value"], unpacked(got["gradient"])), (1.0, [1, 2, 3]))
        self.assertEqual(self.run_op("OP_METRICS", (1, 2, 3), (0, 0, 0))["metrics"], ["NaN", 0.5])
        self.assertIn("evaluate gives other, train_loss, declared are train_loss, val_loss", self.run_op("OP_METRICS", (-1, 2, 3), (0, 0, 0))["error"])
        self.assertEqual(len(self.object().attached), 1)

    def test_a_count_that_is_not_whole_is_refused(self):
        for batches, want in ((2, "2"), (2.0, "2"), (2.5, None), (float("nan"), None), ("2", None), (True, "1")):
            xrun_plugin._components.clear()

            @objective("q", metrics=["train_loss"])
            class Q:
                examples, loss = 4, "squares"

                def __init__(self):
                    self.batches = batches

                def layout(self):
                    return [tensor("W", (1, 2))]

                def initial(self, theta):
                    pass

                def gradient(self, theta, grad, epoch, batch):
                    return 0

                def evaluate(self, theta):
                    return {"train_loss": 0}

            got = self.open("objective", "q", layout=[])
            if want is None:
                self.assertIn("batches is %s; it has to be the number of steps an epoch, a whole number" % xrun_plugin._named(batches), str(got).replace("\\", ""))
            else:
                self.assertEqual(got["ok"]["problem"]["batches"], want)

    def test_a_vector_that_is_returned_is_refused(self):
        @optimizer("o")
        class O:
            def step(self, theta, grad, lr):
                return theta - lr * grad

        self.open("optimizer", "o")
        self.assertIn("change theta in place", self.run_op("OP_STEP")["error"])

    def test_what_a_method_returns_wrongly_is_said_with_its_name(self):
        wrong = {"result": None}

        @objective("returns", metrics=["train_loss", "val_loss"])
        class Returns:
            loss, examples, batches = "squares", 4, 2

            def __init__(self, seed):
                for name in ("loss", "examples", "batches"):
                    if name in wrong:
                        setattr(self, name, wrong[name])

            def layout(self):
                return wrong.get("layout", [tensor("w", (5,))])

            def initial(self, theta):
                return wrong["result"]

            def gradient(self, theta, grad, epoch, batch):
                return wrong["result"]

            def evaluate(self, theta):
                return wrong["result"]

        @regularizer("penalty")
        class Penalty:
            def __init__(self, lam):
                pass

            def value(self, theta):
                return wrong["result"]

            def add_gradient(self, theta, grad):
                return wrong["result"]

            def coefficients(self):
                return wrong.get("coefficients", {"l2": 1})

        @optimizer("gains")
        class Gains:
            def step(self, theta, grad, lr):
                return wrong["result"]

            def gain(self):
                return wrong["gain"]

        def said(kind, name, op, result):
            wrong["result"] = result
            self.open(kind, name)
            if kind == "objective":
                self.ask("Place", session=1)
            return self.run_op(op).get("error")

        for op, result, want in (
            ("OP_GRADIENT", None, "gradient returns None; it has to return the mean loss of the mini-batch, a number"),
            ("OP_GRADIENT", (1.0, 2), "gradient returns a tuple; it has"),
            ("OP_GRADIENT", "0.5", "gradient returns '0.5'; it has"),
            ("OP_METRICS", None, "evaluate returns None; it has to return a dict of train_loss, val_loss"),
            ("OP_METRICS", [1, 2], "evaluate returns a list; it has"),
            ("OP_METRICS", {"train_loss": 1.0, "val_loss": None}, 'evaluate returns None for "val_loss"; it has to return val_loss, a number'),
            ("OP_METRICS", {"train_loss": 1.0}, "evaluate gives train_loss, declared are train_loss, val_loss"),
            ("OP_INIT", [1, 2], "initial returns a vector; it has to change theta in place"),
        ):
            self.assertIn(want, said("objective", "returns", op, result))
        self.assertIn("value returns None; it has to return the penalty, a number", said("regularizer", "penalty", "OP_VALUE", None))
        self.assertIn("add_gradient returns a vector; it has to change grad in place", said("regularizer", "penalty", "OP_PENALIZE", [0.5]))
        for name, value, want in (
            ("layout", None, "layout returns None; it has to return a list of tensor(name, shape)"),
            ("layout", [("w", 5)], "make each entry by tensor(name, shape)"),
            ("loss", None, 'loss is None; it has to be "squares", "log" or "function"'),
            ("examples", None, "examples is None; it has to be the number of training examples, a whole number"),
            ("batches", 2.5, "batches is 2.5; it has to be the number of steps an epoch, a whole number"),
        ):
            wrong[name] = value
            self.assertIn(want, self.open("objective", "returns")["message"])
            del wrong[name]
        wrong["coefficients"] = None
        self.assertIn('coefficients returns None; it has to return a dict of "l1" and "l2"', self.open("regularizer", "penalty")["message"])
        wrong["gain"] = None
        self.assertIn("gain returns None; it has to return what steps settle at", self.open("optimizer", "gains")["message"])

    def test_an_exception_is_told_with_the_frames_of_the_author_only(self):
        @optimizer("o")
        class O:
            def __init__(self, theta, examples):
                if examples == 0:
                    raise KeyError("k")
                if examples == 1:
                    raise xrun_plugin.SettingError("a and b make no sense together")

            def step(self, theta, grad, lr):
                if lr == 2:
                    try:
                        {}["deep"]
                    except KeyError as e:
                        raise RuntimeError("outer") from e
                raise ValueError("h\u00e9 \udc80")

        self.open("optimizer", "o")
        lines = self.run_op("OP_STEP")["error"].split("\n")
        self.assertEqual(lines[0], "ValueError: h\u00e9 \udc80")
        self.assertIn("test_xrun_plugin.py", lines[1])
        self.assertNotIn(xrun_plugin.__file__ + '"', "\n".join(lines))
        lines = self.run_op("OP_STEP", rate=2)["error"].split("\n")
        self.assertEqual([line for line in lines if not line.startswith("  ")], ["RuntimeError: outer", "which came from KeyError: 'deep'"])
        got = self.open("optimizer", "o", examples="0")
        self.assertEqual((got["code"], got["message"].split("\n")[0]), (13, "KeyError: 'k'"))
        self.assertEqual(self.open("optimizer", "o", examples="1"), {"code": 3, "message": "a and b make no sense together"})
        self.assertEqual(self.open("optimizer", "p")["code"], 5)
        long = "begin" + "\u20ac" * 2_000_000 + "end"
        short = xrun_plugin._shorten(long)
        self.assertTrue(8000 < len(short) <= 8192, len(short))
        self.assertTrue(short.decode().startswith("begin\u20ac") and short.decode().endswith("\u20acend"))
        self.assertIn(" bytes left out ", short.decode())
        self.assertEqual(xrun_plugin._shorten("x" * 8192), b"x" * 8192)

    def test_every_error_is_short(self):
        class Wordy:
            def __init__(self, theta):
                raise ValueError("y" * 5_000_000)

            def step(self, theta, grad, lr):
                pass

        component = xrun_plugin._Component("optimizer", "wordy", Wordy, {})
        xrun_plugin._components.append(component)
        worker = xrun_plugin._Worker({}, None, None)
        request = {"kind": "KIND_OPTIMIZER", "component": "wordy", "dtype": "float64", "session": 1, "slots": [{}], "layout": []}
        answer = worker.reply({"method": "Open", "request": request})
        self.assertEqual(answer["code"], 3)
        self.assertTrue(len(answer["message"].encode()) <= 8192, len(answer["message"]))
        for error in (xrun_plugin.SettingError("z" * 100_000), xrun_plugin._Refused(5, "z" * 100_000), RuntimeError("\u20ac" * 5000)):
            def fails(_, error=error):
                raise error

            worker.fails = fails
            self.assertTrue(len(worker.reply({"method": "fails", "request": {}})["message"].encode()) <= 8192)


class State(Case):
    def stateful(self, make):
        @optimizer("o")
        class O:
            def __init__(self, theta):
                make(self, theta)

            def step(self, theta, grad, lr):
                pass

        self.open("optimizer", "o")
        return self.object()

    def save(self):
        return self.ask("Save", session=1)

    def restore(self, saved):
        return self.ask("Restore", session=1, state=saved)

    def test_everything_an_object_remembers_comes_back(self):
        def make(o, theta):
            o.m = 0 * theta
            o.nothing, o.yes, o.n, o.x, o.word, o.raw = None, False, 0, 0.0, "", b""
            o.pairs, o.last, o.where = [(0 * theta, 0)], collections.deque(maxlen=2), {}
            o.random, o.function, o.module, o.state = random.Random(1), abs, os, None

        o = self.stateful(make)
        m = o.m
        o.m += 0.1
        o.nothing, o.yes, o.n, o.x, o.word, o.raw = 1.5, True, 2**70, float("-inf"), "\u00e9", b"\xff"
        o.pairs[0][0][1] = -0.0
        o.last.extend([1, 2, 3])
        o.where[(1, "a")] = [5e-324, float("nan")]
        o.late = 4
        o.random.random()
        saved = self.save()["ok"]
        drawn = o.random.random()
        later = dict(vars(o), m=list(o.m))
        o.m += 1
        o.n, o.pairs, o.later = 5, [], 6
        self.assertEqual(self.restore(saved), {"ok": {}})
        self.assertIs(o.m, m)
        self.assertEqual(list(o.m), later["m"])
        self.assertFalse(hasattr(o, "later"))
        for name in ("nothing", "yes", "n", "x", "word", "raw", "late", "function", "module"):
            self.assertEqual(getattr(o, name), later[name])
        self.assertEqual((list(o.last), o.last.maxlen), ([2, 3], 2))
        self.assertEqual(str(o.where), "{(1, 'a'): [5e-324, nan]}")
        self.assertEqual(str(o.pairs[0][0][1]), "-0.0")
        self.assertEqual(o.random.random(), drawn)
        self.assertEqual(self.save()["ok"] != saved, True)  # the generator has moved on

    def test_what_cannot_be_saved_is_named(self):
        class Net:
            def __call__(self):
                pass

        self.stateful(lambda o, theta: setattr(o, "net", Net()))
        self.assertIn("self.net is a Net, which cannot be saved", self.save()["message"])

    def test_a_damaged_state_is_refused(self):
        self.stateful(lambda o, theta: setattr(o, "n", 1))
        content = bytearray(base64.b64decode(self.save()["ok"]["content"]))
        for cut in (0, 7, 9, len(content) - 1):
            self.assertEqual(self.restore({"content": base64.b64encode(content[:cut]).decode()})["code"], 15)
        for i in range(len(content)):
            content[i] ^= 1
            self.assertEqual(self.restore({"content": base64.b64encode(content).decode()})["code"], 15)
            content[i] ^= 1

    @unittest.skipIf(numpy is None, "numpy is not installed")
    def test_arrays_of_numpy_come_back_in_place_and_views_stay_views(self):
        def make(o, theta):
            o.h, o.k = numpy.zeros((2, 3), order="F"), numpy.float32(0)
            o.view = theta[1:3]
            o.generator, o.legacy = numpy.random.default_rng(3), numpy.random.RandomState(3)

        o = self.stateful(make)
        h = o.h
        h += numpy.arange(6).reshape(2, 3)
        o.k, o.mask = numpy.float32(0.1), numpy.array([True, False])
        o.generator.random()
        saved = self.save()["ok"]
        drawn = o.generator.random(), o.legacy.rand()
        h[:] = 0
        o.k = 0
        theta = self.worker.sessions[1].slots[0].theta
        theta[1] = 77
        self.restore(saved)
        self.assertIs(o.h, h)
        self.assertEqual(h.tolist(), [[0, 1, 2], [3, 4, 5]])
        self.assertEqual((o.k.dtype, o.k, o.mask.tolist()), (numpy.float32, numpy.float32(0.1), [True, False]))
        self.assertEqual(o.view[0], 77)
        self.assertEqual((o.generator.random(), o.legacy.rand()), drawn)


class Arrays(unittest.TestCase):
    def of(self, values, code="d"):
        a = Array.zeros(len(values), code)
        a[:] = values
        return a

    def test_arithmetic(self):
        a, b = self.of([1, -2, 3]), self.of([4, 5, 6])
        for got, want in (
            (a + b, [5, 3, 9]), (a - b, [-3, -7, -3]), (a * b, [4, -10, 18]), (b / a, [4, -2.5, 2]), (a**2, [1, 4, 9]),
            (1 - a, [0, 3, -2]), (2 / b, [0.5, 0.4, 1 / 3]), (2 * a, [2, -4, 6]), (1 + a, [2, -1, 4]), (-a, [-1, 2, -3]), (abs(a), [1, 2, 3]),
        ):
            self.assertEqual(list(got), want)
        part = a[1:]
        part += 10
        part *= self.of([1, 2])
        self.assertEqual(list(a), [1, 8, 26])
        a[:2] = 7
        a[-1] -= 1
        self.assertEqual((list(a), len(a), max(a), repr(a)), ([7, 7, 25], 3, 25, "Array([7.0, 7.0, 25.0])"))
        c = a.copy()
        c /= 2
        self.assertEqual(a[0], 7)
        with self.assertRaisesRegex(ValueError, "lengths 3 and 2"):
            a + part

    @unittest.skipIf(numpy is None, "numpy is not installed")
    def test_it_rounds_as_numpy_does(self):
        draw = random.Random(5)
        for code, dtype in (("d", "float64"), ("f", "float32")):
            x, y = ([draw.uniform(-1, 1) for _ in range(500)] for _ in range(2))
            a, b, p, q = self.of(x, code), self.of(y, code), numpy.array(x, dtype), numpy.array(y, dtype)
            for f in (
                lambda u, v: u * 0.1 + v / 3, lambda u, v: (1 - 0.9) * (u - v), lambda u, v: 0.7 / u - v, lambda u, v: u * 1e-40 + v * 1e-43,
            ):
                self.assertEqual(bytes(f(a, b).memory.cast("B")), f(p, q).tobytes())
            a -= 0.1 * b
            p -= 0.1 * q
            self.assertEqual(bytes(a.memory.cast("B")), p.tobytes())


class Programs(unittest.TestCase):
    def test_report_prints_a_line_of_json(self):
        out = io.StringIO()
        with redirect_stdout(out):
            xrun_plugin.report(epoch=numpy.int64(3) if numpy else 3, val_loss=numpy.float32(0.5) if numpy else 0.5)
        self.assertEqual(out.getvalue(), '{"epoch": 3, "val_loss": 0.5}\n')

    def test_run_by_hand_it_says_what_it_is(self):
        env = dict(os.environ, PYTHONPATH=os.path.dirname(xrun_plugin.__file__))
        done = subprocess.run([sys.executable, "-c", "from xrun_plugin import serve; serve()"], env=env, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("is a plugin of xrun", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""Sweeps from files, dicts and keywords, and what their results are."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import os
import re
import sys
import unittest
from typing import Any

from support import Case

import xrun
from xrun import _results, _sweep
from xrun._command import text as printed_by
from xrun._results import Records, safetensors
from xrun._sweep import progress_html, toml

SMALL = """
name  = "small"
seeds = 2
[task]
dataset    = "iris"
model      = "softmax"
epochs     = 3
validation = 0.2
[grid]
lr        = [0.01, 0.1]
optimizer = ["sgd", "adam"]
"""

QUADRATIC: dict[str, Any] = {
    "task": {"model": "quadratic", "epochs": 5},
    "grid": {"lr": [0.1, 0.2], "lambda": {"log": [1e-5, 1e-3], "n": 2}},
}


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


class Quiet(Case):
    def setUp(self) -> None:
        super().setUp()
        self.said = io.StringIO()
        self.enterContext(contextlib.redirect_stderr(self.said)) if sys.version_info >= (3, 11) else self._redirect()

    def _redirect(self) -> None:
        before, sys.stderr = sys.stderr, self.said
        self.addCleanup(setattr, sys, "stderr", before)

    def refused(self, call: Any, message: str, hint: str = "") -> None:
        with self.assertRaises(xrun.Error) as refused:
            call()
        self.assertIn(message, refused.exception.message)
        self.assertIn(hint, refused.exception.hint)


class Results(Quiet):
    def test_a_sweep_file(self) -> None:
        self.write("small.toml", SMALL)
        r = xrun.sweep("small.toml")
        self.assertIn("8/8 ", self.said.getvalue())
        self.assertEqual((r.sweep, r.path, r.complete, r.holds), ("small", str(self.folder / "xrun.db"), True, True))
        db = xrun.open("xrun.db")
        self.assertEqual([(s["name"], s["trials"], s["with_result"]) for s in db.sweeps()], [("small", 8, 8)])
        self.assertEqual(
            (len(db.points()), len(db.points("small", where="lr < 0.05")), len(db.runs()), len(db.runs(where="seed == 0"))),
            (4, 2, 8, 4),
        )
        best = db.best("small")
        self.assertEqual(
            best.value,
            min(
                run["value"]
                for run in db.runs()
                if run["lr"] == best.config["lr"] and run["optimizer"] == best.config["optimizer"]
            ),
        )
        self.assertEqual(best.run, db.best(run=best.run["run_id"]).run)
        curve = db.curves(best.run, "val_loss")
        self.assertEqual([c["step"] for c in curve], [0, 1, 2, 3])
        self.assertEqual(curve[best.kept_epoch]["value"], best.value)
        self.assertEqual(len(db.curves("small", "val_loss")), 8 * 4)
        self.assertEqual(list(db.sql("SELECT count(*) AS n FROM runs WHERE lr = :lr", lr=0.1)), [{"n": 4}])

    def test_a_comparison(self) -> None:
        self.write("small.toml", SMALL)
        xrun.sweep("small.toml")
        db = xrun.open()
        c = db.compare("small", where="lr < 0.5", metric="val_loss", test="permutation")
        self.assertEqual(c.verdict, c.data["verdict"])
        self.assertEqual(c.decision, c.data["decision"])
        self.assertEqual([a["name"] for a in c.arms], [a["name"] for a in c.data["arms"]])
        self.assertEqual([t["name"] for t in c.tests], ["permutation"])
        self.assertEqual(str(c), printed_by(["compare", "small", "--where", "lr < 0.5", "--test", "permutation"]).rstrip("\n"))
        self.assertTrue(str(c.svg("map")).startswith("<?xml"))
        self.assertNotEqual(c.svg("map"), c.svg("curves"))
        frame = c._repr_html_()
        self.assertTrue(frame.startswith('<iframe sandbox="allow-scripts"'), frame[:80])
        self.assertEqual(frame.count("<"), 2, "the report is not all inside srcdoc")
        self.assertEqual(len(db.compare(top=1, cols=["last(train_loss)", "epochs"]).points[0]["columns"]), 2)
        self.assertEqual(len(db.compare(runs=True).points), 8)
        self.refused(lambda: db.compare(whare="lr < 1"), "xrun compare has no whare", "did you mean where?")
        self.refused(lambda: c.svg("map", explain=True), "xrun plot has no explain")
        self.refused(lambda: db.compare("other"), 'there is no sweep "other"', "small")
        self.refused(lambda: db.compare(where="lr <"), "the expression ends")

    def test_flags_are_those_of_the_program(self) -> None:
        elsewhere = {"store", "json", "csv", "md", "tex", "html", "force", "help", "output", "format", "dpi", "heatmap"}
        for command, known in (
            ("compare", {*_results.QUESTION, *_results.TABLE}),
            ("plot", {*_results.QUESTION, *_results.FIGURE, "width"}),
            ("runs", {*_results.RUNS, "width"}),
            ("sweep", {*_sweep.FLAGS, "ui", "cluster", "shard", "detach", "print"}),
        ):
            found = set(re.findall(r"^   --([a-z-]+)", printed_by([command, "--help"]), re.MULTILINE)) - elsewhere
            self.assertEqual(found, known - {"heatmap"}, command)

    def test_a_sweep_of_keywords_is_written_where_the_command_line_finds_it(self) -> None:
        r = xrun.sweep(QUADRATIC, seeds=2)
        self.assertEqual(r.sweep, "sweep")
        self.assertEqual(len(r.runs()), 8)
        self.assertIn("nothing to train", self.trained(lambda: xrun.sweep("sweep.toml")))
        self.assertIn("nothing to train", self.trained(lambda: xrun.sweep(**QUADRATIC, seeds=2)))
        self.assertEqual(xrun.sweep(QUADRATIC, name="other", store="there.db").path, str(self.folder / "there.db"))
        self.assertEqual(xrun.sweep(QUADRATIC, name="third", run={"store": "third.db"}).path, str(self.folder / "third.db"))
        self.assertEqual(xrun.sweep(QUADRATIC, quick=True).sweep, "sweep-quick")
        self.write("mine.toml", SMALL)
        self.refused(lambda: xrun.sweep(QUADRATIC, name="mine"), "mine.toml exists, and xrun.sweep has not written it")

    def trained(self, call: Any) -> str:
        self.said.seek(0)
        self.said.truncate()
        call()
        return self.said.getvalue()

    def test_conditions_and_failures_are_answers(self) -> None:
        r = xrun.sweep(QUADRATIC, check={"never": "failed > 0"})
        self.assertEqual((r.holds, r.complete), (False, True))
        self.assertEqual(len(r.compare().points), 4)
        r = xrun.sweep(task={"command": [sys.executable, "-c", "exit(1)"], "metrics": ["val_loss"]}, name="fails")
        self.assertFalse(r.complete)
        self.assertIn("val_loss", repr(r))

    def test_mistakes(self) -> None:
        self.refused(lambda: xrun.sweep(), "xrun.sweep wants a sweep")
        self.refused(lambda: xrun.sweep(QUADRATIC, sedes=3), "xrun.sweep has no sedes", "did you mean seeds?")
        self.refused(lambda: xrun.sweep("small.toml", seeds=3), "xrun.sweep has no seeds beside a sweep file")
        self.refused(lambda: xrun.sweep("small.toml"), "no such file")
        self.refused(lambda: xrun.sweep(task={"model": "kuadratic"}, grid={"lr": 1}), "did you mean `quadratic`?")
        self.refused(lambda: xrun.open("none.db"), "there is no file none.db")
        self.write("odd.db", "this is no database")
        self.refused(lambda: xrun.open("odd.db"), "odd.db")

    def test_another_version_is_refused(self) -> None:
        program = self.write("program", "#!/bin/sh\necho '{\"xrun_db\": 2}'\n")
        program.chmod(0o755)
        before, os.environ["XRUN_BINARY"] = os.environ["XRUN_BINARY"], str(program)
        self.addCleanup(os.environ.__setitem__, "XRUN_BINARY", before)
        self.write("xrun.db", "")
        self.refused(lambda: xrun.open("xrun.db"), "answers with xrun_db 2, and this package reads 1", "in one version")

    @unittest.skipUnless(has("numpy"), "there is no numpy")
    def test_parameters(self) -> None:
        self.write("small.toml", SMALL)
        parameters = xrun.sweep("small.toml").best().parameters
        self.assertEqual(
            {name: (a.shape, str(a.dtype)) for name, a in parameters.items()}, {"W": ((3, 4), "float64"), "b": ((3,), "float64")}
        )
        self.assertTrue(all(math.isfinite(x) for a in parameters.values() for x in a.ravel()))
        header = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"x":"y"},"b":{"dtype":"I8","shape":[],"data_offsets":[8,9]}}'
        arrays = safetensors(len(header).to_bytes(8, "little") + header + b"\0\0\x80\x3f\0\0\0\xc0\x07")
        self.assertEqual({k: v.tolist() for k, v in arrays.items()}, {"a": [1, -2], "b": 7})

    def test_settings_of_runs_are_what_differs(self) -> None:
        command = [sys.executable, "-c", 'print(\'{{"epoch": 1, "val_loss": \' + "{width}" + "}}")']
        r = xrun.sweep(
            task={"command": command, "metrics": ["val_loss"], "env": {"DEPTH": "{depth}"}},
            grid={"width": [3, 4], "depth": [1]},
            optimizers={"a": {"beta": 0.5}, "b": {"beta": 0.6}},
        )
        self.assertEqual(
            sorted((run["settings"]["width"], run["settings"]["optimizer.beta"], run["value"]) for run in r.runs()),
            [(3, 0.5, 3), (3, 0.6, 3), (4, 0.5, 4), (4, 0.6, 4)],
        )
        self.refused(lambda: r.best().parameters, "has kept no parameters")


class Tables(unittest.TestCase):
    rows = Records([{"a": 1, "b": {"c": 0.5, "d": "x"}}, {"a": 2.5, "b": {"c": None, "d": 3}, "e": [1, 2]}])

    def test_columns(self) -> None:
        self.assertEqual(self.rows.columns(), {"a": [1, 2.5], "b.c": [0.5, None], "b.d": ["x", 3], "e": [None, [1, 2]]})
        self.assertEqual(
            (len(self.rows), self.rows[0]["a"], len(self.rows[:1]), [r["a"] for r in self.rows]), (2, 1, 1, [1, 2.5])
        )
        self.assertIn("<td>0.5</td>", self.rows._repr_html_())
        self.assertIn("a    b.c  b.d", repr(self.rows))

    @unittest.skipUnless(has("pandas"), "there is no pandas")
    def test_pandas(self) -> None:
        self.assertEqual(list(self.rows.to_pandas()["a"]), [1, 2.5])

    @unittest.skipUnless(has("polars"), "there is no polars")
    def test_polars(self) -> None:
        self.assertEqual(self.rows.to_polars()["b.d"].to_list(), ["x", "3"])

    @unittest.skipUnless(has("pyarrow"), "there is no pyarrow")
    def test_arrow(self) -> None:
        self.assertEqual(self.rows.to_arrow().column("b.c").to_pylist(), [0.5, None])

    def test_what_is_not_installed_is_said(self) -> None:
        with self.assertRaises(xrun.Error) as refused:
            _results._module("no_such_module")
        self.assertEqual(refused.exception.message, "no_such_module is not installed")


class Files(unittest.TestCase):
    @unittest.skipIf(sys.version_info < (3, 11), "tomllib came with Python 3.11")
    def test_toml(self) -> None:
        import tomllib

        content: dict[str, Any] = {
            "name": 'a "b" \\ \n\t\x7f é', "seeds": 3, "flag": True, "list": [1, 2.5, "x", [1e-300, 1e22, -0.0]],
            "grid": {"lr": {"log": [1e-5, 1], "n": 3}, "odd key": (1, 2), "big": 2**62, "inf": math.inf},
            "optimizers": {"a": {}, "b": {"grid": {"momentum": [0, 0.9]}, "plugin": "sgd"}}, "skip": [{"where": "lr > 1"}],
        }  # fmt: skip
        read = tomllib.loads(toml(content))
        content["grid"]["odd key"] = [1, 2]
        self.assertEqual(read, content)
        self.assertEqual(math.copysign(1, read["list"][3][2]), -1)
        self.assertEqual(toml({"a": None, "b": {"c": None}}), "\n[b]\n")

    def test_progress(self) -> None:
        said = "train: 3 trials\n10:00:00 1/3 a<b: finished\n10:00:01 c: started\n"
        self.assertIn('<progress value="1" max="3"', progress_html(said, False))
        self.assertIn("a&lt;b", progress_html(said, False))
        self.assertNotIn("a&lt;b", progress_html(said, True))
        self.assertIn("a&lt;b", progress_html(said + "xrun: no\nhint: yes\n", True))


if __name__ == "__main__":
    unittest.main()

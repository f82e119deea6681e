"""The tracking store of MLflow over a result database, with sweeps of the program xrun and the client of the MLflow that is installed."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import math
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Iterator

from support import PACKAGE, Case

if importlib.util.find_spec("mlflow") is None:
    raise unittest.SkipTest("mlflow is not installed")

os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", GIT_PYTHON_REFRESH="quiet")

# MLflow finds the store by the entry points of an installed package. This is one, with the sources of this checkout.
SITE = tempfile.mkdtemp(prefix="xrun-test-site-")
INFO = pathlib.Path(SITE, "xrun-0.0.0.dist-info")
INFO.mkdir()
(INFO / "METADATA").write_text("Metadata-Version: 2.1\nName: xrun\nVersion: 0.0.0\n")
shutil.copy(pathlib.Path(PACKAGE, "entry_points.txt"), INFO)
sys.path.append(SITE)
os.environ["PYTHONPATH"] += os.pathsep + SITE


unittest.addModuleCleanup(shutil.rmtree, SITE, True)


import mlflow
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import SearchUtils

import xrun

NEWER = int(mlflow.__version__.split(".")[0]) >= 3

SMALL = """
name  = "small"
notes = "three rates"
tags  = ["b", "a"]
seeds = {seeds}
[task]
dataset    = "iris"
model      = "softmax"
epochs     = {epochs}
validation = 0.2
[grid]
lr        = [0.01, 0.1, 1e6]
lambda    = [0.0, 1.0]
optimizer = ["sgd", "adam"]
"""

ODD = """
name  = "o'dd \\"x\\".%_ ü"
seeds = 3
[task]
command = ["python3", "odd.py", "{width}", "{seed}"]
metrics = ["val_loss", "a.b", "it's", "wild"]
[metric]
name = "val_loss"
at   = "AT"
[grid]
width = [1, 2, 4]
"""

STOPS = """
name  = "stops"
seeds = 2
[task]
dataset    = "iris"
model      = "softmax"
epochs     = 27
validation = 0.2
[early_stop]
patience = 1
[prune]
rule = "halving"
[grid]
lr        = { log = [1e-4, 3.0], n = 9 }
optimizer = ["adam"]
"""

ODD_PROGRAM = """
import json, sys
width, seed = int(sys.argv[1]), int(sys.argv[2])
if width == 4 and seed == 1:
    sys.exit("broken")
wild = [1.5, float("inf"), float("-inf"), float("nan")]
for e in range(1, 6):
    loss = 1 / width + 0.1 * seed + (e - 3) ** 2 / 10
    print(json.dumps({"epoch": e, "val_loss": loss, "a.b": e * seed, "it's": float("nan"), "wild": wild[(e + width) % 4]}))
"""

SLOW = """
name  = "slow"
seeds = 4
[task]
command = ["python3", "slow.py", "{width}"]
metrics = ["val_loss"]
[grid]
width = [1, 2, 3]
"""

SLOW_PROGRAM = """
import json, time
for e in range(1, 9):
    print(json.dumps({"epoch": e, "val_loss": 1 / e}), flush=True)
    time.sleep(PAUSE)
"""


def run_xrun(folder: pathlib.Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run([xrun.binary(), *arguments], cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode != code:
        raise AssertionError(f"xrun {arguments} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def bits(v: Any) -> Any:
    """A number by which equal means the same bits, but that all NaN are one."""
    v = math.nan if v is None else float(v)
    return "nan" if math.isnan(v) else struct.pack(">d", v)


def state(folder: pathlib.Path) -> dict[str, str]:
    """All files of a folder with what is in them."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def client_of(path: pathlib.Path) -> Any:
    return mlflow.MlflowClient(tracking_uri=f"xrun://{urllib.parse.quote(str(path))}")


class Sweeps(unittest.TestCase):
    """A database with sweeps of several kinds, which no test changes."""

    folder: pathlib.Path = pathlib.Path()

    @classmethod
    def setUpClass(cls) -> None:
        if cls.folder == pathlib.Path():  # once for all classes
            Sweeps.make()

    @classmethod
    def make(cls) -> None:
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="xrun test-")).resolve()
        unittest.addModuleCleanup(shutil.rmtree, cls.folder, True)
        (cls.folder / "odd.py").write_text(textwrap.dedent(ODD_PROGRAM))
        (cls.folder / "small.toml").write_text(SMALL.format(seeds=3, epochs=6))
        run_xrun(cls.folder, "sweep", "small.toml", "--progress", "none")
        (cls.folder / "small.toml").write_text(SMALL.format(seeds=2, epochs=4))  # of the same name
        run_xrun(cls.folder, "sweep", "small.toml", "--progress", "none")
        (cls.folder / "small.toml").write_text(SMALL.format(seeds=3, epochs=6).replace('"small"', '"again"').replace(", 1e6", ""))
        run_xrun(cls.folder, "sweep", "small.toml", "--progress", "none")  # whose trials the first sweep ran
        for at in ("best", "last"):  # the same trials, and another epoch counts
            (cls.folder / f"{at}.toml").write_text(ODD.replace("AT", at))
            run_xrun(cls.folder, "sweep", f"{at}.toml", "--progress", "none", "--retry-failed", code=3)
        (cls.folder / "stops.toml").write_text(STOPS)
        run_xrun(cls.folder, "sweep", "stops.toml", "--progress", "none")
        cls.path = cls.folder / "xrun.db"
        cls.db = xrun.open(cls.path)
        cls.gone = [str(r["run_id"]) for r in cls.db.runs("small@1", where="optimizer == 'sgd' and lr == 0.01 and seed == 0")]
        run_xrun(cls.folder, "db", "delete", *cls.gone)
        cls.before = state(cls.folder)
        cls.client = client_of(cls.path)
        runs = cls.client.search_runs(["1", "2", "3", "4", "5", "6"], run_view_type=ViewType.ALL, max_results=10000)
        cls.ids = {(r.info.experiment_id, r.data.tags.get("xrun.run")): r.info.run_id for r in runs}
        finished = cls.db.runs("small@1", where="optimizer == 'adam' and lr == 0.1")
        cls.first, cls.second = sorted(cls.ids["1", str(r["run_id"])] for r in finished)[:2]

    def tearDown(self) -> None:
        self.assertEqual(state(self.folder), self.before, "reading has changed a file")

    def everything(self, **given: Any) -> list[Any]:
        ids = [e.experiment_id for e in self.client.search_experiments()]
        return list(self.client.search_runs(ids, max_results=10000, **given))

    def refused(self, call: Any, *words: str) -> str:
        with self.assertRaises(MlflowException) as refused:
            call()
        for word in words:
            self.assertIn(word, str(refused.exception))
        return str(refused.exception)


class WhatIsThere(Sweeps):
    def test_experiments_are_sweeps(self) -> None:
        sweeps = list(self.db.sweeps())
        found = list(self.client.search_experiments())
        self.assertEqual([(e.experiment_id, e.name) for e in found], [(str(s["id"]), s["title"]) for s in sweeps])
        self.assertEqual(len({e.name for e in found}), len(found))
        first = self.client.get_experiment_by_name("small@1")
        self.assertEqual(first.experiment_id, "1")
        self.assertEqual(self.client.get_experiment("1").name, "small@1")
        self.assertEqual(self.client.get_experiment_by_name("small").experiment_id, "2")
        self.assertIsNone(self.client.get_experiment_by_name("small' OR '1'='1"))
        self.assertEqual(
            {k: first.tags.get(k) for k in ("xrun.metric", "xrun.goal", "mlflow.note.content", "xrun.tags")},
            {"xrun.metric": "val_loss", "xrun.goal": "min", "mlflow.note.content": "three rates", "xrun.tags": "a, b"},
        )
        self.refused(lambda: self.client.get_experiment("17"), "no sweep with the id 17")
        self.refused(lambda: self.client.get_experiment("1; DROP TABLE run"), "no sweep")

    def test_experiments_are_searched(self) -> None:
        def names(**given: Any) -> list[str]:
            return [e.experiment_id for e in self.client.search_experiments(**given)]

        self.assertEqual(names(filter_string="name LIKE 'small%'", order_by=["name ASC"]), ["2", "1"])
        self.assertEqual(names(filter_string="name ILIKE 'SMALL%' AND tags.`xrun.metric` = 'val_loss'"), ["2", "1"])
        self.assertEqual(names(filter_string="name = \"o'dd \\\"\""), [])
        self.assertEqual(names(filter_string="creation_time > 0", max_results=2), ["6", "5"])
        self.assertEqual(names(order_by=["experiment_id ASC"]), ["1", "2", "3", "4", "5", "6"])
        pages, token = list[str](), None
        while True:
            page = self.client.search_experiments(max_results=2, page_token=token)
            pages += [e.experiment_id for e in page]
            token = page.token
            if not token:
                break
        self.assertEqual(pages, ["6", "5", "4", "3", "2", "1"])

    def test_runs_are_points_and_attempts(self) -> None:
        seen = set[str]()
        for sweep in self.db.sweeps():
            ours = [] if sweep["id"] == 3 else list(self.db.runs(sweep["title"]))  # the third sweep has made none
            points = list(self.db.points(sweep["title"], all=True))
            runs = list(self.client.search_runs([str(sweep["id"])], max_results=10000))
            parents = {r.info.run_id: r for r in runs if r.data.tags["xrun.kind"] == "point"}
            children = {r.data.tags["xrun.run"]: r for r in runs if r.data.tags["xrun.kind"] == "run"}
            # Runs that another sweep has made are those of both; xrun runs lists them with the sweep that made them.
            counted = {str(s["run_id"]) for point in points for s in point["seeds"] if s["run_id"]}
            made = {str(own["run_id"]) for own in ours}
            self.assertEqual((len(parents), set(children)), (len(points), made | set(children) if sweep["id"] in (3, 4, 5) else made), sweep)
            self.assertLessEqual(made | counted, set(children))
            self.assertEqual(len({r.info.run_id for r in runs}), len(runs))
            for own in ours:
                r = children[str(own["run_id"])]
                self.assertEqual(r.data.tags["xrun.status"], own["status"])
                seen.add(own["status"])
                wanted = "FAILED" if own["status"] in ("failed", "diverged") else "FINISHED"
                self.assertEqual(r.info.status, wanted)
                self.assertEqual(r.data.tags["xrun.trial_key"], own["trial_key"])
                if own["status"] != "failed":
                    self.assertEqual(bits(r.data.metrics["val_loss"]), bits(own["value"]))
                else:
                    self.assertIn("broken", r.data.tags["xrun.reason"] + r.data.tags.get("xrun.error", ""))
                self.assertEqual(r.data.params["seed"], str(own["seed"]))
                self.assertEqual(float(r.data.params.get("lr", own["lr"])), own["lr"])
            for point in points:
                seeds = [children[str(s["run_id"])] for s in point["seeds"] if s["run_id"]]
                if not seeds:  # their runs are deleted
                    continue
                parent = parents[seeds[0].data.tags["mlflow.parentRunId"]]
                self.assertEqual({r.data.tags["mlflow.parentRunId"] for r in seeds}, {parent.info.run_id})
                self.assertNotIn("seed", parent.data.params)
                self.assertEqual({k: v for k, v in seeds[0].data.params.items() if k != "seed"}, parent.data.params)
                if any("val_loss" in r.data.metrics for r in seeds):
                    self.assertEqual(bits(parent.data.metrics["val_loss"]), bits(point["result"]["mean"]), point)
                    self.assertEqual(parent.data.metrics["xrun.seeds"], point["result"]["n"])
                if point["result"]["n"] > 1:
                    values = [v for v in (r.data.metrics.get("val_loss", math.nan) for r in seeds) if not math.isnan(v)]
                    middle = math.fsum(values) / len(values)
                    sd = math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (len(values) - 1))
                    self.assertAlmostEqual(parent.data.metrics["xrun.sd"], sd, delta=1e-12)
        self.assertEqual(seen, {"finished", "stopped", "pruned", "diverged", "failed"})

    def test_params_are_what_somebody_has_set(self) -> None:
        left = {"divergence", "optimizer.component", "task.files_digest", "task.digest"}
        for r in self.everything():
            self.assertFalse(left & set(r.data.params), r.info.run_id)
            program = r.info.experiment_id in ("4", "5")
            self.assertLessEqual({"task.command", "width"} if program else {"optimizer", "lr", "task.model", "task.epochs"}, set(r.data.params))
        for name in left:
            self.assertEqual(self.everything(filter_string=f"params.`{name}` LIKE '%'"), [])

    def test_another_sweep_counts_another_epoch_of_a_program(self) -> None:
        best, last = (list(self.client.search_runs([i], "tags.`xrun.kind` = 'run' AND attributes.status = 'FINISHED'")) for i in ("4", "5"))
        self.assertEqual({r.data.tags["xrun.run"] for r in best}, {r.data.tags["xrun.run"] for r in last})
        self.assertEqual({r.data.tags["xrun.kept_epoch"] for r in best}, {"3"})
        self.assertEqual({r.data.tags["xrun.kept_epoch"] for r in last}, {"5"})

    def test_other_metrics_are_of_the_kept_epoch(self) -> None:
        curves = {(c["run_id"], c["metric"], c["step"]): c["value"] for c in self.db.curves()}
        checked = 0
        for r in self.everything(filter_string="tags.`xrun.kind` = 'run'"):
            for name, value in r.data.metrics.items():
                kept = r.data.tags.get("xrun.kept_epoch")
                wanted = curves[(int(r.data.tags["xrun.run"]), name, int(kept))] if kept else None
                self.assertEqual(bits(value), bits(wanted), (r.info.run_id, name))
                checked += 1
        self.assertGreater(checked, 300)

    def test_metrics_have_the_step_of_their_epoch(self) -> None:
        for r in self.everything():
            for metric in r.data._metric_objs:
                self.assertEqual(metric.step > 0, metric.key not in ("xrun.seeds", "xrun.sd"), (r.info.run_id, metric.key))
                self.assertGreaterEqual(metric.timestamp, r.info.start_time)

    def test_histories_are_the_curves(self) -> None:
        curves: dict[tuple[int, str], list[tuple[int, Any]]] = {}
        for c in self.db.curves():
            curves.setdefault((c["run_id"], c["metric"]), []).append((c["step"], bits(c["value"])))
        seen = 0
        for r in self.everything(filter_string="tags.`xrun.kind` = 'run'"):
            for name in r.data.metrics:
                history = self.client.get_metric_history(r.info.run_id, name)
                self.assertEqual([(m.step, bits(m.value)) for m in history], curves[(int(r.data.tags["xrun.run"]), name)])
                seen += len(history)
        self.assertGreater(seen, 1000)
        self.assertEqual(list(self.client.get_metric_history(self.first, "none' OR 1=1")), [])

    def test_a_point_has_the_mean_curve(self) -> None:
        for parent in self.client.search_runs(["1"], "tags.`xrun.kind` = 'point' AND params.lr = '0.1' AND params.optimizer = 'adam'"):
            seeds = self.client.search_runs(["1"], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
            curves = [[m.value for m in self.client.get_metric_history(r.info.run_id, "val_loss")] for r in seeds]
            mean = [math.fsum(at) / len(at) for at in zip(*curves)]
            history = self.client.get_metric_history(parent.info.run_id, "val_loss")
            self.assertEqual([m.step for m in history], list(range(7)))
            for m, wanted in zip(history, mean):
                self.assertAlmostEqual(m.value, wanted, delta=1e-12)
            self.assertEqual([m.value for m in self.client.get_metric_history(parent.info.run_id, "xrun.seeds")], [3.0])

    def test_histories_in_pages_and_samples(self) -> None:
        store = self.client._tracking_client.store
        whole = [(m.step, m.value) for m in store.get_metric_history(self.first, "val_loss")]
        pages, token = list[tuple[int, float]](), None
        while True:
            page = store.get_metric_history(self.first, "val_loss", max_results=3, page_token=token)
            pages += [(m.step, m.value) for m in page]
            token = page.token
            if not token:
                break
        self.assertEqual(pages, whole)
        parent = store.get_run(self.first).data.tags["mlflow.parentRunId"]
        for n in range(1, 9):
            sampled = store.get_metric_history_bulk_interval([self.first, parent], "val_loss", n, None, None)
            steps = [m.step for m in sampled if m.run_id == self.first]
            self.assertEqual(steps, [m.step for m in sampled if m.run_id == parent])
            self.assertEqual(len(steps), min(n, 7))
            self.assertEqual((steps[0], steps[-1]), (0 if n > 1 else 6, 6))
        sampled = store.get_metric_history_bulk_interval([self.first, self.second], "val_loss", 100, 2, 4)
        self.assertEqual([(m.run_id, m.step) for m in sampled], [(r, s) for r in (self.first, self.second) for s in (2, 3, 4)])
        bulk = store.get_metric_history_bulk([self.second, self.first], "val_loss", 9)
        self.assertEqual([(m.run_id, m.step) for m in bulk], [(self.first, s) for s in range(7)] + [(self.second, 0), (self.second, 1)])
        chosen = store.get_metric_history_bulk_interval_from_steps(self.first, "val_loss", [1, 5, 99], 10)
        self.assertEqual([m.step for m in chosen], [1, 5])

    def test_what_is_deleted(self) -> None:
        gone = {self.ids["1", run] for run in self.gone}
        self.assertEqual(len(gone), 2)
        self.assertEqual({r.info.run_id for r in self.client.search_runs(["1"], run_view_type=ViewType.DELETED_ONLY)}, gone)
        active = {r.info.run_id for r in self.client.search_runs(["1"], max_results=1000)}
        self.assertFalse(active & gone)
        both = {r.info.run_id for r in self.client.search_runs(["1"], run_view_type=ViewType.ALL, max_results=1000)}
        self.assertEqual(both, active | gone)
        self.assertEqual(self.client.get_run(min(gone)).info.lifecycle_stage, "deleted")
        copy = pathlib.Path(tempfile.mkdtemp(prefix="xrun-test-"))
        self.addCleanup(shutil.rmtree, copy, True)
        shutil.copy(self.path, copy / "xrun.db")
        run_xrun(copy, "db", "delete", "--sweep", "small@1")
        client = client_of(copy / "xrun.db")
        self.assertNotIn("1", [e.experiment_id for e in client.search_experiments()])
        self.assertEqual([e.experiment_id for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)], ["1"])
        self.assertEqual(client.get_experiment("1").lifecycle_stage, "deleted")
        self.assertEqual(list(client.search_runs(["1"])), [])
        self.assertGreater(len(client.search_runs(["1"], run_view_type=ViewType.DELETED_ONLY)), 10)

    def test_artifacts(self) -> None:
        files = self.client.list_artifacts(self.first)
        self.assertEqual([f.path for f in files], ["best.safetensors"])
        content = pathlib.Path(self.client.download_artifacts(self.first, "best.safetensors", tempfile.mkdtemp(dir=self.enter()))).read_bytes()
        self.assertEqual(len(content), files[0].file_size)
        with contextlib.closing(sqlite3.connect(f"file:{urllib.parse.quote(str(self.path))}?mode=ro&immutable=1", uri=True)) as db:
            digest = db.execute(
                "SELECT digest FROM artifact WHERE run_id = ? AND name = 'best'", [self.client.get_run(self.first).data.tags["xrun.run"]]
            ).fetchone()[0]
        self.assertEqual(hashlib.sha256(content).hexdigest(), digest)
        parent = self.client.get_run(self.first).data.tags["mlflow.parentRunId"]
        self.assertEqual(self.client.list_artifacts(parent), [])
        self.assertEqual(self.client.list_artifacts(self.first, "best.safetensors"), [])

    def enter(self) -> str:
        folder = tempfile.mkdtemp(prefix="xrun-test-")
        self.addCleanup(shutil.rmtree, folder, True)
        return folder


class Questions(Sweeps):
    """Filters, orders and pages agree with an evaluation in Python of all runs: that of filters is MLflow's own."""

    def clause(self, of: random.Random, runs: list[Any]) -> str:
        run = of.choice(runs)
        kind = of.choice(["metric", "param", "tag", "text", "time", *(["null"] if NEWER else [])])
        if kind == "metric":
            name = of.choice(["val_loss", "train_loss", "a.b", "it's", "wild", "xrun.seeds", "xrun.sd", "penalty", "none"])
            value = of.choice(runs).data.metrics.get(name, of.random())
            value = value if math.isfinite(value) else of.choice([0.0, 1e308, -5.0])
            return f"metrics.`{name}` {of.choice(['=', '!=', '<', '<=', '>', '>='])} {value!r}".replace("e+", "e")
        if kind == "time":
            comparator = of.choice(["=", "!=", "<", "<=", ">", ">="])
            return f"attributes.{of.choice(['start_time', 'Created'])} {comparator} {run.info.start_time}"
        if kind == "null":
            name = of.choice(["params.lr", "params.seed", "params.width", "tags.`xrun.error`", "tags.`mlflow.parentRunId`", "tags.none"])
            return f"{name} {of.choice(['IS NULL', 'IS NOT NULL'])}"
        if kind == "param":
            name = of.choice(["lr", "lambda", "optimizer", "seed", "width", "task.epochs", "regularizer", "optimizer.beta1", "none", "divergence", "task.command",
                              "optimizer.component", "task.files_digest"])  # fmt: skip
            of_run, name = run.data.params.get(name, "x"), f"params.`{name}`"
        elif kind == "tag":
            name = of.choice(["xrun.status", "xrun.kind", "mlflow.runName", "mlflow.parentRunId", "xrun.run", "xrun.sweep", "none"])
            of_run, name = run.data.tags.get(name, "x"), f"tags.`{name}`"
        else:
            name = of.choice(["run_id", "run_name", "status", "artifact_uri"])
            of_run, name = getattr(run.info, name), f"attributes.{name}"
        comparator = of.choice(["=", "!=", "LIKE", "ILIKE", *(["IN", "NOT IN"] if name == "attributes.run_id" else [])])
        if comparator in ("IN", "NOT IN"):
            chosen = [of.choice(runs).info.run_id for _ in range(of.randint(1, 5))]
            return f"{name} {comparator} ({', '.join(repr(c) for c in chosen)})"
        if comparator in ("LIKE", "ILIKE"):
            part = "".join(c if c.isalnum() and c.isascii() else "_" for c in of_run)
            at, end = sorted(of.randint(0, len(part)) for _ in range(2))
            part = of.choice(["%", ""]) + part[at:end] + of.choice(["%", ""])
            return f"{name} {comparator} '{part.upper() if comparator == 'ILIKE' else part}'"
        return f"{name} {comparator} " + (f'"{of_run}"' if "'" in of_run else f"'{of_run}'")

    def test_filters(self) -> None:
        of, runs = random.Random(1), self.everything()
        sizes: dict[int, int] = {}
        for _ in range(500):
            text = " AND ".join(self.clause(of, runs) for _ in range(of.choice([1, 1, 1, 2, 2, 3])))
            if '"x"' in text or '\\"' in text:
                continue
            wanted = [r.info.run_id for r in SearchUtils.filter(runs, text)]
            found = [r.info.run_id for r in self.everything(filter_string=text)]
            self.assertEqual(found, wanted, text)
            sizes[len(found)] = sizes.get(len(found), 0) + 1
        self.assertGreater(len(sizes), 40, "the filters tell little apart")

    def test_orders_and_pages(self) -> None:
        of, runs = random.Random(2), self.everything()
        ids = [e.experiment_id for e in self.client.search_experiments()]
        names = ["metrics.val_loss", "metrics.`a.b`", "metrics.wild", "metrics.`xrun.sd`", "metrics.none", "params.lr", "params.width", "params.seed",
                 "tags.`xrun.status`", "tags.`mlflow.runName`", "attributes.start_time", "attributes.end_time", "attributes.status", "attributes.run_name",
                 "run_id", "Created"]  # fmt: skip

        def value(run: Any, name: str) -> Any:
            kind, _, key = name.rpartition(".") if "`" not in name else (name.partition(".")[0], "", name.partition(".")[2].strip("`"))
            if kind in ("metrics", "params", "tags"):
                return getattr(run.data, kind).get(key)
            return getattr(run.info, {"Created": "start_time"}.get(key, key))

        for _ in range(120):
            chosen = of.sample(names, of.randint(1, 3))
            if "Created" in chosen and "attributes.start_time" in chosen:
                continue
            by = [(name, of.choice(["ASC", "DESC"])) for name in chosen]
            wanted = sorted(runs, key=lambda r: (-r.info.start_time, r.info.run_id))
            if {"Created", "attributes.start_time"} & set(chosen):
                wanted = sorted(runs, key=lambda r: r.info.run_id)
            for name, direction in reversed(by):
                there = [r for r in wanted if value(r, name) is not None and value(r, name) == value(r, name)]
                nan = [r for r in wanted if value(r, name) is not None and value(r, name) != value(r, name)]
                lacking = [r for r in wanted if value(r, name) is None]
                if direction == "ASC":
                    there.sort(key=lambda r: value(r, name))
                else:
                    there.sort(key=lambda r: value(r, name), reverse=True)  # it keeps the order of equal ones
                wanted = there + nan + lacking
            order = [f"{name} {direction}" for name, direction in by]
            found, token, size = list[str](), None, of.choice([1, 7, 50, 10000]) if len(runs) < 400 else 50
            size = max(size, len(runs) // 8)
            while True:
                page = self.client.search_runs(ids, order_by=order, max_results=size, page_token=token)
                self.assertLessEqual(len(page), size)
                found += [r.info.run_id for r in page]
                token = page.token
                if not token:
                    break
            self.assertEqual(found, [r.info.run_id for r in wanted], order)

    def test_what_is_asked_cannot_harm(self) -> None:
        texts = [
            "metrics.val_loss < 1; DROP TABLE run", "metrics.val_loss < 1 OR 1 = 1", "params.lr = 'a' UNION SELECT 1", "metrics.val_loss", "= 1",
            "attributes.nothing = 'a'", "metrics.val_loss = 'a'", "params.lr = 0.1", "attributes.start_time = 'a'", "'", "`", '"', "\0", "(", "a.b.c = '1'",
        ]  # fmt: skip
        for text in texts:
            with self.subTest(text):
                self.refused(lambda text=text: self.everything(filter_string=text))
        for name in ("x' OR 1=1 --", "x; DELETE FROM run", "x\\", "%", "💥", "it's"):
            for kind, given in (("metrics", "0"), ("params", "'a'"), ("tags", "'a'")):
                with self.subTest(f"{kind} {name}"), contextlib.suppress(MlflowException):
                    self.assertEqual(self.everything(filter_string=f"{kind}.`{name}` = {given}"), [])
        for text in ("'; DELETE FROM run; --", "' OR '1'='1", "\\", "%'", "\udcff"):
            with self.subTest(text), contextlib.suppress(MlflowException):
                self.assertEqual(self.everything(filter_string=f'params.lr = "{text}"'), [])
        self.assertEqual(self.everything(filter_string="metrics.val_loss > 1e999"), [])
        self.assertEqual(self.everything(filter_string=f"attributes.start_time > {10**40}"), [])
        for order in ("metrics.it's", "metrics.val_loss; DROP TABLE run", "params.lr SIDEWAYS", "nothing", "'", ""):
            with self.subTest(order):
                self.refused(lambda order=order: self.everything(order_by=[order]))
        self.refused(lambda: self.everything(order_by=["metrics.a", "metrics.a"]), "twice")
        for token in ("x", "e30=", "eyJvZmZzZXQiOiAiYSJ9", "💥"):
            with self.subTest(token):
                self.refused(lambda token=token: self.client.search_runs(["1"], page_token=token))
        for wrong in (0, -1, 50001):
            self.refused(lambda wrong=wrong: self.client.search_runs(["1"], max_results=wrong), str(wrong))
        for run_id in ("x", "", "s1", "s1r", "s1r1", "s1r999999", "s1p00", self.first.replace("s1", "s9"), self.first[:-1], self.first + "a", "s1r1x000000",
                       self.first + "; DROP TABLE run", "s1r" + "9" * 30, self.first.upper(), self.first + "\n"):
            with self.subTest(run_id):
                self.refused(lambda run_id=run_id: self.client._tracking_client.store.get_run(run_id), "there is no run")
        self.assertEqual(list(self.client.search_runs(["0", "17", "x", "9" * 30])), [])
        self.assertEqual(list(self.client.search_runs([])), [])

    def test_lambda_is_zero(self) -> None:
        runs = self.everything(filter_string="params.lambda = '0' AND tags.`xrun.kind` = 'point' AND params.`task.epochs` != '27'")
        self.assertEqual(len(runs), 6 + 6 + 4)
        self.assertEqual({r.data.params["lambda"] for r in runs}, {"0"})
        self.assertEqual({r.data.params["lr"] for r in runs}, {"0.01", "0.1", "1e+06"})

    def test_a_run_is_the_same_alone(self) -> None:
        for r in self.everything():
            self.assertEqual(bits_of(self.client.get_run(r.info.run_id)), bits_of(r))


def bits_of(run: Any) -> Any:
    metrics = sorted((m.key, bits(m.value), m.step, m.timestamp) for m in run.data._metric_objs)
    return dict(run.info), metrics, run.data.params, run.data.tags


class ReadOnly(Sweeps):
    def test_what_writes_is_refused(self) -> None:
        c, run = self.client, self.first
        for call in (
            lambda: c.create_experiment("new"), lambda: c.delete_experiment("1"), lambda: c.rename_experiment("1", "x"), lambda: c.restore_experiment("1"),
            lambda: c.set_experiment_tag("1", "a", "b"), lambda: c.create_run("1"), lambda: c.log_metric(run, "a", 1), lambda: c.log_param(run, "a", 1),
            lambda: c.log_batch(run, tags=[mlflow.entities.RunTag("a", "b")]), lambda: c.set_tag(run, "a", "b"), lambda: c.delete_tag(run, "a"),
            lambda: c.update_run(run, "FINISHED"), lambda: c.set_terminated(run), lambda: c.delete_run(run), lambda: c.restore_run(run),
            lambda: c.log_text(run, "a", "a.txt"), lambda: c.log_artifact(run, __file__),
        ):  # fmt: skip
            self.refused(call, "read-only", "xrun serve --mlflow")
        with self.assertRaises(MlflowException), mlflow_at(self.path):
            mlflow.set_experiment("new")

    def test_every_method_of_the_store_that_writes_is_refused(self) -> None:
        store = self.client._tracking_client.store
        verbs = ("create", "delete", "restore", "rename", "update", "log", "set", "record", "link", "unlink", "upsert", "register", "start", "finalize")
        names = [n for n in dir(store) if n.startswith(tuple(v + "_" for v in verbs))]
        self.assertGreater(len(names), 15)
        for name in names:
            with self.subTest(name):
                self.refused(lambda name=name: getattr(store, name)(), "read-only")

    def test_where_there_is_no_database(self) -> None:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="xrun-test-"))
        self.addCleanup(shutil.rmtree, folder, True)
        (folder / "text.db").write_text("no database " * 100)
        (folder / "empty.db").write_text("")
        with contextlib.closing(sqlite3.connect(folder / "other.db")) as db:
            db.execute("CREATE TABLE a (b)")
        for version, name in ((5, "old.db"), (99, "new.db")):
            shutil.copy(self.path, folder / name)
            with contextlib.closing(sqlite3.connect(folder / name)) as db:
                db.execute(f"PRAGMA user_version = {version}")
        before = state(folder)
        for uri, words in {
            f"xrun://{folder}/none.db": "there is no file",
            f"xrun://{folder}": "there is no file",
            f"xrun://{folder}/text.db": "no database of xrun",
            f"xrun://{folder}/empty.db": "no database of xrun",
            f"xrun://{folder}/other.db": "no database of xrun",
            f"xrun://{folder}/old.db": "xrun db migrate",
            f"xrun://{folder}/new.db": "schema 99",
            "xrun:xrun.db": "absolute path",
            "xrun://xrun.db": "absolute path",
            "xrun:///": "absolute path",
            "xrun:": "absolute path",
            "xrun:///a%00b": "NUL",
        }.items():
            with self.subTest(uri):
                self.refused(lambda uri=uri: mlflow.MlflowClient(tracking_uri=uri).search_experiments(), words)
        self.assertEqual(state(folder), before)

    def test_a_file_that_goes_and_comes(self) -> None:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="xrun-test-"))
        self.addCleanup(shutil.rmtree, folder, True)
        shutil.copy(self.path, folder / "xrun.db")
        client = client_of(folder / "xrun.db")
        self.assertEqual(len(client.search_experiments()), 6)
        os.rename(folder / "xrun.db", folder / "other.db")
        self.refused(lambda: client.search_experiments(), "there is no file")
        os.rename(folder / "other.db", folder / "xrun.db")
        self.assertEqual(len(client.search_experiments()), 6)


@contextlib.contextmanager
def mlflow_at(path: pathlib.Path) -> Iterator[None]:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"xrun://{urllib.parse.quote(str(path))}")
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


class WhileItIsWritten(Case):
    def start(self, pause: float) -> subprocess.Popen[bytes]:
        self.write("slow.toml", SLOW)
        self.write("slow.py", SLOW_PROGRAM.replace("PAUSE", str(pause)))
        sweep = subprocess.Popen(
            [xrun.binary(), "sweep", "slow.toml", "--progress", "none", "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(sweep.wait)
        self.addCleanup(sweep.kill)
        end = time.monotonic() + 60
        while not os.path.exists("xrun.db") and time.monotonic() < end:
            time.sleep(0.01)
        return sweep

    def test_a_sweep_writes_while_it_is_read(self) -> None:
        sweep = self.start(0.02)
        client = client_of(self.folder / "xrun.db")
        seen, before, running = 0, 0, 0
        while sweep.poll() is None:
            experiments = client.search_experiments()
            runs = client.search_runs([e.experiment_id for e in experiments], order_by=["metrics.val_loss"])
            children = [r for r in runs if r.data.tags["xrun.kind"] == "run"]
            self.assertGreaterEqual(len(children), before)
            before = len(children)
            running += sum(r.info.status == "RUNNING" for r in children)
            for r in children[:2]:
                values = [(m.step, m.value) for m in client.get_metric_history(r.info.run_id, "val_loss")]
                self.assertEqual(values, [(s, 1 / s) for s in range(1, len(values) + 1)])
            seen += 1
        self.assertEqual(sweep.returncode, 0)
        self.assertGreater(seen, 2)
        self.assertGreater(running, 0)
        runs = client.search_runs(["1"])
        self.assertEqual(len(runs), 12 + 3)
        self.assertEqual({(r.info.status, r.data.metrics["val_loss"]) for r in runs}, {("FINISHED", 1 / 8)})
        self.assertTrue(all(r.info.end_time for r in runs))

    def test_a_sweep_that_was_killed_is_interrupted(self) -> None:
        sweep = self.start(0.2)
        client = client_of(self.folder / "xrun.db")
        end = time.monotonic() + 60
        while not client.search_runs(["1"], "tags.`xrun.status` = 'running' AND metrics.val_loss <= 1"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()
        runs = client.search_runs(["1"], "tags.`xrun.kind` = 'run'")
        self.assertIn("KILLED", {r.info.status for r in runs})
        self.assertNotIn("RUNNING", {r.info.status for r in runs})
        points = client.search_runs(["1"], "tags.`xrun.kind` = 'point'")
        self.assertEqual(len(points), 3)
        self.assertFalse({r.info.status for r in points} - {"KILLED", "SCHEDULED", "FINISHED"})


class OfClients(Case):
    """What `xrun serve --mlflow` has recorded is what the client has said."""

    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "xrun.db"

    @property
    def client(self) -> Any:
        return client_of(self.path)

    @contextlib.contextmanager
    def served(self) -> Iterator[Any]:
        """A client of a server, after which all is recorded."""
        server = subprocess.Popen(
            [xrun.binary(), "serve", "--mlflow", "--listen", "127.0.0.1:0", "--store", "xrun.db"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            assert server.stdout is not None
            line = server.stdout.readline().strip()
            self.assertTrue(line.startswith("export MLFLOW_TRACKING_URI="), line)
            yield mlflow.MlflowClient(tracking_uri=line.partition("=")[2])
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
        finally:
            server.kill()
            server.communicate()
        self.assertEqual(server.returncode, 0)
        # MLflow remembers in its process where a run's artifacts are, whatever store is asked.
        from mlflow.tracking._tracking_service import utils

        utils._artifact_repos_cache.clear()

    def log(self) -> dict[str, Any]:
        """Runs by their ids, as the server shows them to their client."""
        with self.served() as client:
            experiment = client.create_experiment("it's 1")
            ids: list[str] = []
            for n in range(6):
                tags = {"estimator_class": f"a.b{n % 2}", "mlflow.user": "eve", "mlflow.source.name": "fit.py", "mlflow.note.content": f"note {n}", "o'wn": "ü"}
                if n == 5:
                    tags = {"xrun.status": "mine", "xrun.other": "mine", "xrun.error": "mine"}
                run = client.create_run(experiment, run_name=f"light-owl-{n}", tags=tags).info.run_id
                for key, value in {"lr": "1e-2", "seed": n, "C": n % 3, "optimizer": "adam", "it's": "None"}.items():
                    if (n, key) != (4, "optimizer"):
                        client.log_param(run, key, value)
                for step in range(4):
                    client.log_metric(run, "val_loss", 1 / (n + step + 1), step=step)
                if n != 3:
                    client.log_text(run, f"top {n}", "top.txt")
                    client.log_text(run, f"below {n}", "model/data/below.txt")
                client.set_terminated(run, "FAILED" if n == 2 else "FINISHED")
                ids.append(run)
            return {run: client.get_run(run) for run in ids}

    def children(self, **given: Any) -> list[Any]:
        return [r for r in self.client.search_runs(["1"], **given) if r.data.tags["xrun.kind"] == "run"]

    def test_a_run_is_as_its_client_sees_it(self) -> None:
        wanted = self.log()
        found = {r.data.tags["xrun.run_token"]: r for r in self.children()}
        self.assertEqual(set(found), set(wanted))
        for token, theirs in wanted.items():
            ours = found[token]
            self.assertEqual((ours.info.run_name, ours.info.user_id), (theirs.info.run_name, theirs.info.user_id))
            self.assertEqual(ours.data.params, theirs.data.params)
            self.assertEqual({k: ours.data.tags.get(k) for k, v in theirs.data.tags.items() if v != "mine"}, {k: v for k, v in theirs.data.tags.items() if v != "mine"})
            self.assertIn(ours.data.tags["xrun.status"], ("finished", "failed"))
            same = self.client.get_run(token)
            self.assertEqual(bits_of(same), bits_of(ours))
            self.assertEqual(
                [(m.step, m.value, m.timestamp) for m in self.client.get_metric_history(token, "val_loss")],
                [(m.step, m.value, m.timestamp) for m in self.client.get_metric_history(ours.info.run_id, "val_loss")],
            )
            store = self.client._tracking_client.store
            self.assertEqual({m.run_id for m in store.get_metric_history_bulk([token], "val_loss", 9)}, {token})
        mine = next(r for r in found.values() if r.info.run_name == "light-owl-5")
        self.assertEqual((mine.data.tags["xrun.other"], mine.data.tags.get("xrun.error")), ("mine", None))
        for r in self.client.search_runs(["1"], "tags.`xrun.kind` = 'point'"):
            self.assertFalse({"divergence", "task.command", "optimizer.component", "recorded.name"} & set(r.data.params))
        for token in ("0" * 32, next(iter(wanted))[:-1]):
            with self.assertRaisesRegex(MlflowException, "there is no run"):
                self.client.get_run(token)

    def test_questions_see_what_is_shown(self) -> None:
        self.log()
        runs = list(self.client.search_runs(["1"]))
        names = ["params.lr", "params.C", "params.seed", "params.optimizer", "params.`it's`", "params.divergence", "params.`recorded.name`", "params.`task.command`",
                 "params.`optimizer.component`", "tags.estimator_class", "tags.`o'wn`", "tags.`mlflow.user`", "tags.`mlflow.source.name`", "tags.`mlflow.runName`", "tags.`xrun.status`",
                 "tags.`xrun.error`", "tags.`xrun.other`", "tags.`mlflow.parentRunId`", "attributes.run_name"]  # fmt: skip
        values = {v for r in runs for v in [*r.data.params.values(), *r.data.tags.values(), r.info.run_name] if "'" not in v}
        hits = 0
        for name in names:
            for value in sorted(values):
                for text in (f"{name} = '{value}'", f"{name} != '{value}'"):
                    wanted = [r.info.run_id for r in SearchUtils.filter(runs, text)]
                    self.assertEqual([r.info.run_id for r in self.client.search_runs(["1"], text)], wanted, text)
                    hits += len(wanted)
            if name != "attributes.run_name":
                there = {r.info.run_id for r in SearchUtils.filter(runs, f"{name} LIKE '%'")}
                ordered = [r.info.run_id for r in self.client.search_runs(["1"], order_by=[name])]
                self.assertEqual(set(ordered[: len(there)]), there, name)
        self.assertGreater(hits, 300)
        self.assertEqual([r.info.run_name for r in self.client.search_runs(["1"], "attributes.user_id = 'eve' AND tags.`mlflow.note.content` = 'note 3'")], ["light-owl-3"])

    def test_artifacts(self) -> None:
        wanted = self.log()
        for token, theirs in wanted.items():
            n = theirs.info.run_name[-1]
            for run in (token, self.client.get_run(token).info.run_id):
                listed = [(f.path, f.is_dir, f.file_size) for f in self.client.list_artifacts(run)]
                self.assertEqual(listed, [] if n == "3" else [("model", True, None), ("top.txt", False, 5)])
                if n == "3":
                    continue
                self.assertEqual([f.path for f in self.client.list_artifacts(run, "model/data")], ["model/data/below.txt"])
                self.assertEqual([self.client.list_artifacts(run, name) for name in ("top.txt", "none", "model/none/x")], [[], [], []])
                got = pathlib.Path(self.client.download_artifacts(run, "", tempfile.mkdtemp(dir=self.folder)))
                self.assertEqual({str(p.relative_to(got)): p.read_text() for p in got.rglob("*.txt")}, {"top.txt": f"top {n}", "model/data/below.txt": f"below {n}"})
        run_xrun(self.folder, "db", "delete", self.client.get_run(token).data.tags["xrun.run"])
        self.assertEqual(self.client.list_artifacts(token), [])

    @unittest.skipIf(sys.platform == "win32", "links need rights on Windows")
    def test_nothing_outside_of_the_folder_is_read(self) -> None:
        first, second, third = list(self.log())[:3]
        self.write("secret/file.txt", "secret")
        of = self.folder / "xrun.db.artifacts" / first / "artifacts"
        (of / "file").symlink_to(self.folder / "secret" / "file.txt")
        (of / "folder").symlink_to(self.folder / "secret")
        (of / "above").symlink_to("..")
        (of / "loop").symlink_to("loop")
        (of / "within").symlink_to("top.txt")
        (of / ".part-1").write_text("half")
        os.mkfifo(of / "pipe")
        beside = self.folder / "xrun.db.artifacts" / second
        shutil.rmtree(beside)
        beside.symlink_to(self.folder / "secret")
        (self.folder / "secret" / "artifacts").mkdir()
        (self.folder / "secret" / "artifacts" / "x").write_text("secret")
        self.assertEqual([f.path for f in self.client.list_artifacts(first)], ["model", "top.txt", "within"])
        self.assertEqual(self.client.list_artifacts(second), [])
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        into = self.folder / "into"
        for token in (first, second, third):
            artifacts = get_artifact_repository(self.client.get_run(token).info.artifact_uri)
            names = ["file", "folder", "folder/file.txt", "above", "loop", "pipe", ".part-1", "../artifacts/top.txt", "model/../top.txt", "..", ".", "/",
                     f"../../{third}/artifacts/top.txt", str(self.folder / "secret" / "file.txt"), "model//data/below.txt", "a\0b", "a\\b", "model", ""]  # fmt: skip
            names += ["x"] if token == second else []
            for name in names:
                with self.subTest(name):
                    with contextlib.suppress(MlflowException):
                        self.assertEqual([f.path for f in artifacts.list_artifacts(name) if name not in ("", "model")], [])
                    with self.assertRaises(MlflowException):
                        artifacts._download_file(name, str(into))
                    self.assertFalse(into.exists())

    def test_settings_that_somebody_has_set_stay(self) -> None:
        sweep = '[task]\nmodel = "softmax"\ndataset = "iris"\nepochs = 2\nvalidation = 0.2\n[grid]\nlr = [0.1]\noptimizer = ["adam"]\n'
        function = '[task]\nmodel = "rosenbrock"\nepochs = 2\n[grid]\nlr = [0.001]\noptimizer = ["sgd"]\n'
        wanted = {"usual": None, "none": "0", "less": "100", "function": None}
        for name, top in {"usual": "", "none": "divergence = false\n", "less": "divergence = { factor = 100 }\n", "function": ""}.items():
            self.write(f"{name}.toml", f'name = "{name}"\nseeds = 1\n{top}{function if name == "function" else sweep}')
            run_xrun(self.folder, "sweep", f"{name}.toml", "--progress", "none")
        for name, value in wanted.items():
            experiment = self.client.get_experiment_by_name(name).experiment_id
            runs = self.client.search_runs([experiment])
            self.assertEqual({r.data.params.get("divergence") for r in runs}, {value}, name)
            self.assertEqual(len(runs), 2)
            self.assertEqual(len(self.client.search_runs([experiment], "params.divergence LIKE '%'")), 2 if value else 0)


@unittest.skipUnless(importlib.util.find_spec("flask"), f"mlflow {mlflow.__version__} is installed without its server")
class Server(Sweeps):
    """`mlflow server` over the database: what its pages ask for has answers."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        cls.base = f"http://127.0.0.1:{port}"
        cls.elsewhere = tempfile.mkdtemp(prefix="xrun-test-")
        cls.addClassCleanup(shutil.rmtree, cls.elsewhere, True)
        cls.log = open(os.path.join(cls.elsewhere, "log"), "w+")
        cls.addClassCleanup(cls.log.close)
        uri = f"xrun://{urllib.parse.quote(str(cls.path))}"
        arguments = ["-m", "mlflow", "server", "--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        server = subprocess.Popen(
            [sys.executable, "-B", *arguments], cwd=cls.elsewhere, stdout=cls.log, stderr=cls.log, start_new_session=True,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )  # fmt: skip
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(lambda: os.killpg(server.pid, signal.SIGKILL))
        end = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(cls.base + "/health", timeout=5).close()
                return
            if server.poll() is not None or time.monotonic() > end:
                cls.log.seek(0)
                raise AssertionError(f"the server does not answer: {cls.log.read()}")
            time.sleep(0.2)

    def call(self, at: str, body: Any = None, code: int = 200, **query: Any) -> Any:
        url = self.base + at + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as r:
                got, text = r.status, r.read()
        except urllib.error.HTTPError as e:
            got, text = e.code, e.read()
        self.assertEqual(got, code, f"{at} {query}: {text[:500]!r}")
        with contextlib.suppress(ValueError):
            return json.loads(text)
        return text

    def test_pages(self) -> None:
        api = "/ajax-api/2.0/mlflow/"
        self.assertIn(b"<html", self.call("/"))
        found = self.call(api + "experiments/search", {"max_results": 25, "order_by": ["last_update_time DESC"]})["experiments"]
        self.assertEqual({e["experiment_id"] for e in found}, {"1", "2", "3", "4", "5", "6"})
        for e in ("1", "4"):
            self.call(api + "experiments/get", experiment_id=e)
            search = {"experiment_ids": [e], "run_view_type": "ACTIVE_ONLY", "max_results": 100, "order_by": ["attributes.start_time DESC"]}
            runs = self.call(api + "runs/search", search)["runs"]
            self.assertEqual(len(runs), len(self.client.search_runs([e], max_results=1000)))
            self.call(api + "experiments/search-datasets", {"experiment_ids": [e]})
            ids = [r["info"]["run_id"] for r in runs][:20]
            for metric in ("val_loss", "wild", "a.b"):
                self.call(api + "metrics/get-history-bulk-interval", run_ids=ids, metric_key=metric, max_results=320)
                self.call(api + "metrics/get-history-bulk", run_id=ids, metric_key=metric, max_results=2500)
            for run in (ids[0], ids[-1]):
                self.call(api + "runs/get", run_id=run)
                self.call(api + "artifacts/list", run_id=run)
                self.call(api + "metrics/get-history", run_id=run, metric_key="val_loss")
                self.call(api + "model-versions/search", filter=f"run_id='{run}'")
        self.call(api + "registered-models/search", max_results=25)
        self.call(api + "runs/set-tag", {"run_id": self.first, "key": "a", "value": "b"}, 400)
        self.call(api + "runs/delete-tag", {"run_id": self.first, "key": "a"}, 400)
        self.call(api + "experiments/create", {"name": "a"}, 400)
        self.call(api + "runs/get", code=404, run_id="nothing")
        self.call(api + "runs/search", {"experiment_ids": ["1"], "order_by": ["metrics.it's"]}, 400)
        content = self.call("/get-artifact", run_uuid=self.first, path="best.safetensors")
        self.assertEqual(len(content), self.client.list_artifacts(self.first)[0].file_size)

    def test_nothing_that_a_page_may_ask_for_is_a_fault(self) -> None:
        from mlflow.server.handlers import get_endpoints

        paths = sorted({p for p, _, methods in get_endpoints() if p.startswith("/ajax-api") and "GET" in methods})
        # Not of this store: what calls other machines, and what the server answers with 501 and 503 by its own settings.
        apart = ("gateway", "workspaces", "presigned", "webhooks", "mlflow-artifacts", "jobs", "/mcp", "scorers")
        asked = [p for p in paths if not any(a in p for a in apart)]
        self.assertGreater(len(asked), 15)
        for path in asked:
            query = {"experiment_id": "1", "experiment_ids": ["1"], "run_id": self.first, "run_ids": [self.first], "metric_key": "val_loss", "name": "x", "max_results": 10}
            real = "".join("1" if i % 2 else part for i, part in enumerate(path.replace("<", ">").split(">")))
            request = urllib.request.Request(self.base + real + "?" + urllib.parse.urlencode(query, doseq=True))
            try:
                with urllib.request.urlopen(request, timeout=60) as r:
                    code, text = r.status, r.read()
            except urllib.error.HTTPError as e:
                code, text = e.code, e.read()
            with self.subTest(path):
                self.assertLess(code, 500, text[:500])

    def test_the_client_sees_the_same_through_the_server(self) -> None:
        client = mlflow.MlflowClient(tracking_uri=self.base)
        ours = self.client.search_runs(["1", "4"], "tags.`xrun.kind` = 'point'", order_by=["metrics.val_loss"])
        theirs = client.search_runs(["1", "4"], "tags.`xrun.kind` = 'point'", order_by=["metrics.val_loss"])
        self.assertEqual([bits_of(r) for r in theirs], [bits_of(r) for r in ours])


class InNotebooks(Sweeps):
    @unittest.skipUnless(importlib.util.find_spec("pandas"), "pandas is not installed")
    def test_search_runs_gives_a_frame(self) -> None:
        with mlflow_at(self.path):
            frame = mlflow.search_runs(experiment_names=["small"], order_by=["metrics.val_loss"], max_results=10)
        self.assertEqual(len(frame), 10)
        self.assertTrue(frame["metrics.val_loss"].is_monotonic_increasing)

    def test_search_runs_gives_a_list(self) -> None:
        with mlflow_at(self.path):
            runs = mlflow.search_runs(experiment_names=["small"], order_by=["metrics.val_loss"], max_results=10, output_format="list")
        self.assertEqual(len(runs), 10)


if __name__ == "__main__":
    unittest.main()

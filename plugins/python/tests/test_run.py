"""init, log and finish, with the real recorder and a real database. XRUN_BINARY names the program."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from typing import Any, Dict, List, Optional

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Scripts(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def environment(self, **more: str) -> Dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("XRUN_", "SLURM_")) and k != "RANK"}
        env.update({"PYTHONPATH": PACKAGE, "XRUN_BINARY": os.environ["XRUN_BINARY"], "PYTHONWARNINGS": "error", **more})
        return env

    def start(self, text: str, **more: str) -> "subprocess.Popen[str]":
        path = os.path.join(self.folder, "train.py")
        with open(path, "w") as f:
            f.write(textwrap.dedent(text))
        return subprocess.Popen([sys.executable, path], cwd=self.folder, env=self.environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def script(self, text: str, code: Optional[int] = 0, **more: str) -> str:
        p = self.start(text, **more)
        out, err = p.communicate(timeout=120)
        if code is not None:
            self.assertEqual(p.returncode, code, out + err)
        self.out = out
        return err

    def xrun(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run([os.environ["XRUN_BINARY"], *arguments], cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def runs(self) -> List[Dict[str, Any]]:
        """The runs so far: a recorder that is at work may have made no database yet, or one without a run."""
        nothing = 5
        if not os.path.exists(os.path.join(self.folder, "xrun.db")):
            return []
        done = subprocess.run(
            [os.environ["XRUN_BINARY"], "runs", "--limit", "0", "--json"], cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if done.returncode == nothing:
            return []
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)["runs"][::-1]

    def until_ended(self, n: int) -> List[Dict[str, Any]]:
        """The runs, once n of them are there and none is running: recorders of killed scripts need a moment."""
        until = time.monotonic() + 60
        while True:
            runs = self.runs()
            if len(runs) >= n and all(r["status"] != "running" for r in runs) and not os.path.exists(os.path.join(self.folder, "xrun.db.journals")):
                return runs
            self.assertLess(time.monotonic(), until, f"the runs are {runs}")
            time.sleep(0.05)

    def curves(self, run: int, machine: bool = False) -> Dict[str, List[float]]:
        """The curves of a run; those of the machine, which a slow one measures, only if asked for."""
        curves = json.loads(self.xrun("show", str(run), "--json"))["curves"]
        return {k: v for k, v in curves.items() if k.startswith("system_") == machine}

    def test_a_script_is_recorded(self) -> None:
        said = self.script("""
            import argparse, dataclasses, decimal, xrun
            @dataclasses.dataclass
            class Config:
                lr: float = 0.1
                depth: int = 2
            for config in ({"lr": 0.1, "depth": 2}, Config(), argparse.Namespace(lr=0.1, depth=2)):
                with xrun.init("toy", config=config, tags=["quick"], notes="a trial") as run:
                    print("begins", run.config["lr"])
                    for step in range(1, 4):
                        run.log({"train_loss": 2 / step}, step=step)
                        run.log({"val_loss": decimal.Decimal(1) / step, "n": True}, step=step)
                assert run.id
            """)
        self.assertIn("run 3 of toy, seed 3: finished · xrun compare toy", said)
        runs = self.runs()
        self.assertEqual([(r["sweep"], r["lr"], r["seed"], r["status"], r["metric"], r["value"], r["epochs"]) for r in runs],
                         [("toy", 0.1, seed, "finished", "val_loss", 1 / 3, 3) for seed in (1, 2, 3)])
        self.assertEqual(self.curves(1), {"train_loss": [2, 1, 2 / 3], "val_loss": [1, 0.5, 1 / 3], "n": [1, 1, 1]})
        self.assertEqual(self.xrun("show", "1", "--output"), "begins 0.1\n")
        self.assertIn("a trial", self.xrun("show", "1"))
        self.assertIn("import argparse, dataclasses, decimal, xrun", self.xrun("show", "1", "--source"))
        self.assertIn("what counts as the seed", self.xrun("compare", "toy"))
        self.assertIn("nothing is wrong", self.xrun("db", "check"))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "xrun.db.journals")))

    def test_numbers(self) -> None:
        self.script("""
            import fractions, xrun
            class Item:
                def item(self): return 0.25
            run = xrun.init("numbers", config={"seed": 1})
            run.log({"a": 1, "b": 1e-320, "c": float("nan"), "d": -float("inf"), "e": fractions.Fraction(1, 3), "f": Item(), "g": 2**70, "ä\\"\\\\\\n": 0.1 + 0.2})
            for bad in ("1.5", None, b"1", [1, 2], {"a": 1}, 1j):
                try:
                    run.log({"bad": bad})
                except TypeError as e:
                    assert "bad" in str(e) and "numbers" in str(e), e
                else:
                    raise AssertionError(bad)
            for step in (-1, 1.5, "1", None and 0, float("nan")):
                try:
                    if step is not None:
                        run.log({"a": 1}, step=step)
                except ValueError as e:
                    assert "whole number" in str(e), e
                else:
                    assert step is None
            for call, word in ((lambda: run.log("val_loss", 0.5), '{"val_loss": 0.5}'), (lambda: run.log(0.5), "a dict"), (lambda: run.log({}, acc=0.5), '{"acc": 0.5}')):
                try:
                    call()
                except TypeError as e:
                    assert word in str(e), e
                else:
                    raise AssertionError(word)
            run.finish()
            try:
                run.log({"a": 1})
            except RuntimeError as e:
                assert "after finish" in str(e)
            else:
                raise AssertionError("it logs on")
            """)
        values = {name: [v for v in curve if v is not None][0] for name, curve in self.curves(1).items() if name in ("a", "b", "e", "f", "g", 'ä"\\\n')}
        self.assertEqual((values["a"], values["b"], values["e"], values["f"], values["g"], values['ä"\\\n']), (1, 1e-320, 1 / 3, 0.25, 2.0**70, 0.1 + 0.2))

    def test_frameworks(self) -> None:
        said = self.script("""
            import sys, xrun
            run, n = xrun.init("frameworks"), 0
            try:
                import numpy
                run.log({"numpy": numpy.float32(0.1), "array": numpy.array([2.5]), "int": numpy.int64(3), "bool": numpy.bool_(True)}); n += 1
            except ImportError: pass
            try:
                import torch
                run.log({"torch": torch.tensor(0.5, requires_grad=True), "half": torch.tensor(0.5, dtype=torch.bfloat16)}); n += 1
                data = torch.utils.data.TensorDataset(torch.arange(8.0))
                for (batch,) in torch.utils.data.DataLoader(data, batch_size=2, num_workers=2):  # forked processes
                    run.log({"batch": batch.sum()})
            except ImportError: pass
            try:
                import jax.numpy as jnp
                run.log({"jax": jnp.float32(0.75)}); n += 1
            except ImportError: pass
            print(n)
            """, PYTHONWARNINGS="default")
        if self.out.strip() == "0":
            self.skipTest("neither numpy nor torch nor jax can be imported")
        self.assertIn("finished", said)
        curves = self.curves(1)
        self.assertEqual(len(self.runs()), 1)
        if "batch" in curves:
            self.assertEqual([v for v in curves["batch"] if v is not None], [1, 5, 9, 13])
        if "numpy" in curves:
            self.assertEqual([v for v in curves["numpy"] if v is not None], [0.10000000149011612])

    def test_how_scripts_end(self) -> None:
        for n, (body, code, status, word) in enumerate((
            ("raise ValueError('no data')", 1, "failed", "no data"),
            ("import sys; sys.exit(3)", 3, "failed", "sys.exit(3)"),
            ("import sys; sys.exit()", 0, "finished", ""),
            ("raise KeyboardInterrupt", None, "interrupted", "interrupted by the user"),
            ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, "interrupted", "killed"),
            ("import os; os._exit(0)", 0, "interrupted", "ended without finish"),
            ("run.finish('failed', 'out of ideas')", 0, "failed", "out of ideas"),
            ("exit(3)", 3, "failed", "sys.exit(3)"),
            ("import sys; sys.exit('no data')", 1, "failed", "sys.exit('no data')"),
            ("import sys\ntry: sys.exit(2)\nexcept SystemExit: pass", 0, "finished", ""),
            ("import sys, threading\nt = threading.Thread(target=sys.exit, args=(1,)); t.start(); t.join()", 0, "finished", ""),
            ("import sys; sys.excepthook = lambda *_: None; raise ValueError('hooked')", 1, "failed", "hooked"),
            ("run.log({}); run.log({'val_loss': 1.5}, step=1)", 0, "finished", ""),
        ), 1):
            with self.subTest(body):
                self.script("import xrun\nrun = xrun.init('ends')\nrun.log({'val_loss': 1.5})\n" + body + "\n", code)
                run = self.until_ended(n)[-1]
                self.assertEqual((run["status"], run["epochs"]), (status, 1), run)
                self.assertIn(word, run["reason"] + run["error"])
                self.assertEqual(self.curves(run["run_id"])["val_loss"], [1.5])

    def test_steps(self) -> None:
        said = self.script("""
            import xrun
            run = xrun.init("steps")
            run.log({"a": 1})             # 1
            run.log({"a": 2}, step=5)
            run.log({"a": 9, "b": 3}, step=5)
            run.log({"a": 9}, step=2)     # too late
            run.log({"a": 9}, step=3)
            run.log({"a": 4})             # 6
            """)
        self.assertEqual(said.count("steps do not go back"), 1, said)
        run = self.runs()[0]
        self.assertEqual(run["epochs"], 6)
        shown = json.loads(self.xrun("show", "1", "--json"))
        self.assertEqual([e["Message"] for e in shown["events"] if e["Kind"] == "warning"],
                         ["2 values of steps that had passed left out: steps do not go back", "1 value left out whose step had them already: the first value of a step counts"])
        self.assertEqual([v for v in shown["curves"]["a"] if v is not None], [1, 2, 4])

    def test_resume(self) -> None:
        text = """
            import os, sys, xrun
            run = xrun.init("long", config={"lr": 0.5, "deep": {"er": [1, 2]}, "seed": 4}, resume=RESUME)
            assert run.config["deep"] == {"er": [1, 2]}, run.config
            print("from", run.step, flush=True)
            for step in range(max(run.step - 1, 1), 8):
                run.log({"val_loss": 1 / step}, step=step)
                if step == STOP:
                    os._exit(1)
            """
        self.script(text.replace("RESUME", "None").replace("STOP", "3"), 1)
        self.until_ended(1)
        said = self.script(text.replace("RESUME", "'last'").replace("STOP", "5"), 1)
        self.assertIn("from 3", self.out, said)
        self.until_ended(1)
        self.script(text.replace('config={"lr": 0.5, "deep": {"er": [1, 2]}, "seed": 4}, ', "").replace("RESUME", "1").replace("STOP", "99"))
        self.assertIn("from 5", self.out)
        run, = self.until_ended(1)
        self.assertEqual((run["status"], run["seed"], run["epochs"]), ("finished", 4, 7))
        self.assertEqual(self.curves(1)["val_loss"], [1 / s for s in range(1, 8)])
        printed = self.xrun("show", "1", "--output").splitlines()
        self.assertEqual([line for line in printed if line.startswith("from")], ["from 0", "from 3", "from 5"])
        self.assertIn("nothing is wrong", self.xrun("db", "check"))
        self.script("""
            import xrun
            run = xrun.init("long", config={"lr": 0.1, "seed": 4}, resume="last")  # nothing can go on, so it begins
            run.log({"val_loss": run.step})
            raise ValueError
            """, 1)
        said = self.script("""
            import xrun
            run = xrun.init("long", config={"lr": 0.2, "seed": 4}, resume="last")  # of another config
            assert run.step == 0
            run.finish()
            run = xrun.init("long", config={"seed": 4, "lr": 0.1}, resume="last")
            assert run.step == 1
            run.finish()
            assert run.id == 2
            """)
        for which, word in (("1", "is finished"), ("77", "no run")):
            said = self.script(text.replace("RESUME", which).replace("STOP", "99"), 1)
            self.assertIn("resume=", said)
            self.assertIn(word, said)

    def test_configs_that_collide(self) -> None:
        for config in ('{"divergence": 5, "task.metric": 1, "keep.at": 2, "arithmetic": 3, "recorded.name": 4}', '{"a": {"b": 1}, "a.b": 2, "config.a.b": 3}',
                       '{"seed": 2**64 - 1}', '{"n": 2**70, "s": {3, 1}, "o": object(), "inf": float("inf"), "none": None, "f": print}'):
            self.script(f"import xrun\nwith xrun.init('odd', config={config}, tags=[2024], notes=5) as run: run.log({{'val_loss': 1.0}})\n")
        self.assertEqual([r["status"] for r in self.runs()], ["finished"] * 4)

    def test_a_journal_without_lock_is_not_taken(self) -> None:
        p = self.start("""
            import fcntl, time, xrun
            lock = fcntl.flock
            fcntl.flock = lambda *a: (time.sleep(2), lock(*a))
            with xrun.init("slow", config={"seed": 1}) as run:
                run.log({"val_loss": 1.0})
            """)
        time.sleep(0.5)
        self.script("import xrun\nfor seed in range(5):\n  with xrun.init('fast', config={'seed': seed}) as run: run.log({'val_loss': 1.0})\n")
        _, err = p.communicate(timeout=60)
        self.assertIn("of slow, seed 1: finished", err)
        self.assertEqual(len(self.until_ended(6)), 6)

    def test_two_that_go_on_with_one(self) -> None:
        self.script("import os, xrun\nrun = xrun.init('a', config={'lr': 1, 'seed': 1})\nrun.log({'val_loss': 9})\nos._exit(1)\n", 1)
        self.until_ended(1)
        both = [self.start("""
            import os, sys, time, xrun
            run = xrun.init("a", resume=1)
            for _ in range(3):
                run.log({"val_loss": PART})
                time.sleep(0.3)
            run.finish()
            """.replace("PART", str(part))) for part in (1, 2)]
        said = [p.communicate(timeout=60)[1] for p in both]
        run, = self.until_ended(1)
        if any("gone on with run 1" in s for s in said):  # it is a run of its own, and the newer of the two counts
            self.assertIn("1 run:", self.xrun("db", "restore"))
            self.assertEqual(len([v for v in self.curves(run["run_id"])["val_loss"] if v in (1, 2)]), 3)
        else:  # the second saw the first at work
            self.assertTrue(any("Only runs that were interrupted" in s for s in said), said)

    def test_a_child_that_outlives_the_run(self) -> None:
        if not hasattr(os, "fork"):
            self.skipTest("this system has no fork")
        said = self.script("""
            import os, time, xrun
            run = xrun.init("a", config={"seed": 1})
            run.log({"val_loss": 1})
            if not os.fork():
                until = time.monotonic() + 60
                while os.path.exists(run._to._journal.path) and time.monotonic() < until:
                    time.sleep(0.05)
                run.log({"child": 7}, step=2)
                os._exit(0)
            run.finish()
            os.wait()
            """)
        self.assertIn("logs later is left out", said)

    def test_what_a_killed_recorder_left_is_part_of_the_run(self) -> None:
        self.script("""
            import os, xrun
            run = xrun.init("a", config={"seed": 1})
            run.log({"val_loss": 1}); print("first", flush=True)
            run._to._recorder.kill(); run._to._recorder.wait()
            for step in range(2, 101):
                run.log({"val_loss": step})
            os._exit(1)
            """, 1)
        self.script("""
            import xrun
            run = xrun.init("a", resume="last")
            assert run.step == 100, run.step
            run.log({"val_loss": 101})
            """)
        run, = self.until_ended(1)
        self.assertEqual((run["status"], run["epochs"]), ("finished", 101))
        self.assertEqual(self.curves(1)["val_loss"], list(range(1, 102)))
        self.assertEqual(self.xrun("show", "1", "--output"), "first\n")

    def test_a_full_disk_and_threads(self) -> None:
        said = self.script("""
            import errno, os, threading, xrun
            write, calls = os.write, [0]
            def full(fd, data):
                if fd == run._to._journal._file:
                    calls[0] += 1
                    if calls[0] // 50 % 2:
                        raise OSError(errno.ENOSPC, "No space left on device")
                return write(fd, data)
            run = xrun.init("full", config={"seed": 1})
            os.write = full
            t = threading.Thread(target=lambda: [print(i) for i in range(5000)])
            t.start()
            for step in range(1, 5001):
                run.log({"val_loss": step}, step=step)
            t.join()
            os.write = write
            """)
        self.assertEqual(said.count("No space left"), 1, said)
        run, = self.until_ended(1)
        self.assertEqual((run["status"], run["epochs"]), ("finished", 5000), run)
        self.assertEqual(self.curves(1)["val_loss"], list(range(1, 5001)))

    def test_signals(self) -> None:
        self.script("""
            import signal, time, xrun
            run = xrun.init("signals", config={"seed": 1})
            signal.signal(signal.SIGALRM, lambda *_: run.log({"alarms": 1}))
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            until = time.monotonic() + 1
            while time.monotonic() < until:
                run.log({"val_loss": 1.0})
            signal.setitimer(signal.ITIMER_REAL, 0)
            """)
        self.assertEqual(self.until_ended(1)[0]["status"], "finished")

    def test_the_newest_counts(self) -> None:
        """It is the one that began last, whichever ends last."""
        p = self.start("""
            import os, time, xrun
            with xrun.init("n", config={"seed": 1}) as run:
                run.log({"val_loss": 5})
                until = time.monotonic() + 60
                while not os.path.exists("go") and time.monotonic() < until:
                    time.sleep(0.05)
            """)
        until = time.monotonic() + 60
        while not self.runs() and time.monotonic() < until:
            time.sleep(0.1)
        with open(os.path.join(self.folder, "other.py"), "w") as f:
            f.write("import xrun\nwith xrun.init('n', config={'seed': 1}) as run: run.log({'val_loss': 1})\n")
        subprocess.run([sys.executable, "other.py"], cwd=self.folder, env=self.environment(), check=True, stderr=subprocess.PIPE)
        with open(os.path.join(self.folder, "go"), "w"):
            pass
        p.communicate(timeout=60)
        run, = self.until_ended(1)
        self.assertEqual(run["value"], 1)
        self.assertIn("the newest counts", self.xrun("compare", "n"))
        self.assertIn("nothing is wrong", self.xrun("db", "check"))

    def test_closed_streams(self) -> None:
        for text in ("import sys; sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None", "import sys; sys.stderr = sys.stdout"):
            self.script(text + "\nimport xrun\nwith xrun.init('closed') as run:\n  run.log({'val_loss': 1.0}); print('once')\n")
        self.assertEqual([r["status"] for r in self.runs()], ["finished"] * 2)
        self.assertEqual(self.xrun("show", "2", "--output"), "once\n")

    def test_processes_and_threads(self) -> None:
        self.script("""
            import multiprocessing, os, sys, threading, xrun
            def part(run, first):
                for step in range(first, first + 50):
                    run.log({"val_loss": step})
            def child(run, name):
                run.log({name: os.getpid() > 0}, step=1000)
                run.finish()               # not its own
            if __name__ == "__main__":
                run = xrun.init("crowd", config={"seed": 1})
                threads = [threading.Thread(target=part, args=(run, i)) for i in range(4)]
                [t.start() for t in threads]; [t.join() for t in threads]
                run.log({"val_loss": 0}, step=1000)
                for how in ("fork", "spawn"):
                    if how in multiprocessing.get_all_start_methods():
                        p = multiprocessing.get_context(how).Process(target=child, args=(run, how))
                        p.start(); p.join()
                        assert p.exitcode == 0
                print("logged")
            """, PYTHONWARNINGS="default")
        run, = self.until_ended(1)
        self.assertEqual((run["status"], run["epochs"]), ("finished", 1000))
        curves = self.curves(1)
        self.assertEqual(len([v for v in curves["val_loss"] if v is not None]), 201)
        self.assertEqual(set(curves), {"val_loss", "spawn", "fork"} if hasattr(os, "fork") else {"val_loss", "spawn"})

    def test_forks(self) -> None:
        if not hasattr(os, "fork"):
            self.skipTest("this system has no fork")
        self.script("""
            import os, sys, xrun
            run = xrun.init("forked", config={"seed": 1})
            run.log({"val_loss": 3})
            child = os.fork()
            if not child:
                run.log({"of_the_child": 1}, step=1)
                sys.exit(0)           # ends the child alone
            os.waitpid(child, 0)
            run.log({"val_loss": 2})
            """)
        run, = self.until_ended(1)
        self.assertEqual((run["status"], run["value"], run["epochs"]), ("finished", 2, 2))
        self.assertEqual([v for v in self.curves(1)["of_the_child"] if v is not None], [1])

    def test_main_modules_that_are_imported_again(self) -> None:
        self.script("""
            import multiprocessing, xrun
            run = xrun.init("guardless", config={"seed": 1})
            def f(x): return x * x
            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(2) as pool:
                    run.log({"val_loss": sum(pool.map(f, range(4)))})
            """)
        self.assertEqual(len(self.until_ended(1)), 1)

    def test_ranks(self) -> None:
        text = """
            import xrun
            run = xrun.init("ranks", config={"seed": 1})
            run.log({"val_loss": 1.0})
            """
        for more, runs in (({"RANK": "1"}, 0), ({"SLURM_PROCID": "3"}, 0), ({"RANK": "0", "SLURM_PROCID": "3"}, 1)):
            self.script(text, **more)
            self.assertEqual(len(self.runs()), runs, more)

    def test_without_a_place(self) -> None:
        with open(os.path.join(self.folder, "xrun.db.journals"), "w"):
            pass  # a file where the folder would be
        said = self.script("""
            import xrun
            with xrun.init("nowhere") as run:
                for _ in range(100):
                    run.log({"val_loss": 1.0})
            print("trained")
            """)
        self.assertEqual(self.out, "trained\n")
        self.assertEqual(said.count("xrun:"), 1, said)
        self.assertIn("nothing of it is recorded", said)

    def test_without_a_recorder(self) -> None:
        text = """
            import xrun
            with xrun.init("later", config={"seed": 1}) as run:
                run.log({"val_loss": 1.0})
            """
        said = self.script(text.replace("import xrun", "import os; os.environ['XRUN_BINARY'] = '/nowhere/xrun'; import xrun"))
        self.assertIn("the recorder cannot be started", said)
        self.assertIn("xrun import journal", said)
        self.assertEqual(self.runs(), [])
        self.assertIn("run 1 of later, seed 1: finished", self.xrun("import", "journal"))
        self.assertEqual(self.runs()[0]["status"], "finished")

    def test_the_next_script_takes_what_a_killed_recorder_left(self) -> None:
        text = """
            import os, signal, subprocess, xrun
            run = xrun.init("left", config={"seed": SEED})
            run.log({"val_loss": 1.0})
            if SEED == 1:
                run._to._recorder.kill(); run._to._recorder.wait()
            run.log({"val_loss": 0.5})
            """
        said = self.script(text.replace("SEED", "1"))
        self.assertIn("not in the database yet", said)
        self.script(text.replace("SEED", "2"))
        runs = self.until_ended(2)
        self.assertEqual(sorted((r["seed"], r["status"], r["value"]) for r in runs), [(1, "finished", 0.5), (2, "finished", 0.5)])

    def test_mistakes(self) -> None:
        for call, word in (("xrun.init({'lr': 1})", "name as its first argument"), ("xrun.init('a', config=[1])", "config is a list"), ("xrun.init('a', goal='up')", "min"),
                           ("xrun.init('a', lr=0.1)", "config={'lr': 0.1}"), ("xrun.log({'a': 1})", "run = xrun.init")):
            self.assertIn(word, self.script("import xrun\n" + call + "\n", 1))

    def test_the_same_script_in_a_sweep(self) -> None:
        text = """
            import xrun
            run = xrun.init("both", config={"lr": 0.5, "width": 4, "seed": 0, "name": "x"})
            assert run.config["name"] == "x" and type(run.config["width"]) is int, run.config
            assert xrun.config(lr=7, other=1)["lr"] == run.config["lr"]
            w = 10.0 + run.config["seed"]
            for step in range(1, 6):
                w -= run.config["lr"] * w / run.config["width"]
                run.log({"train_loss": w}, step=step)
                run.log({"val_loss": w * w, "extra": step, **({"epoch": 7 * step} if xrun.in_sweep() else {})}, step=step)
            print("in a sweep:", xrun.in_sweep())
            if xrun.in_sweep():
                assert xrun.init("another") is run  # a trial is one run
            run.finish()
            """
        self.script(text)
        self.assertIn("in a sweep: False", self.out)
        with open(os.path.join(self.folder, "s.toml"), "w") as f:
            f.write(f'seeds = 2\n[task]\ncommand = [{json.dumps(sys.executable)}, "train.py"]\nmetrics = ["val_loss", "train_loss"]\n[grid]\nlr = [0.5, 0.1]\nwidth = [4]\n')
        self.xrun("sweep", "s.toml", "--progress", "none")
        runs = self.runs()
        self.assertEqual(len(runs), 5)
        same = [r for r in runs if r["sweep"] == "s" and r["lr"] == 0.5 and r["seed"] == 0]
        self.assertEqual(self.curves(same[0]["run_id"]), self.curves(runs[0]["run_id"]))

    def test_early_stopping(self) -> None:
        with open(os.path.join(self.folder, "s.toml"), "w") as f:
            f.write(f'[task]\ncommand = [{json.dumps(sys.executable)}, "train.py"]\nmetrics = ["val_loss"]\n[grid]\nhow = ["raise", "flag"]\n[early_stop]\npatience = 3\nmonitor = "val_loss"\n')
        with open(os.path.join(self.folder, "train.py"), "w") as f:
            f.write(textwrap.dedent("""
                import time, xrun
                run = xrun.init("stops", on_stop=xrun.config()["how"])
                try:
                    for step in range(1, 1000):
                        run.log({"val_loss": 1.0}, step=step)
                        if run.stopped:
                            break
                        time.sleep(0.05)
                except xrun.Stopped:
                    open("raised", "w").close()
                    raise
                open("flagged", "w").close()
                """))
        self.xrun("sweep", "s.toml", "--progress", "none")
        self.assertEqual([r["status"] for r in self.runs()], ["stopped", "stopped"])
        self.assertTrue(os.path.exists(os.path.join(self.folder, "raised")) and os.path.exists(os.path.join(self.folder, "flagged")))

    def test_xrun_stop(self) -> None:
        p = self.start("""
            import time, xrun
            run = xrun.init("stopped", config={"seed": 1})
            for step in range(1, 1000):
                run.log({"val_loss": 1.0}, step=step)
                time.sleep(0.1)
            """)
        until = time.monotonic() + 60
        while not self.runs() and time.monotonic() < until:
            time.sleep(0.1)
        self.xrun("stop", "stopped")
        _, err = p.communicate(timeout=60)
        self.assertIn("KeyboardInterrupt", err)
        run, = self.until_ended(1)
        self.assertEqual((run["status"], run["reason"]), ("interrupted", "interrupted by the user"))

    def test_kills(self) -> None:
        """Nothing that log had returned from is lost, and nothing is there twice, whenever the script is killed."""
        kills = int(os.environ.get("XRUN_TEST_KILLS", "12"))
        for i in range(kills):
            p = self.start("""
                import sys, xrun
                run = xrun.init("killed", config={"seed": SEED}, output=False, system=None)
                for step in range(1, 1 << 30):
                    run.log({"val_loss": 1 / step, "other": step}, step=step)
                    sys.stdout.write("%d\\n" % step); sys.stdout.flush()
                """.replace("SEED", str(i)))
            assert p.stdout is not None and p.stderr is not None
            last = 0
            for _ in range(1 + i * 7 % 100):
                last = int(p.stdout.readline())
            p.kill()
            for line in p.stdout:
                last = int(line) if line.endswith("\n") else last
            p.wait()
            p.stdout.close()
            p.stderr.close()
            runs = self.until_ended(i + 1)
            run = [r for r in runs if r["seed"] == i][0]
            self.assertEqual(run["status"], "interrupted")
            self.assertIn(run["epochs"], (last, last + 1))  # the last call may not have returned
            curves = self.curves(run["run_id"])
            self.assertEqual(curves["val_loss"], [1 / s for s in range(1, run["epochs"] + 1)])
            self.assertEqual(curves["other"], list(range(1, run["epochs"] + 1)))
        self.assertEqual(len(self.runs()), kills)
        self.assertIn("nothing is wrong", self.xrun("db", "check"))

    def test_machine(self) -> None:
        if not sys.platform.startswith("linux"):
            self.skipTest("processors and memory are measured on Linux")
        self.script("""
            import time, xrun
            run = xrun.init("machine", system=0.1)
            until = time.monotonic() + 6
            step = 0
            while time.monotonic() < until:
                sum(range(10000))
                step += 1
                if step % 100 == 0:
                    run.log({"val_loss": 1.0})
                    time.sleep(0.02)
            """)
        curves = self.curves(1, machine=True)
        self.assertTrue(any(v is not None and v > 1 for v in curves["system_memory_mb"]))
        self.assertTrue(any(v is not None and v > 1 for v in curves["system_cpu_percent"]))


if __name__ == "__main__":
    unittest.main()

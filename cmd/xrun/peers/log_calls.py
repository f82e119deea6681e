"""How long one call that logs two metrics takes for its caller, in xrun and in other trackers, with 1 and with 8 processes at once.

    python log_calls.py [--calls 2000] [--only xrun,mlflow]

Each tracker logs in its own way to a new folder, without a network: xrun.init, wandb offline, mlflow to a SQLite file, trackio. A call is
timed from before it to after it has returned. The table has the median and the 99th percentile in microseconds over all calls of all
processes, the first ten of each process left out, and the seconds until the slowest process had ended and everything was recorded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Callable, Dict, List, Tuple

Log = Callable[[int], None]


def xrun() -> Tuple[Log, Callable[[], None]]:
    import xrun

    run = xrun.init("bench", config={"seed": int(os.environ["SEED"])}, output=False)
    return lambda i: run.log({"train_loss": 1.0 / (i + 1), "val_loss": 2.0 / (i + 1)}, step=i), run.finish


def wandb() -> Tuple[Log, Callable[[], None]]:
    import wandb

    run = wandb.init(project="bench", mode="offline", dir=".", settings=wandb.Settings(silent=True))
    return lambda i: run.log({"train_loss": 1.0 / (i + 1), "val_loss": 2.0 / (i + 1)}, step=i), run.finish


def mlflow() -> Tuple[Log, Callable[[], None]]:
    import mlflow

    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("bench")
    mlflow.start_run()
    return lambda i: mlflow.log_metrics({"train_loss": 1.0 / (i + 1), "val_loss": 2.0 / (i + 1)}, step=i), mlflow.end_run


def trackio() -> Tuple[Log, Callable[[], None]]:
    import trackio

    trackio.init(project="bench", name="run" + os.environ["SEED"])
    return lambda i: trackio.log({"train_loss": 1.0 / (i + 1), "val_loss": 2.0 / (i + 1)}, step=i), trackio.finish


TRACKERS: Dict[str, Callable[[], Tuple[Log, Callable[[], None]]]] = {"xrun": xrun, "wandb offline": wandb, "mlflow": mlflow, "trackio": trackio}
WARM = 10


def one(name: str, calls: int) -> None:
    """A process that logs: it prints the times of its calls in nanoseconds, and those of its end."""
    log, finish = TRACKERS[name]()
    times: List[int] = []
    for i in range(calls + WARM):
        before = time.perf_counter_ns()
        log(i)
        times.append(time.perf_counter_ns() - before)
    finish()
    print("\n" + json.dumps(times[WARM:]))


def measure(name: str, processes: int, calls: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TRACKIO_DIR": folder, "HF_HUB_OFFLINE": "1", "WANDB_SILENT": "true", "GIT_PYTHON_REFRESH": "quiet"}
        if name == "mlflow":  # several processes that make its tables at once fail
            subprocess.run([sys.executable, os.path.abspath(__file__), "--one", name, "--calls", "0"], cwd=folder, env={**env, "SEED": "0"}, capture_output=True)
        began = time.perf_counter()
        running = [
            subprocess.Popen([sys.executable, os.path.abspath(__file__), "--one", name, "--calls", str(calls)], cwd=folder, env={**env, "SEED": str(i)},
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for i in range(processes)
        ]
        times: List[int] = []
        for p in running:
            out, err = p.communicate()
            if p.returncode:
                return "failed: " + (err.strip().splitlines() or [""])[-1]
            times += json.loads(out.strip().splitlines()[-1])
        whole = time.perf_counter() - began
    times.sort()
    median, late = times[len(times) // 2] / 1000, times[int(len(times) * 0.99)] / 1000
    return f"{median:10.1f} {late:12.1f} {whole:8.1f}"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--calls", type=int, default=2000)
    p.add_argument("--only", default=",".join(TRACKERS))
    p.add_argument("--one", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.one:
        one(a.one, a.calls)
        return
    print(f"{'tracker':14} {'processes':>9} {'median µs':>10} {'99 % µs':>12} {'all s':>8}")
    for name in a.only.split(","):
        for processes in (1, 8):
            print(f"{name:14} {processes:9} {measure(name, processes, a.calls)}", flush=True)


if __name__ == "__main__":
    main()

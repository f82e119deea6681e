"""How long calls of MLflow's client take for a program, against xrun serve --mlflow and against MLflow's own server over SQLite, with many
programs at once.

    python serve_calls.py [--programs 20] [--calls 100] [--batches 20] [--rounds 2]

It needs mlflow with its server, and xrun on PATH or in XRUN_BINARY. The servers take turns on an otherwise idle machine. A program is a process of its own: it
begins a run, logs single values, then batches of 100 values, and ends the run. Calls are timed from before them to after they have returned,
and the table has the median and the 99th percentile in milliseconds over all programs. At the end the server is asked for all values: lost
are those that it does not have.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Dict, List

SIZE = 100  # values of a batch


def servers(folder: str, port: int) -> Dict[str, List[str]]:
    xrun = os.environ.get("XRUN_BINARY", "xrun")
    return {
        "xrun serve": [xrun, "serve", "--mlflow", "--listen", f"127.0.0.1:{port}"],
        "mlflow server": [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", folder,
                          "--host", "127.0.0.1", "--port", str(port)],
    }


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def program(number: int, calls: int, batches: int, out: int) -> None:
    """One program: it writes the times of its calls in nanoseconds."""
    import mlflow
    from mlflow.entities import Metric

    client = mlflow.MlflowClient()
    run = client.create_run(client.get_experiment_by_name("bench").experiment_id).info.run_id
    client.log_param(run, "number", number)
    times: Dict[str, List[int]] = {"single": [], "batch": []}
    for i in range(calls):
        before = time.perf_counter_ns()
        client.log_metric(run, "loss", i / (number + 1), step=i)
        times["single"].append(time.perf_counter_ns() - before)
    for i in range(batches):
        values = [Metric("many", j / (number + 1), 1, i * SIZE + j) for j in range(SIZE)]
        before = time.perf_counter_ns()
        client.log_batch(run, values)
        times["batch"].append(time.perf_counter_ns() - before)
    client.set_terminated(run)
    with os.fdopen(out, "w") as f:
        json.dump(times, f)


def measure(name: str, a: argparse.Namespace) -> None:
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        server = subprocess.Popen(servers(folder, port)[name], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(address + "/health", timeout=5).read()
                    break
                except OSError:
                    time.sleep(0.1)
            mlflow.set_tracking_uri(address)
            mlflow.set_experiment("bench")
            began = time.perf_counter()
            children = []
            for number in range(a.programs):
                source, out = os.pipe()
                child = os.fork()
                if child == 0:
                    try:
                        program(number, a.calls, a.batches, out)
                    except Exception as e:
                        print(f"program {number}: {e}", file=sys.stderr)
                        os._exit(1)
                    os._exit(0)
                os.close(out)
                children.append((child, source))
            times: Dict[str, List[int]] = {"single": [], "batch": []}
            for child, source in children:
                with os.fdopen(source) as f:
                    text = f.read()
                if os.waitpid(child, 0)[1]:
                    print(f"{name:14} a program has failed")
                    return
                for kind, values in json.loads(text).items():
                    times[kind] += values
            took = time.perf_counter() - began
            client = mlflow.MlflowClient()
            lost = a.programs * (a.calls + a.batches * SIZE)
            for run in client.search_runs([client.get_experiment_by_name("bench").experiment_id], max_results=1000):
                for metric in ("loss", "many"):
                    lost -= len(client.get_metric_history(run.info.run_id, metric))
            cells = []
            for kind in ("single", "batch"):
                values = sorted(times[kind])
                cells += [values[len(values) // 2] / 1e6, values[int(len(values) * 0.99)] / 1e6]
            print(f"{name:14} {cells[0]:10.2f} {cells[1]:9.2f} {cells[2]:10.2f} {cells[3]:9.2f} {took:7.1f} {lost:6}", flush=True)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--programs", type=int, default=20)
    p.add_argument("--calls", type=int, default=100)
    p.add_argument("--batches", type=int, default=20)
    p.add_argument("--rounds", type=int, default=2)
    a = p.parse_args()
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    print(f"{'':14} {'log_metric':>10} {'99 % ms':>9} {'log_batch':>10} {'99 % ms':>9} {'all s':>7} {'lost':>6}")
    for _ in range(a.rounds):
        for name in servers("", 0):
            measure(name, a)


if __name__ == "__main__":
    main()

"""What a client of MLflow costs that reads runs: from a result database of xrun, and from MLflow's own SQLite store with the same runs.

    python mlflow_store.py [--points 2000] [--seeds 5] [--repeat 5]

It trains a sweep with the program xrun, copies what the store of the package xrun shows of it to a database of MLflow's, and asks both for
the ten best runs by a metric, and for all runs page by page. Each question is asked in a process of its own, in turns; CPU seconds are those
of the question, without the imports. The package xrun and its entry points have to be installed, as its wheel does, and mlflow.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List


def train(folder: pathlib.Path, points: int, seeds: int) -> None:
    rates = ", ".join(f"{10 ** (-4 + 3 * i / points):.6g}" for i in range(points))
    (folder / "many.toml").write_text(
        f'name = "many"\nseeds = {seeds}\n[task]\ndataset = "iris"\nmodel = "softmax"\nepochs = 5\nvalidation = 0.2\n'
        f'[grid]\nlr = [{rates}]\noptimizer = ["adam"]\n'
    )
    import xrun

    subprocess.run([os.environ.get("XRUN_BINARY") or xrun.binary(), "sweep", "many.toml", "--progress", "none"], cwd=folder, check=True, capture_output=True)


def copy(ours: str, theirs: str) -> None:
    """Copies every run, with its curves, by the tables of MLflow: its own interface takes minutes for it."""
    import mlflow
    from mlflow.store.tracking.dbmodels import models as m
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(theirs, "file:///nowhere")
    experiment = int(store.create_experiment("many", "file:///nowhere", []))
    mlflow.set_tracking_uri(ours)
    client = mlflow.MlflowClient()
    token = None
    while True:
        page = client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=1000, page_token=token)
        rows: Dict[Any, List[Dict[str, Any]]] = {m.SqlRun: [], m.SqlParam: [], m.SqlTag: [], m.SqlLatestMetric: [], m.SqlMetric: []}
        for run in page:
            i = run.info
            of = {"run_uuid": i.run_id}
            rows[m.SqlRun].append(
                {**of, "name": i.run_name, "source_type": "LOCAL", "status": i.status, "start_time": i.start_time, "end_time": i.end_time,
                 "lifecycle_stage": i.lifecycle_stage, "artifact_uri": i.artifact_uri, "experiment_id": experiment, "user_id": ""}
            )
            rows[m.SqlParam] += [{**of, "key": k, "value": v} for k, v in run.data.params.items()]
            rows[m.SqlTag] += [{**of, "key": k, "value": v} for k, v in run.data.tags.items()]
            for metric in run.data._metric_objs:
                value = {**of, "key": metric.key, "value": metric.value, "timestamp": metric.timestamp, "step": metric.step, "is_nan": False}
                rows[m.SqlLatestMetric].append(value)
                rows[m.SqlMetric] += [{**value, "step": s, "timestamp": metric.timestamp + s} for s in range(6)]
        with store.ManagedSessionMaker() as session:
            for table, values in rows.items():
                session.bulk_insert_mappings(table, values)
        token = page.token
        if not token:
            return


def ask(uri: str, question: str) -> Dict[str, float]:
    import mlflow

    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    began, seconds = time.process_time(), time.perf_counter()
    experiments = [e.experiment_id for e in client.search_experiments()]
    if question == "top":
        found = [(r.info.run_id, r.data.metrics["val_loss"]) for r in client.search_runs(experiments, order_by=["metrics.val_loss"], max_results=10)]
    else:
        found, token = [], None
        while True:
            page = client.search_runs(experiments, max_results=1000, page_token=token)
            found += [(r.info.run_id, r.data.metrics["val_loss"]) for r in page]
            token = page.token
            if not token:
                break
        found.sort()
    digest = hash(json.dumps(found))
    return {"cpu": time.process_time() - began, "seconds": time.perf_counter() - seconds, "runs": len(found), "digest": digest}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--points", type=int, default=2000)
    p.add_argument("--seeds", type=int, default=5)
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.ask:
        print(json.dumps(ask(*a.ask)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        train(folder, a.points, a.seeds)
        uris = {"mlflow": f"sqlite:///{folder}/mlflow.db", "xrun": f"xrun://{folder}/xrun.db"}
        copy(uris["xrun"], uris["mlflow"])
        for file in ("xrun.db", "mlflow.db"):
            print(f"{file}: {os.path.getsize(folder / file) / 1e6:.0f} MB")
        for question in ("top", "all"):
            cpu: Dict[str, List[float]] = {store: [] for store in uris}
            answers = set()
            for _ in range(a.repeat):
                for store, uri in uris.items():
                    done = subprocess.run([sys.executable, __file__, "--ask", uri, question], stdout=subprocess.PIPE, check=True, text=True,
                                          env={**os.environ, "PYTHONHASHSEED": "0"})
                    found = json.loads(done.stdout.splitlines()[-1])
                    cpu[store].append(found["cpu"])
                    answers.add((found["runs"], found["digest"]))
            for store, all_of in cpu.items():
                print(f"{question:4} {store:7} median {statistics.median(all_of):6.2f} CPU s, {min(all_of):.2f} to {max(all_of):.2f}")
            ratio = statistics.median(cpu["mlflow"]) / statistics.median(cpu["xrun"])
            print(f"{question:4} mlflow takes {ratio:.1f} times as much; {'the same answers' if len(answers) == 1 else f'answers differ: {answers}'}", flush=True)


if __name__ == "__main__":
    main()

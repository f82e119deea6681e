"""Reads a result database as MLflow does: by its client, and by its page's server where that is installed. Arguments: the database, the Python package."""
import importlib.util, json, os, pathlib, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.request

database, package = sys.argv[1:]
site = tempfile.mkdtemp()
info = pathlib.Path(site, "xrun-0.0.0.dist-info")
info.mkdir()
(info / "METADATA").write_text("Metadata-Version: 2.1\nName: xrun\nVersion: 0.0.0\n")
shutil.copy(pathlib.Path(package, "entry_points.txt"), info)
sys.path[:0] = [package, site]
os.environ.update(PYTHONPATH=package + os.pathsep + site, MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")

import mlflow

uri = "xrun://" + database
mlflow.set_tracking_uri(uri)
experiment = mlflow.get_experiment_by_name("sk")
for r in mlflow.search_runs([experiment.experiment_id], "tags.xrun.kind = 'run'", output_format="list"):
    for name, value in r.data.metrics.items():
        print("client", name, float(value).hex(), r.data.params.get("C", "-"))

if importlib.util.find_spec("flask"):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
                              start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = "http://127.0.0.1:%d" % port
        for _ in range(600):
            try:
                page = urllib.request.urlopen(address + "/", timeout=10).read()
                break
            except OSError:
                time.sleep(0.2)
        print("page", b"<html" in page.lower())
        ask = urllib.request.Request(address + "/ajax-api/2.0/mlflow/runs/search", json.dumps({"experiment_ids": [experiment.experiment_id], "max_results": 100}).encode(),
                                     {"Content-Type": "application/json"})
        for run in json.load(urllib.request.urlopen(ask, timeout=60))["runs"]:
            if {"key": "xrun.kind", "value": "run"} in run["data"]["tags"]:
                params = {p["key"]: p["value"] for p in run["data"].get("params", [])}
                for m in run["data"].get("metrics", []):
                    print("server", m["key"], float(m["value"]).hex(), params.get("C", "-"))
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
shutil.rmtree(site)

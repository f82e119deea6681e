# Tells the runs of a project of a W&B server, by the package wandb and the account that it is logged in to. It begins with tell.py.
scratch, path = sys.argv[1:3]
entity, project = path.split("/")
os.environ["WANDB_DIR"] = scratch
os.environ.setdefault("WANDB_SILENT", "true")
try:
    import wandb
    from wandb.errors import CommError, UsageError
except ImportError as e:
    lacking("wandb", e)

INTERNAL = ("_step", "_runtime", "_timestamp", "_wandb")
STATES = {"finished": "finished", "running": "running", "pending": "running", "preempting": "running"}
NAMED = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def number(value):
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return None
    return NAMED.get(value) if isinstance(value, str) else None


def flatten(name, value, each, left):
    x = number(value)
    if x is not None:
        each(name, x)
    elif isinstance(value, dict):
        if "_type" in value:
            left["tables, media and histograms"] = left.get("tables, media and histograms", 0) + 1
            return
        for key, inner in value.items():
            flatten(f"{name}.{key}", inner, each, left)
    elif value is not None:
        left["logged values that are no numbers"] = left.get("logged values that are no numbers", 0) + 1


def seconds(text):
    from datetime import datetime, timezone

    if not text:
        return 0.0
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()


def tell(run, known):
    sweep = getattr(run, "sweep_name", None)
    of = path + "/" + sweep if sweep else path
    if of not in known:
        known.add(of)
        say(experiment={"id": of, "identity": of, "name": project + "/" + sweep if sweep else project})
    state = run.state or ""
    status, reason = STATES.get(state, "failed"), ""
    if status == "failed":
        reason = "it " + {"crashed": "crashed: W&B heard no more of it", "failed": "failed", "killed": "was killed", "preempted": "was preempted"}.get(state, f"is {state}")
    config = {k: plain(v) for k, v in run.config.items() if k not in ("_wandb", "wandb_version")}
    for name, value in (("group", run.group), ("job_type", run.job_type)):
        if value:
            config["wandb." + name if name in config else name] = value
    note = "\n".join(t for t in ("tags: " + ", ".join(run.tags) if run.tags else "", run.notes or "") if t)
    start = seconds(run.created_at)
    say(run={"of": of, "id": run.id, "name": run.name or "", "status": status, "reason": reason, "start": start,
             "end": seconds(run.heartbeat_at), "note": note, "config": config})
    columns, left, logged, last = {}, {}, set(), [0, start]

    def flush(name):
        steps, times, values = columns.pop(name)
        say(values={"metric": name, "steps": steps, "times": times, "values": values})

    def add(step, time):
        def each(name, x):
            logged.add(name)
            column = columns.setdefault(name, ([], [], []))
            column[0].append(step)
            column[1].append(time)
            column[2].append(x)
            if len(column[0]) >= PAGE:
                flush(name)

        return each

    for row in run.scan_history():
        step, time = int(row.get("_step") or 0), float(row.get("_timestamp") or 0)
        last = [step, time] if step >= last[0] else last
        each = add(step, time)
        for key, value in row.items():
            if key not in INTERNAL:
                flatten(key, value, each, left)
    summary = {}
    summarized = run.summary_metrics if hasattr(run, "summary_metrics") else dict(run.summary)
    for key, value in summarized.items():
        if key not in INTERNAL:
            flatten(key, value, summary.__setitem__, {})
    for name, x in summary.items():
        if name not in logged:
            add(*last)(name, x)
    for name in list(columns):
        flush(name)
    for what, n in left.items():
        say(left={"of": of, "what": what, "n": n})


def main():
    run = None
    try:
        api = wandb.Api(timeout=60)
        try:
            runs = api.runs(path, order="+created_at", per_page=50, lazy=False)
        except TypeError:  # before 0.22
            runs = api.runs(path, order="+created_at", per_page=50)
        known = {path}
        say(experiment={"id": path, "identity": path, "name": project})
        for run in runs:
            tell(run, known)
    except (CommError, UsageError, ValueError) as e:
        if isinstance(e, UsageError) or run is None and "API key" in str(e):
            stop(f"wandb is not logged in: {e}", f"{sys.executable} -m wandb login, or set WANDB_API_KEY; WANDB_BASE_URL names another server")
        if run is None and "could not find project" in str(e).lower():
            stop(f"the account has no project {path}", "a project is ENTITY/PROJECT, as in its address; files of runs are a folder")
        where = f"the project {path}" if run is None else f"the project {path}, at run {run.id} or the next one"
        stop(f"W&B does not give {where}: {e}", "nothing was imported; the same command begins anew")
    say(done=True)
    out.flush()


main()

# Tells the runs of an Aim repository, by the package aim. Aim writes where it reads, so each run is read from a copy. It begins with tell.py.
import gc
import shutil

scratch, source = sys.argv[1:3]
os.environ.pop("__AIM_REPO_NAME__", None)
try:
    from aim import Repo, Run
except ImportError as e:
    lacking("aim", e)

FILES_OF_RUN = 10_000  # far above those of a run
MANY = 2000  # runs, of which people are told
GRACE = 60  # seconds that a check-in may be late


def copy(of, to):
    os.makedirs(to)
    with os.scandir(of) as entries:
        for i, entry in enumerate(entries):
            if i >= FILES_OF_RUN:
                raise OSError(f"{of} has more than {FILES_OF_RUN} files")
            if entry.is_file(follow_symlinks=False):
                try:
                    shutil.copyfile(entry.path, os.path.join(to, entry.name))
                except FileNotFoundError:  # Aim has just replaced it
                    pass


def named(name, context):
    """The name of a metric: the subset goes before it, the rest of the context behind it."""
    context = dict(context)
    subset = context.pop("subset", None)
    if isinstance(subset, str) and subset and not name.startswith(subset + "_"):
        name = subset + "_" + name
    rest = [f"{k}={v if isinstance(v, str) else json.dumps(plain(v), sort_keys=True, ensure_ascii=False)}" for k, v in sorted(context.items())]
    return name + (" [" + ", ".join(rest) + "]" if rest else "")


def lapsed(hash):
    """Whether a run that has no end has missed its check-ins. Their files are HASH-INDEX-FLAG-TIME-SECONDS."""
    import time

    latest = None
    for name in check_ins.get(hash, ()):
        parts = name.split("-")
        try:
            at = (int(parts[1]), float(parts[-2]), int(parts[-1]))
        except (ValueError, IndexError):
            continue
        latest = at if latest is None else max(latest, at)
    return latest is not None and latest[2] > 0 and time.time() > latest[1] + latest[2] + GRACE


def tell(hash, known, repo):
    run = Run(hash, repo=repo, read_only=True)
    name = run.experiment or "default"
    if name not in known:
        known.add(name)
        say(experiment={"id": name, "identity": name, "name": name})
    status, reason = ("finished", "") if run.end_time else ("running", "")
    if status == "running" and lapsed(hash):
        status, reason = "failed", "it stopped without an end"
    notes = ["tags: " + ", ".join(run.tags)] if run.tags else []
    if run.archived:
        notes.append("archived")
    if run.description:
        notes.append(run.description)
    try:
        params = plain(run[...])
    except KeyError:
        params = {}
    params.pop("__system_params", None)
    hparams = params.pop("hparams", None)
    if isinstance(hparams, dict):  # where Aim's own examples and integrations put settings
        for key, value in hparams.items():
            params["hparams." + key if key in params else key] = value
    elif hparams is not None:
        params["hparams"] = hparams
    end = run.end_time or 0
    lines, used, left = [], {}, {}
    for metric, context, _ in run.iter_metrics_info():
        sequence = run.get_metric(metric, context)
        if sequence is None:
            continue
        as_dict = context.to_dict()
        if metric.startswith("__system__"):
            left["metrics of the machine"] = left.get("metrics of the machine", 0) + 1
            continue
        shown = named(metric, as_dict)
        while used.get(shown, (metric, context)) != (metric, context):
            shown += "'"
        used[shown] = (metric, context)
        steps, times, values = [], [], []
        for step, (value, _epoch, time) in sequence.data.items():
            if not isinstance(value, (int, float)):
                left["logged values that are no numbers"] = left.get("logged values that are no numbers", 0) + 1
                continue
            steps.append(int(step))
            times.append(float(time or 0))
            values.append(float(value))
        if status != "finished" and times:
            end = max(end, max(times))
        for i in range(0, len(values), PAGE):
            lines.append({"metric": shown, "steps": steps[i : i + PAGE], "times": times[i : i + PAGE], "values": values[i : i + PAGE]})
    try:
        traces = run.meta_run_tree.subtree("traces").collect()
    except KeyError:
        traces = {}
    other = sum(1 for of in traces.values() for t in of.values() if t.get("dtype") not in ("float", "float64", "int", "number"))
    if other:
        left["sequences of texts, images and other objects"] = other
    say(run={"of": name, "id": hash, "name": run.name or "", "status": status, "reason": reason, "start": run.creation_time,
             "end": end, "note": "\n".join(notes), "config": params})
    for line in lines:
        say(values=line)
    for what, n in left.items():
        say(left={"of": name, "what": what, "n": n})


def main():
    global check_ins
    check_ins = {}
    try:
        for name in os.listdir(os.path.join(source, "check_ins")):
            check_ins.setdefault(name.split("-")[0], []).append(name)
    except OSError:
        pass
    target = os.path.join(scratch, ".aim")
    os.makedirs(target)
    for name in os.listdir(source):
        if name == "VERSION" or name.startswith("run_metadata.sqlite"):
            shutil.copyfile(os.path.join(source, name), os.path.join(target, name))
    repo, known = Repo(scratch), set()
    chunks = os.path.join(source, "meta", "chunks")
    hashes = sorted(os.listdir(chunks)) if os.path.isdir(chunks) else []
    if len(hashes) > MANY:
        say(notice=f"aim opens two databases for each of {len(hashes)} runs: that takes minutes")
        out.flush()
    gc.freeze()  # or each collection looks at all packages again
    failed = 0
    for hash in hashes:
        copies = [os.path.join(target, part, "chunks", hash) for part in ("meta", "seqs")]
        try:
            for part, to in zip(("meta", "seqs"), copies):
                of = os.path.join(source, part, "chunks", hash)
                copy(of, to) if os.path.isdir(of) else None
            tell(hash, known, repo)
        except Exception as e:
            failed += 1
            if failed <= 5:
                say(notice=f"run {hash} is left out, as aim cannot read it: {type(e).__name__}: {e}")
        gc.collect()  # closes the databases of the run
        for to in copies:
            shutil.rmtree(to, ignore_errors=True)
    if failed > 5:
        say(notice=f"… and {failed - 5} more runs")
    say(done=True)
    out.flush()
    os._exit(0)  # Aim's threads may wait


main()

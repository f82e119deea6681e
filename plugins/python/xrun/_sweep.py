"""Trains a sweep by the program xrun, which is a child of this process."""

from __future__ import annotations

import codecs
import html
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from ._command import CHECK, TRIALS, Error, answer, checked, error_of, flags, nearest, program
from ._function import Task, check_parameters, name_of, write
from ._results import Database

FLAGS = (
    "accept-changes",
    "retry-failed",
    "rerun",
    "set",
    "until",
    "quick",
    "verify",
    "workers",
    "plugin-dir",
    "sandbox",
    "verbose",
    "progress",
    "on",
    "known",
)
"""Flags of `xrun sweep` that are keyword arguments; store is one too."""

KEYS = (
    "schema", "name", "notes", "tags", "refines", "seeds", "task", "metric", "grid", "optimizers", "regularizers", "skip", "extra",
    "divergence", "early_stop", "prune", "run", "cluster", "compare", "check",
)  # fmt: skip
"""Keys at the top of a sweep file."""

OF_FUNCTIONS = ("metrics", "goal", "epochs", "files", "grace", "env")
"""Keys of [task] that are keyword arguments where the task is a function."""

_WRITTEN = "# Written by xrun.sweep(…) of Python, which writes it anew at each call.\n"


class Result(Database):
    """The database, with the sweep that has been trained as the one that is meant."""

    def __init__(self, path: str, sweep: str, code: int) -> None:
        super().__init__(path, sweep)
        self.complete = code != TRIALS
        """Whether no trial has failed."""
        self.holds = code != CHECK
        """Whether the conditions of [check] hold."""

    def __repr__(self) -> str:
        try:
            verdict = self.compare().verdict
        except Error as e:
            verdict = e.message
        return super().__repr__() + "\n" + verdict


def sweep(
    what: Callable[..., Any] | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    /,
    *,
    store: str | os.PathLike[str] | None = None,
    **given: Any,
) -> Result:
    """Trains every trial of a sweep that has no result yet, with live progress, and returns the results.

    what is the path of a sweep file, its content as a dict, or a function, which is called in a process of its own for each trial
    with the values that its parameters name; a parameter `run` is the run that it logs to, and `config` has all values. It returns
    the metric, a dict of metrics, or None if it has logged. Without it the keywords are the content.

    Keywords are keys of a sweep file (grid, seeds, early_stop, …; `xrun help sweep-file` describes them), flags of `xrun sweep`
    (workers, quick, until, rerun, …), and of a function metrics (["val_loss"] by default), epochs, files, env. store is the
    database, by default that of XRUN_STORE, or xrun.db beside the sweep file or in the working directory.

    Interrupted, it stops after the running epochs, as Ctrl-C does; again, at once. The same call goes on.
    Raises Error for a mistake; a trial that fails does not: see Result.complete."""
    chosen = {name: given.pop(name) for name in list(given) if name.replace("_", "-") in FLAGS}
    keys = {**given}
    known = [*KEYS, *(OF_FUNCTIONS if callable(what) else ()), "store", *FLAGS]
    for name in keys:
        if name not in known or isinstance(what, (str, os.PathLike)):
            allowed = ["store", *FLAGS] if isinstance(what, (str, os.PathLike)) else known
            raise Error(f"xrun.sweep has no {name}" + (" beside a sweep file" if name in known else ""), nearest(name, allowed))
    if isinstance(what, (str, os.PathLike)):
        return _train(os.fspath(what), store, chosen)
    if callable(what):
        return _function(what, store, chosen, keys)
    content = {**(what or {}), **keys}
    if not content:
        raise Error("xrun.sweep wants a sweep", "a path, a dict, a function, or task={…}, grid={…}")
    return _train(_written(content), store, chosen)


def _written(content: Mapping[str, Any]) -> str:
    """Writes a sweep into a file of its name in the working directory, since its paths are relative to it."""
    name = str(content.get("name") or "sweep")
    path = pathlib.Path((re.sub(r"[^\w.-]", "_", name) or "sweep") + ".toml")
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(_WRITTEN):
        raise Error(f"{path} exists, and xrun.sweep has not written it", 'give the sweep another name: name="…"')
    write(path.absolute(), (_WRITTEN + toml(content)).encode())
    return str(path)


def _function(
    function: Callable[..., Any], store: str | os.PathLike[str] | None, chosen: Mapping[str, Any], keys: dict[str, Any]
) -> Result:
    if "task" in keys:
        raise Error(
            "a function is the task, so there is no other",
            "remove task=…; epochs=…, files=… and metrics=… stand beside the function",
        )
    database: str = os.path.abspath(os.fspath(store or os.environ.get("XRUN_STORE") or "xrun.db"))
    axes = [a for a in keys.get("grid", {}) if a != "zip"]
    axes += [kind for kind in ("optimizer", "regularizer") if kind + "s" in keys and kind not in axes]
    check_parameters(function, [*axes, *(["epochs"] if "epochs" in keys else [])], keys.get("seeds", 1) not in (1, [0]))
    task = Task(function, pathlib.Path(database + ".functions"))
    of_task = {name: keys.pop(name) for name in OF_FUNCTIONS if name in keys}
    metrics = of_task.pop("metrics", None) or _judged(keys.get("metric")) or ["val_loss"]
    goal = of_task.pop("goal", None)
    if goal is not None or isinstance(keys.get("metric"), str):
        names: list[str] = [metrics] if isinstance(metrics, str) else list(metrics)
        judged = (_judged(keys.get("metric")) or names)[0]
        metric: Any = keys.get("metric")
        keys["metric"] = {**(metric if isinstance(metric, Mapping) else {}), "name": judged, **({"goal": goal} if goal else {})}
    files = of_task.pop("files", None)
    if files is not None:
        paths: list[Any] = [files] if isinstance(files, (str, os.PathLike)) else list(files)
        of_task["files"] = [os.path.relpath(os.path.realpath(f), os.path.realpath(task.folder)) for f in paths]
    content: dict[str, Any] = {
        "name": name_of(function),
        **keys,
        "task": {"command": task.command(), "metrics": metrics, **of_task},
    }
    content["run"] = {**content.get("run", {}), "store": os.path.relpath(database, task.folder)}
    file = task.folder / ((re.sub(r"[^\w.-]", "_", str(content["name"])) or "sweep") + ".toml")
    write(file, (_WRITTEN + toml(content)).encode())
    return _train(str(file), database, chosen)


def _judged(metric: Any) -> list[str] | None:
    name: Any = cast("Mapping[str, Any]", metric).get("name") if isinstance(metric, Mapping) else metric
    return [str(name)] if name else None


# The program as a child.


def _train(file: str, store: str | os.PathLike[str] | None, given: Mapping[str, Any]) -> Result:
    how = given.get("progress") or os.environ.get("XRUN_PROGRESS") or "auto"
    arguments = flags({k: v for k, v in given.items() if k != "progress"}, FLAGS, "xrun sweep")
    where: Any = store or os.environ.get("XRUN_STORE")
    database: str = os.path.abspath(where) if where else _store_of(file, given)
    display = _display() if how == "auto" else None
    if display:
        how = "plain"
    elif how == "auto" and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        how = "tty"
    # A group of its own: a terminal and Jupyter interrupt all of a group, and then the program would be interrupted twice.
    child = subprocess.Popen(
        [program(), "sweep", "--store", database, *arguments, "--json", f"--progress={how}", "--", file],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=os.name == "posix",
        env={**os.environ, "XRUN_AGAIN": "make the same call again"},
    )  # fmt: skip
    assert child.stdout and child.stderr
    said = _Said(display)
    printed = bytearray()
    readers = [
        threading.Thread(target=_copy, args=(child.stdout, printed.extend), daemon=True),
        threading.Thread(target=_copy, args=(child.stderr, said.add), daemon=True),
    ]
    for reader in readers:
        reader.start()
    interrupted = 0
    watch = _watch(child.pid)
    try:
        while child.poll() is None:
            try:
                try:
                    child.wait(0.1)
                except subprocess.TimeoutExpired:
                    said.show()
            except KeyboardInterrupt:
                interrupted += 1
                child.send_signal(signal.SIGINT)
    finally:
        if child.poll() is None:  # of an exception in between
            child.terminate()
            child.wait()
        if watch:
            watch.kill()
            watch.communicate()
        for reader, pipe in zip(readers, (child.stdout, child.stderr)):
            reader.join()
            pipe.close()
    said.show(last=True)
    if not interrupted and child.returncode not in (0, TRIALS, CHECK):
        raise error_of(said.error(), child.returncode)
    said.release()
    if interrupted:
        raise KeyboardInterrupt
    title = checked(bytes(printed), "xrun_compare", 2)["sweep"]
    return Result(database, title, child.returncode)


def _watch(program: int) -> subprocess.Popen[bytes] | None:
    """Interrupts the program when this process ends without having waited for it, as that of a notebook that is restarted."""
    if os.name != "posix":
        return None
    command = ["sh", "-c", 'read _; kill -INT "$0"', str(program)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _store_of(file: str, chosen: Mapping[str, Any]) -> str:
    """The database of a sweep file, as `xrun plan` says it. Raises Error if the file has mistakes."""
    changes = flags(
        {k: v for k, v in chosen.items() if k in ("set", "quick", "until", "plugin_dir", "sandbox")}, FLAGS, "xrun sweep"
    )
    return answer(["plan", *changes, "--", file], "xrun_plan", 1)["store"]


def _copy(source: Any, take: Callable[[bytes], Any]) -> None:
    while True:
        read = source.read1(1 << 16)
        if not read:
            return
        take(read)


class _Said:
    """What the program says on standard error: passed on as it comes, or shown in one place of a notebook."""

    def __init__(self, display: Any) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end within a character
        self._display, self._lock, self._text, self._changed, self._shown = display, threading.Lock(), "", False, 0.0
        self._held = list[str]()

    def add(self, read: bytes) -> None:
        text = self._decoder.decode(read)
        with self._lock:
            self._text = (self._text + text)[-(1 << 18) :]
            self._changed = True
            if self._held or self._display is None and re.search(r"^(error|xrun): ", text, re.MULTILINE):
                self._held.append(text)  # an exception says it, if it is one
                return
        if self._display is None:
            sys.stderr.write(text)
            sys.stderr.flush()

    def release(self) -> None:
        """Passes on what was taken for the beginning of an error, and was none."""
        if self._held:
            sys.stderr.write("".join(self._held))
            sys.stderr.flush()

    def show(self, last: bool = False) -> None:
        """Brings the display up to date, five times a second at most."""
        if self._display is None:
            return
        with self._lock:
            text, changed = self._text, self._changed
            if not last and (not changed or time.monotonic() - self._shown < 0.2):
                return
            self._changed, self._shown = False, time.monotonic()
        self._display(text, last)

    def error(self) -> str:
        """The last words: what follows the last line that names the program."""
        lines = self._text.replace("\r", "\n").splitlines()
        starts = [i for i, line in enumerate(lines) if line.startswith(("xrun: ", "error: "))]
        first = next(
            (i for i, line in enumerate(lines) if line.startswith("error: ")), starts[-1] if starts else max(0, len(lines) - 10)
        )
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "\n".join(lines[first:]))


_ENDED = re.compile(r"^\d\d:\d\d:\d\d (\d+)/(\d+) ", re.MULTILINE)


def _display() -> Any:
    """A function that shows progress in one place of a notebook; None elsewhere."""
    try:
        get: Any = sys.modules["IPython"].get_ipython
        if not hasattr(get(), "kernel"):
            return None
        from IPython.display import HTML, display  # type: ignore  # pyright: ignore
    except (KeyError, ImportError, AttributeError):
        return None
    handle: list[Any] = []

    def show(text: str, last: bool) -> None:
        shown: Any = cast(Any, HTML)(progress_html(text, last))
        if handle:
            handle[0].update(shown)
        else:
            handle.append(cast(Any, display)(shown, display_id=True))

    return show


def progress_html(text: str, last: bool) -> str:
    """The progress of a sweep from what the program has said: a bar, and the newest lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    ended = _ENDED.findall(text)
    done, total = (int(n) for n in ended[-1]) if ended else (0, 0)
    bar = f'<progress value="{done}" max="{total}" style="width: 20em"></progress> {done} of {total} trials' if total else ""
    newest = html.escape(
        "\n".join(lines[-1:] if last and not any(n.startswith(("xrun: ", "error: ")) for n in lines) else lines[-8:])
    )
    head = html.escape(lines[0]) if lines else ""
    return f'<div>{head}</div><div>{bar}</div><pre style="margin: 0; opacity: 0.8">{newest}</pre>'


# A sweep as TOML: the part of the language that a sweep file needs.


def toml(content: Mapping[str, Any]) -> str:
    """A sweep file with this content. Raises Error for a value that TOML does not have.

    >>> print(toml({"seeds": 3, "grid": {"lr": [0.1, 1e-20], "optimizer": ["sgd", "adam"]}}), end="")
    seeds = 3
    <BLANKLINE>
    [grid]
    lr = [0.1, 1.0e-20]
    optimizer = ["sgd", "adam"]
    """
    plain = {k: v for k, v in content.items() if v is not None and not isinstance(v, Mapping)}
    tables: dict[str, Mapping[Any, Any]] = {k: v for k, v in content.items() if isinstance(v, Mapping)}
    lines = [f"{_key(k)} = {_value(v, str(k))}" for k, v in plain.items()]
    for name, table in tables.items():
        lines += ["", f"[{_key(name)}]"]
        lines += [f"{_key(k)} = {_value(v, f'{name}.{k}')}" for k, v in table.items() if v is not None]
    return "\n".join(lines) + "\n"


def _key(name: Any) -> str:
    return str(name) if re.fullmatch(r"[A-Za-z0-9_-]+", str(name)) else _string(str(name))


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'


def _value(v: Any, where: str) -> str:
    if isinstance(v, os.PathLike):
        return _string(os.fspath(cast("os.PathLike[str]", v)))
    if isinstance(v, str):
        return _string(v)
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, int):
        return str(int(v))
    if isinstance(v, float):
        return _real(float(v))
    if isinstance(v, Mapping):
        entries = cast("Mapping[Any, Any]", v).items()
        return "{ " + ", ".join(f"{_key(k)} = {_value(x, f'{where}.{k}')}" for k, x in entries if x is not None) + " }"
    if hasattr(v, "tolist"):  # of numpy and of frameworks
        return _value(v.tolist(), where)
    if isinstance(v, (list, tuple, range)):
        return "[" + ", ".join(_value(x, where) for x in cast("list[Any]", v)) + "]"
    raise Error(
        f"{where} is {type(v).__name__}, which a sweep file cannot have", "numbers, texts, True and False, lists, and dicts"
    )


def _real(v: float) -> str:
    if v != v or v in (float("inf"), float("-inf")):
        return "nan" if v != v else "inf" if v > 0 else "-inf"
    text = repr(v)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")

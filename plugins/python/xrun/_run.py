"""Runs of scripts: init, log, finish. Inside a sweep the same lines report to the sweep."""

from __future__ import annotations

import argparse
import atexit
import base64
import builtins
import dataclasses
import json
import math
import numbers
import os
import platform
import secrets
import signal
import subprocess
import sys
import threading
import time
import traceback
import weakref
from types import FrameType, TracebackType
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Type, Union, cast

from ._binary import binary
from ._journal import Journal, encoded

Config = Union[Mapping[str, Any], argparse.Namespace, object, None]
"""What config may be: a mapping, an argparse namespace or a dataclass."""

_OUTPUT_MOST = 16 << 20  # bytes of output in a journal
_OUTPUT_TAIL = 192 << 10  # bytes of what comes then, which are kept at the end
_SOURCE_MOST = 1 << 20  # bytes of a script


class Stopped(SystemExit):
    """Raised in the main thread of a program when the sweep that runs it has seen enough. It ends the program if nobody catches it."""


def in_sweep() -> bool:
    """Whether a sweep runs this process."""
    return "XRUN_CONFIG" in os.environ


def config(**defaults: Any) -> Dict[str, Any]:
    """The values of the trial when a sweep runs this process, with their types, else those of the newest run of this process. Values of
    names that it does not have are the defaults.

    >>> config(lr=0.1, width=64)
    {'lr': 0.1, 'width': 64}
    >>> os.environ["XRUN_CONFIG"] = '{"lr": 0.5, "seed": 3}'  # as a sweep sets it
    >>> config(lr=0.1, width=64)
    {'lr': 0.5, 'width': 64, 'seed': 3}
    >>> del os.environ["XRUN_CONFIG"]
    """
    given = _of_sweep() if in_sweep() else dict(_newest().config) if _runs else {}
    return {**defaults, **given}


def current() -> "Run":
    """The newest run of this process that has not ended. Without one init() begins it."""
    return _newest() if _runs else init()


def init(
    name: str = "",
    config: Config = None,
    *,
    metric: str = "",
    goal: str = "",
    tags: Sequence[str] = (),
    notes: str = "",
    resume: Union[int, str, None] = None,
    store: Union[str, "os.PathLike[str]", None] = None,
    output: bool = True,
    system: Optional[float] = 15.0,
    on_stop: str = "raise",
    **mistaken: Any,
) -> "Run":
    """Begins a run::

        run = xrun.init("mnist", config={"lr": 0.1, "seed": 3})
        for epoch in range(1, 11):
            run.log({"val_loss": train(run.config["lr"])}, step=epoch)
        run.finish()

    Runs of one name are compared with each other, by `xrun compare NAME` or xrun.open(). The values of config are the axes on which
    they differ. `seed`, or what is called like one (random_state), tells replicates apart; without one the run is the next replicate of
    its config. Of the same config and seed the newest run counts.

    name        of the sweep that the run belongs to; the script's own by default
    config      a dict, a dataclass or an argparse namespace. Inside a sweep its values go before these: read run.config.
    metric      that runs are compared by; a validation loss by default. Its goal is "min" or "max", by its name by default.
    tags, notes for people
    resume      the number of a run of a script that was interrupted or failed: it goes on, under its number. "last" is the newest such
                run of this name and config, and begins a run where there is none.
    store       the database; XRUN_STORE, or xrun.db in this folder, by default
    output      keep what the script prints
    system      seconds between measurements of CPU, memory and GPU, as the metrics system_…; None for none
    on_stop     inside a sweep that stops the trial: "raise" Stopped at once, or only set run.stopped ("flag")

    Inside a sweep nothing is recorded twice: log reports to the sweep. Of the ranks of torchrun or srun only rank 0 records.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"init wants a name as its first argument, got {type(name).__name__}: xrun.init('mnist', config=…)")
    if mistaken:
        name, value = next(iter(mistaken.items()))
        raise TypeError(f"init has no {name}: values of the run go into config={{{name!r}: {value!r}}}, and the name comes first")
    if goal not in ("", "min", "max"):
        raise ValueError(f"goal is {goal!r}, and can be 'min' or 'max'")
    if on_stop not in ("raise", "flag"):
        raise ValueError(f"on_stop is {on_stop!r}, and can be 'raise' or 'flag'")
    given = _as_dict(config)
    if _silent():
        return Run(_Nowhere(), {**given, **(_of_sweep() if in_sweep() else {})})
    if in_sweep():
        if _trial:
            if _trial[0]._over:  # pyright: ignore[reportPrivateUsage]
                raise RuntimeError("a sweep runs this process as one trial, whose run has ended: begin only one run in it")
            return _trial[0]
        run = Run(_Reporting(), {**given, **_of_sweep()}, on_stop=on_stop)
        run._listener = _listen(run)  # pyright: ignore[reportPrivateUsage]
        _trial.append(run)
        _runs.append(run)
        _watch_ending()
        return run
    if _runs and not _told_open:
        _told_open.append(True)
        _say(f"{_newest()!r} has not ended, and another one begins: end it by finish(), or by `with xrun.init(…) as run:`")
    name = name or _script_name()
    place = _Place(os.fspath(store) if store is not None else os.environ.get("XRUN_STORE") or "xrun.db")
    continues: Optional[_Earlier] = None
    if resume is not None:
        continues = _earlier(place, name, resume, given)
    if continues:
        given, name = continues.config, continues.sweep
    begin: Dict[str, Any] = {
        "name": name, "at": time.time(), "config": _plain_config(given), "order": list(given), "metric": metric, "goal": goal,
        "tags": [str(tag) for tag in ([tags] if isinstance(tags, str) else tags)], "notes": str(notes), **_about_process(),
    }
    if continues:
        begin["continues"] = continues.run
    run = Run(place.recording(begin, system), given, step=continues.step if continues else 0)
    _runs.append(run)
    _watch_ending()
    if output:
        run._capture()  # pyright: ignore[reportPrivateUsage]
    return run


class Run:
    """One run. Make it by init().

    config   the values of the run. Inside a sweep they are those of the trial.
    step     the last step that was logged; 0 before the first
    id       the number of the run in the database, once finish() has returned; None before
    stopped  inside a sweep: whether it asks the trial to end
    on_stop  what such a request does from now on: "raise" Stopped, or only set stopped ("flag")
    """

    def __init__(self, to: "_Target", config: Dict[str, Any], step: int = 0, on_stop: str = "raise") -> None:
        self.config: Dict[str, Any] = config
        self.step: int = step
        self.id: Optional[int] = None
        self.stopped: bool = False
        self.on_stop: str = on_stop
        self._listener: Optional[_Listener] = None
        self._to = to
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._over = False
        self._went_back = False
        self._tees: List[_Tee] = []
        if hasattr(os, "register_at_fork"):
            me: weakref.ref[Run] = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _after_fork(me))

    def log(self, metrics: Optional[Mapping[str, Any]] = None, step: Optional[int] = None, **mistaken: Any) -> None:
        """Records the values of metrics at a step: numbers of Python, numpy, torch, jax or anything that can be a float.

        Without a step it is one more than the last. With a step, several calls may have parts of its metrics; the first value of each
        counts. Steps do not go back. The values are safe against a kill once log has returned.
        """
        if mistaken or not isinstance(metrics, Mapping):
            name = next(iter(mistaken), metrics if isinstance(metrics, str) else "val_loss")
            raise TypeError(f'log wants a dict of numbers by name: run.log({{"{name}": 0.5}}, step=3)')
        values = {str(k): _number(k, v) for k, v in metrics.items()}
        if step is not None:
            step = _whole_step(step)
        with self._lock:
            if self._over:
                raise RuntimeError("log after finish: the run has ended, and a new one begins with xrun.init")
            whole = step is None
            if step is None:
                step = self.step + 1
            elif step < self.step and not self._went_back:
                self._went_back = True
                _say(f"step {step} comes after step {self.step}: steps do not go back, and such values are left out")
            self.step = max(self.step, step)
            if values:
                self._to.log(self, values, step, whole)

    def finish(self, status: str = "finished", error: str = "") -> None:
        """Ends the run, and waits until it is recorded. status is "finished", or "failed" with an error."""
        with self._lock:
            if self._over or os.getpid() != self._process:
                return
            self._over = True
            for tee in self._tees:
                tee.close()
            if self in _runs:
                _runs.remove(self)
            self.id = self._to.finish(self, status, error)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.finish(*_ending(kind, error))

    def __reduce__(self) -> Any:
        """A copy in another process logs to the same run, and leaves its end to the process that began it."""
        return _attached, (self._to.address(), self.config, self.step)

    def __repr__(self) -> str:
        return f"<xrun.Run {self._to.about()}>"

    def _capture(self) -> None:
        self._tees = [_Tee("stdout", self)] + ([_Tee("stderr", self)] if sys.stderr is not sys.stdout else [])

    def _printed(self, text: str) -> None:
        if not self._over and os.getpid() == self._process and _runs and self is _newest():
            self._to.printed(text)


_Listener = Callable[[int, Optional[FrameType]], None]
"""A handler of signals."""

_runs: List[Run] = []
"""The runs of this process that have not ended, the newest last."""

_told_open: List[bool] = []
"""Whether it was said that a run is open while another one begins."""

_trial: List[Run] = []
"""The run of the trial that this process is, once it has begun."""


def _newest() -> Run:
    return _runs[-1]


def _after_fork(me: "weakref.ref[Run]") -> None:
    run = me()
    if run is not None:
        run._lock = threading.RLock()  # pyright: ignore[reportPrivateUsage]
        run._to.forked()  # pyright: ignore[reportPrivateUsage]


class _Target:
    """Where the values of a run go."""

    def log(self, run: Run, values: Dict[str, float], step: int, whole: bool) -> None:
        raise NotImplementedError

    def printed(self, text: str) -> None:
        pass

    def forked(self) -> None:
        pass

    def finish(self, run: Run, status: str, error: str) -> Optional[int]:
        raise NotImplementedError

    def address(self) -> Any:
        return None

    def about(self) -> str:
        return "that records nothing"


class _Nowhere(_Target):
    """Takes the values of a rank that does not record, or of a run without a writable place."""

    def log(self, run: Run, values: Dict[str, float], step: int, whole: bool) -> None:
        pass

    def finish(self, run: Run, status: str, error: str) -> Optional[int]:
        return None


class _Reporting(_Target):
    """Reports to the sweep that runs this process. A step is reported once it has all metrics that the sweep asks for, when the next one
    begins, or at the end."""

    def __init__(self) -> None:
        self._wanted: List[str] = json.loads(os.environ.get("XRUN_METRICS") or "null") or []
        self._held: Dict[str, float] = {}
        self._step = -1
        self._reported = -1
        self._told = False

    def log(self, run: Run, values: Dict[str, float], step: int, whole: bool) -> None:
        if step <= self._reported:
            if not self._told:
                self._told = True
                _say(f"step {step} was reported when it had {', '.join(self._wanted) or 'values'}: what is logged for it later is left out")
            return
        if step != self._step:
            self._report()
            self._step = step
        for name, value in values.items():
            if name != "epoch":  # is the step of a report
                self._held.setdefault(name, value)
        if whole or self._wanted and all(m in self._held for m in self._wanted):
            self._report()

    def _report(self) -> None:
        if self._held:
            to = sys.__stdout__ or sys.stdout
            values = {k: v if math.isfinite(v) else _special(v) for k, v in self._held.items()}
            to.write(encoded({"epoch": self._step, **values}) + "\n")
            to.flush()
            self._held, self._reported = {}, self._step

    def finish(self, run: Run, status: str, error: str) -> Optional[int]:
        if status != "stopped":
            self._report()
        return None

    def about(self) -> str:
        return f"of the trial {os.environ.get('XRUN_TRIAL', '')[:8]}"


class _Recording(_Target):
    """Writes a journal, which the recorder takes into the database."""

    def __init__(self, place: "_Place", journal: Journal, token: str, recorder: "Optional[subprocess.Popen[str]]") -> None:
        self._place = place
        self._journal = journal
        self._token = token
        self._recorder = recorder
        self._process = os.getpid()
        self._prefix = '{"a":"%s",' % token
        self._names: Dict[str, str] = {}
        self._told = False
        self._versions = False
        self._text: List[str] = []
        self._waiting = 0
        self._flushed = 0.0
        self._printed = 0
        self._tail: List[str] = []
        self._tail_size = 0

    def log(self, run: Run, values: Dict[str, float], step: int, whole: bool) -> None:
        own = os.getpid() == self._process
        names = self._names
        parts: List[str] = []
        for name, value in values.items():
            key = names.get(name)
            if key is None:
                key = names[name] = json.dumps(name) + ":"
            parts.append(key + (repr(value) if math.isfinite(value) else '"%s"' % _special(value)))
        text = self._prefix + ('"log":{' if own else '"w":"%d","log":{' % os.getpid()) + ",".join(parts) + '},"step":%d%s}' % (step, ',"whole":true' if whole else "")
        if own:
            self._keep(self._journal.log(text, len(parts)))
            if not self._versions:
                self._versions = True
                self._keep(self._journal.write({"a": self._token, "event": {"kind": "versions", "message": "Python " + platform.python_version(), "detail": encoded(_versions())}}))
        else:
            if self._journal.removed:
                if not self._told:
                    self._told = True
                    _say(f"the run has ended in the process that began it: what process {os.getpid()} logs later is left out")
                return
            self._keep(self._journal.append(text.encode()))

    def _keep(self, written: bool) -> None:
        if not written and not self._told:
            self._told = True
            _say(f"{self._journal.path} cannot be written: {self._journal.problem}. The script goes on, and what is logged waits in memory.")

    def printed(self, text: str) -> None:
        if self._printed > _OUTPUT_MOST:
            self._tail.append(text)
            self._tail_size += len(text)
            while self._tail_size - len(self._tail[0]) > _OUTPUT_TAIL:
                self._tail_size -= len(self._tail.pop(0))
            return
        self._text.append(text)
        self._waiting += len(text)
        now = time.monotonic()
        if self._waiting > 8192 or "\n" in text and now - self._flushed > 0.5:
            self._flushed = now
            self._print()

    def _print(self) -> None:
        if self._text:
            self._printed += self._waiting
            self._keep(self._journal.write({"a": self._token, "out": "".join(self._text)}))
            self._text, self._waiting = [], 0

    def finish(self, run: Run, status: str, error: str) -> Optional[int]:
        self._print()
        if self._tail:
            self._text, self._waiting = self._tail, self._tail_size
            self._print()
        self._journal.write({"a": self._token, "end": {
            "status": status, "at": time.time(), "error": error, "count": self._journal.count, "hash": self._journal.digest}})
        if not self._journal.flush():
            _say(f"{self._journal.path} cannot be written: {self._journal.problem}. Free some space: the script waits for a minute.")
            until = time.monotonic() + 60
            while not self._journal.flush() and time.monotonic() < until:
                time.sleep(0.5)
        if self._journal.left:
            _say(f"{self._journal.left} lines of the journal could not be written, and what they say is lost: {self._journal.problem}")
        said = self._wait()
        self._journal.close()
        if said is None:
            _say(f"the run is in {self._journal.path}, and not in the database yet: `xrun import journal --store {self._place.database}` takes it")
            return None
        number = int(said["run_id"])
        value = "" if said.get("complete", True) else ", but its journal is not complete"
        _say(f"run {number} of {said['sweep']}, seed {said['seed']}: {said['status']}{value} · {said['next']}")
        return number

    def _wait(self) -> Optional[Dict[str, Any]]:
        recorder, said, problems = self._recorder, "", ""
        if recorder is None:
            return None
        for limit, message in ((3.0, "waiting for the recorder"), (120.0, "")):
            try:
                said, problems = recorder.communicate(timeout=limit)
                break
            except subprocess.TimeoutExpired:
                if message:
                    _say(message)
            except (OSError, ValueError):
                break
        if problems:
            _say(problems.strip().replace("xrun: ", ""))
        lines = [line for line in said.splitlines() if line.startswith("{")]
        return cast(Dict[str, Any], json.loads(lines[-1])) if recorder.returncode == 0 and lines else None

    def forked(self) -> None:
        self._journal.forked()

    def address(self) -> Any:
        return self._place.database, self._journal.path, self._token

    def about(self) -> str:
        return f"in {self._place.database}"


class _Place:
    """The database, and the folder of its journals."""

    def __init__(self, database: str) -> None:
        self.database = os.path.abspath(database)
        self.folder = self.database + ".journals"

    def recording(self, begin: Dict[str, Any], system: Optional[float]) -> _Target:
        token = base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")
        path = os.path.join(self.folder, token + ".journal")
        for last in (False, False, True):
            try:
                os.makedirs(self.folder, exist_ok=True)
                journal = Journal(path, create=True)
                break
            except OSError as e:
                if isinstance(e, FileNotFoundError) and not last:
                    continue  # a recorder has just removed the folder, which was empty
                _say(f"{self.folder} cannot be written: {e.strerror or e}. The script goes on, and nothing of it is recorded.")
                return _Nowhere()
        else:
            raise AssertionError("the last attempt ends the loop")
        written = journal.write({"a": token, "begin": begin})
        recording = _Recording(self, journal, token, self._recorder(path, system))
        recording._keep(written)  # pyright: ignore[reportPrivateUsage]
        return recording

    def _recorder(self, path: str, system: Optional[float]) -> "Optional[subprocess.Popen[str]]":
        try:
            command = [binary(), "import", "journal", "--follow", "--store", self.database]
            if system:
                command += ["--measure", f"{max(system, 0.1)}s"]
            return subprocess.Popen(command + [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        except (OSError, ValueError) as e:
            _say(f"the recorder cannot be started: {e}")
            return None


_NOTHING = 5
"""The exit code of a command that has found nothing."""


class _Earlier:
    """A run that goes on."""

    def __init__(self, run: int, sweep: str, step: int, config: Dict[str, Any]) -> None:
        self.run, self.sweep, self.step, self.config = run, sweep, step, config


def _earlier(place: _Place, name: str, which: Union[int, str], given: Mapping[str, Any]) -> Optional[_Earlier]:
    """The run that goes on. Of "last" it is the newest of this config that can, and None if there is none."""

    def ask(*arguments: str) -> Dict[str, Any]:
        done = subprocess.run([binary(), arguments[0], "--store", place.database, "--json", *arguments[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode == _NOTHING and which == "last":
            return {"runs": []}
        if done.returncode:
            raise ValueError(f"resume={which!r}: {done.stderr.strip() or 'there is no such run'}")
        return cast(Dict[str, Any], json.loads(done.stdout))

    def config_of(shown: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        for event in cast(List[Dict[str, Any]], shown["events"] or []):
            if event["Kind"] == "command":
                return cast(Dict[str, Any], json.loads(event["Detail"]).get("config") or {})
        return None

    if os.path.isdir(place.folder):  # what killed recorders have left is part of the run
        subprocess.run([binary(), "import", "journal", "--store", place.database], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wanted = cast(Dict[str, Any], json.loads(encoded(_plain_config(given))))
    runs: List[Any] = [which]
    if which == "last":
        if not os.path.exists(place.database):
            return None
        listed = cast(List[Dict[str, Any]], ask("runs", "--status", "interrupted", "--status", "failed", "--limit", "200", "--", name)["runs"])
        runs = [r["run_id"] for r in listed]
    for number in runs:
        shown = ask("show", str(number))
        run, config = cast(Dict[str, Any], shown["run"]), config_of(shown)
        if config is not None and which == "last" and wanted not in ({}, config):
            continue  # of another config
        if config is None:
            raise ValueError(f"resume={which!r}: run {number} is no run of a script")
        if run["status"] not in ("interrupted", "failed"):
            raise ValueError(f"resume={which!r}: run {number} is {run['status']}. Only runs that were interrupted or have failed go on.")
        other = [k for k, v in wanted.items() if config.get(k) != v]
        if other:
            raise ValueError(f"resume={which!r}: run {number} has another {', '.join(other)}: {config}. Leave config out, or give that of the run.")
        return _Earlier(int(run["run_id"]), str(run["sweep"]), int(run["epochs"]), config)
    return None


def _attached(address: Any, config: Dict[str, Any], step: int) -> Run:
    """A run in a process that did not begin it."""
    if address is None:
        return Run(_Nowhere(), config, step)
    database, path, token = address
    to = _Recording(_Place(database), Journal(path, create=False), token, None)
    to._process = -1  # pyright: ignore[reportPrivateUsage]
    run = Run(to, config, step)
    run._process = -1  # pyright: ignore[reportPrivateUsage]
    return run


# What a script prints.


class _Tee:
    """Keeps what is written to a stream of sys, which stays the object that it is."""

    def __init__(self, name: str, run: Run) -> None:
        self._stream: Any = getattr(sys, name)
        if self._stream is None:  # the process has none
            return
        me, write = weakref.ref(run), self._stream.write

        def writes(text: str) -> Any:
            n = write(text)
            run = me()
            if run is not None:
                run._printed(text)  # pyright: ignore[reportPrivateUsage]
            return n

        self._writes, self._before = writes, self._stream.__dict__.get("write") if hasattr(self._stream, "__dict__") else None
        try:
            self._stream.write = writes
        except AttributeError:
            self._stream = None  # a stream that cannot be listened to

    def close(self) -> None:
        """Leaves the stream as it was, if nobody listens to it by now."""
        stream = self._stream
        if stream is not None and stream.__dict__.get("write") is self._writes:
            if self._before is None:
                del stream.write
            else:
                stream.write = self._before


# How a process ends.


_code: Any = None
"""What sys.exit was given that ended the interpreter."""
_watching = False


def _ending(kind: Optional[Type[BaseException]], error: Optional[BaseException]) -> "tuple[str, str]":
    if kind is None or issubclass(kind, GeneratorExit):
        return "finished", ""
    if issubclass(kind, Stopped):
        return "stopped", "the sweep has seen enough"
    if issubclass(kind, KeyboardInterrupt):
        return "interrupted", "interrupted by the user"
    if issubclass(kind, SystemExit):
        code = error.code if isinstance(error, SystemExit) else None
        return ("finished", "") if code in (None, 0) else ("failed", f"the script ended by sys.exit({code!r})")
    return "failed", "".join(traceback.format_exception(kind, error, error.__traceback__ if error else None))


def _watch_ending() -> None:
    """Ends runs with the interpreter, by how that ends. It begins with the first run."""
    global _watching
    if _watching:
        return
    _watching = True
    leave = sys.exit

    def left(code: Any = None) -> Any:
        if threading.current_thread() is threading.main_thread():
            raise _Exit(code)
        leave(code)

    sys.exit = cast(Any, left)
    for name in ("exit", "quit"):  # for people, and used in scripts all the same
        if getattr(builtins, name, None) is not None:
            setattr(builtins, name, left)
    atexit.register(_last)


class _Exit(SystemExit):
    """What sys.exit raises. It knows whether it has ended the interpreter: then no frame is left when it is gone."""

    def __del__(self) -> None:
        global _code
        if sys._getframe().f_back is None:  # pyright: ignore[reportPrivateUsage]
            _code = self.code


def _last() -> None:
    # An error that ends the interpreter is the last one, whoever prints it. In a session of a person it is one of many.
    error = None if hasattr(sys, "ps1") or sys.flags.interactive else getattr(sys, "last_value", None)
    status, text = _ending(type(error), error) if isinstance(error, BaseException) else ("finished", "")
    if status == "finished" and _code not in (None, 0):
        status, text = "failed", f"the script ended by sys.exit({_code!r})"
    for run in list(_runs):
        run.finish(status, text)


def _listen(run: Run) -> Optional[_Listener]:
    """Takes the sweep's request to end, unless the program takes it itself, and returns the handler that does."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return None
    me = weakref.ref(run)

    def asked(number: int, frame: Optional[FrameType]) -> None:
        run = me()
        if run is not None:
            again, run.stopped = run.stopped, True
            if run.on_stop == "flag" and not again:
                return
        raise Stopped(128 + number)

    signal.signal(signal.SIGTERM, asked)
    return asked


# Values.


def _number(name: Any, value: Any) -> float:
    if type(value) is float:
        return value
    if isinstance(value, (str, bytes, bytearray)) or value is None:
        raise TypeError(f"the value of {name!r} is {value!r}: log wants numbers; texts belong into config, tags or notes")
    try:
        plain: Any = value
        if not isinstance(value, numbers.Number) and hasattr(value, "item"):
            plain = value.item()  # of numpy, torch, jax or TensorFlow
        return float(plain)
    except (TypeError, ValueError, OverflowError, RuntimeError) as e:
        raise TypeError(f"the value of {name!r} is a {type(value).__name__}: log wants numbers, such as a loss ({e})") from None


def _special(value: float) -> str:
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _whole_step(step: Any) -> int:
    try:
        whole = int(step)
        if whole != step or not 0 <= whole < 1 << 53:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(f"step is {step!r}: it wants a whole number of at least 0") from None
    return whole


def _as_dict(given: Config) -> Dict[str, Any]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {str(k): v for k, v in cast(Mapping[Any, Any], given).items()}
    if isinstance(given, argparse.Namespace):
        return dict(vars(given))
    if dataclasses.is_dataclass(given) and not isinstance(given, type):
        return dataclasses.asdict(given)
    raise TypeError(f"config is a {type(given).__name__}: it wants a dict, a dataclass or an argparse namespace")


def _plain_config(given: Mapping[str, Any]) -> Dict[str, Any]:
    return {str(k): _plain(v) for k, v in given.items()}


def _plain(v: Any) -> Any:
    """A value as JSON has it; what JSON has not is text."""
    if v is None or isinstance(v, (bool, int, str)):
        return v
    if isinstance(v, float):
        return v if math.isfinite(v) else _special(v)
    if isinstance(v, Mapping):
        return _plain_config(cast(Mapping[str, Any], v))
    if isinstance(v, (list, tuple)):
        return [_plain(x) for x in cast(Sequence[Any], v)]
    if dataclasses.is_dataclass(v) and not isinstance(v, type):
        return _plain_config(dataclasses.asdict(v))
    item: Optional[Callable[[], Any]] = getattr(v, "item", None)
    if item is not None:
        try:
            return _plain(item())
        except (TypeError, ValueError, RuntimeError):
            pass
    if isinstance(v, (set, frozenset)):
        return sorted(str(_plain(x)) for x in cast("set[Any]", v))
    text = str(getattr(v, "__name__", None) or v)
    return text if " at 0x" not in text else f"{type(v).__module__}.{type(v).__qualname__}"  # without an address, which is another each time


# What is known of the process.


def _of_sweep() -> Dict[str, Any]:
    return cast(Dict[str, Any], json.loads(os.environ["XRUN_CONFIG"]))


def _silent() -> bool:
    """Whether this process leaves recording to another one: to rank 0, or to the process of which it runs the main module again."""
    main = sys.modules.get("__main__")
    if main is not None and getattr(main, "__name__", "") == "__mp_main__" or "__mp_main__" in sys.modules and _from_main():
        return True
    for name in ("RANK", "SLURM_PROCID"):
        rank = os.environ.get(name, "")
        if rank:
            return rank != "0"
    return False


def _from_main() -> bool:
    """Whether the main module is being imported again, by a process that multiprocessing has spawned."""
    frame: Optional[FrameType] = sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if frame.f_globals.get("__name__") == "__mp_main__" and frame.f_code.co_name == "<module>":
            return True
        frame = frame.f_back
    return False


def _script_name() -> str:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.splitext(os.path.basename(file))[0] if file else "notebook"


def _about_process() -> Dict[str, Any]:
    file = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    source = ""
    if file:
        try:
            if os.path.getsize(file) <= _SOURCE_MOST:
                with open(file, encoding="utf-8", errors="replace") as f:
                    source = f.read()
        except OSError:
            pass  # it is kept for people
    command = getattr(sys, "orig_argv", None) or [sys.executable, *sys.argv]
    return {
        "command": [str(word) for word in command], "folder": _folder(), "host": platform.node(), "os": sys.platform, "arch": platform.machine(),
        "cores": os.cpu_count() or 0, "python": platform.python_version(), "file": str(file), "source": source,
    }


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # it is removed


def _versions() -> Dict[str, str]:
    """The versions of the packages that are imported."""
    all: Dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        version = getattr(module, "__version__", None)
        if "." not in name and not name.startswith("_") and isinstance(version, str) and name not in getattr(sys, "stdlib_module_names", ()):
            all[name] = version
    return dict(sorted(all.items()))


def _say(text: str) -> None:
    try:
        (sys.__stderr__ or sys.stderr).write(f"xrun: {text}\n")
    except (OSError, ValueError, AttributeError):
        pass  # nobody listens

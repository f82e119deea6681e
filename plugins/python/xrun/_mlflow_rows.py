"""What MLflow asks of a result database, as rows: SQL over the views that `xrun help database` lists, and over the tables of sweeps,
trials and runs where no view has what is asked. It imports nothing of MLflow, and changes nothing.

A sweep is an experiment. Each point of it is an item, with the means over its seeds, and each attempt at a trial is an item below it."""

from __future__ import annotations

import functools
import json
import math
import os
import re
import sqlite3
import sys
import urllib.parse
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Dict, List, Optional, Tuple, TypeVar

T = TypeVar("T")

# The application_id of a result database, and the schema whose tables are read here.
APPLICATION, SCHEMA = 2020767086, 7

# SQLite that knows STRICT tables.
OLDEST_SQLITE = (3, 37, 0)


class Refused(Exception):
    """What is asked cannot be answered. missing: there is no such thing."""

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


# --- values as texts


@functools.lru_cache(maxsize=65536)
def _real(v: float) -> str:
    """A number in the fewest digits that read back to the same bits, as xrun writes it: 1e-05, 0.1, 1e+06."""
    if math.isnan(v) or math.isinf(v):
        return "NaN" if math.isnan(v) else "+Inf" if v > 0 else "-Inf"
    number = Decimal(repr(v)).normalize()
    sign, digits, _ = number.as_tuple()
    exponent = number.adjusted()
    if v == 0 or -4 <= exponent < 6:
        return format(number, "f")
    mantissa = str(digits[0]) + ("." + "".join(map(str, digits[1:])) if len(digits) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def text(v: Any) -> Optional[str]:
    """A setting as the text of a param."""
    return None if v is None else _real(v) if isinstance(v, float) else str(v)


def _short(v: float) -> str:
    """A number for a name, in four digits: 1e-3, 0.1, 250."""
    if v == 0 or 1e-2 <= abs(v) < 1e4 or math.isinf(v) or math.isnan(v):
        return f"{v:.4g}"
    mantissa, _, exponent = f"{v:.3e}".partition("e")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + "e" + str(int(exponent))


# A name has no more settings beside the usual ones: it would be unreadable.
_IN_NAME = 8


def _name(optimizer: str, regularizer: Optional[str], lr: Any, lam: Any, others: Optional[str], seed: Any) -> str:
    """The name of an item: optimizer, regularizer and settings that differ in its sweep. Of a point seed is NULL."""
    parts = [optimizer] if optimizer else []
    if lr is not None:
        parts.append("lr" + _short(float(lr)) if isinstance(lr, (int, float)) else f"lr{lr}")
    if regularizer:
        parts.append(regularizer)
    if lam is not None and (lam or regularizer):
        parts.append("lambda" + _short(float(lam)) if isinstance(lam, (int, float)) else f"lambda{lam}")
    more: dict[str, Any] = json.loads(others) if others else {}
    if len(more) <= _IN_NAME:
        parts += [p.rpartition(".")[2] + (_short(v) if isinstance(v, float) else str(v)) for p, v in sorted(more.items())]
    if seed is not None:
        parts.append(f"seed{seed}")
    return "_".join(parts)


@functools.lru_cache(maxsize=256)
def _pattern(pattern: str, any_case: bool) -> re.Pattern[str]:
    parts = [".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern]
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if any_case else 0))


def _like(value: Any, pattern: str, any_case: int) -> Optional[bool]:
    return None if value is None else _pattern(pattern, bool(any_case)).fullmatch(str(value)) is not None


# --- statistics


def _scaled(values: Sequence[float]) -> tuple[list[float], int]:
    """The values in units of 2^e in which the largest is about 1, if their sum or their squares could be out of range."""
    largest = max((abs(v) for v in values if v), default=0.0)
    e = math.frexp(largest)[1] if 0 < largest < math.inf else 0
    return (list(values), 0) if -200 <= e <= 200 else ([math.ldexp(v, -e) for v in values], e)


def mean(values: Sequence[float]) -> float:
    """The mean as `xrun compare` has it: a sum in the order of the seeds."""
    if any(map(math.isinf, values)) or len(values) == 1:
        return sum(values) / len(values)
    scaled, e = _scaled(values)
    total = 0.0
    for v in scaled:
        total += v
    return math.ldexp(total / len(scaled), e)


def deviation(values: Sequence[float]) -> Optional[float]:
    """The standard deviation, with n − 1; None for fewer than two values."""
    if len(values) < 2:
        return None
    scaled, e = _scaled(values)
    middle = mean(scaled)
    if not math.isfinite(middle):
        return math.nan
    squares = sum((v - middle) ** 2 for v in scaled)
    error = sum(v - middle for v in scaled)
    return math.ldexp(math.sqrt(max(0.0, squares - error * error / len(scaled)) / (len(scaled) - 1)), e)


class _Ordered:
    """An aggregate of values that are sorted by their position first: SQLite gives them in any order."""

    def __init__(self) -> None:
        self._values: list[tuple[int, float]] = []

    def step(self, position: int, value: Optional[float]) -> None:
        if value is not None:
            self._values.append((position, value))

    def values(self) -> list[float]:
        return [v for _, v in sorted(self._values)]


class _Mean(_Ordered):
    def finalize(self) -> Optional[float]:
        values = self.values()
        return mean(values) if values else None


class _Deviation(_Ordered):
    def finalize(self) -> Optional[float]:
        return deviation(self.values())


# --- the file


def path_of(uri: str) -> str:
    """The path in xrun:///PATH. Raises Refused for another form."""
    parsed = urllib.parse.urlsplit(uri)
    path = re.sub(r"^/+", "/", urllib.parse.unquote(parsed.path))
    if parsed.scheme != "xrun" or parsed.netloc or parsed.query or parsed.fragment or not path.startswith("/") or path == "/":
        raise Refused(
            f"{uri!r} names no database: write xrun:// and the absolute path of the file, as in xrun:///home/me/xrun.db; "
            "? and # in it are %3F and %23"
        )
    if "\0" in path:
        raise Refused(f"{uri!r} names no database: a path has no NUL")
    return path[1:] if re.match(r"^/[A-Za-z]:", path) else path


def _stamp(path: str) -> Optional[tuple[int, int, int]]:
    """What tells whether somebody writes the file, if it was closed; None if it is open, so that a log lies beside it."""
    if os.path.exists(path + "-wal"):
        return None
    info = os.stat(path)
    return info.st_ino, info.st_size, info.st_mtime_ns


def ask(path: str, question: Callable[[sqlite3.Connection], T]) -> T:
    """The answer to a question, from one state of the database. The file is opened for each: it sees what a sweep has written.

    A file that nobody has open is read as one that does not change, since SQLite would make files beside it. If somebody has begun to
    write meanwhile, it is asked again."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise Refused(f"Python's SQLite is {sqlite3.sqlite_version}, and xrun databases need 3.37: use a newer Python")
    if not os.path.isfile(path):
        raise Refused(f"there is no file {path}: xrun sweep makes it, and the URI is xrun:// with its absolute path", missing=True)
    for attempt in range(4):
        try:
            before = _stamp(path) if attempt < 3 else None
            answer = _ask(path, before is not None, question)
            if before is None or before == _stamp(path):
                return answer
        except FileNotFoundError:
            raise Refused(f"there is no file {path} any more", missing=True) from None
        except sqlite3.DatabaseError as e:
            changed = isinstance(e, sqlite3.OperationalError) and "unable to open" in str(e) or "malformed" in str(e)
            if not changed or attempt == 3:
                raise Refused(f"{path} cannot be read: {e}; xrun db check {path} says more") from e
        except (OverflowError, UnicodeEncodeError) as e:
            raise Refused(f"a value of the question cannot be in a database: {e}") from e
    raise Refused(f"{path} changes all the time: ask again")


def _ask(path: str, closed: bool, question: Callable[[sqlite3.Connection], T]) -> T:
    uri = "file:" + urllib.parse.quote(os.path.abspath(path)) + "?mode=ro" + ("&immutable=1" if closed else "")
    db = sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None)
    try:
        try:
            application, schema = db.execute("SELECT * FROM pragma_application_id, pragma_user_version").fetchone()
        except sqlite3.DatabaseError as e:
            if "not a database" not in str(e):
                raise
            application, schema = 0, 0
        if application != APPLICATION:
            raise Refused(f"{path} is no database of xrun: xrun.db beside a sweep file is one")
        if schema < SCHEMA:
            raise Refused(f"{path} has schema {schema}, and {SCHEMA} is read here: xrun db migrate --store {path} brings it up to date")
        if schema > SCHEMA:
            raise Refused(f"{path} has schema {schema}, and {SCHEMA} is read here: install the package xrun that wrote it")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("PRAGMA cache_size = -32768")
        db.create_function("xrun_text", 1, text, deterministic=True)
        db.create_function("xrun_name", 6, _name, deterministic=True)
        db.create_function("xrun_like", 3, _like, deterministic=True)
        db.create_function("xrun_left_out", 5, _is_left_out, deterministic=True)
        db.create_aggregate("xrun_mean", 2, _Mean)  # pyright: ignore[reportArgumentType]
        db.create_aggregate("xrun_deviation", 2, _Deviation)  # pyright: ignore[reportArgumentType]
        db.execute("BEGIN")
        return question(db)
    finally:
        db.close()


def _dead(db: sqlite3.Connection, path: str) -> list[int]:
    """The processes that are entered as open and have died: what they ran is interrupted. Each holds the lock of a file while it lives."""
    dead: list[int] = []
    for number, name in db.execute("SELECT id, uuid FROM owner WHERE closed_at IS NULL"):
        lock = os.path.join(os.path.dirname(os.path.realpath(path)), ".xrun", "owners", f"{name}.lock")
        if sys.platform == "win32":
            if not os.path.exists(lock):
                dead.append(number)
            continue
        import fcntl

        try:
            with open(lock, "rb") as f:
                fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
            dead.append(number)
        except FileNotFoundError:
            dead.append(number)
        except OSError:  # it is held, or cannot be asked for
            pass
    return dead


# --- sweeps

# A title is a name, or NAME@ID if a later sweep has the name.
TITLE = """(CASE WHEN w.deleted_at IS NULL AND NOT EXISTS
    (SELECT 1 FROM sweep o WHERE o.name = w.name AND o.id > w.id AND o.deleted_at IS NULL) THEN w.name ELSE w.name || '@' || w.id END)"""

# The tags of a sweep by name, as SQL over its row w. NULL is none.
SWEEP_TAGS = {
    "mlflow.experimentKind": "'custom_model_development'",
    "mlflow.note.content": "nullif(w.notes, '')",
    "xrun.at": "w.at",
    "xrun.file": "nullif(w.file, '')",
    "xrun.goal": "w.goal",
    "xrun.metric": "w.metric",
    "xrun.of_sweep": "CAST(w.of_sweep AS TEXT)",
    "xrun.relation": "nullif(w.relation, '')",
    "xrun.sweep": "w.name",
    "xrun.tags": "(SELECT group_concat(tag, ', ') FROM (SELECT tag FROM sweep_tag WHERE sweep_id = w.id ORDER BY tag))",
}
SWEEP_COLUMNS = {
    "experiment_id": "CAST(w.id AS TEXT)",
    "name": TITLE,
    "creation_time": "w.created_at / 1000",
    "last_update_time": "w.created_at / 1000",
}


class Condition:
    """A part of WHERE with its parameters."""

    def __init__(self, sql: str, *values: Any) -> None:
        self.sql, self.values = sql, values


def compared(of: str, comparator: str, value: Any) -> Condition:
    """A comparison of an expression. It is never true of NULL."""
    if comparator in ("IS NULL", "IS NOT NULL"):
        return Condition(f"{of} {comparator}")
    if comparator in ("LIKE", "ILIKE"):
        return Condition(f"xrun_like({of}, ?, {int(comparator == 'ILIKE')})", value)
    if comparator in ("IN", "NOT IN"):
        return Condition(f"{of} {comparator} (SELECT value FROM json_each(?))", json.dumps(list(value)))
    return Condition(f"{of} {comparator} ?", value)


def sweeps(db: sqlite3.Connection, conditions: Iterable[Condition], order: str, limit: int, offset: int) -> list[dict[str, Any]]:
    """Sweeps with their columns and tags."""
    given = list(conditions)
    where = " AND ".join(["1", *(c.sql for c in given)])
    columns = ", ".join([*SWEEP_COLUMNS.values(), "w.deleted_at IS NOT NULL", *SWEEP_TAGS.values()])
    values = [v for c in given for v in c.values]
    found = db.execute(f"SELECT {columns} FROM sweep w WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?", [*values, limit, offset])
    first = len(SWEEP_COLUMNS)
    return [
        {
            **dict(zip(SWEEP_COLUMNS, row)),
            "deleted": bool(row[first]),
            "tags": {name: v for name, v in zip(SWEEP_TAGS, row[first + 1 :]) if v is not None},
        }
        for row in found
    ]


# --- items

# Rows of the table attempt: the trials of sweeps with each attempt, or with NULL for a trial that has none. kept is the epoch that
# counts. The run knows it, but for a program that another sweep ran: it has kept no parameters here, and each sweep decides by its own
# metric. standing orders the attempts at a trial: a result counts more than one that runs, and that more than others.
_ATTEMPTS = """
CREATE TEMP TABLE attempt AS
SELECT m.sweep_id AS sweep, t.point_key AS point, m.position AS position, t.id AS trial, r.id AS run, w.metric AS metric,
       substr(replace(r.token, '-', ''), 1, 6) AS mark, {status} AS status, r.sweep_id AS ran, r.value AS value,
       r.started_at AS started, r.ended_at AS ended,
       CASE WHEN r.sweep_id = w.id OR {status} NOT IN ('finished', 'stopped')
                 OR EXISTS (SELECT 1 FROM artifact a WHERE a.run_id = r.id AND a.name = 'best') THEN r.kept_epoch
            WHEN w.at = 'last' THEN (SELECT max(c.step) FROM curves c WHERE c.run_id = r.id AND c.metric = w.metric)
            WHEN w.at <> 'best' THEN (SELECT c.step FROM curves c WHERE c.run_id = r.id AND c.metric = w.metric
                                         AND c.step = CAST(substr(w.at, 7) AS INTEGER))
            WHEN w.goal = 'max' THEN (SELECT b.max_step FROM best b WHERE b.run_id = r.id AND b.metric = w.metric AND b.max IS NOT NULL)
            ELSE (SELECT b.min_step FROM best b WHERE b.run_id = r.id AND b.metric = w.metric AND b.min IS NOT NULL) END AS kept,
       r.deleted_at IS NOT NULL OR w.deleted_at IS NOT NULL AS deleted,
       CASE WHEN r.id IS NULL OR r.deleted_at IS NOT NULL AND w.deleted_at IS NULL THEN 0
            ELSE CASE {status} WHEN 'finished' THEN 4 WHEN 'stopped' THEN 4 WHEN 'diverged' THEN 4 WHEN 'running' THEN 3
                               WHEN 'pruned' THEN 2 ELSE 1 END END AS standing
  FROM sweep w CROSS JOIN member m ON m.sweep_id = w.id JOIN trial t ON t.id = m.trial_id LEFT JOIN run r ON r.trial_id = t.id
 WHERE w.id IN (SELECT value FROM json_each(:sweeps)){only}"""

# The attempt of each trial that counts. Of columns that are not grouped SQLite takes those of the row with the greatest value.
_COUNTED = """
CREATE TEMP TABLE counted AS
SELECT rowid AS n, *, max(standing * 1000000000000 + coalesce(run, 0)) FROM attempt GROUP BY sweep, trial"""

# What is a run for MLflow, by number: that of an attempt is its row, that of a point is negative. MLflow takes an id for one in the world,
# so that of an attempt ends with the beginning of the token that names it across databases.
_ITEMS = (
    """
CREATE TEMP TABLE item (n INTEGER PRIMARY KEY, id TEXT, sweep INTEGER, parent INTEGER, point TEXT, trial INTEGER, run INTEGER, kept INTEGER,
    status TEXT, started INTEGER, ended INTEGER, deleted INTEGER)""",
    """
INSERT INTO item
SELECT rowid, 's' || sweep || 'r' || run || 'x' || mark, sweep, 0, point, trial, run, kept,
       CASE status WHEN 'running' THEN 'RUNNING' WHEN 'interrupted' THEN 'KILLED' WHEN 'failed' THEN 'FAILED' WHEN 'diverged' THEN 'FAILED'
                   ELSE 'FINISHED' END, started / 1000, ended / 1000, deleted
  FROM attempt WHERE run IS NOT NULL""",
    """
INSERT INTO item
SELECT -min(c.n), 's' || c.sweep || 'p' || c.point, c.sweep, 1, c.point, min(c.trial), NULL,
       max(CASE WHEN c.standing > 0 THEN c.kept END),
       CASE WHEN sum(c.standing = 3) > 0 THEN 'RUNNING' WHEN sum(c.standing > 0) = 0 THEN 'SCHEDULED'
            WHEN sum(c.standing > 0 AND c.status = 'failed') > 0 THEN 'FAILED'
            WHEN sum(c.standing > 0 AND c.status = 'interrupted') > 0 THEN 'KILLED' WHEN sum(c.standing = 0) > 0 THEN 'SCHEDULED'
            WHEN sum(c.status <> 'diverged') = 0 THEN 'FAILED' ELSE 'FINISHED' END,
       coalesce(min(CASE WHEN c.standing > 0 THEN c.started END), (SELECT created_at FROM sweep WHERE id = c.sweep)) / 1000,
       CASE WHEN sum(c.standing IN (0, 3)) = 0 THEN max(c.ended) END / 1000,
       (SELECT deleted_at IS NOT NULL FROM sweep WHERE id = c.sweep)
  FROM counted c GROUP BY c.sweep, c.point""",
    "CREATE INDEX temp.item_point ON item (sweep, point) WHERE parent",
)

# The value that an attempt a has of the metric u.metric, by its row u in the view best: that of the epoch it keeps, or the one before it
# where a program logs its metrics at different steps. It is the last so far while it runs, and if it never had the metric of its sweep.
# NULL is NaN.
_VALUE = """(CASE WHEN a.kept IS NULL THEN CASE WHEN a.status IN ('running', 'finished') THEN u.last END
    WHEN a.ran = a.sweep AND u.metric = a.metric THEN a.value
    WHEN u.min_step = a.kept AND u.min IS NOT NULL THEN u.min WHEN u.max_step = a.kept AND u.max IS NOT NULL THEN u.max
    WHEN EXISTS (SELECT 1 FROM curves c WHERE c.run_id = a.run AND c.metric = u.metric AND c.step <= a.kept)
    THEN (SELECT c.value FROM curves c WHERE c.run_id = a.run AND c.metric = u.metric AND c.step <= a.kept ORDER BY c.step DESC LIMIT 1) ELSE u.last END)"""
_KEPT_VALUE = f"CASE WHEN a.kept IS NOT NULL THEN {_VALUE} END"

# Metrics that points have beside the means: of the metric of the sweep, how many seeds have a value, and their standard deviation. They
# are of no epoch: with step 0 MLflow's page draws bars, and a line for others.
SEEDS, DEVIATION = "xrun.seeds", "xrun.sd"

# The row of the trial, the run and the place in the sweep of an item i.
_TRIAL = "(SELECT {} FROM trial t WHERE t.id = i.trial)"
_RUN = "(SELECT {} FROM run r WHERE r.id = i.run)"
_MEMBER = "(SELECT {} FROM member m WHERE m.sweep_id = i.sweep AND m.trial_id = i.trial)"
_SWEEP = "(SELECT {} FROM sweep w WHERE w.id = i.sweep)"
_SETTING = "(SELECT s.value FROM settings s WHERE s.trial_key = (SELECT t.key FROM trial t WHERE t.id = i.trial) AND s.path = {})"
# The settings that are in names, whose paths are in the table named.
_OTHERS = """(SELECT json_group_object(s.path, s.value) FROM settings s JOIN named v ON v.path = s.path AND v.sweep = i.sweep
    WHERE s.trial_key = (SELECT t.key FROM trial t WHERE t.id = i.trial))"""
# What a client of MLflow has said of the run of an item i, as JSON, where `xrun serve --mlflow` took it: the last event counts.
_TOLD = """(SELECT e.detail FROM event e WHERE e.run_id = i.run AND e.kind = 'mlflow' AND json_valid(e.detail) ORDER BY e.id DESC LIMIT 1)"""
# One of its params or tags, by name.
_PAIR = f"(SELECT json_extract(p.value, '$.value') FROM json_each({_TOLD}, '$.run.{{}}') p WHERE json_extract(p.value, '$.key') = ?)"
_USER = f"coalesce(json_extract({_TOLD}, '$.run.begin.user'), '')"
NAME = f"""coalesce(nullif(json_extract({_TOLD}, '$.run.name'), ''), xrun_name({_MEMBER.format('m.optimizer_label')}, {_MEMBER.format('m.regularizer_label')}, {_SETTING.format("'lr'")},
    {_SETTING.format("'lambda'")}, {_OTHERS}, CASE WHEN NOT i.parent THEN {_TRIAL.format('t.seed')} END))"""

# The tags of an item i, as SQL. NULL is none. Those of attempts are the ones that `xrun export mlflow` writes.
TAGS = {
    "mlflow.parentRunId": "CASE WHEN NOT i.parent THEN 's' || i.sweep || 'p' || i.point END",
    "mlflow.runName": NAME,
    "mlflow.source.name": "'xrun'",
    "mlflow.source.type": "'LOCAL'",
    "xrun.attempt": f"CAST({_RUN.format('r.attempt')} AS TEXT)",
    "xrun.error": _RUN.format("nullif(r.error, '')"),
    "xrun.kept_epoch": "CASE WHEN NOT i.parent THEN CAST(i.kept AS TEXT) END",
    "xrun.kind": "CASE WHEN i.parent THEN 'point' ELSE 'run' END",
    "xrun.metric": _SWEEP.format("w.metric"),
    "xrun.point_key": "i.point",
    "xrun.reason": _RUN.format("nullif(r.reason, '')"),
    "xrun.run": "CAST(i.run AS TEXT)",
    "xrun.run_token": _RUN.format("r.token"),
    "xrun.status": "(SELECT a.status FROM attempt a WHERE a.rowid = i.n)",
    "xrun.sweep": _SWEEP.format("w.name"),
    "xrun.trial_key": f"CASE WHEN NOT i.parent THEN {_TRIAL.format('t.key')} END",
}

# The attributes of an item i, as SQL.
ATTRIBUTES = {
    "run_id": "i.id",
    "run_name": NAME,
    "status": "i.status",
    "start_time": "i.started",
    "end_time": "i.ended",
    "user_id": _USER,
}


def artifact_uri(path: str) -> str:
    """The beginning of the places of artifacts; the id of the run follows."""
    return "xrun://" + urllib.parse.quote(path if path.startswith("/") else "/" + path) + "/"


# Settings that follow from others, as digests do from paths: `xrun compare` shows none of them.
_IMPLIED = ("task.digest", "task.validation_digest", "task.test_digest", "task.files_digest", "task.data_revision", "task.objective.identity")
# Settings that are left out of params where xrun has set them by itself.
_OWN = ("divergence", "optimizer.component", "recorded.name", "regularizer.component", "task.command", "task.files")
# Commands that nobody has written: of scripts that call xrun.init, of imports, and of functions of a notebook.
_OWN_COMMANDS = ('["xrun.init"', '["xrun","import",', '["sh","-c",". ./.start"')


def left_out(settings: dict[str, Any], optimizer: Optional[str], regularizer: Optional[str], sweep: str) -> set[str]:
    """The settings of a trial that are no params: xrun has set them by itself, or another param says the same."""
    left = set[str](_IMPLIED)
    command = settings.get("task.command")
    if command is not None and command.startswith(_OWN_COMMANDS):
        left.update(("task.command", "task.files"))
    reports = "train_loss" in str(settings.get("task.metrics", "")).split(",") if command is not None else None
    function = command is None and not any(settings.get(p) for p in ("task.dataset", "task.digest", "task.objective.component"))
    if settings.get("divergence") == (0 if function or reports is False else 1000):  # the limit of a sweep file that says nothing of it
        left.add("divergence")
    for path, of in (("optimizer.component", optimizer), ("regularizer.component", regularizer), ("recorded.name", sweep)):
        if settings.get(path) == of:
            left.add(path)
    return left


def _is_left_out(path: str, settings: str, optimizer: Optional[str], regularizer: Optional[str], sweep: str) -> bool:
    return path in left_out(json.loads(settings), optimizer, regularizer, sweep)


_SETTINGS = """(SELECT json_group_object(s.path, s.value) FROM settings s
    WHERE s.trial_key = (SELECT t.key FROM trial t WHERE t.id = i.trial))"""


def param(path: str) -> Condition:
    """A param of an item i: what its client said, or else a setting, or the label of its optimizer or regularizer. A point has no seed."""
    value = f"xrun_text({_SETTING.format('?')})"
    values = [path]
    if path in ("optimizer", "regularizer"):
        value = f"coalesce({value}, nullif({_MEMBER.format(f'm.{path}_label')}, ''))"
    if path == "seed":
        value = f"CASE WHEN NOT i.parent THEN {value} END"
    if path in _IMPLIED:
        value, values = "NULL", []
    elif path in _OWN:
        of = f"{_MEMBER.format('m.optimizer_label')}, {_MEMBER.format('m.regularizer_label')}, {_SWEEP.format('w.name')}"
        value = f"CASE WHEN NOT xrun_left_out(?, {_SETTINGS}, {of}) THEN {value} END"
        values = [path, path]
    return Condition(f"CASE WHEN {_TOLD} IS NULL THEN {value} ELSE {_PAIR.format('params')} END", *values, path)


# Tags that say where an item is, whatever a client has said.
_PLACED = ("mlflow.parentRunId", "mlflow.runName")


def _ours(name: str) -> bool:
    """Whether a tag says what xrun knows, even if a client has set one of the name."""
    return name in TAGS and (name.startswith("xrun.") or name in _PLACED)


def tag(name: str) -> Condition:
    """A tag of an item i: what its client said, beside those of xrun."""
    if _ours(name):
        return Condition(TAGS[name])
    said = _PAIR.format("tags")
    return Condition(f"CASE WHEN {_TOLD} IS NULL THEN {TAGS[name]} ELSE {said} END" if name in TAGS else said, name)


# Settings that say how a trial is trained and kept, or that follow from another, are not in names; the first four have a place there.
_UNNAMED = ("lr", "lambda", "seed", "arithmetic", "divergence")
_UNNAMED_PREFIXES = ("keep.", "early_stop.", "prune.")
_UNNAMED_SUFFIXES = (".component", ".identity", ".convention", ".digest", "digest")


# The paths that are in the names of the trials of sweeps, by sweep, with what tells the trials apart from others.
Named = Dict[int, Tuple[List[Any], List[str]]]


def _differ(db: sqlite3.Connection, sweep: int) -> list[str]:
    """The paths of the settings that differ between the points of a sweep and are in names."""
    rows = db.execute(
        """WITH one AS MATERIALIZED (SELECT min(m.trial_id) AS trial FROM member m JOIN trial t ON t.id = m.trial_id
            WHERE m.sweep_id = ? GROUP BY t.point_key)
        SELECT s.path FROM one o JOIN trial t ON t.id = o.trial JOIN settings s ON s.trial_key = t.key
         GROUP BY s.path HAVING min(s.value) <> max(s.value)""",
        [sweep],
    )
    return [p for (p,) in rows if p not in _UNNAMED and not p.startswith(_UNNAMED_PREFIXES) and not p.endswith(_UNNAMED_SUFFIXES)]


class Items:
    """The items of sweeps, in tables of the connection. It is of one question."""

    def __init__(self, db: sqlite3.Connection, path: str, sweeps: Iterable[int], only: str = "", **given: Any) -> None:
        self.db = db
        self.artifact_uri = f"'{artifact_uri(path)}' || i.id"  # as SQL; quotes are escaped in it
        wanted = list(sweeps)
        dead = ", ".join(map(str, _dead(db, path)))
        status = f"(CASE WHEN r.status = 'running' AND r.owner_id IN ({dead}) THEN 'interrupted' ELSE r.status END)" if dead else "r.status"
        statement = _ATTEMPTS.format(status=status, only=f" AND {only}" if only else "")
        db.execute(statement, {"sweeps": json.dumps(wanted), **given})
        db.execute(_COUNTED)
        for statement in _ITEMS:
            db.execute(statement)
        self._metrics: dict[str, str] = {}
        self._named = False

    def name(self, known: Named) -> None:
        """Finds out which settings are in names. What the trials of a sweep differ in is known as long as it has the same ones."""
        if self._named:
            return
        self._named = True
        self.db.execute("CREATE TEMP TABLE named (sweep INTEGER, path TEXT, PRIMARY KEY (sweep, path)) WITHOUT ROWID")
        trials = """SELECT w.id, w.digest, count(*), max(m.trial_id) FROM sweep w JOIN member m ON m.sweep_id = w.id
            WHERE w.id IN (SELECT sweep FROM item) GROUP BY w.id"""
        for sweep, *of in self.db.execute(trials).fetchall():
            if known.get(sweep, ([], []))[0] != of:
                known[sweep] = (of, _differ(self.db, sweep))
            self.db.executemany("INSERT INTO named VALUES (?, ?)", [(sweep, p) for p in known[sweep][1]])

    def metric(self, name: str) -> str:
        """The name of a table with the number of each item that has a metric, and the value; NULL is NaN."""
        if name in self._metrics:
            return self._metrics[name]
        table = f"metric_{len(self._metrics)}"
        self._metrics[name] = table
        self.db.execute(f"CREATE TEMP TABLE {table} (n INTEGER PRIMARY KEY, value REAL)")
        self.db.execute(
            f"INSERT INTO {table} SELECT a.rowid, {_VALUE} FROM attempt a JOIN best u ON u.run_id = a.run AND u.metric = ?", [name]
        )
        of, which = f"xrun_mean(a.position, {_KEPT_VALUE})", "u.metric = ?2"
        if name in (SEEDS, DEVIATION):
            of = {SEEDS: f"count({_KEPT_VALUE})", DEVIATION: f"xrun_deviation(a.position, {_KEPT_VALUE})"}[name]
            which = "u.metric = a.metric AND ?2 = ?2"
        rows = f"""SELECT i.n, {of} AS value FROM counted a JOIN item i ON i.parent AND i.sweep = a.sweep AND i.point = a.point
            JOIN best u ON u.run_id = a.run AND {which} WHERE a.standing > 0 GROUP BY i.n"""
        having = " WHERE value IS NOT NULL" if name == DEVIATION else ""
        self.db.execute(f"INSERT OR REPLACE INTO {table} SELECT n, value FROM ({rows}){having}", [None, name])
        return table

    def choose(self, conditions: Sequence[Condition], order: Sequence[Condition], tables: Sequence[str], limit: Optional[int], offset: int) -> None:
        """Makes the table page: the items that conditions are true of, in order. tables are joined: those of metrics."""
        joins = "".join(f" LEFT JOIN {t} ON {t}.n = i.n" for t in dict.fromkeys(tables))
        where = " AND ".join(["1", *(c.sql for c in conditions)])
        values = [v for c in [*conditions, *order] for v in c.values]
        self.db.execute("CREATE TEMP TABLE page (place INTEGER PRIMARY KEY, n INTEGER)")
        self.db.execute(
            f"INSERT INTO page (n) SELECT i.n FROM item i{joins} WHERE {where} ORDER BY {', '.join(c.sql for c in order)} LIMIT ? OFFSET ?",
            [*values, -1 if limit is None else limit, offset],
        )

    def rows(self) -> list[dict[str, Any]]:
        """The items of the page, each with params, tags, and metrics as (name, value, step)."""
        columns = ("n", "id", "sweep", "parent", "status", "started", "ended", "deleted")
        found = self.db.execute(
            f"SELECT {', '.join('i.' + c for c in columns)}, {', '.join(TAGS.values())} FROM page p JOIN item i ON i.n = p.n ORDER BY p.place"
        )
        items: dict[int, dict[str, Any]] = {}
        for row in found:
            tags = {name: v for name, v in zip(TAGS, row[len(columns) :]) if v is not None}
            items[row[0]] = {**dict(zip(columns, row)), "user": "", "tags": tags, "params": {}, "metrics": []}
        self._params(items)
        self._said(items)
        self._values(items)
        return list(items.values())

    def _params(self, items: dict[int, dict[str, Any]]) -> None:
        labels = self.db.execute(
            f"""SELECT i.n, {_MEMBER.format('m.optimizer_label')}, {_MEMBER.format('m.regularizer_label')}, {_SWEEP.format('w.name')}
            FROM page p JOIN item i ON i.n = p.n"""
        ).fetchall()
        all_of: dict[int, dict[str, Any]] = {n: {} for n in items}
        settings = self.db.execute(
            """SELECT i.n, s.path, s.value FROM page p JOIN item i ON i.n = p.n JOIN trial t ON t.id = i.trial
            JOIN settings s ON s.trial_key = t.key"""
        )
        for n, path, value in settings:
            all_of[n][path] = value
        for n, optimizer, regularizer, sweep in labels:
            params = items[n]["params"]
            params.update({k: v for k, v in (("optimizer", optimizer), ("regularizer", regularizer)) if v})
            left = left_out(all_of[n], optimizer, regularizer, sweep)
            if items[n]["parent"]:
                left.add("seed")
            params.update({path: text(value) for path, value in all_of[n].items() if path not in left})

    def _said(self, items: dict[int, dict[str, Any]]) -> None:
        """Gives the runs of clients of MLflow what these have said of them."""
        said = self.db.execute(
            f"""SELECT i.n, {_USER}, json_extract({_TOLD}, '$.run.params'), json_extract({_TOLD}, '$.run.tags')
            FROM page p JOIN item i ON i.n = p.n WHERE {_TOLD} IS NOT NULL"""
        )
        for n, user, params, tags in said:
            own = {k: v for k, v in items[n]["tags"].items() if _ours(k)}
            given = {t["key"]: t["value"] for t in json.loads(tags or "[]") if not _ours(t["key"])}
            params = {p["key"]: p["value"] for p in json.loads(params or "[]")}
            items[n].update(user=user, params=params, tags={**given, **own})

    def _values(self, items: dict[int, dict[str, Any]]) -> None:
        # The step of a value is that of the kept epoch, or the last one.
        step = "coalesce(a.kept, (SELECT max(c.step) FROM curves c WHERE c.run_id = a.run AND c.metric = u.metric), 0)"
        attempts = self.db.execute(
            f"""SELECT p.n, u.metric, {_VALUE}, {step} FROM page p JOIN attempt a ON a.rowid = p.n JOIN best u ON u.run_id = a.run"""
        )
        for n, metric, value, at in attempts:
            items[n]["metrics"].append((metric, math.nan if value is None else value, at))
        points = self.db.execute(
            f"""SELECT i.n, u.metric, xrun_mean(a.position, {_KEPT_VALUE}), max({step}), u.metric = a.metric, count({_KEPT_VALUE}),
                xrun_deviation(a.position, {_KEPT_VALUE})
            FROM page p JOIN item i ON i.n = p.n AND i.parent JOIN counted a ON a.sweep = i.sweep AND a.point = i.point AND a.standing > 0
            JOIN best u ON u.run_id = a.run GROUP BY i.n, u.metric"""
        )
        for n, metric, value, at, own, seeds, sd in points:
            metrics = items[n]["metrics"]
            if metric not in (SEEDS, DEVIATION):
                metrics.append((metric, math.nan if value is None else value, at))
            if own:
                metrics.append((SEEDS, float(seeds), 0))
                if sd is not None:
                    metrics.append((DEVIATION, sd, 0))

    # --- curves

    def times(self) -> dict[int, tuple[int, float]]:
        """When each item of the page began, and the milliseconds of an epoch: when an epoch ended is not recorded. As in exports."""
        rows = self.db.execute(
            """SELECT i.n, i.started, CASE WHEN r.epochs > 0 AND i.status <> 'RUNNING' THEN max(1, r.wall_ns / 1000000 / r.epochs) ELSE 1 END
            FROM page p JOIN item i ON i.n = p.n LEFT JOIN run r ON r.id = i.run"""
        )
        return {n: (started, each) for n, started, each in rows}

    def history(
        self, item: dict[str, Any], metric: str, first: Optional[int], last: Optional[int], limit: Optional[int], offset: int, samples: Optional[int]
    ) -> list[tuple[int, float]]:
        """The curve of an item: (step, value) by step, between first and last. samples takes so many of them, evenly, with both ends."""
        if item["parent"]:
            return self._mean_curve(item, metric, first, last, limit, offset, samples)
        run = self.db.execute("SELECT run FROM item WHERE n = ?", [item["n"]]).fetchone()[0]
        chosen = """SELECT c.step AS step, c.value AS value FROM curves c WHERE c.run_id = :run AND c.metric = :metric
            AND c.step BETWEEN coalesce(:first, c.step) AND coalesce(:last, c.step)"""
        given: dict[str, Any] = {"run": run, "metric": metric, "first": first, "last": last}
        if samples is not None:
            numbered = f"SELECT step, value, row_number() OVER (ORDER BY step) - 1 AS k, count(*) OVER () AS n FROM ({chosen})"
            statement = f"SELECT step, value FROM ({numbered}) WHERE {_SAMPLED} ORDER BY step"
            given["samples"] = samples
        else:
            statement = f"{chosen} ORDER BY step LIMIT :limit OFFSET :offset"
            given.update(limit=-1 if limit is None else limit, offset=offset)
        return [(step, math.nan if value is None else value) for step, value in self.db.execute(statement, given)]

    def _mean_curve(
        self, item: dict[str, Any], metric: str, first: Optional[int], last: Optional[int], limit: Optional[int], offset: int, samples: Optional[int]
    ) -> list[tuple[int, float]]:
        """The mean over the seeds after each epoch. A run that ended early counts with its last value, as in `xrun compare --curves`."""
        if metric in (SEEDS, DEVIATION):
            curve = [(at, value) for name, value, at in item["metrics"] if name == metric]
        else:
            rows = self.db.execute(
                """SELECT c.step, a.position, c.value FROM counted a JOIN curves c ON c.run_id = a.run AND c.metric = ?
                WHERE a.standing > 0 AND a.sweep = ? AND a.point = (SELECT point FROM item WHERE n = ?) ORDER BY c.step""",
                [metric, item["sweep"], item["n"]],
            )
            curve, newest = list[tuple[int, float]](), dict[int, float]()
            for step, position, value in rows:
                newest[position] = math.nan if value is None else value
                now = (step, mean([newest[p] for p in sorted(newest)]))
                if curve and curve[-1][0] == step:
                    curve[-1] = now
                else:
                    curve.append(now)
        curve = [p for p in curve if (first is None or p[0] >= first) and (last is None or p[0] <= last)]
        if samples is not None:
            return [p for k, p in enumerate(curve) if sampled(k, len(curve), samples)]
        return curve[offset : None if limit is None else offset + limit]


# Of n rows from 0 on, the first of each of as many equal parts as samples; the last row is one of them. One sample is the last row.
_SAMPLED = """(n <= :samples OR CASE WHEN :samples = 1 THEN k = n - 1
    ELSE k = 0 OR k * (:samples - 1) / (n - 1) <> (k - 1) * (:samples - 1) / (n - 1) END)"""


def sampled(k: int, n: int, samples: int) -> bool:
    """The same for a list."""
    if n <= samples:
        return True
    if samples == 1:
        return k == n - 1
    return k == 0 or k * (samples - 1) // (n - 1) != (k - 1) * (samples - 1) // (n - 1)


# --- artifacts

_ENDINGS = {"best": ".safetensors", "output": ".txt", "source": ".source"}


def artifacts(db: sqlite3.Connection, run: int) -> list[tuple[str, int]]:
    """What a run has kept: names of files, and sizes."""
    # Earlier versions recorded parameters of runs that diverged, which keep nothing.
    rows = db.execute(
        """SELECT a.name, a.size FROM artifact a JOIN run r ON r.id = a.run_id
        WHERE a.run_id = ? AND r.deleted_at IS NULL AND (a.name <> 'best' OR r.kept_epoch IS NOT NULL) ORDER BY a.name""",
        [run],
    )
    return [(name + _ENDINGS.get(name, ""), size) for name, size in rows]


# The beginning of the names of files that are not complete.
_PART = ".part-"


class Folder:
    """The files that a client of MLflow has stored with a run, which `xrun serve --mlflow` keeps in DATABASE.artifacts/ID/artifacts."""

    def __init__(self, db: sqlite3.Connection, path: str, run: int) -> None:
        found = db.execute("SELECT token FROM run WHERE id = ? AND deleted_at IS NULL", [run]).fetchone()
        self._root = ""  # of other runs: they have none
        if found and re.fullmatch(r"[0-9a-f]{32}", found[0]):
            root = os.path.join(os.path.realpath(os.path.realpath(path) + ".artifacts"), found[0], "artifacts")
            self._root = root if self._is_inside(root, root) else ""

    @staticmethod
    def _is_inside(path: str, root: str) -> bool:
        """Whether no link leads from a path to outside of the folder, which is none itself."""
        real = os.path.realpath(path)
        return real == root or real.startswith(root + os.sep)

    def _at(self, name: str) -> Optional[str]:
        """The path of a file or a folder in it; None if there is none. Raises Refused if the name is of something outside."""
        parts = name.split("/") if name else []
        if any(p in ("", ".", "..") or re.search(r"[\\:\0]", p) or p.startswith(_PART) for p in parts):
            raise Refused(f"{name!r} cannot be the name of an artifact: it is names without . and .., between single slashes")
        path = os.path.join(self._root, *parts)
        return path if self._root and os.path.exists(path) and self._is_inside(path, self._root) else None

    def files(self, name: str = "") -> list[tuple[str, Optional[int]]]:
        """What a folder in it has: paths with sizes, and None for a folder."""
        path = self._at(name)
        if path is None or not os.path.isdir(path):
            return []
        found: list[tuple[str, Optional[int]]] = []
        for entry in sorted(os.listdir(path)):
            of = os.path.join(path, entry)
            if entry.startswith(_PART) or not self._is_inside(of, self._root) or not (os.path.isdir(of) or os.path.isfile(of)):
                continue
            found.append((f"{name}/{entry}" if name else entry, None if os.path.isdir(of) else os.path.getsize(of)))
        return found

    def file(self, name: str) -> Optional[str]:
        """Where a file in it is; None if there is none."""
        path = self._at(name)
        return os.path.realpath(path) if path and os.path.isfile(path) else None


def run_of(db: sqlite3.Connection, token: str) -> Optional[tuple[int, str]]:
    """The run with a token, which is the id that its client of MLflow knows, and its id here."""
    for run, mark, sweep in db.execute("SELECT id, substr(replace(token, '-', ''), 1, 6), sweep_id FROM run WHERE token = ?", [token]):
        return run, f"s{sweep}r{run}x{mark}"
    return None


def artifact(db: sqlite3.Connection, path: str, run: int, file: str) -> bytes:
    """The content of a file that a run has kept, held against its digest."""
    import hashlib

    name = next((n for n, ending in _ENDINGS.items() if n + ending == file), file)
    known = [f for f, _ in artifacts(db, run)]
    if file not in known:
        raise Refused(f"run {run} has kept no {file}: it has {', '.join(known) or 'nothing'}", missing=True)
    digest, content = db.execute("SELECT digest, content FROM artifact WHERE run_id = ? AND name = ?", [run, name]).fetchone()
    if content is None:
        beside = os.path.join(os.path.realpath(path) + ".artifacts", digest + _ENDINGS.get(name, ""))
        try:
            with open(beside, "rb") as f:
                content = f.read()
        except OSError as e:
            raise Refused(f"{file} of run {run} cannot be read: {e}", missing=True) from e
    if hashlib.sha256(content).hexdigest() != digest:
        raise Refused(f"{file} of run {run} is damaged: xrun db check --store {path} lists all damage")
    return content

"""What is in a result database, as plain records. All of it comes from the program xrun: its JSON and the views."""

from __future__ import annotations

import html
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast, overload

from ._command import CHECK, Error, answer, flags, output, text

# Flags of `xrun compare`, and of `xrun plot`, by keyword.
QUESTION = ("where", "metric", "goal", "at", "stat", "test", "equal", "scale", "baseline", "by", "target")
TABLE = ("top", "all", "cols", "sort", "runs", "heatmap", "curves", "diff", "explain", "width")
FIGURE = ("axes", "top", "members", "size", "title", "log", "ylim")
RUNS = ("status", "where", "cols", "sort", "limit")

# Settings of a trial that say how it is trained and kept, and are no value of an axis.
_NO_AXES = ("task.", "keep.", "early_stop.", "prune.", "divergence", "arithmetic")


class Records(Sequence["dict[str, Any]"]):
    """A list of records, each a dict of plain values. Times are texts, NaN is None."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows = list(rows)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Records:
        return Records(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records) and self._rows == other._rows or self._rows == other

    __hash__ = None  # type: ignore[assignment]

    def columns(self) -> dict[str, list[Any]]:
        """The values by column, None where a record lacks one. A dict in a record is several columns.

        >>> Records([{"n": 1, "result": {"mean": 0.5}}, {"n": 2}]).columns()
        {'n': [1, 2], 'result.mean': [0.5, None]}
        """
        flat = [_flat(row) for row in self._rows]
        names = list(dict.fromkeys(name for row in flat for name in row))
        return {name: [row.get(name) for row in flat] for name in names}

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with a row for each record."""
        return _module("pandas").DataFrame(self.columns())

    def to_polars(self) -> Any:
        """A polars.DataFrame with a row for each record."""
        return _module("polars").DataFrame(_of_one_type(self.columns()), strict=False)

    def to_arrow(self) -> Any:
        """A pyarrow.Table with a row for each record."""
        return _module("pyarrow").table(_of_one_type(self.columns()))

    def __repr__(self) -> str:
        columns = _texts(self.columns())
        if not columns:
            return "no records"
        shown, more = 20, len(self) - 20
        wide = {name: max(len(name), *(len(v) for v in values[:shown])) for name, values in columns.items()}
        lines = ["  ".join(name.ljust(wide[name]) for name in columns)]
        lines += ["  ".join(columns[name][i].ljust(wide[name]) for name in columns) for i in range(min(shown, len(self)))]
        return "\n".join(line.rstrip() for line in [*lines, *([f"… {more} more"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        columns = _texts(self.columns())
        shown = min(50, len(self))
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(values[i])}</td>" for values in columns.values()) + "</tr>" for i in range(shown)
        )
        more = f"<p>… {len(self) - shown} more</p>" if len(self) > shown else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{before}{name}."))  # pyright: ignore[reportUnknownArgumentType]
        else:
            flat[before + name] = value
    return flat


def _texts(columns: Mapping[str, list[Any]]) -> dict[str, list[str]]:
    def shown(v: Any) -> str:
        if v is None:
            return ""
        if isinstance(v, list) and v and isinstance(v[0], dict):
            return f"{len(cast('list[Any]', v))} records"
        return f"{v:.6g}" if isinstance(v, float) else str(cast(Any, v))

    return {name: [shown(v) for v in values] for name, values in columns.items()}


def _of_one_type(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Columns whose values have one type each: integers among reals become reals, and what is mixed otherwise becomes texts."""
    made: dict[str, list[Any]] = {}
    for name, values in columns.items():
        types: set[Any] = {type(v) for v in values if v is not None}
        if types == {int, float}:
            made[name] = [None if v is None else float(v) for v in values]
        elif len(types) > 1:
            made[name] = [None if v is None else str(v) for v in values]
        else:
            made[name] = values
    return made


def _module(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise Error(f"{name} is not installed", f"pip install {name}; records are plain dicts without it") from None


class Database:
    """The results in a file. Every method asks the program xrun anew, so it sees what a running sweep has written."""

    def __init__(self, path: str | os.PathLike[str], sweep: str | None = None) -> None:
        self.path: str = os.path.abspath(os.fspath(path))
        self.sweep = sweep
        """The title of the sweep that methods mean without an argument; None is the newest, or all."""

    def __repr__(self) -> str:
        return f"<xrun database {self.path}" + (f", sweep {self.sweep}>" if self.sweep else ">")

    def store_arguments(self) -> list[str]:
        return ["--store", self.path]

    def asked_arguments(self, sweeps: Sequence[str | int]) -> list[str]:
        names = [str(s) for s in sweeps] or ([self.sweep] if self.sweep else [])
        return ["--", *names] if names else []

    def sweeps(self) -> Records:
        """The sweeps, newest first: id, name, title (by which other methods know it), trials, with_result, file, created_at."""
        return Records(answer(["db", "info", *self.store_arguments()], "xrun_db", 1)["sweep_list"] or [])

    def points(self, *sweeps: str | int, **question: Any) -> Records:
        """The points of sweeps, best first, with the mean over seeds and its interval in result, differences, and seeds. Keywords
        are flags of `xrun compare`."""
        return self.compare(*sweeps, **question).points

    def runs(self, sweep: str | int | None = None, **given: Any) -> Records:
        """The runs, newest first. Keywords are flags of `xrun runs`, such as where="lr < 0.1"; cols="width" adds columns.

        settings has what differs among the runs beside the columns, such as the values of axes."""
        arguments = flags({"limit": 0, **given}, RUNS, "xrun runs")
        asked = self.asked_arguments([] if sweep is None else [sweep])
        rows: list[dict[str, Any]] = answer(["runs", *self.store_arguments(), *arguments, *asked], "xrun_runs", 1)["runs"] or []
        keys = {row["trial_key"] for row in rows}
        settings: dict[str, dict[str, Any]] = {key: {} for key in keys}
        for s in self.sql("SELECT trial_key, path, value FROM settings ORDER BY path"):
            if s["trial_key"] in keys and _is_axis(s["path"]) and s["path"] not in ("lr", "lambda", "seed"):
                settings[s["trial_key"]][s["path"]] = s["value"]
        differ = {p for s in settings.values() for p in s if any(other.get(p) != s[p] for other in settings.values())}
        for row in rows:
            row["settings"] = {
                p: v for p, v in settings[row["trial_key"]].items() if p in differ and not p.endswith(".component")
            }
        return Records(rows)

    def curves(self, of: Mapping[str, Any] | str | int | None = None, metric: str | None = None) -> Records:
        """All values of all epochs: run_id, metric, step, value. of is a run (its number or record) or the title of a sweep."""
        where = ["c.metric = :metric"] if metric else []
        given: dict[str, Any] = {"metric": metric} if metric else {}
        if of is None:
            of = self.sweep
        if isinstance(of, Mapping):
            of = int(of["run_id"])
        if isinstance(of, int):
            where, given["run"] = [*where, "c.run_id = :run"], of
        elif of is not None:
            rows: list[dict[str, Any]] = (
                answer(["runs", *self.store_arguments(), "--limit", "0", "--", str(of)], "xrun_runs", 1)["runs"] or []
            )
            runs = [str(r["run_id"]) for r in rows]
            where.append(f"c.run_id IN ({', '.join(runs)})")
        condition = " WHERE " + " AND ".join(where) if where else ""
        return self.sql(
            f"SELECT c.run_id, c.metric, c.step, c.value FROM curves c{condition} ORDER BY c.run_id, c.metric, c.step", **given
        )

    def sql(self, statement: str, **parameters: Any) -> Records:
        """The rows of a statement that reads, over the views that `xrun help database` lists: :NAME is the parameter NAME."""
        given = [a for name, value in parameters.items() for a in ("--param", f"{name}={value}")]
        found = answer(["sql", *self.store_arguments(), *given, "--", statement], "xrun_sql", 1)
        rows: list[dict[str, Any]] = found["rows"] or []
        return Records({name: _number(v) for name, v in row.items()} for row in rows)

    def compare(self, *sweeps: str | int, **question: Any) -> Comparison:
        """Which setting wins, and how sure that is. Keywords are the flags of `xrun compare`, with _ for -: where, metric, goal,
        at, stat, test, equal, scale, baseline, by, target, and those of its table. Raises Error if there is no answer."""
        return Comparison(self, [str(s) for s in sweeps], question)

    def best(self, sweep: str | int | None = None, *, run: int | None = None) -> Best:
        """The best seed of the best point, or the given run."""
        chosen = ["--run", str(run)] if run is not None else []
        asked = [
            *self.store_arguments(),
            *chosen,
            *(self.asked_arguments([] if sweep is None else [sweep]) if run is None else []),
        ]
        return Best(self, answer(["best", *asked], "xrun_best", 1))

    def _repr_html_(self) -> str | None:
        return self.compare().frame() if self.sweep else None


def _is_axis(path: str) -> bool:
    return not path.startswith(_NO_AXES)


def _number(v: Any) -> Any:
    return {"+Inf": math.inf, "-Inf": -math.inf}.get(v, v) if isinstance(v, str) else v


def open_database(path: str | os.PathLike[str] | None = None) -> Database:
    """The results in a file: by default those of XRUN_STORE, or of xrun.db in the working directory. Raises Error if there
    is no such file, or if it is no database of xrun."""
    path = os.fspath(path) if path is not None else os.environ.get("XRUN_STORE") or "xrun.db"
    if not os.path.isfile(path):
        raise Error(f"there is no file {path}", "xrun.sweep(…) makes it; xrun.open(PATH) opens one that lies elsewhere")
    db = Database(path)
    db.sweeps()
    return db


class Comparison:
    """An answer of `xrun compare`. It is asked for once, when it is made, so all parts of it belong together."""

    def __init__(self, db: Database, sweeps: Sequence[str], question: Mapping[str, Any]) -> None:
        asked = [*sweeps] or ([db.sweep] if db.sweep else [])
        known = flags(question, (*QUESTION, *TABLE), "xrun compare")
        self._db, self._sweeps, self._flags, self._question = db, ["--", *asked] if asked else [], known, dict(question)
        self.data: dict[str, Any] = answer(
            ["compare", *db.store_arguments(), *known, *self._sweeps], "xrun_compare", 2, (0, CHECK)
        )
        """The whole object of `xrun compare --json`."""
        self.verdict: str = self.data["verdict"]
        """The answer in sentences."""
        self.decision: dict[str, Any] | None = self.data.get("decision")
        """The same as data; None where nothing is compared with a baseline."""
        self.notes: list[str] = self.data.get("notes") or []
        """Warnings and notes."""
        self.arms = Records(self.data.get("arms") or [])
        """What is compared, the best first."""
        self.points = Records(self.data.get("points") or self.data.get("runs") or [])
        """The points, best first; with runs=True single runs."""
        self.tests = Records({"arm": a["name"], "outcome": a.get("outcome"), **a["test"]} for a in self.arms if a.get("test"))
        """The test of each arm against the baseline."""

    def svg(self, kind: str = "map", **given: Any) -> Svg:
        """A figure of `xrun plot`: map (or heatmap), curves, sensitivity, parallel, profile, ranks, noise."""
        question = {k: v for k, v in self._question.items() if k.rstrip("_") in QUESTION}
        chosen = flags({**question, **given}, (*QUESTION, *FIGURE), "xrun plot")
        kind = "heatmap" if kind == "map" else kind
        return Svg(
            text(["plot", *self._db.store_arguments(), *chosen, "-o", "-", "--format", "svg", "--", kind, *self._sweeps[1:]])
        )

    def html(self) -> str:
        """The whole report as a page that needs no network."""
        given = [f for f in self._flags if f.partition("=")[0] not in ("--runs", "--explain", "--diff", "--width")]
        return text(["compare", *self._db.store_arguments(), *given, "--html", "-", *self._sweeps], (0, CHECK))

    def __str__(self) -> str:
        return text(["compare", *self._db.store_arguments(), *self._flags, *self._sweeps], (0, CHECK)).rstrip("\n")

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.frame()

    def frame(self, height: int = 640) -> str:
        """The report as HTML for a notebook, height pixels high: a frame of its own, so that its styles and its script touch
        nothing of the notebook."""
        return (
            f'<iframe sandbox="allow-scripts" title="xrun compare" style="width: 100%; height: {height}px; border: 1px solid #8886; border-radius: 4px; box-sizing: border-box" '
            f'srcdoc="{html.escape(self.html())}"></iframe>'
        )


class Svg(str):
    """A figure as SVG, which a notebook draws."""

    def _repr_svg_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<SVG of {len(self)} characters>"


class Best:
    """The best run of a sweep."""

    def __init__(self, db: Database, data: Mapping[str, Any]) -> None:
        self._db = db
        self.run: dict[str, Any] = data["run"]
        """The run as a record."""
        self.metric: str = data["metric"]
        self.value: float = data["value"]
        """Its value, of the metric at the kept epoch."""
        self.kept_epoch: int = data["kept_epoch"]
        rows = db.sql("SELECT path, value FROM settings WHERE trial_key = :key", key=self.run["trial_key"])
        self.config: dict[str, Any] = {
            r["path"].removesuffix(".component"): r["value"]
            for r in rows
            if _is_axis(r["path"]) and not r["path"].endswith(".identity")
        }
        """The values of its trial by axis: lr, seed, width, optimizer, optimizer.momentum, …"""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that the run has kept, numpy arrays by name. Raises Error if it keeps none, as a function or a program
        does, whose parameters are its own."""
        return safetensors(output(["best", *self._db.store_arguments(), "--run", str(self.run["run_id"]), "-o", "-"]))

    def __repr__(self) -> str:
        config = ", ".join(f"{k}={v!r}" for k, v in self.config.items())
        return f"<run {self.run['run_id']}: {self.metric} {self.value:.6g} at epoch {self.kept_epoch}; {config}>"


_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}


def safetensors(content: bytes) -> dict[str, Any]:
    """The arrays of a file in the safetensors format, by name: a header of JSON behind its length, then the numbers."""
    numpy = _module("numpy")
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    arrays: dict[str, Any] = {}
    for name, about in header.items():
        if name == "__metadata__":
            continue
        if about["dtype"] not in _DTYPES:
            raise Error(f"the parameter {name} is of the type {about['dtype']}, which numpy does not have")
        begin, end = (8 + length + offset for offset in about["data_offsets"])
        arrays[name] = numpy.frombuffer(content[begin:end], _DTYPES[about["dtype"]]).reshape(about["shape"]).copy()
    return arrays

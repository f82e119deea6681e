# Of MLflow's own types a checker knows nothing where MLflow is not installed, and little where it is.
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportMissingParameterType=false
# pyright: reportIncompatibleMethodOverride=false, reportAttributeAccessIssue=false, reportUnnecessaryIsInstance=false
"""A tracking store of MLflow over a result database, which it only reads::

    mlflow ui --backend-store-uri xrun:///home/me/xrun.db

A sweep is an experiment, a point of it is a run with its means, and each attempt at a trial is a run below it. The metrics of a run are
those of the epoch that it keeps, as `xrun compare` shows them; their histories are the whole curves. MLflow loads this module by the
entry points of the package xrun: nothing here imports MLflow before that.
"""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sqlite3
from typing import Any, Callable, Optional, TypeVar

from mlflow.entities import (
    Experiment,
    ExperimentTag,
    FileInfo,
    LifecycleStage,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunTag,
    ViewType,
)
from mlflow.entities.metric import MetricWithRunId
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry.abstract_store import AbstractStore as AbstractRegistry
from mlflow.store.tracking import SEARCH_MAX_RESULTS_DEFAULT, SEARCH_MAX_RESULTS_THRESHOLD
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.search_utils import SearchExperimentsUtils, SearchUtils

from . import _mlflow_rows as rows
from ._mlflow_rows import Condition, Refused

T = TypeVar("T")

_READ_ONLY = (
    "an xrun database is read-only for MLflow: `xrun serve --mlflow` takes what programs log, `xrun sweep` trains, "
    "and `xrun db` deletes and restores"
)


def _said(e: Refused) -> MlflowException:
    return MlflowException(str(e), error_code=RESOURCE_DOES_NOT_EXIST if e.missing else INVALID_PARAMETER_VALUE)


def _invalid(message: str) -> MlflowException:
    return MlflowException(message, error_code=INVALID_PARAMETER_VALUE)


def _missing(what: str) -> MlflowException:
    return MlflowException(what, error_code=RESOURCE_DOES_NOT_EXIST)


def _page(max_results: Any, page_token: Any, all_allowed: bool = False) -> tuple[Optional[int], int]:
    """The limit and the offset of a page."""
    if max_results is None and not all_allowed or max_results is not None and not 1 <= max_results <= SEARCH_MAX_RESULTS_THRESHOLD:
        raise _invalid(f"max_results is {max_results}, and must be from 1 to {SEARCH_MAX_RESULTS_THRESHOLD}")
    return max_results, max(0, min(_parsed(SearchUtils.parse_start_offset_from_page_token, page_token), 2**62))


def _parsed(parse: Callable[[Any], T], given: Any) -> T:
    """What MLflow's parser reads. It raises what Python's own raises, too, which a server would take for a fault of its own."""
    try:
        return parse(given)
    except MlflowException:
        raise
    except Exception as e:
        raise _invalid(f"{given!r} cannot be understood: {e}") from None


def _next(found: list[T], limit: Optional[int], offset: int) -> tuple[list[T], Optional[str]]:
    """A page of what was found, which is one more than the page if there is another."""
    if limit is None or len(found) <= limit:
        return found, None
    token = SearchUtils.create_page_token(offset + limit)
    return found[:limit], token.decode() if isinstance(token, bytes) else token


def _number(key: str, value: Any) -> Any:
    try:
        return value if isinstance(value, (int, float)) and abs(value) < 2**63 else float(value)
    except (TypeError, ValueError, OverflowError):
        raise _invalid(f"{key} is compared with {value!r}, which is no number") from None


# MLflow 2 wants the id of a run under its older name, too.
_UUIDS = "run_uuid" in inspect.signature(RunInfo).parameters

# A run's id: the sweep, then the number of the run with the beginning of its token, or the key of the point.
_ID = re.compile(r"s(\d{1,18})(?:r(\d{1,18})x\w{1,6}|p([0-9a-f]{1,64}))")


class Store(AbstractStore):
    """The tracking store. One object serves several threads: each question opens the file."""

    def __init__(self, store_uri: Optional[str] = None, artifact_uri: Optional[str] = None) -> None:
        super().__init__()
        self._named: rows.Named = {}
        try:
            self.path = rows.path_of(store_uri or "")
            rows.ask(self.path, lambda db: None)
        except Refused as e:
            raise _said(e) from None

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return rows.ask(self.path, question)
        except Refused as e:
            raise _said(e) from None

    # --- experiments

    def _experiment(self, found: dict[str, Any]) -> Experiment:
        return Experiment(
            experiment_id=found["experiment_id"],
            name=found["name"],
            artifact_location=rows.artifact_uri(self.path) + "s" + found["experiment_id"],
            lifecycle_stage=LifecycleStage.DELETED if found["deleted"] else LifecycleStage.ACTIVE,
            tags=[ExperimentTag(k, v) for k, v in found["tags"].items()],
            creation_time=found["creation_time"],
            last_update_time=found["last_update_time"],
        )

    def _experiments(self, *conditions: Condition) -> list[Experiment]:
        return [self._experiment(s) for s in self._ask(lambda db: rows.sweeps(db, conditions, "w.deleted_at IS NOT NULL, w.id DESC", 1, 0))]

    def get_experiment(self, experiment_id: Any) -> Experiment:
        for found in self._experiments(Condition("CAST(w.id AS TEXT) = ?", str(experiment_id))):
            return found
        raise _missing(f"there is no sweep with the id {experiment_id} in {self.path}: xrun db info lists them")

    def get_experiment_by_name(self, experiment_name: str) -> Optional[Experiment]:
        for found in self._experiments(Condition(f"({rows.TITLE} = ?1 OR w.name || '@' || w.id = ?1)", experiment_name)):
            return found
        return None

    def search_experiments(
        self,
        view_type: Any = ViewType.ACTIVE_ONLY,
        max_results: Any = SEARCH_MAX_RESULTS_DEFAULT,
        filter_string: Any = None,
        order_by: Any = None,
        page_token: Any = None,
    ) -> PagedList[Experiment]:
        limit, offset = _page(max_results, page_token)
        assert limit is not None
        conditions = [_stages(view_type, "w.deleted_at IS NOT NULL")]
        for clause in _parsed(SearchExperimentsUtils.parse_search_filter, filter_string):
            kind, key, comparator, value = clause["type"], clause["key"], clause["comparator"].upper(), clause["value"]
            if kind == "attribute":
                numeric = key in ("creation_time", "last_update_time")
                if numeric:
                    value = _number(key, value)
                _known(comparator, _NUMERIC if numeric else _TEXT, key)
                conditions.append(rows.compared(rows.SWEEP_COLUMNS[key], comparator, value))
            else:
                _known(comparator, _TEXT | _NULL, key)
                conditions.append(rows.compared(rows.SWEEP_TAGS.get(key, "NULL"), comparator, value))
        order: list[str] = []
        for by in order_by or ["creation_time DESC"]:
            kind, key, ascending = _parsed(SearchExperimentsUtils.parse_order_by_for_search_experiments, by)
            if kind != "attribute":
                raise _invalid(f"experiments are ordered by their attributes, and not by the {kind} {key}")
            column = "w.id" if key == "experiment_id" else rows.SWEEP_COLUMNS[key]
            order.append(column + (" ASC" if ascending else " DESC"))
        found = self._ask(lambda db: rows.sweeps(db, conditions, ", ".join([*order, "w.id DESC"]), limit + 1, offset))
        return PagedList(*_next([self._experiment(s) for s in found], limit, offset))

    # --- runs

    def _run(self, item: dict[str, Any], times: dict[int, tuple[int, float]]) -> Run:
        began, each = times[item["n"]]
        info = RunInfo(
            **({"run_uuid": item["id"]} if _UUIDS else {}),
            run_id=item["id"],
            experiment_id=str(item["sweep"]),
            user_id=item["user"],
            status=item["status"],
            start_time=item["started"],
            end_time=item["ended"],
            lifecycle_stage=LifecycleStage.DELETED if item["deleted"] else LifecycleStage.ACTIVE,
            artifact_uri=rows.artifact_uri(self.path) + item["id"],
            run_name=item["tags"]["mlflow.runName"],
        )
        data = RunData(
            metrics=[Metric(name, value, int(began + each * step), step) for name, value, step in item["metrics"]],
            params=[Param(k, v) for k, v in item["params"].items()],
            tags=[RunTag(k, v) for k, v in item["tags"].items()],
        )
        return Run(info, data, RunInputs(dataset_inputs=[]))

    def _chosen(self, db: sqlite3.Connection, run_ids: list[str]) -> tuple[rows.Items, dict[str, dict[str, Any]]]:
        """The items with these ids, on the page in this order, by id. The token of a run is another id of it. Raises if one is not there."""
        ids: dict[str, str] = {}
        for run_id in run_ids:
            of = None if _ID.fullmatch(run_id) else rows.run_of(db, run_id)
            ids[run_id] = of[1] if of else run_id
        trials: set[int] = set()
        points: set[str] = set()
        sweeps: set[int] = set()
        for run_id in ids.values():
            parts = _ID.fullmatch(run_id)
            if parts is None:
                raise _missing(f"there is no run {run_id!r} in {self.path}: ids are those that search_runs gives, like s1r17xAB2SRY, and those of clients of xrun serve --mlflow")
            sweeps.add(int(parts[1]))
            if parts[2]:
                trials.update(t for (t,) in db.execute("SELECT trial_id FROM run WHERE id = ?", [int(parts[2])]))
            else:
                points.add(parts[3])
        only = "m.trial_id IN (SELECT value FROM json_each(:trials))"
        if points:
            only = f"({only} OR t.point_key IN (SELECT value FROM json_each(:points)))"
        given = {"trials": json.dumps(list(trials)), **({"points": json.dumps(list(points))} if points else {})}
        items = rows.Items(db, self.path, sweeps, only, **given)
        items.name(self._named)
        items.choose([Condition("i.id IN (SELECT value FROM json_each(?))", json.dumps(list(ids.values())))], [Condition("i.id")], [], None, 0)
        found = {item["id"]: item for item in items.rows()}
        for run_id, of in ids.items():
            if of not in found:
                raise _missing(f"there is no run {run_id} in {self.path}")
        return items, {run_id: found[of] for run_id, of in ids.items()}

    def get_run(self, run_id: str) -> Run:
        def question(db: sqlite3.Connection) -> Run:
            items, found = self._chosen(db, [run_id])
            return self._run(found[run_id], items.times())

        return self._ask(question)

    def _search_runs(
        self, experiment_ids: Any, filter_string: Any, run_view_type: Any, max_results: Any, order_by: Any, page_token: Any
    ) -> tuple[list[Run], Optional[str]]:
        limit, offset = _page(max_results, page_token, all_allowed=True)
        clauses = _parsed(SearchUtils.parse_search_filter, filter_string)
        orders = [_parsed(SearchUtils.parse_order_by_for_search_runs, o) for o in order_by or []]
        sweeps = [int(e) for e in experiment_ids or [] if re.fullmatch(r"\d{1,18}", str(e))]

        def question(db: sqlite3.Connection) -> list[Run]:
            items = rows.Items(db, self.path, sweeps)
            items.name(self._named)
            tables: list[str] = []
            conditions = [_stages(run_view_type, "i.deleted"), *(_clause(items, c, tables) for c in clauses)]
            order = _order(items, orders, tables)
            items.choose(conditions, order, tables, None if limit is None else limit + 1, offset)
            times = items.times()
            return [self._run(item, times) for item in items.rows()]

        return _next(self._ask(question) if sweeps else [], limit, offset)

    # --- histories

    def _histories(
        self, run_ids: list[str], metric_key: str, first: Any = None, last: Any = None, limit: Any = None, offset: int = 0, samples: Any = None
    ) -> list[tuple[str, Metric]]:
        def question(db: sqlite3.Connection) -> list[tuple[str, Metric]]:
            items, found = self._chosen(db, run_ids)
            times = items.times()
            made: list[tuple[str, Metric]] = []
            for run_id in run_ids:
                item = found[run_id]
                began, each = times[item["n"]]
                for step, value in items.history(item, metric_key, first, last, limit, offset, samples):
                    made.append((run_id, Metric(metric_key, value, int(began + each * step), step)))
            return made

        return self._ask(question)

    def get_metric_history(self, run_id: str, metric_key: str, max_results: Any = None, page_token: Any = None) -> PagedList[Metric]:
        limit, offset = _page(max_results, page_token, all_allowed=True)
        found = self._histories([run_id], metric_key, limit=None if limit is None else limit + 1, offset=offset)
        return PagedList(*_next([m for _, m in found], limit, offset))

    def get_metric_history_bulk(self, run_ids: Any, metric_key: str, max_results: int) -> list[MetricWithRunId]:
        found = self._histories(sorted(set(run_ids)), metric_key, limit=max_results)
        return [MetricWithRunId(metric, run_id) for run_id, metric in found[:max_results]]

    def get_metric_history_bulk_interval(
        self, run_ids: Any, metric_key: str, max_results: int, start_step: Optional[int], end_step: Optional[int]
    ) -> list[MetricWithRunId]:
        if (start_step is None) != (end_step is None):
            raise _invalid("start_step and end_step go together")
        found = self._histories(list(dict.fromkeys(run_ids)), metric_key, start_step, end_step, samples=max(1, max_results))
        return [MetricWithRunId(metric, run_id) for run_id, metric in found]

    def get_metric_history_bulk_interval_from_steps(self, run_id: str, metric_key: str, steps: Any, max_results: int) -> list[MetricWithRunId]:
        wanted = set(steps)
        found = self._histories([run_id], metric_key, min(wanted), max(wanted)) if wanted else []
        return [MetricWithRunId(metric, run_id) for run_id, metric in found if metric.step in wanted][:max_results]

    def get_max_step_for_metric(self, run_id: str, metric_key: str) -> int:
        return max((m.step for _, m in self._histories([run_id], metric_key)), default=0)

    # --- what there is none of

    def _search_datasets(self, experiment_ids: Any) -> list[Any]:
        return []

    def _load_dataset_records(self, *_: Any, **__: Any) -> tuple[list[Any], None]:
        return [], None

    def get_dataset_experiment_ids(self, *_: Any, **__: Any) -> list[str]:
        return []

    def search_traces(self, *_: Any, **__: Any) -> tuple[list[Any], None]:
        return [], None


# --- questions as SQL

_NUMERIC = {"=", "!=", "<", "<=", ">", ">="}
_TEXT = {"=", "!=", "LIKE", "ILIKE", "IN", "NOT IN"}
_NULL = {"IS NULL", "IS NOT NULL"}


def _known(comparator: str, known: set[str], key: str) -> None:
    if comparator not in known:
        raise _invalid(f"{key} cannot be compared by {comparator}: there are {', '.join(sorted(known))}")


def _stages(view_type: Any, deleted: str) -> Condition:
    stages = LifecycleStage.view_type_to_stages(view_type)
    return Condition("1" if len(stages) > 1 else f"NOT ({deleted})" if LifecycleStage.ACTIVE in stages else f"({deleted})")


def _clause(items: rows.Items, clause: dict[str, Any], tables: list[str]) -> Condition:
    """A comparison of a filter, as MLflow's own store takes it: NaN is unequal to every number, and what a run lacks is not compared."""
    kind, comparator, value = clause["type"], clause["comparator"].upper(), clause["value"]
    key = SearchUtils.translate_key_alias(clause["key"])
    if SearchUtils.is_metric(kind, comparator):
        number = float(_number(key, value))
        table = items.metric(key)
        tables.append(table)
        if comparator == "!=":
            return Condition(f"{table}.n IS NOT NULL AND ({table}.value != ? OR {table}.value IS NULL)", number)
        return Condition(f"{table}.value {comparator} ?", number)
    if SearchUtils.is_param(kind, comparator):
        of = rows.param(key)
        made = rows.compared(of.sql, comparator, value)
        return Condition(made.sql, *of.values, *made.values)
    if SearchUtils.is_tag(kind, comparator):
        of = rows.tag(key)
        made = rows.compared(of.sql, comparator, value)
        return Condition(made.sql, *of.values, *made.values)
    if SearchUtils.is_dataset(kind, comparator):
        return Condition("0")  # no run has one
    if SearchUtils.is_numeric_attribute(kind, key, comparator):
        return rows.compared(rows.ATTRIBUTES[key], comparator, _number(key, value))
    if SearchUtils.is_string_attribute(kind, key, comparator):
        return rows.compared(_attribute(items, key), comparator, value)
    raise _invalid(f"runs cannot be searched by {kind}")


def _attribute(items: rows.Items, key: str) -> str:
    if key == "artifact_uri":
        return items.artifact_uri
    if key not in rows.ATTRIBUTES:
        raise _invalid(f"runs have no attribute {key} that can be asked for: there are {', '.join(rows.ATTRIBUTES)}, artifact_uri")
    return rows.ATTRIBUTES[key]


def _order(items: rows.Items, orders: list[tuple[str, str, bool]], tables: list[str]) -> list[Condition]:
    """The order of runs, as MLflow's own store has it: numbers first, then NaN, then runs without a value; last the newest first."""
    made: list[Condition] = []
    seen: set[tuple[str, str]] = set()
    for kind, key, ascending in orders:
        key = SearchUtils.translate_key_alias(key)
        if (kind, key) in seen:
            raise _invalid(f"order_by names {key} twice")
        seen.add((kind, key))
        direction = "ASC" if ascending else "DESC"
        if SearchUtils.is_metric(kind, "="):
            table = items.metric(key)
            tables.append(table)
            made.append(Condition(f"CASE WHEN {table}.n IS NULL THEN 2 WHEN {table}.value IS NULL THEN 1 ELSE 0 END"))
            made.append(Condition(f"{table}.value {direction}"))
            continue
        if SearchUtils.is_param(kind, "="):
            of = rows.param(key)
        elif SearchUtils.is_tag(kind, "="):
            of = rows.tag(key)
        elif kind == "attribute":
            of = Condition(_attribute(items, key))
        else:
            raise _invalid(f"runs cannot be ordered by {kind}")
        made.append(Condition(f"{of.sql} IS NULL", *of.values))
        made.append(Condition(f"{of.sql} {direction}", *of.values))
    if ("attribute", "start_time") not in seen:
        made.append(Condition("i.started DESC"))
    return [*made, Condition("i.id")]


# --- what is refused

# First words of methods that write, of stores and of the registry of models.
_WRITES = (
    "add", "archive", "cancel", "complete", "copy", "create", "delete", "finalize", "finish", "get_or_create", "increment", "link", "log",
    "record", "register", "remove", "rename", "restore", "set", "start", "transition", "unlink", "update", "upsert",
)  # fmt: skip
# Those that answer with several things, of which there are none.
_LISTS = ("search", "list", "find", "batch", "query", "filter")


# Methods that servers call and the abstract stores do not name.
_UNNAMED = ("delete_tag", "deprecated_start_trace_v2", "deprecated_end_trace_v2")


def _refuse(base: type, of: type) -> None:
    """Gives a class the methods of its base that it does not have: those that write are refused, and lists are empty."""
    for name in [*dir(base), *_UNNAMED]:
        if name in vars(of) or name == "search_runs" or name.startswith("_") or not callable(getattr(base, name, _refuse)):
            continue
        if name in _UNNAMED or any(name.startswith(w + "_") for w in _WRITES):
            setattr(of, name, _writes(name))
        elif any(name.startswith(w + "_") for w in _LISTS):
            setattr(of, name, _lists(name))
        elif name.startswith("get_"):
            setattr(of, name, _lacks(name))


def _writes(name: str) -> Callable[..., Any]:
    def refused(self: Any, *_: Any, **__: Any) -> Any:
        raise MlflowException(f"{name}: {_READ_ONLY}", error_code=INVALID_PARAMETER_VALUE)

    refused.__name__ = name
    return refused


def _lists(name: str) -> Callable[..., Any]:
    def none(self: Any, *_: Any, **__: Any) -> Any:
        return PagedList([], None)

    none.__name__ = name
    return none


def _lacks(name: str) -> Callable[..., Any]:
    what = name[len("get_") :].replace("_", " ")

    def missing(self: Any, *_: Any, **__: Any) -> Any:
        raise _missing(f"an xrun database has no {what}: it has sweeps as experiments, and their points and runs as runs")

    missing.__name__ = name
    return missing


_refuse(AbstractStore, Store)


class Registry(AbstractRegistry):
    """A registry of models without any, for pages that ask for the models of a run."""

    def __init__(self, store_uri: Optional[str] = None, tracking_uri: Optional[str] = None) -> None:
        super().__init__(store_uri=store_uri, tracking_uri=tracking_uri)


_refuse(AbstractRegistry, Registry)


class Artifacts(ArtifactRepository):
    """What a run has kept: its parameters in the safetensors format, what its program printed, and what a client of MLflow has stored with
    it. A point has kept nothing."""

    def __init__(self, artifact_uri: str, *given: Any, **named: Any) -> None:  # MLflow 3 gives the URIs of its stores, too
        super().__init__(artifact_uri)
        uri, _, self._id = artifact_uri.rstrip("/").rpartition("/")
        try:
            self.path = rows.path_of(uri)
        except Refused as e:
            raise _said(e) from None

    def _ask(self, question: Callable[[sqlite3.Connection, int], T]) -> Optional[T]:
        def of_run(db: sqlite3.Connection) -> Optional[T]:
            parts = _ID.fullmatch(self._id)
            found = rows.run_of(db, self._id) if parts is None else (int(parts[2]), "") if parts[2] else None
            return question(db, found[0]) if found else None

        try:
            return rows.ask(self.path, of_run)
        except Refused as e:
            raise _said(e) from None

    def list_artifacts(self, path: Optional[str] = None) -> list[FileInfo]:
        def question(db: sqlite3.Connection, run: int) -> dict[str, Optional[int]]:
            found: dict[str, Optional[int]] = {} if path else dict(rows.artifacts(db, run))
            found.update(rows.Folder(db, self.path, run).files(path or ""))
            return found

        return [FileInfo(name, size is None, size) for name, size in sorted((self._ask(question) or {}).items())]

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        def question(db: sqlite3.Connection, run: int) -> tuple[Optional[str], bytes]:
            file = rows.Folder(db, self.path, run).file(remote_file_path)
            return file, b"" if file else rows.artifact(db, self.path, run, remote_file_path)

        found = self._ask(question)
        if found is None:
            raise _missing(f"{self._id} has kept nothing")
        file, content = found
        if file:
            try:
                shutil.copyfile(file, local_path)
            except OSError as e:
                raise _missing(f"{remote_file_path} of {self._id} cannot be read: {e}") from e
            return
        with open(local_path, "wb") as f:
            f.write(content)

    def log_artifact(self, local_file: str, artifact_path: Optional[str] = None) -> None:
        raise _invalid(_READ_ONLY)

    def log_artifacts(self, local_dir: str, artifact_path: Optional[str] = None) -> None:
        raise _invalid(_READ_ONLY)

    def delete_artifacts(self, artifact_path: Optional[str] = None) -> None:
        raise _invalid(_READ_ONLY)

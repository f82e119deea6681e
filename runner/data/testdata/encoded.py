"""Computes the inputs that scikit-learn makes of a table, which the tests of package data are held against.

Run it in this folder: python encoded.py. With an argument it prints instead of writing encoded.json.
"""

import io
import json
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

rng = np.random.default_rng(23)
SIZES = ["S", "M", "L", "XL"]
GAPS = ["", "NA", "nan", "null", "?", "-"]


def table(rows):
    """A table with gaps in every way of writing them, and with levels that are rare."""
    cells = {
        "age": rng.integers(1, 90, rows).astype(str).astype(object),
        "port": rng.choice(["Cork", "Brest", "Genoa", "Åbo", "Lagos", "Zadar"], rows, p=[0.4, 0.3, 0.2, 0.06, 0.03, 0.01]).astype(object),
        "fare": np.array([f"{v:.3f}" for v in rng.lognormal(3, 1, rows)], dtype=object),
        "size": rng.choice(SIZES, rows).astype(object),
        "member": rng.choice(["yes", "no", "Yes", "NO"], rows).astype(object),
        "sold": np.array([str(np.datetime64("1999-12-20") + int(d)) for d in rng.integers(0, 9000, rows)], dtype=object),
        "children": rng.integers(0, 5, rows).astype(str).astype(object),
        "tail": rng.choice(["a", "b", "c", "d"], rows).astype(object),
    }
    for name in ("age", "port", "size", "member", "sold"):
        for i in np.flatnonzero(rng.random(rows) < 0.15):
            cells[name][i] = GAPS[i % len(GAPS)]
    frame = pd.DataFrame(cells)
    frame["y"] = rng.choice(["lost", "found"], rows)
    return frame


def values(text):
    """The columns of the table as pandas has them, gaps as NaN."""
    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).replace(GAPS, np.nan)
    for name in ("age", "fare", "children"):
        frame[name] = frame[name].astype(float)
    frame["member"] = frame["member"].str.lower().map({"yes": 1.0, "no": 0.0})
    days = pd.to_datetime(frame["sold"]) - pd.Timestamp("1970-01-01")
    frame["sold"] = days / pd.Timedelta(days=1)
    for name in ("port", "size", "tail"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), np.nan)
    return frame


def encoder(missing, rare, standardize):
    """The pipeline that says the same as [task] does."""
    fill = "mean" if missing == "indicator" else missing
    parts = []
    for name in ("age", "port", "fare", "size", "member", "sold", "children", "tail"):
        if name in ("port", "tail"):
            gaps = SimpleImputer(strategy="most_frequent") if missing == "most_frequent" else SimpleImputer(strategy="constant", fill_value="(missing)")
            one_hot = OneHotEncoder(min_frequency=rare or None, handle_unknown="infrequent_if_exist", sparse_output=False)
            parts.append((name, make_pipeline(gaps, one_hot), [name]))
            continue
        steps = [SimpleImputer(strategy=fill)]
        if name == "size":
            steps.insert(0, OrdinalEncoder(categories=[SIZES + [np.nan]]))
        if standardize:
            steps.append(StandardScaler())
        parts.append((name, make_pipeline(*steps), [name]))
        if missing == "indicator":
            where = MissingIndicator(features="missing-only", error_on_new=False)
            if name == "size":
                where = make_pipeline(OrdinalEncoder(categories=[SIZES + [np.nan]]), where)
            parts.append((name + "=(missing)", where, [name]))
    return ColumnTransformer(parts, sparse_threshold=0)


def main():
    text = table(120).to_csv(index=False, lineterminator="\n")
    frame = values(text)
    cases = []
    for missing in ("mean", "median", "most_frequent", "indicator"):
        for rare, standardize in ((0, True), (6, True), (40, False)):
            train = sorted(int(i) for i in rng.choice(len(frame), 70, replace=False))
            fitted = encoder(missing, rare, standardize).fit(frame.iloc[train])
            x = np.asarray(fitted.transform(frame), dtype=float)
            cases.append({"missing": missing, "rare": rare, "standardize": standardize, "train": train, "inputs": x.shape[1], "x": x.ravel().tolist()})
    made = json.dumps({"made_with": {p: version(p) for p in ("scikit-learn", "pandas", "numpy")}, "table": text, "cases": cases}, ensure_ascii=False) + "\n"
    if len(sys.argv) > 1:
        sys.stdout.write(made)
        return
    with open("encoded.json", "w", encoding="utf-8") as file:
        file.write(made)


if __name__ == "__main__":
    main()

"""Computes the scores that package score is held against, with scikit-learn 1.9.

    python3 score.py            writes the cases of score.json
    python3 score.py SEED N     prints N random cases to standard output
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.dummy import DummyClassifier

warnings.simplefilter("ignore")


def number(x):
    return None if np.isnan(x) else float(x)


def one_against_rest(labels, p, classes, score):
    if classes == 2:
        return score((labels == 1).astype(int), p[:, 1])
    hot = np.eye(classes, dtype=int)[labels]
    return np.mean([score(hot[:, k], p[:, k]) for k in range(classes)])


def area(y, p):
    return metrics.roc_auc_score(y, p)


def auc(labels, p, classes):
    if classes == 2:
        return metrics.roc_auc_score((labels == 1).astype(int), p[:, 1])
    if len(np.unique(labels)) < 2:  # roc_auc_score refuses one class of several; each class against the rest is undefined
        return one_against_rest(labels, p, classes, area)
    return metrics.roc_auc_score(labels, p, multi_class="ovr", average="macro", labels=range(classes))


def average_precision(labels, p, classes):
    if classes == 2:
        return metrics.average_precision_score((labels == 1).astype(int), p[:, 1])
    return metrics.average_precision_score(np.eye(classes, dtype=int)[labels], p, average="macro")


def of_classes(labels, p, classes):
    labels, p = np.asarray(labels), np.asarray(p, dtype=float)
    predicted = p.argmax(axis=1)
    if classes == 2:
        f1 = metrics.f1_score(labels, predicted, pos_label=1)
        brier = metrics.brier_score_loss(labels, p[:, 1], pos_label=1)
    else:
        f1 = metrics.f1_score(labels, predicted, average="macro")
        brier = metrics.brier_score_loss(labels, p, labels=range(classes))
    return {
        "labels": labels.tolist(),
        "probabilities": p.tolist(),
        "classes": classes,
        "scores": {
            "auc": number(auc(labels, p, classes)),
            "average_precision": number(average_precision(labels, p, classes)),
            "f1": number(f1),
            "balanced_accuracy": number(metrics.balanced_accuracy_score(labels, predicted)),
            "brier": number(brier),
            "log_loss": number(metrics.log_loss(labels, p, labels=range(classes))),
            "accuracy": number(metrics.accuracy_score(labels, predicted)),
        },
    }


def of_numbers(y, h):
    y, h = np.asarray(y, dtype=float), np.asarray(h, dtype=float)
    scores = {"mae": metrics.mean_absolute_error(y, h)}
    for percent in (1, 10, 50, 90, 99):
        scores[f"quantile_loss_{percent}"] = metrics.mean_pinball_loss(y, h, alpha=percent / 100)
    return {"y": y.tolist(), "h": h.tolist(), "scores": {k: number(v) for k, v in scores.items()}}


def constant_of_classes(train, rows, classes):
    """What the shares of the training rows score on other rows."""
    train = np.concatenate([train, np.arange(classes)])  # every class has a row
    shares = DummyClassifier(strategy="prior").fit(np.zeros((len(train), 1)), train).predict_proba(np.zeros((len(rows), 1)))
    case = of_classes(rows, shares, classes)
    case["train"] = train.tolist()
    case["scores"]["loss"] = case["scores"]["log_loss"]
    return case


def constant_of_numbers(train, rows):
    train, rows = np.asarray(train, dtype=float), np.asarray(rows, dtype=float)
    mean = np.full(len(rows), train.mean())
    scores = {
        "loss": metrics.mean_squared_error(rows, mean) / 2,
        "rmse": metrics.root_mean_squared_error(rows, mean),
        "mae": metrics.mean_absolute_error(rows, np.full(len(rows), np.median(train))),
    }
    if len(rows) > 1:
        scores["r2"] = metrics.r2_score(rows, mean)
    for percent in (1, 10, 50, 90, 99):
        says = np.full(len(rows), np.quantile(train, percent / 100))
        scores[f"quantile_loss_{percent}"] = metrics.mean_pinball_loss(rows, says, alpha=percent / 100)
    return {"train": train.tolist(), "y": rows.tolist(), "scores": {k: number(v) for k, v in scores.items()}}


def random_case(rng):
    classes = int(rng.integers(2, 6))
    n = int(rng.integers(1, 60))
    some = rng.choice(classes, size=int(rng.integers(1, classes + 1)), replace=False)  # not every class has a row
    labels = rng.choice(some, size=n)
    p = rng.dirichlet(np.full(classes, rng.choice([0.2, 1.0, 5.0])), size=n)
    if rng.random() < 0.5:  # ties
        p = np.round(p * 4) + 1e-3
        p /= p.sum(axis=1, keepdims=True)
    if rng.random() < 0.2:  # certainty
        p = np.eye(classes)[p.argmax(axis=1)]
    y, h = rng.normal(size=n), rng.normal(size=n)
    if rng.random() < 0.3:
        y = np.full(n, np.round(y[0] * 4) / 4)  # whose mean is exact: r2_score takes the rounding of others for variation
    if rng.random() < 0.3:
        h = np.round(h)
    train = rng.normal(size=int(rng.integers(1, 40)))
    return {
        "classes": of_classes(labels, p, classes),
        "numbers": of_numbers(y, h),
        "constant_of_classes": constant_of_classes(rng.choice(classes, size=int(rng.integers(1, 40))), labels, classes),
        "constant_of_numbers": constant_of_numbers(train, y),
    }


def odd_cases():
    """One class, two equal probabilities, a class that is never predicted, a constant target, one row."""
    half = [[0.5, 0.5]] * 4
    yield {"classes": of_classes([0, 0, 0], [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], 2)}
    yield {"classes": of_classes([1, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]], 2)}
    yield {"classes": of_classes([0, 1, 1, 0], half, 2)}
    yield {"classes": of_classes([0, 1, 2], [[0.6, 0.3, 0.1]] * 3, 3)}
    yield {"classes": of_classes([2, 2], [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], 3)}
    yield {"classes": of_classes([0, 2, 0], [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]], 3)}
    yield {"classes": of_classes([1], [[0.0, 1.0]], 2)}
    yield {"classes": of_classes([0], [[0.0, 1.0]], 2)}
    yield {"numbers": of_numbers([2, 2, 2], [1, 2, 4])}
    yield {"numbers": of_numbers([7], [7])}


def main():
    if len(sys.argv) == 3:
        rng = np.random.default_rng(int(sys.argv[1]))
        json.dump([random_case(rng) for _ in range(int(sys.argv[2]))], sys.stdout)
        return
    rng = np.random.default_rng(23)
    cases = [*odd_cases(), *(random_case(rng) for _ in range(25))]
    out = {"versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__}, "cases": cases}
    text = "{\n" + json.dumps("versions") + ": " + json.dumps(out["versions"]) + ",\n" + '"cases": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]}\n"
    Path(__file__).with_name("score.json").write_text(text)


if __name__ == "__main__":
    main()

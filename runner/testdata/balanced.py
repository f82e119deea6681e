"""Writes balanced.json: optima of logistic regression with balanced class weights, as scikit-learn finds them.

    python balanced.py > balanced.json

J is the mean of the weighted losses over the rows plus λ/(2m)·Σw², of standardized features.
"""

import json

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

cases = []
for name, model, load in (("breast_cancer", "logistic", load_breast_cancer), ("wine", "softmax", load_wine)):
    X, y = load(return_X_y=True)
    if name == "breast_cancer":  # the classes are in the order of their names: benign, malignant
        y = 1 - y
    X, m = StandardScaler().fit_transform(X), len(y)
    weight = compute_sample_weight("balanced", y)
    for lam in (1, 10):
        fit = LogisticRegression(C=1 / lam, class_weight="balanced", solver="newton-cholesky", tol=1e-14, max_iter=10_000).fit(X, y)
        p = fit.predict_proba(X)
        loss = -np.log(p[np.arange(m), y])
        binary = model == "logistic"
        cases.append(
            {
                "data": name,
                "model": model,
                "lam": lam,
                "J": (weight * loss).mean() + lam / (2 * m) * (fit.coef_**2).sum(),
                "train_loss": (weight * loss).mean(),
                "train_log_loss": loss.mean(),
                "train_accuracy": accuracy_score(y, fit.predict(X)),
                "train_auc": roc_auc_score(y, p[:, 1]) if binary else roc_auc_score(y, p, multi_class="ovr"),
                "train_f1": f1_score(y, fit.predict(X), average="binary" if binary else "macro"),
            }
        )
print(json.dumps({"note": f"scikit-learn {sklearn.__version__}; written by balanced.py", "cases": cases}, indent=1))

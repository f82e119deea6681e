"""Writes optima.json: optima of diabetes with columns of length 1, as scikit-learn finds them.

    python optima.py > optima.json
"""

import json

import numpy as np
import sklearn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge

X, y = load_diabetes(return_X_y=True)
m = len(y)
exact = {"tol": 1e-15, "max_iter": 10_000_000}
cases = []


def case(name, model, l1, l2):
    model.fit(X, y)
    w = model.coef_
    r = y - X @ w - model.intercept_
    J = r @ r / (2 * m) + l1 * np.abs(w).sum() + l2 / 2 * (w @ w)
    cases.append({"name": name, "l1": l1, "l2": l2, "J": J, "nonzero": int((w != 0).sum())})


case("LinearRegression()", LinearRegression(), 0, 0)
for alpha in (0.01, 0.1, 1, 10):
    case(f"Ridge({alpha})", Ridge(alpha, solver="svd"), 0, alpha / m)
for alpha in (0.01, 0.1, 0.5, 1, 2):
    case(f"Lasso({alpha})", Lasso(alpha, **exact), alpha, 0)
for alpha, ratio in ((0.01, 0.5), (0.001, 0.9)):
    case(f"ElasticNet({alpha}, l1_ratio={ratio})", ElasticNet(alpha, l1_ratio=ratio, **exact), alpha * ratio, alpha * (1 - ratio))
print(json.dumps({"note": f"scikit-learn {sklearn.__version__}; written by optima.py", "cases": cases}, indent=1))

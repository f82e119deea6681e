"""Writes conventions.json: what scikit-learn, Keras and PyTorch make of their own penalty parameters.

    KERAS_BACKEND=jax python conventions.py > conventions.json

Minimisers are those of scikit-learn at tolerances far below what the test asks for. Losses and
gradients are computed by the frameworks at weights drawn at random.
"""

import json
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_ENABLE_X64", "1")

import keras
import numpy as np
import sklearn
import torch
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")
rng = np.random.default_rng(20)
m, d = 24, 5
X = rng.normal(size=(m, d)) * [1, 2, 0.5, 1, 3] + [0, 1, 0, -2, 0]
signal = X @ [2, -1, 0, 0.3, 0] + 0.7
y = signal + rng.normal(size=m)
labels = (signal + 2 * rng.normal(size=m) > np.median(signal)).astype(int)

minimisers = []


def minimiser(loss, program, regularizer, convention, value, model, l1_ratio=None):
    model.fit(X, y if loss == "squares" else labels)
    minimisers.append({
        "loss": loss, "program": program, "regularizer": regularizer, "convention": convention, "lambda": value,
        "l1_ratio": l1_ratio, "weights": np.ravel(model.coef_).tolist(), "intercept": np.ravel(model.intercept_)[0],
    })


exact = {"tol": 1e-14, "max_iter": 1_000_000}
for alpha in (0.3, 20.0):
    minimiser("squares", f"Ridge(alpha={alpha})", "l2", "sklearn", alpha, Ridge(alpha=alpha, solver="svd"))
for alpha in (0.05, 0.6):
    minimiser("squares", f"Lasso(alpha={alpha})", "l1", "sklearn", alpha, Lasso(alpha=alpha, **exact))
    minimiser("squares", f"Lasso(alpha={alpha})", "l1", "glmnet", alpha, Lasso(alpha=alpha, **exact))
for alpha, ratio in ((0.1, 0.2), (0.7, 0.9)):
    for convention in ("sklearn", "glmnet"):
        minimiser("squares", f"ElasticNet(alpha={alpha}, l1_ratio={ratio})", "elastic_net", convention, alpha,
                  ElasticNet(alpha=alpha, l1_ratio=ratio, **exact), ratio)
# Ridge in the terms of ElasticNet: glmnet's objective with alpha = 0.
minimiser("squares", "Ridge(alpha=0.4*m)", "l2", "glmnet", 0.4, Ridge(alpha=0.4 * m, solver="svd"))
# The largest strength is that of scikit-learn's own path, by which 1 leaves nothing and 0.999 something.
centred = X - X.mean(0)
alpha_max = np.abs(centred.T @ (y - y.mean())).max() / m
path = sklearn.linear_model.lasso_path(centred, y - y.mean(), alphas=5)[0][0]
assert abs(path / alpha_max - 1) < 1e-12
for fraction in (1.0, 0.999, 0.3):
    minimiser("squares", f"Lasso(alpha={fraction}*alpha_max)", "l1", "lambda_max_fraction", fraction,
              Lasso(alpha=fraction * path, **exact))
    minimiser("squares", f"ElasticNet(alpha={fraction}*alpha_max/0.4, l1_ratio=0.4)", "elastic_net",
              "lambda_max_fraction", fraction, ElasticNet(alpha=fraction * path / 0.4, l1_ratio=0.4, **exact), 0.4)

logistic = {"tol": 1e-15, "max_iter": 1_000_000}
for C in (0.2, 5.0):
    minimiser("log", f"LogisticRegression(C={C})", "l2", "inverse_C", 1 / C,
              LogisticRegression(C=C, solver="newton-cg", **logistic))
    minimiser("log", f"LogisticRegression(C={C}, l1_ratio=1)", "l1", "inverse_C", 1 / C,
              LogisticRegression(C=C, l1_ratio=1, solver="saga", random_state=0, **logistic))
    minimiser("log", f"LogisticRegression(C={C}, l1_ratio=0.3)", "elastic_net", "inverse_C", 1 / C,
              LogisticRegression(C=C, l1_ratio=0.3, solver="saga", random_state=0, **logistic), 0.3)

weights, intercept = rng.normal(size=d) / 4, 0.4
objectives = []


def keras_objective(loss, regularizer, value, penalty, l1_ratio=None):
    """The loss that Keras minimises, penalty included."""
    model = keras.Sequential([keras.layers.Input((d,)), keras.layers.Dense(1, kernel_regularizer=penalty)])
    mean = keras.losses.MeanSquaredError() if loss == "squares" else keras.losses.BinaryCrossentropy(from_logits=True)
    model.set_weights([weights[:, None], np.array([intercept])])
    x, target = (keras.ops.convert_to_tensor(a, "float64") for a in (X, (y if loss == "squares" else labels)[:, None]))
    total = mean(target, model(x)) + sum(model.losses)
    objectives.append({"loss": loss, "program": type(penalty).__name__, "regularizer": regularizer,
                       "convention": "keras", "lambda": value, "l1_ratio": l1_ratio, "objective": float(total)})


for loss in ("squares", "log"):
    keras_objective(loss, "l1", 0.03, keras.regularizers.L1(0.03))
    keras_objective(loss, "l2", 0.2, keras.regularizers.L2(0.2))
    keras_objective(loss, "elastic_net", 0.5, keras.regularizers.L1L2(l1=0.5 * 0.3, l2=0.5 * 0.7), 0.3)

gradients = []
for loss, kind in (("squares", torch.nn.MSELoss()), ("log", torch.nn.BCEWithLogitsLoss())):
    w = torch.tensor(weights, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0, weight_decay=0.3)
    target = torch.tensor(y if loss == "squares" else labels.astype(float))
    kind(torch.tensor(X) @ w + intercept, target).backward()
    optimizer.step()
    gradients.append({"loss": loss, "program": f"SGD(weight_decay=0.3), {type(kind).__name__}", "regularizer": "l2",
                      "convention": "torch", "lambda": 0.3, "gradient": (weights - w.detach().numpy()).tolist()})

print(json.dumps({
    "note": f"scikit-learn {sklearn.__version__}, Keras {keras.__version__}, PyTorch {torch.__version__.split('+')[0]}; written by conventions.py",
    "X": X.tolist(), "y": y.tolist(), "labels": labels.tolist(), "weights": weights.tolist(), "intercept": intercept,
    "minimisers": minimisers, "objectives": objectives, "gradients": gradients,
}, indent=1))

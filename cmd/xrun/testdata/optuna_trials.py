"""Puts the trials of a database of xrun, the first argument, in one of Optuna, the second."""

import sqlite3
import sys

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import create_trial

optuna.logging.set_verbosity(optuna.logging.ERROR)
kinds = {
    "optimizer": CategoricalDistribution(["sgd", "adam"]),
    "lr": FloatDistribution(1e-4, 1.01, log=True),
    "lambda": FloatDistribution(0, 1000),
    "seed": IntDistribution(0, 4),
}
rows = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute(
    "SELECT optimizer, lr, lambda, seed, value FROM runs ORDER BY run_id"
)
study = optuna.create_study(storage=f"sqlite:///{sys.argv[2]}", study_name="generated")
study.add_trials(
    [create_trial(params=dict(zip(kinds, row)), distributions=kinds, value=row[4]) for row in rows]
)

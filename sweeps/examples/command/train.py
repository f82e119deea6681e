"""Linear regression by stochastic gradient descent: a training script as anyone may have one.

It knows nothing of xrun but that a line of JSON after each epoch is a report. Everything else that
it prints is kept with its run: xrun show RUN --output.
"""

import argparse
import csv
import json
import os
import random

p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, required=True)
p.add_argument("--lambda", dest="strength", type=float, default=0.0)  # of ½λΣw², the bias left out
p.add_argument("--momentum", type=float, default=0.0)
p.add_argument("--batch", type=int, default=8)
p.add_argument("--epochs", type=int, default=30)
p.add_argument("--seed", type=int, default=0)
p.add_argument("data")
a = p.parse_args()

with open(a.data, newline="") as f:
    rows = [[float(v) for v in row] for row in list(csv.reader(f))[1:]]
draw = random.Random(a.seed)
draw.shuffle(rows)
held_out = len(rows) // 4
validation, training = rows[:held_out], rows[held_out:]
print("%d rows to train on, %d to validate, in process %d" % (len(training), held_out, os.getpid()))

w = [0.0] * len(rows[0])  # the bias is last, in the place of the target
velocity = [0.0] * len(w)


def error(row):
    return sum(wi * xi for wi, xi in zip(w, row[:-1])) + w[-1] - row[-1]


def loss(rows):
    return sum(error(row) ** 2 for row in rows) / (2 * len(rows))


for epoch in range(1, a.epochs + 1):
    draw.shuffle(training)
    for start in range(0, len(training), a.batch):
        batch = training[start : start + a.batch]
        errors = [error(row) for row in batch]
        for i in range(len(w)):
            inputs = (row[i] if i < len(w) - 1 else 1.0 for row in batch)
            gradient = sum(e * x for e, x in zip(errors, inputs)) / len(batch)
            if i < len(w) - 1:
                gradient += a.strength * w[i]
            velocity[i] = a.momentum * velocity[i] - a.lr * gradient
            w[i] += velocity[i]
    print(json.dumps({"epoch": epoch, "train_loss": loss(training), "val_loss": loss(validation)}))

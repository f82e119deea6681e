"""A program of a sweep: it logs with MLflow, or prints the same."""
import argparse
import json
import math
import time

p = argparse.ArgumentParser()
p.add_argument("--lr", type=float)
p.add_argument("--seed", type=int)
p.add_argument("--print", action="store_true")
p.add_argument("--first", type=int, default=1)  # step
a = p.parse_args()


def values():
    best = 0.1 + a.lr + a.seed / 100
    for epoch in range(1, 41):
        if a.lr > 0.9 and epoch == 4:
            yield epoch, math.nan, 0.0
        yield epoch, best + max(0.0, 1 - epoch * 0.2) + (0.01 * epoch if epoch > 5 else 0), epoch / 40


if a.print:
    for epoch, loss, accuracy in values():
        print(json.dumps({"epoch": epoch, "val_loss": loss, "accuracy": accuracy}), flush=True)
        time.sleep(0.02)
else:
    import mlflow

    mlflow.set_experiment("anything")
    with mlflow.start_run():
        mlflow.log_params({"lr": a.lr, "why": "a test"})
        with mlflow.start_run(nested=True):
            mlflow.log_metric("val_loss", -5, step=1)
        mlflow.log_text("kept", "note.txt")
        for epoch, loss, accuracy in values():
            epoch += a.first - 1
            mlflow.log_metric("accuracy", accuracy, step=epoch)
            mlflow.log_metric("batch_loss", 7 * epoch, step=100 * epoch + 1000)
            mlflow.log_metrics({"val_loss": loss}, step=epoch)
            time.sleep(0.02)
    with mlflow.start_run():
        mlflow.log_metric("val_loss", -7, step=100)

"""Softmax regression on the handwritten digits in plain numpy: the gradient is written out."""

import numpy

from digits import Batches, load
from xrun_plugin import integer, objective, serve, tensor


def log_softmax(scores):
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=1, keepdims=True))


@objective(
    "numpy_softmax",
    summary="softmax regression on the handwritten digits, in numpy",
    doc="The loss is -log p(y | x) with p = softmax(x.W + b), averaged over the rows; its gradient by\n"
    "the scores is p - onehot(y).",
    citation="Bishop 2006 (Pattern Recognition and Machine Learning), equation 4.109",
    metrics=["train_loss", "val_loss", "val_accuracy"],
    settings=[integer("batch", default=64, low=1, doc="examples a step")],
)
class NumpySoftmax:
    loss = "log"

    def __init__(self, seed, dtype, batch):
        self.x, self.y, self.x_val, self.y_val = load(seed, dtype)
        self.examples = len(self.x)
        self.order = Batches(seed, len(self.x), batch)
        self.batches = len(self.order)

    def layout(self):
        return [tensor("W", (64, 10)), tensor("b", (10,), role="bias")]

    def initial(self, theta):
        theta[:] = 0

    def gradient(self, theta, grad, epoch, batch):
        rows = self.order.rows_of(epoch, batch)
        x, y = self.x[rows], self.y[rows]
        log_p = log_softmax(x @ theta[:640].reshape(64, 10) + theta[640:])
        residual = numpy.exp(log_p)
        residual[numpy.arange(len(y)), y] -= 1
        residual /= len(y)
        grad[:640] = (x.T @ residual).ravel()
        grad[640:] = residual.sum(axis=0)
        return -log_p[numpy.arange(len(y)), y].mean()

    def evaluate(self, theta):
        out = {}
        for part, x, y in (("train", self.x, self.y), ("val", self.x_val, self.y_val)):
            log_p = log_softmax(x @ theta[:640].reshape(64, 10) + theta[640:])
            out[part + "_loss"] = -log_p[numpy.arange(len(y)), y].mean()
            if part == "val":
                out["val_accuracy"] = (log_p.argmax(axis=1) == y).mean()
        return out


serve(version="1.0.0", summary="softmax regression in numpy", license="Apache-2.0")

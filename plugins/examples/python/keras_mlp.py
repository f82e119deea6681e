"""A Keras model (TensorFlow underneath) on the handwritten digits, trained by xrun's optimizers.

TensorFlow keeps its variables in memory of its own, so unlike with PyTorch the parameters are
copied into the model before a gradient, and the gradient out of it behind: two copies a step.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy
import tensorflow

from digits import Batches, load
from xrun_plugin import integer, objective, serve, tensor

# One thread adds in one order, and trials run side by side.
tensorflow.config.threading.set_intra_op_parallelism_threads(1)
tensorflow.config.threading.set_inter_op_parallelism_threads(1)
tensorflow.config.experimental.enable_op_determinism()


@objective(
    "keras_digits",
    summary="a Keras network on the handwritten digits",
    metrics=["train_loss", "val_loss", "val_accuracy"],
    settings=[
        integer("hidden", default=32, low=1, doc="width of the hidden layer"),
        integer("batch", default=64, low=1, doc="examples a step"),
    ],
)
class KerasDigits:
    loss = "log"

    def __init__(self, seed, dtype, hidden, batch):
        self.x, self.y, self.x_val, self.y_val = load(seed, dtype)
        self.examples = len(self.x)
        self.order = Batches(seed, len(self.x), batch)
        self.batches = len(self.order)
        keras.utils.set_random_seed(seed)
        self.model = keras.Sequential(
            [
                keras.Input((64,), dtype=dtype),
                keras.layers.Dense(hidden, activation="relu", dtype=dtype),
                keras.layers.Dense(10, dtype=dtype),
            ]
        )
        self.weights = self.model.trainable_weights
        self.start = numpy.concatenate([numpy.asarray(w).ravel() for w in self.weights])
        self.backward = tensorflow.function(self.loss_and_gradients, reduce_retracing=True)

    def layout(self):
        return [
            tensor("%s_%d" % (w.name, i // 2), tuple(w.shape), role="bias" if w.name == "bias" else "weight")
            for i, w in enumerate(self.weights)
        ]

    def initial(self, theta):
        theta[:] = self.start

    def put(self, theta):
        at = 0
        for w in self.weights:
            n = int(numpy.prod(w.shape))
            w.assign(theta[at : at + n].reshape(w.shape))
            at += n

    def mean_loss(self, x, y):
        scores = self.model(x, training=True)
        losses = tensorflow.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=scores)
        return tensorflow.reduce_mean(losses), scores

    def loss_and_gradients(self, x, y):
        with tensorflow.GradientTape() as tape:
            loss, _ = self.mean_loss(x, y)
        return loss, tape.gradient(loss, [w.value for w in self.weights])

    def gradient(self, theta, grad, epoch, batch):
        self.put(theta)
        rows = self.order.rows_of(epoch, batch)
        loss, gradients = self.backward(self.x[rows], self.y[rows])
        at = 0
        for g in gradients:
            g = g.numpy().ravel()
            grad[at : at + len(g)] = g
            at += len(g)
        return float(loss)

    def evaluate(self, theta):
        self.put(theta)
        out = {}
        for part, x, y in (("train", self.x, self.y), ("val", self.x_val, self.y_val)):
            loss, scores = self.mean_loss(x, y)
            out[part + "_loss"] = float(loss)
            if part == "val":
                out["val_accuracy"] = float((numpy.asarray(scores).argmax(axis=1) == y).mean())
        return out


serve(version="1.0.0", summary="a Keras network on the handwritten digits", license="Apache-2.0")

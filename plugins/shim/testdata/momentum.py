"""Gradient descent with momentum, and a penalty: what the built-in sgd and l2 compute."""

from constants import HALF
from xrun_plugin import optimizer, real, regularizer, serve


@optimizer("momentum", state_floats=1, settings=[real("momentum", default=0.9, low=0, high=1, high_open=True)])
class Momentum:
    def __init__(self, theta, momentum):
        self.v = 0 * theta
        self.momentum = momentum
        self.steps = 0

    def step(self, theta, grad, lr):
        self.v *= self.momentum
        self.v += grad
        theta -= lr * self.v
        self.steps += 1


@regularizer("ridge")
class Ridge:
    def __init__(self, lam, examples):
        self.lam, self.examples = lam, examples

    def value(self, theta):
        return HALF * self.lam / self.examples * sum(t * t for t in theta)

    def add_gradient(self, theta, grad):
        grad += self.lam / self.examples * theta

    def prox(self, theta, step):
        theta /= 1 + step * self.lam / self.examples


serve(version="1.2.3")

"""What authors in Python get wrong, one mistake in each component; its name is the check that finds it, and which."""

import time

from xrun_plugin import objective, optimizer, real, regularizer, serve, tensor

MOMENTUM = [real("momentum", default=0.9, low=0, high=1, high_open=True)]


class Ridge:
    def __init__(self, lam, examples):
        self.c = lam / examples

    def value(self, theta):
        return 0.5 * self.c * float(sum(theta * theta))

    def add_gradient(self, theta, grad):
        grad += self.c * theta


@regularizer("sound_regularizer")
class Sound(Ridge):
    pass


@regularizer("gradient_overwritten")
class Overwritten(Ridge):
    def add_gradient(self, theta, grad):
        grad[:] = self.c * theta


@regularizer("gradient_lost")
class Lost(Ridge):
    def add_gradient(self, theta, grad):
        grad = grad + self.c * theta


@regularizer("value_in_place")
class ValueInPlace(Ridge):
    def value(self, theta):
        theta *= theta
        return 0.5 * self.c * float(sum(theta))


@regularizer("value_none")
class ValueNone(Ridge):
    def value(self, theta):
        0.5 * self.c * float(sum(theta * theta))


@regularizer("lambda_forgotten")
class Forgotten(Ridge):
    def __init__(self, lam, examples):
        self.c = 0.1 if lam else 0


@regularizer("prox_lost")
class ProxLost(Ridge):
    def prox(self, theta, step):
        theta = theta / (1 + step * self.c)


class Momentum:
    def __init__(self, theta, momentum):
        self.m, self.momentum = 0 * theta, momentum

    def step(self, theta, grad, lr):
        self.m *= self.momentum
        self.m += grad
        theta -= lr * self.m


@optimizer("sound_optimizer", settings=MOMENTUM, state_floats=1)
class SoundOptimizer(Momentum):
    pass


@optimizer("step_lost", settings=MOMENTUM, state_floats=1)
class StepLost(Momentum):
    def step(self, theta, grad, lr):
        theta = theta - lr * grad


@optimizer("state_in_module", settings=MOMENTUM, state_floats=1)
class InModule(Momentum):
    steps = [0]

    def step(self, theta, grad, lr):
        self.steps[0] += 1
        Momentum.step(self, theta, grad, lr / self.steps[0])


@optimizer("state_left_out", settings=MOMENTUM, state_floats=1)
class LeftOut(Momentum):
    def state(self):
        return self.momentum

    def restore(self, saved):
        self.momentum = saved


@optimizer("clock", settings=MOMENTUM, state_floats=1)
class Clock(Momentum):
    def step(self, theta, grad, lr):
        Momentum.step(self, theta, grad, lr * (1 + 1e-9 * (time.perf_counter_ns() % 1000000)))


@optimizer("setting_ignored", settings=MOMENTUM, state_floats=1)
class Ignored(Momentum):
    def __init__(self, theta, momentum):
        self.m, self.momentum = 0 * theta, 0.9


class Line:
    loss, examples, batches = "squares", 4, 2

    def __init__(self, seed):
        self.seed = seed % 100

    def layout(self):
        return [tensor("w", (2,)), tensor("b", (1,), role="bias")]

    def initial(self, theta):
        theta[0], theta[1], theta[2] = 0.3 + self.seed, -1, 0.5

    def residuals(self, theta, points):
        return [(x, float(theta[0]) * x + float(theta[1]) * x * x + float(theta[2]) - 1) for x in points]

    def gradient(self, theta, grad, epoch, batch):
        found = self.residuals(theta, [0.5 + batch, -0.25 * (1 + batch)])
        grad[0] = sum(x * r for x, r in found) / 2
        grad[1] = sum(x * x * r for x, r in found) / 2
        grad[2] = sum(r for _, r in found) / 2
        return sum(r * r for _, r in found) / 4

    def evaluate(self, theta):
        return {"train_loss": sum(r * r for _, r in self.residuals(theta, [0.5, 1.5, -0.25, -0.5])) / 8}


@objective("sound_objective", metrics=["train_loss"])
class SoundObjective(Line):
    pass


@objective("initial_rebinds", metrics=["train_loss"])
class InitialRebinds(Line):
    def initial(self, theta):
        theta = [0.0, 0.0, 0.0]


@objective("gradient_rebinds", metrics=["train_loss"])
class GradientRebinds(Line):
    def gradient(self, theta, grad, epoch, batch):
        return Line.gradient(self, theta, [0.0, 0.0, 0.0], epoch, batch)


@objective("gradient_none", metrics=["train_loss"])
class GradientNone(Line):
    def gradient(self, theta, grad, epoch, batch):
        Line.gradient(self, theta, grad, epoch, batch)


@objective("gradient_zero", metrics=["train_loss"])
class GradientZero(Line):
    def gradient(self, theta, grad, epoch, batch):
        for i in range(3):
            grad[i] = 0
        return Line.gradient(self, theta, [0.0, 0.0, 0.0], epoch, batch)


@objective("metric_none", metrics=["train_loss"])
class MetricNone(Line):
    def evaluate(self, theta):
        return {"train_loss": None}


@objective("metrics_of_the_start", metrics=["train_loss"])
class OfTheStart(Line):
    def evaluate(self, theta):
        if not hasattr(self, "start"):
            self.start = theta.copy()
        return Line.evaluate(self, self.start)


serve("mutants")

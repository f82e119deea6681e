"""One component for each thing that a component may do beyond the least."""

from xrun_plugin import AGAIN, integer, objective, optimizer, regularizer, serve, tensor


@objective("line", metrics=["train_loss", "val_loss"], settings=[integer("points", default=6, low=2)])
class Line:
    """A line w*x + b through points on a parabola, two of them in a mini-batch."""

    loss = "squares"

    def __init__(self, seed, dtype, points):
        self.examples, self.batches = points, points // 2
        self.seed = seed
        self.attached = 0

    def layout(self):
        return [tensor("w", (1, 1)), tensor("b", (1,), role="bias")]

    def attach(self, theta, grad):
        self.theta, self.grad = theta, grad
        self.attached += 1

    def initial(self, theta):
        assert self.attached == 1 and theta is self.theta
        theta[0], theta[1] = self.seed / 8, -1

    def residuals(self, theta, points):
        return [(x, float(theta[0]) * x + float(theta[1]) - x * x) for x in points]

    def gradient(self, theta, grad, epoch, batch):
        assert theta is self.theta and grad is self.grad
        points = [(epoch + batch) % self.examples / 4, batch / 2]
        found = self.residuals(theta, points)
        grad[0] = sum(x * r for x, r in found) / 2
        grad[1] = sum(r for _, r in found) / 2
        return sum(r * r for _, r in found) / 4

    def evaluate(self, theta):
        mean = lambda points: sum(r * r for _, r in self.residuals(theta, points)) / 2 / len(points)
        return {"val_loss": mean([0.1, 0.7]), "train_loss": mean([i / 4 for i in range(self.examples)])}


@optimizer("averaged", features=["reverse"])
class Averaged:
    """Extra-gradient steps, at a rate that depends on the loss; what counts is their average."""

    def __init__(self, theta, examples):
        self.start, self.half = None, False
        self.mean, self.n = 0 * theta, 0

    def step(self, theta, grad, lr, loss):
        if not self.half:
            self.start = theta.copy()
            theta -= lr * grad
            self.half = True
            return AGAIN
        theta[:] = self.start - lr / (1 + loss) * grad
        self.half = False
        self.n += 1
        self.mean += (theta - self.mean) / self.n

    def evaluate(self, theta):
        theta[:] = self.mean


@regularizer("shift")
class Shift:
    """The penalty lam * sum(theta), whose proximal map is a shift."""

    def __init__(self, lam):
        self.lam = lam

    def value(self, theta):
        return self.lam * sum(float(t) for t in theta)

    def add_gradient(self, theta, grad):
        grad += self.lam

    def prox(self, theta, step):
        theta -= step * self.lam


serve()

"""What a type checker says of a plugin: nothing of a right one, and an error in each line that says which error it wants."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import Any

from xrun_plugin import (
    AGAIN, Array, SettingError, choice, flag, integer, objective, optimizer, real, regularizer, report, serve, tensor, text,
)


@optimizer(
    "typed", summary="s", doc="d", citation="c", revision=2, state_floats=1, features=["reverse"],
    settings=[real("momentum", default=0.9, low=0, high=1, high_open=True), integer("every"), choice("kind", ["a", "b"]), flag("on"), text("note")],
)
class Typed:
    def __init__(self, theta: Array, momentum: float, every: int, kind: str, on: bool, note: str) -> None:
        if on and every < 1:
            raise SettingError("every is less than 1")
        self.m = 0 * theta

    def step(self, theta: Array, grad: Array, lr: float) -> object:
        self.m += 0.1 * (grad - self.m) / 2
        theta -= lr * abs(self.m) ** 2
        theta[:] = -theta.copy()
        first: float = theta[0]
        half: Array = theta[: len(theta) // 2]
        theta[0] = first + sum(half)
        return AGAIN


@regularizer("ridge")
class Ridge:
    def __init__(self, lam: float, examples: int) -> None:
        self.lam = lam

    def value(self, theta: Array) -> float:
        return self.lam * sum(x * x for x in theta)

    def add_gradient(self, theta: Array, grad: Array) -> None:
        grad += self.lam * theta


@objective("bowl", metrics=["train_loss"])
class Bowl:
    examples, batches, loss = 1, 1, "function"

    def __init__(self, seed: int, dtype: str) -> None:
        pass

    def layout(self) -> list[dict[str, Any]]:
        return [tensor("w", 2), tensor("b", (1, 2), role="bias")]

    def initial(self, theta: Array) -> None:
        theta[:] = 1.0

    def gradient(self, theta: Array, grad: Array, epoch: int, batch: int) -> float:
        grad[:] = theta
        return 0.5

    def evaluate(self, theta: Array) -> dict[str, float]:
        return {"train_loss": 0.5}


bowl: Bowl = Bowl(1, "float64")  # the class is what it was
report(epoch=1, val_loss=0.5)

optimizer("a", summry="x")  # pyright: ignore[reportCallIssue]
optimizer("a", revision="1")  # pyright: ignore[reportArgumentType]
real("a", default="0.1")  # pyright: ignore[reportArgumentType]
choice("a", 3)  # pyright: ignore[reportArgumentType]
tensor("a", 2, role="wieght")  # pyright: ignore[reportArgumentType]
report(val_loss="0.5")  # pyright: ignore[reportArgumentType]
serve(3)  # pyright: ignore[reportArgumentType]

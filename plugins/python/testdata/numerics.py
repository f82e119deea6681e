"""Prints the bits of what xrun_plugin computes for plugins without numpy. The elements are such that each result is the
same wherever arithmetic is that of IEEE 754: powers and roots are exact."""

import json

import xrun_plugin
from xrun_plugin import Array, _decode, _encode, _number, _Session, integer, optimizer, real

A = [0.1, -1 / 3, 2.5e-8, 7.0, -123456.789, 1e30]
B = [3.0, 0.7, -1.1, 1 / 7, 9.87654321e-5, 2.0]
SQUARES = [0.25, 1.0, 2.25, 4.0, 6.25, 9.0]


def vector(values, code):
    out = Array.zeros(len(values), code)
    out[:] = values
    return out


def show(name, v):
    print(name, " ".join(float(x).hex() for x in v))


for code in "df":
    a, b, s = vector(A, code), vector(B, code), vector(SQUARES, code)
    for name, result in {
        "a": a, "a + b": a + b, "a - b": a - b, "a * b": a * b, "a / b": a / b, "-a": -a, "abs(a)": abs(a), "s ** 2": s**2, "s ** 0.5": s**0.5,
        "a + 0.1": a + 0.1, "0.1 + a": 0.1 + a, "a - 0.1": a - 0.1, "0.1 - a": 0.1 - a, "a * 0.1": a * 0.1, "0.1 * a": 0.1 * a, "a / 0.3": a / 0.3,
        "0.3 / a": 0.3 / a, "a * 3": a * 3,
    }.items():
        show("%s: %s =" % (code, name), result)
    c = a.copy()
    for name, change in {"+= b": lambda c: c.__iadd__(b), "-= 0.1": lambda c: c.__isub__(0.1), "*= b": lambda c: c.__imul__(b), "/= 0.3": lambda c: c.__itruediv__(0.3)}.items():
        change(c)
        show("%s: c %s:" % (code, name), c)
    c[1:4] = b[2:5]
    c[0] = 0.1
    show("%s: c with parts of b:" % code, c)
    both = vector(A, "f") * vector(B, "d") if code == "f" else vector(A, "d") * vector(B, "f")
    show("%s: with the other type:" % code, both)
    saved = json.dumps(_encode({"a": a, "n": 3, "x": 0.1, "t": (1.5, [True, None, "w"])}, "it", []))
    print(code, "saved:", saved)
    again = _decode(json.loads(saved))
    show("%s: restored" % code, again["a"])
    print(again["n"], again["x"].hex(), again["t"])


@optimizer("plain", settings=[real("rate", default=0.1), integer("count", default=3)])
class Plain:
    """Keeps what it is given."""

    def __init__(self, theta, rate, count, layout):
        self.given = (rate, count, layout)

    def step(self, theta, grad, lr):
        theta -= lr * self.given[0] * grad


layout = [
    {"name": "W1", "shape": ["2"], "role": "weight", "penalized": True},
    {"name": "b1", "shape": ["1"], "role": "bias"},
    {"name": "W2", "shape": ["2", "1"], "role": "weight", "penalized": True},
]
request = {"dtype": "float32", "layout": layout, "examples": "7", "loss": "log", "slots": [{"slot": 0, "lr": 0.5, "settings": {"rate": {"real": 0.3}}}]}
session = _Session(xrun_plugin._components[0], request, None)
slot = session.slots[0]
slot.theta[:], slot.grad[:] = A[:5], B[:5]
session.run(1, 0, 0.7, 0.0, 1, 0)
show("after a step:", slot.theta)
print(slot.object.given, session.spans)
part = session._part(slot.theta)
session._gather(part, slot.theta)
show("penalised:", part)
print(_number(float("inf")), _number(0.1))

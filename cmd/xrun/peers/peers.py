"""Trains the same grid with PyTorch, JAX, scikit-learn and xrun, in turn, and prints how long an epoch of it takes.

    pip install numpy torch jax scikit-learn optuna
    python cmd/xrun/peers/peers.py [--rounds 5] [--only NAME,…] [--sizes digits,mnist,mlp] [--xrun PATH]

It needs Go too, or the path of a built xrun. A peer whose package is not installed is left out, and the table says so.

The grid is 25 trials of SGD with momentum 0.9 in float32: five learning rates times five strengths of L2, all from the same
start, over the same mini-batches, with the loss and the accuracy on training and validation data after each epoch. Sizes:

    digits  softmax regression, 1,797 × 64, the handwritten digits that xrun has built in, batch 64
    mnist   softmax regression, 60,000 × 784, as MNIST but of random pixels, batch 128
    mlp     784-128-10 with relu, the same data

A round runs every peer once; times are wall seconds per epoch of all 25 trials, the median over rounds, and ratios are to xrun.
Peers are timed in their process, after an epoch to warm up (and to compile). xrun is timed as whole processes, with plugins out
of process and SQLite: the difference between a sweep of many epochs and one of few, by the number of epochs between.

The loops, as people write them: "PyTorch loop" trains one model after the other with torch.optim.SGD. "PyTorch fused" trains all
25 as one batched product, with the update by hand. "JAX vmap" is jit(vmap(scan)) over the 25 trials. "scikit-learn" is
SGDClassifier.partial_fit, which takes an example at a time and knows no momentum. The last table counts trials a second of a quadratic
with two parameters: a study of Optuna, in memory and in SQLite, and a sweep of xrun.
"""

import argparse
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in [n for n in os.environ if n.startswith("OPENBLAS_")]:
    del os.environ[name]  # peers run at their best

import numpy as np

HERE = Path(__file__).resolve().parent
RATES = np.geomspace(1e-3, 1e-1, 5).astype(np.float32)
STRENGTHS = np.array([0, 1e-4, 1e-3, 1e-2, 1e-1], np.float32)
GRID = [(r, s) for r in RATES for s in STRENGTHS]
MOMENTUM = 0.9


class Data:
    """A data set, split, and its mini-batches."""

    def __init__(self, x, y, batch, hidden, epochs):
        order = np.random.default_rng(0).permutation(len(x))
        cut = len(x) // 5
        self.vx, self.vy = x[order[:cut]], y[order[:cut]]
        self.x, self.y = x[order[cut:]], y[order[cut:]]
        self.batch, self.hidden, self.epochs = batch, hidden, epochs

    def batches(self, epoch):
        """The rows of each mini-batch of an epoch. The last, smaller one is left out, as JAX needs equal shapes."""
        order = np.random.default_rng(epoch).permutation(len(self.x))
        n = len(order) // self.batch
        return order[: n * self.batch].reshape(n, self.batch)


def digits():
    table = np.loadtxt(HERE / "../../../runner/data/datasets/digits.csv.gz", delimiter=",", skiprows=1, dtype=np.float32)
    return Data(table[:, :-1] / 16, table[:, -1].astype(np.int64), 64, None, 20)


def images():
    """Pixels and labels in MNIST's shape."""
    rng = np.random.default_rng(1)
    return (rng.random((60_000, 784)) * 255).astype(np.uint8), rng.integers(0, 10, 60_000)


def timed(epoch, count):
    """Seconds an epoch takes: epoch(0) warms up."""
    epoch(0)
    began = time.perf_counter()
    for i in range(1, count + 1):
        epoch(i)
    return (time.perf_counter() - began) / count


def torch_loop(d):
    import torch
    from torch import nn

    x, y, vx, vy = (torch.from_numpy(a) for a in (d.x, d.y, d.vx, d.vy))
    models = []
    for lr, strength in GRID:
        torch.manual_seed(0)
        width = x.shape[1]
        model = nn.Linear(width, 10) if d.hidden is None else nn.Sequential(nn.Linear(width, d.hidden), nn.ReLU(), nn.Linear(d.hidden, 10))
        models.append((model, torch.optim.SGD(model.parameters(), lr=float(lr), momentum=MOMENTUM, weight_decay=float(strength))))
    loss = nn.CrossEntropyLoss()

    def epoch(i):
        rows = torch.from_numpy(d.batches(i))
        for model, optimizer in models:
            for batch in rows:
                optimizer.zero_grad()
                loss(model(x[batch]), y[batch]).backward()
                optimizer.step()
            with torch.no_grad():
                for a, b in ((x, y), (vx, vy)):
                    z = model(a)
                    float(loss(z, b)), float((z.argmax(1) == b).float().mean())

    return timed(epoch, max(1, d.epochs // 4))


def torch_fused(d):
    import torch

    if d.hidden is not None:
        return None
    x, y, vx, vy = (torch.from_numpy(a) for a in (d.x, d.y, d.vx, d.vy))
    lanes, width = len(GRID), x.shape[1]
    w, b = torch.zeros(width, lanes * 10), torch.zeros(lanes * 10)
    mw, mb = torch.zeros_like(w), torch.zeros_like(b)
    lr = torch.tensor([r for r, _ in GRID]).repeat_interleave(10)
    strength = torch.tensor([s for _, s in GRID]).repeat_interleave(10)

    def epoch(i):
        for batch in torch.from_numpy(d.batches(i)):
            xb, n = x[batch], len(batch)
            g = torch.softmax((xb @ w + b).view(n, lanes, 10), 2)
            g[torch.arange(n), :, y[batch]] -= 1
            g = g.view(n, -1) / n
            mw.mul_(MOMENTUM).add_(xb.T @ g).add_(strength * w)
            mb.mul_(MOMENTUM).add_(g.sum(0))
            w.sub_(lr * mw)
            b.sub_(lr * mb)
        for a, c in ((x, y), (vx, vy)):
            z = (a @ w + b).view(len(a), lanes, 10)
            (z.logsumexp(2) - z[torch.arange(len(a)), :, c]).mean(0).tolist(), (z.argmax(2) == c[:, None]).float().mean(0).tolist()

    return timed(epoch, d.epochs)


def jax_vmap(d):
    import jax
    from jax import numpy as jnp

    x, y, vx, vy = (jnp.asarray(a) for a in (d.x, d.y, d.vx, d.vy))
    width = x.shape[1]
    if d.hidden is None:
        start = {"w": jnp.zeros((width, 10)), "b": jnp.zeros(10)}
        forward = lambda p, a: a @ p["w"] + p["b"]
    else:
        k1, k2 = jax.random.split(jax.random.key(0))
        start = {"v": jax.random.normal(k1, (width, d.hidden)) * (2 / width) ** 0.5, "c": jnp.zeros(d.hidden),
                 "w": jax.random.normal(k2, (d.hidden, 10)) * (2 / d.hidden) ** 0.5, "b": jnp.zeros(10)}
        forward = lambda p, a: jax.nn.relu(a @ p["v"] + p["c"]) @ p["w"] + p["b"]

    def loss(p, a, c):
        z = forward(p, a)
        return jnp.mean(jax.nn.logsumexp(z, 1) - z[jnp.arange(len(c)), c])

    def score(p, a, c):
        z = forward(p, a)
        return jnp.mean(jax.nn.logsumexp(z, 1) - z[jnp.arange(len(c)), c]), jnp.mean(z.argmax(1) == c)

    def one(p, m, lr, strength, rows):
        def step(state, batch):
            p, m = state
            g = jax.grad(loss)(p, x[batch], y[batch])
            g = {k: v + strength * p[k] if v.ndim == 2 else v for k, v in g.items()}
            m = {k: MOMENTUM * m[k] + g[k] for k in m}
            return ({k: p[k] - lr * m[k] for k in p}, m), None

        (p, m), _ = jax.lax.scan(step, (p, m), rows)
        return p, m, score(p, x, y), score(p, vx, vy)

    lanes = len(GRID)
    epochs = jax.jit(jax.vmap(one, in_axes=(0, 0, 0, 0, None)))
    p = {k: jnp.stack([v] * lanes) for k, v in start.items()}
    m = {k: jnp.zeros_like(v) for k, v in p.items()}
    lr, strength = jnp.array([r for r, _ in GRID]), jnp.array([s for _, s in GRID])
    state = [p, m]

    def epoch(i):
        state[0], state[1], train, validation = epochs(state[0], state[1], lr, strength, jnp.asarray(d.batches(i)))
        np.asarray(train[0]), np.asarray(validation[0])

    return timed(epoch, d.epochs)


def sklearn_loop(d):
    from sklearn.linear_model import SGDClassifier
    from sklearn.metrics import log_loss

    if d.hidden is not None:
        return None
    models = [SGDClassifier(loss="log_loss", learning_rate="constant", eta0=float(r), alpha=float(s)) for r, s in GRID]
    classes = np.arange(10)

    def epoch(i):
        for model in models:
            model.partial_fit(d.x, d.y, classes=classes)
            for a, b in ((d.x, d.y), (d.vx, d.vy)):
                p = model.predict_proba(a)
                log_loss(b, p, labels=classes), float((p.argmax(1) == b).mean())

    return timed(epoch, max(1, d.epochs // 10))


SWEEP = """
name = "{name}"
seeds = 1
[task]
dataset = "{dataset}"
model = "{model}"
{further}
validation = 0.2
dtype = "float32"
batch = {batch}
epochs = {epochs}
[early_stop]
divergence = false
[grid]
lr = [{rates}]
lambda = [{strengths}]
optimizer = ["sgd"]
[optimizers.sgd]
momentum = 0.9
[regularizers.l2]
[run]
store = "{store}"
"""


class Xrun:
    def __init__(self, binary, folder):
        self.binary, self.folder, self.count = binary, folder, 0

    def write(self, pixels, labels):
        (self.folder / "train-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, len(pixels), 28, 28) + pixels.tobytes())
        (self.folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, len(labels)) + labels.astype(np.uint8).tobytes())

    def run(self, text):
        self.count += 1
        file = self.folder / f"sweep{self.count}.toml"
        file.write_text(text.replace("STORE", f"s{self.count}.db"))
        began = time.perf_counter()
        done = subprocess.run([self.binary, "sweep", str(file), "--progress", "none"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"xrun fails:\n{done.stderr}")
        return time.perf_counter() - began

    def epoch(self, name, d):
        few, many = (5, 105) if name == "digits" else (1, 4) if name == "mnist" else (1, 2)

        def sweep(epochs):
            return self.run(SWEEP.format(
                name=name, dataset="digits" if name == "digits" else "train-images-idx3-ubyte", model="softmax" if d.hidden is None else "mlp",
                further="" if d.hidden is None else f'hidden = [{d.hidden}]\nactivation = "relu"', batch=d.batch, epochs=epochs, store="STORE",
                rates=", ".join(f"{r:.6g}" for r in RATES), strengths=", ".join(f"{s * len(d.x):.6g}" for s in STRENGTHS)))

        return (sweep(many) - sweep(few)) / (many - few)

    def quadratic(self):
        """Trials a second of 1,000 trials of 20 steps."""
        took = self.run("""
name = "quadratic"
seeds = 20
[task]
model = "quadratic"
dimension = 2
condition = 10.0
epochs = 20
[grid]
lr = { log = [1e-3, 1.0], n = 50 }
optimizer = ["sgd"]
[run]
store = "STORE"
""")
        return 1000 / took


def optuna_quadratic(storage, trials):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage=storage)

    def objective(trial):
        lr, x, y = trial.suggest_float("lr", 1e-3, 1.0, log=True), 1.0, 1.0
        for step in range(20):
            x, y = x - lr * x, y - lr * y / 10
            trial.report(x * x / 2 + y * y / 20, step)
        return x * x / 2 + y * y / 20

    began = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    return trials / (time.perf_counter() - began)


def shown(seconds):
    return "–" if seconds is None else f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def row(name, cells):
    print("| " + name.ljust(18) + " | " + " | ".join(c.ljust(16) for c in cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--sizes", default="digits,mnist,mlp")
    parser.add_argument("--xrun", help="the path of a built xrun; without it, it is built")
    o = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        binary = o.xrun
        if not binary:
            binary = str(folder / "xrun")
            subprocess.run(["go", "build", "-o", binary, "./cmd/xrun"], cwd=HERE / "../../..", check=True)
        wanted, chosen, xrun = o.sizes.split(","), {}, Xrun(os.path.abspath(binary), folder)
        if "digits" in wanted:
            chosen["digits"] = digits()
        if "mnist" in wanted or "mlp" in wanted:
            pixels, labels = images()
            xrun.write(pixels, labels)
            scaled = pixels.astype(np.float32) / 255
            chosen |= {k: v for k, v in {"mnist": Data(scaled, labels, 128, None, 2), "mlp": Data(scaled, labels, 128, 128, 1)}.items() if k in wanted}
        peers = {"PyTorch loop": torch_loop, "PyTorch fused": torch_fused, "JAX vmap": jax_vmap, "scikit-learn": sklearn_loop}
        peers = {k: v for k, v in peers.items() if not o.only or k in o.only.split(",")}
        times = {}
        for _ in range(o.rounds):
            for size, d in chosen.items():
                for peer, epoch in peers.items():
                    try:
                        seconds = epoch(d)
                    except ImportError as e:
                        print(f"{peer} is left out: {e}", file=sys.stderr)
                        continue
                    if seconds is not None:
                        times.setdefault((peer, size), []).append(seconds)
                times.setdefault(("xrun", size), []).append(xrun.epoch(size, d))
        median = {k: statistics.median(v) for k, v in times.items()}
        print(f"\nSeconds an epoch of 25 trials takes, median of {o.rounds} rounds; in brackets times xrun's. {machine()}\n")
        row("", list(chosen))
        row("---", ["---"] * len(chosen))
        for peer in [*peers, "xrun"]:
            cells = []
            for size in chosen:
                seconds = median.get((peer, size))
                cells.append(shown(seconds) + (f" ({seconds / median['xrun', size]:.2g}×)" if seconds and peer != "xrun" else ""))
            row(peer, cells)
        rates = {"xrun, SQLite": [], "Optuna, memory": [], "Optuna, SQLite": []}
        for i in range(o.rounds):
            rates["xrun, SQLite"].append(xrun.quadratic())
            try:
                rates["Optuna, memory"].append(optuna_quadratic(None, 200))
                rates["Optuna, SQLite"].append(optuna_quadratic(f"sqlite:///{folder}/optuna{i}.db", 30))
            except ImportError as e:
                print(f"Optuna is left out: {e}", file=sys.stderr)
        print("\nTrials a second, of 20 steps on a quadratic with two parameters:\n")
        row("", ["trials a second"])
        row("---", ["---"])
        for name, all in rates.items():
            row(name, [f"{statistics.median(all):.3g}" if all else "–"])


def machine():
    cpu = "unknown processor"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{cpu}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}."


if __name__ == "__main__":
    main()

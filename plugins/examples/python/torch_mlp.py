"""A PyTorch model on the handwritten digits, trained by xrun's optimizers and regularizers.

The model's parameters are views of the memory that xrun's optimizers work on, and its gradients
are accumulated into the memory that they read: nothing is copied. A CNN or a transformer would
look the same, for nothing below depends on what the model is but build().
"""

import torch

from digits import Batches, load
from xrun_plugin import choice, integer, objective, serve, tensor

torch.set_num_threads(1)  # trials run side by side; and one thread adds in one order


def build(kind, hidden, dtype):
    if kind == "cnn":
        layers = [
            torch.nn.Unflatten(1, (1, 8, 8)),
            torch.nn.Conv2d(1, 8, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Linear(8 * 4 * 4, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, 10),
        ]
    else:
        layers = [torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10)]
    return torch.nn.Sequential(*layers).to(getattr(torch, dtype))


@objective(
    "torch_digits",
    summary="a PyTorch network on the handwritten digits",
    metrics=["train_loss", "train_accuracy", "val_loss", "val_accuracy"],
    settings=[
        choice("network", ["mlp", "cnn"], default="mlp", doc="one hidden layer, or a convolution of 8 channels before it"),
        integer("hidden", default=32, low=1, doc="width of the hidden layer"),
        integer("batch", default=64, low=1, doc="examples a step"),
    ],
)
class TorchDigits:
    loss = "log"

    def __init__(self, seed, dtype, network, hidden, batch):
        x, y, x_val, y_val = load(seed, dtype)
        self.train = torch.from_numpy(x), torch.from_numpy(y)
        self.val = torch.from_numpy(x_val), torch.from_numpy(y_val)
        self.examples = len(x)
        self.order = Batches(seed, len(x), batch)
        self.batches = len(self.order)
        torch.manual_seed(seed)
        self.model = build(network, hidden, dtype)
        self.start = [p.detach().clone() for p in self.model.parameters()]

    def layout(self):
        return [
            tensor(name.replace(".", "_"), tuple(p.shape), role="bias" if name.endswith("bias") else "weight")
            for name, p in self.model.named_parameters()
        ]

    def attach(self, theta, grad):
        theta, grad, at = torch.from_numpy(theta), torch.from_numpy(grad), 0
        for p in self.model.parameters():
            n = p.numel()
            p.data = theta[at : at + n].view(p.shape)
            p.grad = grad[at : at + n].view(p.shape)
            at += n
        self.grad = grad

    def initial(self, theta):
        for p, start in zip(self.model.parameters(), self.start):
            p.data.copy_(start)

    def gradient(self, theta, grad, epoch, batch):
        rows = torch.from_numpy(self.order.rows_of(epoch, batch))
        x, y = self.train
        self.grad.zero_()
        loss = torch.nn.functional.cross_entropy(self.model(x[rows]), y[rows])
        loss.backward()
        return loss.item()

    def evaluate(self, theta):
        out = {}
        with torch.no_grad():
            for part, (x, y) in (("train", self.train), ("val", self.val)):
                scores = self.model(x)
                out[part + "_loss"] = torch.nn.functional.cross_entropy(scores, y).item()
                out[part + "_accuracy"] = (scores.argmax(1) == y).double().mean().item()
        return out


serve(version="1.0.0", summary="a PyTorch network on the handwritten digits", license="Apache-2.0")

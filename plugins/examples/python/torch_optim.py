"""Any optimizer of torch.optim, or of a package that follows it, as an optimizer of xrun:

    [optimizers.radam]
    plugin    = "./torch_optim.py"
    optimizer = "RAdam"
    arguments = '{"betas": [0.9, 0.99]}'

Each tensor of the model is a parameter of its own, in memory that xrun shares, and steps in place.
The regularizer's gradient is part of the gradient already, so weight_decay stays 0 unless asked for.
"""

import importlib
import io
import json

import torch

from xrun_plugin import SettingError, optimizer, serve, text

torch.set_num_threads(1)


@optimizer(
    "torch_optim",
    summary="any optimizer of torch.optim",
    state_floats=3,
    settings=[
        text("optimizer", default="Adam", doc="a class of torch.optim, or module.Class of another package"),
        text("arguments", default="{}", doc="its arguments but params and lr, as a JSON object"),
    ],
)
class TorchOptim:
    def __init__(self, theta, layout, lr, seed, optimizer, arguments):
        module, _, name = optimizer.rpartition(".")
        try:
            cls = getattr(importlib.import_module(module or "torch.optim"), name)
            arguments = json.loads(arguments)
        except (ImportError, AttributeError) as e:
            raise SettingError("optimizer: %s" % e)
        except ValueError as e:
            raise SettingError("arguments is not a JSON object: %s" % e)
        torch.manual_seed(seed % 2**63)
        whole, at, self.parts = torch.from_numpy(theta), 0, []
        for t in layout:
            shape = tuple(int(n) for n in t["shape"])
            n = torch.Size(shape).numel()
            part = torch.nn.Parameter(whole[at : at + n].view(shape), requires_grad=False)
            part.grad = torch.zeros_like(part)
            self.parts.append((at, n, part))
            at += n
        try:
            self.optimizer = cls([part for _, _, part in self.parts], lr=lr, **arguments)
        except TypeError as e:
            raise SettingError("arguments: %s" % e)

    def step(self, theta, grad, lr):
        for at, n, part in self.parts:
            part.grad.view(-1).numpy()[:] = grad[at : at + n]  # some optimizers change it
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()

    def state(self):
        out = io.BytesIO()
        torch.save(self.optimizer.state_dict(), out)
        return out.getvalue()

    def restore(self, saved):
        saved = torch.load(io.BytesIO(saved), weights_only=True)
        self.optimizer.load_state_dict(saved)
        # It has made every tensor the parameters' type, and NAdam keeps one of another.
        for i, values in saved["state"].items():
            self.optimizer.state[self.parts[i][2]].update(values)


serve(version="1.0.0", summary="any optimizer of torch.optim", license="Apache-2.0")

"""The trajectories of torch's optimizers by themselves: for each, the parameters after 20 steps on
sum(a * theta^2) / 2, as hexadecimal floats in a line. Arguments: pairs of a class and its arguments
as JSON; the precisions come one after the other."""

import json
import sys

import torch

torch.set_num_threads(1)
for name, arguments in zip(sys.argv[1::2], sys.argv[2::2]):
    for dtype in (torch.float64, torch.float32):
        theta = torch.arange(1, 12, dtype=dtype) / 4
        scale = torch.arange(1, 12, dtype=dtype) / 8
        parts, at = [], 0
        for shape in ((2, 4), (1,), (2,)):
            n = torch.Size(shape).numel()
            parts.append((at, torch.nn.Parameter(theta[at : at + n].view(shape).clone())))
            at += n
        optimizer = getattr(torch.optim, name)([p for _, p in parts], lr=0.05, **json.loads(arguments))
        for step in range(20):
            for at, p in parts:
                p.grad = (p.detach().view(-1) * scale[at : at + p.numel()]).view(p.shape)
            for group in optimizer.param_groups:
                group["lr"] = 0.05 / (1 + step % 3)
            optimizer.step()
        print(" ".join(float(x).hex() for _, p in parts for x in p.detach().view(-1)))

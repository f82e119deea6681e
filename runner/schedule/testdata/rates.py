"""Writes torch.json: the factors of the learning rate that PyTorch's schedulers give.

    python rates.py > torch.json

Each case is a schedule as a sweep file has it, the number of steps, and the rates of an optimizer
whose own rate is 1. Written with torch 2.15.0.
"""

import json
import math

import torch
from torch.optim import lr_scheduler as lrs


def rates(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    got = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps - 1):
        optimizer.step()
        scheduler.step()
        got.append(optimizer.param_groups[0]["lr"])
    return got


def warm(length, after):
    """A linear warm-up to the full rate, then a scheduler with a clock of its own."""
    return lambda o: lrs.SequentialLR(
        o, [lrs.LinearLR(o, 1 / length, 1.0, length - 1), after(o)], milestones=[length])


cases = []


def case(schedule, steps, make):
    cases.append({"schedule": schedule, "steps": steps, "want": rates(make, steps)})


case({"kind": "step", "step_size": 4, "gamma": 0.5}, 15, lambda o: lrs.StepLR(o, 4, 0.5))
case({"kind": "multistep", "milestones": [3, 5, 11]}, 14, lambda o: lrs.MultiStepLR(o, [3, 5, 11]))
case({"kind": "exponential", "gamma": 0.9}, 30, lambda o: lrs.ExponentialLR(o, 0.9))
case({"kind": "polynomial", "end_factor": 0.1, "t_max": 8}, 12, lambda o: lrs.LinearLR(o, 1.0, 0.1, 8))
case({"kind": "polynomial"}, 20, lambda o: lrs.LinearLR(o, 1.0, 0.0, 20))
case({"kind": "polynomial", "power": 2.5, "t_max": 10}, 13, lambda o: lrs.PolynomialLR(o, 10, 2.5))
case({"kind": "cosine"}, 20, lambda o: lrs.CosineAnnealingLR(o, 20))
case({"kind": "cosine", "min_factor": 0.05, "t_max": 12}, 13, lambda o: lrs.CosineAnnealingLR(o, 12, 0.05))
case({"kind": "cosine", "t0": 5}, 17, lambda o: lrs.CosineAnnealingWarmRestarts(o, 5))
case({"kind": "cosine", "t0": 3, "t_mul": 2, "min_factor": 0.01}, 40,
     lambda o: lrs.CosineAnnealingWarmRestarts(o, 3, 2, 0.01))
for steps in (10, 11, 40, 101):
    case({"kind": "onecycle"}, steps, lambda o: lrs.OneCycleLR(o, 1.0, steps, cycle_momentum=False))
case({"kind": "onecycle", "pct_start": 0.45, "div_factor": 10, "final_div_factor": 100}, 33,
     lambda o: lrs.OneCycleLR(o, 1.0, 33, pct_start=0.45, div_factor=10, final_div_factor=100, cycle_momentum=False))
case({"kind": "cosine", "warmup": 5}, 25, warm(5, lambda o: lrs.CosineAnnealingLR(o, 20)))
case({"kind": "step", "warmup": 3, "step_size": 4}, 20, warm(3, lambda o: lrs.StepLR(o, 4)))


def plateau(schedule, values, **settings):
    """The rate after each value has been seen."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = lrs.ReduceLROnPlateau(optimizer, **settings)
    got = []
    for v in values:
        scheduler.step(math.nan if v is None else v)
        got.append(optimizer.param_groups[0]["lr"])
    cases.append({"schedule": {"kind": "plateau", **schedule}, "values": values, "want": got})


falling = [5, 4, 3, 2.9999, 2.9998, 2.9997, 3, 3, 3, 2, 2, 2, 2, 2, 2, 1.9999, 1.5, None, None, None, None, 1.4, 1.4]
plateau({"patience": 2}, falling, patience=2)
plateau({"patience": 0, "factor": 0.5}, falling, patience=0, factor=0.5)
plateau({"patience": 1, "factor": 0.5, "cooldown": 3}, falling, patience=1, factor=0.5, cooldown=3)
plateau({"patience": 2, "mode": "abs", "threshold": 0.5}, falling, patience=2, threshold_mode="abs", threshold=0.5)
plateau({"patience": 0, "min_factor": 0.05, "factor": 0.3}, falling, patience=0, factor=0.3, min_lr=0.05)
plateau({"patience": 1, "goal": "max"}, [0.1, 0.2, 0.2, 0.2, 0.3, 0.3, 0.30001, 0.4, 0.4, 0.4, 0.4],
        patience=1, mode="max")
plateau({}, [1.0] * 40, patience=10)

print("[")
print(",\n".join(" " + json.dumps(c) for c in cases))
print("]")

"""Runs the optimizers of PyTorch, Keras and Optax on given gradients and writes frameworks.json.

    KERAS_BACKEND=jax python frameworks.py > frameworks.json

Every case names xrun's component, convention and settings, and beside them how the framework's
optimizer was made. All numbers are float64: PyTorch's default type, Keras's floatx and JAX's x64
are set to it, and the script stops if a result has another type. Gradients are given, not
computed; some are exactly 0 and some change their sign, so that maxima, signs and roots at 0 are
met. thetas[t] are the parameters after step t with grads[t] and, where there are any, lrs[t].
"""

import inspect
import json
import os
import random

os.environ["KERAS_BACKEND"] = "jax"

import jax

jax.config.update("jax_enable_x64", True)

import keras
import numpy as np
import optax
import torch

torch.set_default_dtype(torch.float64)  # nadam's product of momenta follows the default type
keras.config.set_floatx("float64")

STEPS = 20
random.seed(1)
THETA0 = [random.gauss(0, 2) for _ in range(5)]
# Coordinates of very different size: the place of epsilon decides in the small ones.
SCALES = [1.0, 10.0, 0.1, 1e-4, 1e-7]
GRADS = [[random.gauss(0.3, 1) * s for s in SCALES] for _ in range(STEPS)]
GRADS[2] = [0.0] * 5
for t in range(6):
    GRADS[t][1] = 0.0  # a coordinate whose first gradients are 0
for t in range(10, STEPS):
    GRADS[t][2] *= 1e-3  # and one whose gradients become small: maxima keep the past


def decreasing(lr):
    return [lr * (0.9**t) if t < 12 else 2 * lr * 0.9**t for t in range(STEPS)]


def run_torch(make, lrs):
    theta = torch.tensor(THETA0, requires_grad=True)
    opt = make([theta])
    out = []
    for lr, g in zip(lrs, GRADS):
        for group in opt.param_groups:
            group["lr"] = lr
        theta.grad = torch.tensor(g)
        opt.step()
        assert theta.dtype == torch.float64
        out.append(theta.detach().tolist())
    return out


def run_keras(make, lrs):
    theta = keras.Variable(np.array(THETA0), dtype="float64")
    opt = make()
    opt.build([theta])
    for v in opt.variables:
        assert v.dtype == "float64" or v.path.endswith("iteration"), v.path
    out = []
    for lr, g in zip(lrs, GRADS):
        opt.learning_rate = lr
        opt.apply([jax.numpy.array(g)], [theta])
        assert theta.value.dtype == np.float64
        out.append(np.asarray(theta.value).tolist())
    return out


def run_optax(make, lrs):
    theta = jax.numpy.array(THETA0)
    values = jax.numpy.array(lrs)
    # rprop takes a number, the others a schedule as well
    opt = make(lrs[0]) if len(set(lrs)) == 1 else make(lambda t: values[t])
    state = opt.init(theta)
    out = []
    for g in GRADS:
        updates, state = opt.update(jax.numpy.array(g), state, theta)
        theta = optax.apply_updates(theta, updates)
        assert theta.dtype == np.float64
        out.append(np.asarray(theta).tolist())
    return out


CASES = []


def case(component, framework, settings, lr, make, schedule=False, convention=None):
    lrs = decreasing(lr) if schedule else [lr] * STEPS
    run = {"torch": run_torch, "keras": run_keras, "optax": run_optax}[framework]
    c = {"component": component, "framework": framework, "settings": dict(settings)}
    if convention is None:
        convention = framework
    if convention:
        c["settings"]["convention"] = convention
    c["lrs"] = lrs
    c["thetas"] = run(make, lrs)
    assert np.all(np.isfinite(c["thetas"])), c
    CASES.append(c)


T, K, X = torch.optim, keras.optimizers, optax

# sgd
for m in ({}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}):
    for s in (False, True):
        case("sgd", "torch", m, 0.05, lambda p: T.SGD(p, lr=1, **m), s)
        case("sgd", "keras", m, 0.05, lambda: K.SGD(**m), s)
        case("sgd", "optax", m, 0.05, lambda lr: X.sgd(lr, **m), s)
m = {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}
case("sgd", "torch", m, 0.05, lambda p: T.SGD(p, lr=1, **m), True)
case("sgd", "keras", {"momentum": 0.9, "weight_decay": 0.1}, 0.05, lambda: K.SGD(momentum=0.9, weight_decay=0.1), True)

# adagrad
case("adagrad", "torch", {}, 0.1, lambda p: T.Adagrad(p))
case("adagrad", "torch", {"lr_decay": 0.1, "initial": 0.5, "weight_decay": 0.1}, 0.1,
     lambda p: T.Adagrad(p, lr_decay=0.1, initial_accumulator_value=0.5, weight_decay=0.1), True)
case("adagrad", "keras", {}, 0.1, lambda: K.Adagrad())
case("adagrad", "keras", {"initial": 0, "weight_decay": 0.1}, 0.1, lambda: K.Adagrad(initial_accumulator_value=0.0, weight_decay=0.1), True)
case("adagrad", "optax", {}, 0.1, lambda lr: X.adagrad(lr))
case("adagrad", "optax", {"initial": 0, "eps": 0}, 0.1, lambda lr: X.adagrad(lr, initial_accumulator_value=0.0, eps=0.0), True)

# adadelta
case("adadelta", "torch", {"weight_decay": 0.1}, 1.0, lambda p: T.Adadelta(p, weight_decay=0.1), True)
case("adadelta", "torch", {}, 1.0, lambda p: T.Adadelta(p))
case("adadelta", "keras", {}, 1e-3, lambda: K.Adadelta())
case("adadelta", "keras", {"weight_decay": 0.1}, 1.0, lambda: K.Adadelta(weight_decay=0.1), True)
case("adadelta", "optax", {}, 1.0, lambda lr: X.adadelta(lr))
case("adadelta", "optax", {"weight_decay": 0.1}, 1.0, lambda lr: X.adadelta(lr, weight_decay=0.1), True)

# rmsprop
for m in ({}, {"centered": True}, {"momentum": 0.9}, {"centered": True, "momentum": 0.9}):
    for s in (False, True):
        case("rmsprop", "torch", m, 0.01, lambda p: T.RMSprop(p, **m), s)
        case("rmsprop", "keras", m, 0.01, lambda: K.RMSprop(**m), s)
        case("rmsprop", "optax", m, 0.01, lambda lr: X.rmsprop(lr, **m), s)
case("rmsprop", "torch", {"weight_decay": 0.1}, 0.01, lambda p: T.RMSprop(p, weight_decay=0.1), True)
case("rmsprop", "keras", {"weight_decay": 0.1}, 0.01, lambda: K.RMSprop(weight_decay=0.1), True)
for c in (False, True):
    case("rmsprop", "optax", {"momentum": 0.9, "nesterov": True, "initial": 1, "centered": c}, 0.01,
         lambda lr: X.rmsprop(lr, momentum=0.9, nesterov=True, initial_scale=1.0, centered=c), True)
    # eps is larger here, as the corrected variance of a single gradient is 0 up to rounding
    case("rmsprop", "optax", {"bias_correction": True, "centered": c, "eps": 1e-3}, 0.01,
         lambda lr: X.rmsprop(lr, bias_correction=True, centered=c, eps=1e-3), True)

# adam, amsgrad, adamw
case("adam", "torch", {}, 0.01, lambda p: T.Adam(p))
case("adam", "torch", {"weight_decay": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3}, 0.01,
     lambda p: T.Adam(p, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1), True)
case("adam", "keras", {}, 0.01, lambda: K.Adam())
case("adam", "keras", {"weight_decay": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3}, 0.01,
     lambda: K.Adam(beta_1=0.8, beta_2=0.9, epsilon=1e-3, weight_decay=0.1), True)
case("adam", "optax", {}, 0.01, lambda lr: X.adam(lr))
case("adam", "optax", {"beta1": 0.8, "beta2": 0.9, "eps": 1e-3, "eps_root": 1e-4}, 0.01,
     lambda lr: X.adam(lr, b1=0.8, b2=0.9, eps=1e-3, eps_root=1e-4), True)
b = {"beta2": 0.9}
case("amsgrad", "torch", {}, 0.01, lambda p: T.Adam(p, amsgrad=True))
case("amsgrad", "torch", {"weight_decay": 0.1, **b}, 0.01, lambda p: T.Adam(p, amsgrad=True, betas=(0.9, 0.9), weight_decay=0.1), True)
case("amsgrad", "keras", {}, 0.01, lambda: K.Adam(amsgrad=True))
case("amsgrad", "keras", {"weight_decay": 0.1, **b}, 0.01, lambda: K.Adam(amsgrad=True, beta_2=0.9, weight_decay=0.1), True)
case("amsgrad", "optax", {}, 0.01, lambda lr: X.amsgrad(lr))
case("amsgrad", "optax", {"eps_root": 1e-4, **b}, 0.01, lambda lr: X.amsgrad(lr, b2=0.9, eps_root=1e-4), True)
case("amsgrad", "optax", b, 0.01, lambda lr: X.amsgrad(lr, b2=0.9, bias_correction_mu=False, bias_correction_nu=False), True, "paper")
case("adamw", "torch", {}, 0.01, lambda p: T.AdamW(p))
case("adamw", "torch", {"weight_decay": 0.3}, 0.01, lambda p: T.AdamW(p, weight_decay=0.3), True)
case("adamw", "keras", {}, 0.01, lambda: K.AdamW())
case("adamw", "keras", {"weight_decay": 0.3}, 0.01, lambda: K.AdamW(weight_decay=0.3), True)
case("adamw", "optax", {}, 0.01, lambda lr: X.adamw(lr))
case("adamw", "optax", {"weight_decay": 0.3, "eps_root": 1e-4}, 0.01, lambda lr: X.adamw(lr, weight_decay=0.3, eps_root=1e-4), True)

# adamax
case("adamax", "torch", {}, 0.01, lambda p: T.Adamax(p))
case("adamax", "torch", {"weight_decay": 0.1, "beta2": 0.9}, 0.01, lambda p: T.Adamax(p, betas=(0.9, 0.9), weight_decay=0.1), True)
case("adamax", "keras", {}, 0.01, lambda: K.Adamax())
case("adamax", "keras", {"weight_decay": 0.1, "beta2": 0.9}, 0.01, lambda: K.Adamax(beta_2=0.9, weight_decay=0.1), True)
case("adamax", "optax", {}, 0.01, lambda lr: X.adamax(lr))
case("adamax", "optax", {"weight_decay": 0.1, "beta2": 0.9}, 0.01, lambda lr: X.adamaxw(lr, b2=0.9, weight_decay=0.1), True)

# nadam
case("nadam", "torch", {}, 0.01, lambda p: T.NAdam(p))
case("nadam", "torch", {"momentum_decay": 0.5, "weight_decay": 0.1}, 0.01, lambda p: T.NAdam(p, momentum_decay=0.5, weight_decay=0.1), True)
case("nadam", "torch", {"decoupled_weight_decay": True, "weight_decay": 0.1}, 0.01,
     lambda p: T.NAdam(p, decoupled_weight_decay=True, weight_decay=0.1), True)
case("nadam", "keras", {}, 0.01, lambda: K.Nadam())
case("nadam", "keras", {"weight_decay": 0.1, "eps": 1e-3}, 0.01, lambda: K.Nadam(weight_decay=0.1, epsilon=1e-3), True)
case("nadam", "optax", {}, 0.01, lambda lr: X.nadam(lr))
case("nadam", "optax", {"weight_decay": 0.1, "eps_root": 1e-4}, 0.01, lambda lr: X.nadamw(lr, weight_decay=0.1, eps_root=1e-4), True)

# radam
for b2 in (0.999, 0.9, 0.5):  # with 0.5 the second moment is never used
    case("radam", "torch", {"beta2": b2}, 0.01, lambda p: T.RAdam(p, betas=(0.9, b2)), True)
    case("radam", "optax", {"beta2": b2}, 0.01, lambda lr: X.radam(lr, b2=b2), True)
case("radam", "torch", {"weight_decay": 0.1, "eps": 1e-3}, 0.01, lambda p: T.RAdam(p, weight_decay=0.1, eps=1e-3), True)
case("radam", "torch", {"decoupled_weight_decay": True, "weight_decay": 0.1}, 0.01,
     lambda p: T.RAdam(p, decoupled_weight_decay=True, weight_decay=0.1), True)
case("radam", "optax", {"eps": 1e-3, "eps_root": 1e-4}, 0.01, lambda lr: X.radam(lr, eps=1e-3, eps_root=1e-4))

# lion
case("lion", "keras", {}, 0.01, lambda: K.Lion())
case("lion", "keras", {"weight_decay": 0.1, "beta1": 0.5, "beta2": 0.8}, 0.01, lambda: K.Lion(beta_1=0.5, beta_2=0.8, weight_decay=0.1), True)
case("lion", "optax", {}, 0.01, lambda lr: X.lion(lr))
case("lion", "optax", {"weight_decay": 0.1, "beta1": 0.5, "beta2": 0.8}, 0.01, lambda lr: X.lion(lr, b1=0.5, b2=0.8, weight_decay=0.1), True)

# rprop: the second learning rate is beyond the largest step
for lr in (0.01, 0.9):
    m = {"eta_minus": 0.4, "eta_plus": 1.5, "min_step": 0.002, "max_step": 0.3}
    case("rprop", "torch", m, lr, lambda p: T.Rprop(p, lr=lr, etas=(0.4, 1.5), step_sizes=(0.002, 0.3)))
    case("rprop", "optax", m, lr, lambda lr: X.rprop(lr, eta_minus=0.4, eta_plus=1.5, min_step_size=0.002, max_step_size=0.3))
case("rprop", "torch", {}, 0.01, lambda p: T.Rprop(p, lr=0.01))
case("rprop", "optax", {}, 0.01, lambda lr: X.rprop(lr))

# ftrl
case("ftrl", "keras", {}, 0.1, lambda: K.Ftrl(), convention="")
case("ftrl", "keras", {"l1": 0.5, "l2": 0.2, "l2_shrinkage": 0.3, "beta": 0.4}, 0.1,
     lambda: K.Ftrl(l1_regularization_strength=0.5, l2_regularization_strength=0.2,
                    l2_shrinkage_regularization_strength=0.3, beta=0.4), True, "")
case("ftrl", "keras", {"lr_power": -0.8, "initial": 0.5, "l1": 0.5}, 0.1,
     lambda: K.Ftrl(learning_rate_power=-0.8, initial_accumulator_value=0.5, l1_regularization_strength=0.5), True, "")

# The default learning rates; no optimizer of Optax has one.
CLASSES = {
    "torch": {"sgd": T.SGD, "adagrad": T.Adagrad, "adadelta": T.Adadelta, "rmsprop": T.RMSprop, "adam": T.Adam, "amsgrad": T.Adam,
              "adamw": T.AdamW, "adamax": T.Adamax, "nadam": T.NAdam, "radam": T.RAdam, "rprop": T.Rprop},
    "keras": {"sgd": K.SGD, "adagrad": K.Adagrad, "adadelta": K.Adadelta, "rmsprop": K.RMSprop, "adam": K.Adam, "amsgrad": K.Adam,
              "adamw": K.AdamW, "adamax": K.Adamax, "nadam": K.Nadam, "lion": K.Lion},
}
LR = {}
for framework, classes in CLASSES.items():
    for component, c in classes.items():
        parameters = inspect.signature(c.__init__).parameters
        LR.setdefault(component, {})[framework] = parameters["lr" if framework == "torch" else "learning_rate"].default

VERSIONS = {"torch": torch.__version__, "keras": keras.__version__, "optax": optax.__version__, "jax": jax.__version__}
print('{"versions":' + json.dumps(VERSIONS) + ',\n"lr":' + json.dumps(LR) + ',\n"theta0":' + json.dumps(THETA0) + ',"grads":' + json.dumps(GRADS) + ',"cases":[')
print(",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES))
print("]}")

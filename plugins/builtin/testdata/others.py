"""Writes others.json: trajectories of the frameworks' own optimizers on given gradients, in float64.

    python others.py > others.json

wants torch, keras, optax (with jax), schedulefree, prodigyopt and pytorch_optimizer; the versions
that were used are in the file. Every case has the same parameters, one 4 x 3 matrix and one vector
of 5, and the same 15 gradients; where a framework lets it change, the learning rate does at step 6.
Cases that say "absolute" have the gradients' absolute values, which point the same way at every
step: estimates of the distance to a solution grow under these, and not under those.

Some of the implementations round to fewer bits inside. They are run without that:
  - torch.optim.Muon iterates in bfloat16: torch.bfloat16 is replaced by torch.float64 around a step.
  - optax.adafactor takes t to a power in float32: its transformations are chained here as
    optax.adafactor does, with the same power in float64.
  - keras takes means and norms in float32: those of its backend are replaced by jax's own.
  - pytorch_optimizer makes float32 scalars: torch's default type is set to float64, and
    torch.Tensor.float is replaced by torch.Tensor.double around the step of its SAM.
"""

import contextlib
import json
import os
import sys
from unittest import mock

os.environ["KERAS_BACKEND"] = "jax"

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import keras
import numpy as np
import optax
import prodigyopt
import pytorch_optimizer
import schedulefree
import torch
from importlib.metadata import version

keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)
keras_jax = keras.src.backend
keras_jax.numpy.mean = lambda x, axis=None, keepdims=False: jnp.mean(
    keras.ops.convert_to_tensor(x), axis=axis, keepdims=keepdims)
keras_jax.linalg.norm = lambda x, ord=None, axis=None, keepdims=False: jnp.linalg.norm(
    keras.ops.convert_to_tensor(x), ord, axis, keepdims)

STEPS = 15
SHAPES = [(4, 3), (5,)]
rng = np.random.default_rng(20240731)
THETA0 = [rng.normal(size=s) for s in SHAPES]
GRADS = [[rng.normal(size=s) * (0.2 + 0.1 * t) for s in SHAPES] for t in range(STEPS)]
GRADS[3][0][1, 2] = 0.0
GRADS[4][1][0] = 0.0
LOSSES = [2.5 - 0.1 * t for t in range(STEPS)]


def flat(tensors):
    return [float(x) for t in tensors for x in np.asarray(t, dtype=np.float64).ravel()]


def rates(lr):
    return [lr if t < 5 else lr / 2 for t in range(STEPS)]


def run_torch(make, lrs, averaged=False, double=False, others=None):
    """make takes the parameters and the first learning rate; others does so for the vector alone."""
    params = [torch.nn.Parameter(torch.tensor(p)) for p in THETA0]
    opts = [make(params if others is None else params[:1], lrs[0])]
    if others is not None:
        opts.append(others(params[1:], lrs[0]))
    thetas, evaluated = [], []
    for grads, lr in zip(GRADS, lrs):
        for p, g in zip(params, grads):
            p.grad = torch.tensor(g)
        for opt in opts:
            for group in opt.param_groups:
                group["lr"] = lr
            if averaged:
                opt.train()
            with mock.patch.object(torch, "bfloat16", torch.float64 if double else torch.bfloat16):
                opt.step()
        thetas.append(flat(p.detach().numpy() for p in params))
        if averaged:
            opts[0].eval()
            evaluated.append(flat(p.detach().numpy() for p in params))
    return thetas, evaluated


def run_keras(opt, lrs):
    params = [keras.Variable(p, dtype="float64", name="p%d" % i) for i, p in enumerate(THETA0)]
    opt.build(params)
    thetas = []
    for grads, lr in zip(GRADS, lrs):
        opt.learning_rate = lr
        opt.apply([jnp.asarray(g) for g in grads], params)
        thetas.append(flat(p.numpy() for p in params))
    return thetas, []


def run_optax(tx, averaged=None, losses=False):
    params = [jnp.asarray(p) for p in THETA0]
    state = tx.init(params)
    thetas, evaluated = [], []
    for grads, loss in zip(GRADS, LOSSES):
        more = {"value": jnp.asarray(loss)} if losses else {}
        updates, state = tx.update([jnp.asarray(g) for g in grads], state, params, **more)
        params = optax.apply_updates(params, updates)
        thetas.append(flat(params))
        if averaged:
            evaluated.append(flat(averaged(state, params)))
    return thetas, evaluated


def schedule(lrs):
    table = jnp.asarray(lrs)
    return lambda count: table[count]


def optax_adafactor(lrs, least, decay):
    power = lambda i, exponent: 1.0 - jnp.asarray(i + 1, jnp.float64) ** (-exponent)
    chain = [
        optax.scale_by_factored_rms(min_dim_size_to_factor=least, decay_rate_fn=power),
        optax.clip_by_block_rms(1.0),
        optax.scale_by_learning_rate(schedule(lrs), flip_sign=False),
        optax.scale_by_param_block_rms(),
    ]
    if decay:
        chain.append(optax.add_decayed_weights(decay))
    return optax.chain(*chain, optax.scale(-1))


def sam_points(adaptive, rho):
    """Where pytorch_optimizer's SAM goes from the first parameters, one point for each gradient."""
    thetas = []
    for grads in GRADS:
        params = [torch.nn.Parameter(torch.tensor(p)) for p in THETA0]
        opt = pytorch_optimizer.SAM(params, torch.optim.SGD, rho=rho, adaptive=adaptive, perturb_eps=0.0, lr=0.1)
        for p, g in zip(params, grads):
            p.grad = torch.tensor(g)
        with mock.patch.object(torch.Tensor, "float", torch.Tensor.double):
            opt.first_step()
        thetas.append(flat(p.detach().numpy() for p in params))
    return thetas, []


CASES = []


def case(name, component, lrs, result, losses=None, **settings):
    thetas, evaluated = result
    one = {"name": name, "component": component, "lrs": lrs, "settings": settings, "thetas": thetas}
    if evaluated:
        one["evaluated"] = evaluated
    if losses:
        one["losses"] = losses
    CASES.append(one)


def adafactor():
    lrs = rates(0.3)
    for decay in (0.0, 0.1):
        case("torch adafactor %g" % decay, "adafactor", lrs,
             run_torch(lambda p, lr: torch.optim.Adafactor(p, lr=lr, weight_decay=decay), lrs),
             convention="torch", weight_decay=decay)
        case("keras adafactor %g" % decay, "adafactor", lrs,
             run_keras(keras.optimizers.Adafactor(weight_decay=decay or None, relative_step=True), lrs),
             convention="keras", weight_decay=decay)
    case("optax adafactor", "adafactor", lrs, run_optax(optax_adafactor(lrs, 128, 0.0)), convention="optax")
    case("optax adafactor factored", "adafactor", lrs, run_optax(optax_adafactor(lrs, 2, 0.01)),
         convention="optax", factor_from=2, weight_decay=0.01)


def trust_ratios():
    lrs = rates(0.05)
    for decay in (0.0, 0.1):
        case("optax lamb %g" % decay, "lamb", lrs, run_optax(optax.lamb(schedule(lrs), weight_decay=decay)),
             convention="paper", weight_decay=decay)
        case("keras lamb %g" % decay, "lamb", lrs, run_keras(keras.optimizers.Lamb(weight_decay=decay or None), lrs),
             convention="keras", weight_decay=decay)
    lrs = rates(20.0)
    for nesterov in (False, True):
        case("optax lars %s" % nesterov, "lars", lrs,
             run_optax(optax.lars(schedule(lrs), weight_decay=0.1, eps=1e-3, nesterov=nesterov)),
             convention="optax", weight_decay=0.1, eps=1e-3, nesterov=nesterov)
    lrs = [5.0] * STEPS
    case("pytorch_optimizer lars", "lars", lrs,
         run_torch(lambda p, lr: pytorch_optimizer.LARS(p, lr=lr, weight_decay=0.1), lrs),
         convention="paper", weight_decay=0.1, vectors=False)


def parameter_free():
    global GRADS
    signed, GRADS = GRADS, [[np.abs(g) for g in grads] for grads in GRADS]
    first = len(CASES)
    lrs = rates(1.0)
    for settings in ({}, {"weight_decay": 0.1, "d0": 1e-2},
                     {"bias_correction": True, "safeguard_warmup": True, "d_coef": 20.0, "d0": 1e-2}):
        theirs = {{"bias_correction": "use_bias_correction"}.get(k, k): v for k, v in settings.items()}
        case("prodigyopt %s" % ",".join(settings), "prodigy", lrs,
             run_torch(lambda p, lr: prodigyopt.Prodigy(p, lr=lr, **theirs), lrs), convention="paper", **settings)
    case("optax prodigy", "prodigy", lrs,
         run_optax(optax.contrib.prodigy(schedule(lrs), estim_lr0=1e-2, weight_decay=0.1)),
         convention="optax", d0=1e-2, weight_decay=0.1)
    case("optax dadapt_adamw", "dadapt_adam", lrs,
         run_optax(optax.contrib.dadapt_adamw(schedule(lrs), estim_lr0=1e-2, weight_decay=0.1)),
         convention="optax", d0=1e-2, weight_decay=0.1)
    case("pytorch_optimizer dadapt_adam", "dadapt_adam", lrs,
         run_torch(lambda p, lr: pytorch_optimizer.DAdaptAdam(p, lr=lr, d0=1e-2, weight_decay=0.1,
                                                              weight_decouple=True, foreach=False), lrs),
         convention="paper", d0=1e-2, weight_decay=0.1)
    for one in CASES[first:]:
        one["absolute"] = True
    GRADS = signed


def schedule_free():
    lrs = rates(0.1)
    lrs[0], lrs[1] = 0.02, 0.06  # a warm-up: the largest rate so far is not the present one later on
    evaluate = optax.contrib.schedule_free_eval_params
    constant = [0.1] * STEPS
    for settings in ({}, {"weight_decay": 0.1, "r": 0.5, "weight_lr_power": 1.0}):
        name = ",".join(settings)
        case("schedulefree sgd " + name, "schedule_free_sgd", lrs,
             run_torch(lambda p, lr: schedulefree.SGDScheduleFree(p, lr=lr, **settings), lrs, averaged=True), **settings)
        case("schedulefree adamw " + name, "schedule_free_adamw", lrs,
             run_torch(lambda p, lr: schedulefree.AdamWScheduleFree(p, lr=lr, **settings), lrs, averaged=True),
             convention="paper", **settings)
    case("optax schedule_free_sgd", "schedule_free_sgd", constant,
         run_optax(optax.contrib.schedule_free_sgd(0.1, weight_decay=0.1), averaged=evaluate), weight_decay=0.1)
    case("optax schedule_free_adamw", "schedule_free_adamw", constant,
         run_optax(optax.contrib.schedule_free_adamw(0.1, weight_decay=0.1), averaged=evaluate),
         convention="paper", weight_decay=0.1)
    case("keras schedule_free_adamw", "schedule_free_adamw", lrs,
         run_keras(keras.optimizers.ScheduleFreeAdamW(weight_decay=0.1), lrs), convention="keras", weight_decay=0.1)


def muon():
    lrs = rates(0.05)
    for nesterov in (True, False):
        case("torch muon %s" % nesterov, "muon", lrs,
             run_torch(lambda p, lr: torch.optim.Muon(p, lr=lr, nesterov=nesterov), lrs, double=True,
                       others=lambda p, lr: torch.optim.AdamW(p, lr=lr)), convention="torch", nesterov=nesterov)
        case("keras muon %s" % nesterov, "muon", lrs,
             run_keras(keras.optimizers.Muon(nesterov=nesterov, adam_lr_ratio=0.5), lrs),
             convention="keras", nesterov=nesterov, adam_lr_ratio=0.5)
        case("optax muon %s" % nesterov, "muon", lrs,
             run_optax(optax.contrib.muon(schedule(lrs), nesterov=nesterov, weight_decay=0.1, adam_weight_decay=0.2)),
             convention="optax", nesterov=nesterov, weight_decay=0.1, adam_weight_decay=0.2)
    case("torch muon match_rms_adamw", "muon", lrs,
         run_torch(lambda p, lr: torch.optim.Muon(p, lr=lr, adjust_lr_fn="match_rms_adamw"), lrs, double=True,
                   others=lambda p, lr: torch.optim.AdamW(p, lr=lr)), convention="torch", scale="match_rms_adamw")


def others():
    lrs = rates(0.05)
    case("optax adabelief", "adabelief", lrs, run_optax(optax.adabelief(schedule(lrs))))
    case("pytorch_optimizer adabelief", "adabelief", lrs,
         run_torch(lambda p, lr: pytorch_optimizer.AdaBelief(p, lr=lr, eps=1e-3, weight_decay=0.1), lrs),
         eps=1e-3, eps_root=1e-3, weight_decay=0.1)
    case("optax yogi", "yogi", lrs, run_optax(optax.yogi(schedule(lrs))), convention="optax")
    case("pytorch_optimizer yogi", "yogi", lrs, run_torch(lambda p, lr: pytorch_optimizer.Yogi(p, lr=lr), lrs),
         convention="optax")
    case("optax signum", "signum", lrs, run_optax(optax.signum(schedule(lrs), beta=0.8)), momentum=0.8)
    case("optax sign_sgd", "signum", lrs, run_optax(optax.sign_sgd(schedule(lrs))), momentum=0.0)
    lrs = [0.3] * STEPS
    case("optax polyak_sgd", "polyak", lrs, run_optax(optax.polyak_sgd(0.3, f_min=0.5, eps=0.1), losses=True),
         losses=LOSSES, f_star=0.5, eps=0.1)
    case("pytorch_optimizer sam", "sam", lrs, sam_points(False, 0.05), rho=0.05)
    case("pytorch_optimizer asam", "sam", lrs, sam_points(True, 0.5), rho=0.5, adaptive=True, eta=0.0)


for part in (adafactor, trust_ratios, parameter_free, schedule_free, muon, others):
    with contextlib.redirect_stdout(sys.stderr):  # prodigyopt prints
        part()

packages = ["torch", "keras", "jax", "optax", "schedulefree", "prodigyopt", "pytorch_optimizer", "numpy"]
head = {
    "versions": {p: version(p) for p in packages},
    "shapes": SHAPES,
    "theta0": flat(THETA0),
    "grads": [flat(g) for g in GRADS],
}
body = ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES)
sys.stdout.write(json.dumps(head)[:-1] + ', "cases": [\n' + body + "\n]}\n")

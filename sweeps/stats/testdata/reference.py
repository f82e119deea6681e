"""Computes the values that the tests of package stats are held against.

Run it in this folder: python reference.py. Each *.json names the versions of the libraries.
What no library has is counted here by brute force over all arrangements, which the Go code does not do.
"""

import itertools
import json
import math
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
import scipy.stats as st
import scikit_posthocs
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("ignore")
rng = np.random.default_rng(20240607)
inf = math.inf
MADE_WITH = {p: version(p) for p in ("numpy", "scipy", "statsmodels", "scikit-posthocs", "pandas")}


def plain(x):
    """x as JSON knows it; what is not finite becomes a text."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(v) for v in x]
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if isinstance(x, (float, np.floating)):
        return float(x) if math.isfinite(x) else str(float(x))
    return x


def write(name, cases):
    with open(name + ".json", "w") as f:
        f.write('{"made_with": ' + json.dumps(MADE_WITH) + ',\n"cases": [\n')
        f.write(",\n".join(json.dumps(plain(c)) for c in cases) + "\n]}\n")


def draw(n, digits=None, scale=1.0, shift=0.0):
    x = rng.normal(shift, scale, n)
    return x if digits is None else np.round(x, digits) + 0.0


# Estimates ------------------------------------------------------------------------------------


samples = [draw(n) for n in range(1, 11)] + [draw(n, 1) for n in (5, 8, 9, 40)]
samples += [draw(150), np.full(6, 0.1), np.array([1, 2, inf]), np.array([1, 2, 3, 4, inf]),
            np.array([-inf, 1, 2, 3, 4]), np.array([1, inf, inf, inf])]
write("estimates", [
    dict(xs=x, mean=np.mean(x), median=np.median(x), iqm=st.trim_mean(x, 0.25))
    for x in samples
])

# Tests of two samples -------------------------------------------------------------------------


def brute_wilcoxon(d):
    d = d[d != 0]
    r = st.rankdata(np.abs(d))
    found = abs(r[d > 0].sum() - r.sum() / 2)
    sums = np.array([np.dot(r, s) for s in itertools.product((0, 1), repeat=len(d))])
    return min(r[d > 0].sum(), r[d < 0].sum()), np.mean(np.abs(sums - r.sum() / 2) >= found - 1e-9)


def brute_mann_whitney(a, b):
    r = st.rankdata(np.concatenate([a, b]))
    n = len(a)
    found = r[:n].sum()
    sums = np.array([r[list(c)].sum() for c in itertools.combinations(range(len(r)), n)])
    return found - n * (n + 1) / 2, min(1, 2 * min(np.mean(sums <= found + 1e-9), np.mean(sums >= found - 1e-9)))


def paired(a, b):
    d = np.array([0.0 if x == y else x - y for x, y in zip(a, b)])
    c = dict(a=a, b=b)
    t = st.ttest_rel(a, b)
    c["t"], c["t_p"] = t.statistic, t.pvalue
    ci = t.confidence_interval(0.9)
    c["t_low"], c["t_high"] = ci.low, ci.high
    moving = d[d != 0]
    tied = len(np.unique(np.abs(moving))) < len(moving)
    if len(moving) > 25:
        w = st.wilcoxon(d, correction=False, method="approx")
        c["w"], c["w_p"] = w.statistic, w.pvalue
    elif tied or len(moving) < len(d):
        c["w"], c["w_p"] = brute_wilcoxon(d)
    else:
        w = st.wilcoxon(d, method="exact")
        c["w"], c["w_p"] = w.statistic, w.pvalue
        if len(d) <= 12:
            assert np.allclose(brute_wilcoxon(d), (w.statistic, w.pvalue))
    c["n"] = len(moving)
    c["flip_p"] = math.nan
    if len(d) <= 12 and np.isfinite(d).all():
        p = st.permutation_test((a, b), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples",
                                n_resamples=inf, vectorized=True)
        c["flip_p"] = p.pvalue
    return c


def eighths(n):
    """Numbers that floating point holds, so that ties are ties in any order of adding."""
    return np.round(draw(n) * 8) / 8


pairs = []
for n in range(2, 13):
    x = draw(n)
    pairs.append((x, x + draw(n, shift=0.4, scale=0.5)))
    x = eighths(n)
    pairs.append((x, x + eighths(n)))
pairs += [(draw(n), draw(n, shift=0.5)) for n in (20, 25, 26, 60)]
pairs += [(draw(n, 1), draw(n, 1)) for n in (30, 60)]
pairs += [(np.arange(1.0, 7), np.arange(1.0, 7) * 2), (np.array([1, 2, 3, 4, inf]), np.array([2, 4, 7, 1, 1.0]))]
write("paired", [paired(a, b) for a, b in pairs])


def unpaired(a, b):
    c = dict(a=a, b=b)
    t = st.ttest_ind(a, b, equal_var=False)
    ci = t.confidence_interval(0.9)
    c["t"], c["t_p"], c["t_low"], c["t_high"] = t.statistic, t.pvalue, ci.low, ci.high
    tied = len(np.unique(np.concatenate([a, b]))) < len(a) + len(b)
    if max(len(a), len(b)) > 25:
        u = st.mannwhitneyu(a, b, method="asymptotic")
        c["u"], c["u_p"] = u.statistic, u.pvalue
    elif tied:
        c["u"], c["u_p"] = brute_mann_whitney(a, b)
    else:
        u = st.mannwhitneyu(a, b, method="exact")
        c["u"], c["u_p"] = u.statistic, u.pvalue
    c["a12"] = np.mean([(x > y) + 0.5 * (x == y) for x in a for y in b])
    return c


sizes = [(2, 2), (2, 3), (3, 3), (4, 3), (5, 5), (6, 5), (7, 7), (8, 4), (10, 10)]
two = [(draw(n), draw(m, shift=0.7, scale=2)) for n, m in sizes + [(25, 25), (20, 9), (26, 5), (40, 30)]]
two += [(draw(n, 0), draw(m, 0, shift=0.5)) for n, m in sizes[:-1] + [(40, 30), (5, 60)]]
two += [(np.array([1, 2, inf]), np.array([inf, 3, 5, 6])), (np.array([-inf, -inf, 0, 1]), np.array([1, 2.0, 3]))]
write("unpaired", [unpaired(a, b) for a, b in two])

draw(4 * 28)  # a reference that is gone: the draws after it stay the same

# Many comparisons -----------------------------------------------------------------------------

ps = [np.array(p) for p in ([0.01], [0.04, 0.01, 0.03], [0.5, 0.5, 0.02, 0.02], [1, 0, 0.2], list(rng.uniform(0, 0.2, 12)))]
write("holm", [dict(ps=p, adjusted=multipletests(p, method="holm")[1]) for p in ps])


def friedman(blocks):
    n, k = blocks.shape
    f = st.friedmanchisquare(*blocks.T)
    iman = (n - 1) * f.statistic / (n * (k - 1) - f.statistic)
    ranks = st.rankdata(blocks, axis=1).mean(axis=0)
    return dict(blocks=blocks, chi=f.statistic, p=f.pvalue, iman=iman, pf=st.f.sf(iman, k - 1, (k - 1) * (n - 1)), ranks=ranks,
                nemenyi=scikit_posthocs.posthoc_nemenyi_friedman(blocks).to_numpy())


shapes = [(2, 3), (5, 3), (8, 4), (12, 6), (30, 10)]
blocks = [draw(n * k).reshape(n, k) + np.arange(k) * 0.3 for n, k in shapes]
blocks += [np.round(draw(n * k).reshape(n, k)) + 0.0 for n, k in shapes[1:]]
write("friedman", [friedman(b) for b in blocks])
write("nemenyi", [
    dict(k=k, n=n, alpha=alpha, cd=st.studentized_range.ppf(1 - alpha, k, inf) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n)))
    for k, n, alpha in itertools.product((2, 3, 5, 10, 20), (6, 50), (0.01, 0.05, 0.1))
])

# Power ----------------------------------------------------------------------------------------


def detectable(sd, n, alpha, power):
    return (st.t.ppf(1 - alpha / 2, n - 1) + st.t.ppf(power, n - 1)) * sd / math.sqrt(n)


def seeds(sd, effect, alpha, power):
    n = 2
    while detectable(sd, n, alpha, power) > effect:
        n += 1
    return n


write("power", [
    dict(sd=0.3, n=n, alpha=a, power=p, effect=detectable(0.3, n, a, p), wanted=w, seeds=seeds(0.3, w, a, p))
    for n, (a, p), w in itertools.product((2, 3, 5, 10, 100), ((0.05, 0.8), (0.01, 0.9), (0.1, 0.4)), (0.05, 0.3, 5))
])

# Shares of variance ---------------------------------------------------------------------------


def anova(levels, reps, holes, kind):
    names = [chr(ord("a") + k) for k in range(len(levels))]
    grid = pd.DataFrame(list(itertools.product(*[range(n) for n in levels], range(reps))), columns=names + ["rep"])
    if holes:
        grid = grid[rng.uniform(size=len(grid)) > holes].reset_index(drop=True)
    effect = sum(np.sin((k + 1) * grid[f]) / (k + 1) for k, f in enumerate(names)) + 0.4 * np.cos(grid["a"] * grid["b"])
    grid["y"] = np.round(effect + draw(len(grid), scale=0.3), 6)
    terms = ["C(%s)" % f for f in names]
    terms += ["C(%s):C(%s)" % (f, g) for f, g in itertools.combinations(names, 2) if len(names) > 2 or reps > 1]
    table = anova_lm(smf.ols("y ~ " + " + ".join(terms), grid).fit(), typ=kind)
    total = table["sum_sq"].sum()
    rows = {}
    for term, row in table.iterrows():
        name = term.replace("C(", "").replace(")", "").replace(":", "×").replace("Residual", "residual")
        rows[name] = dict(share=row["sum_sq"] / total, df=int(row["df"]), f=row["F"], p=row["PR(>F)"])
    return dict(y=grid["y"], levels=[grid[f] for f in names], names=names, shares=rows)


def listed(c):
    c["y"], c["levels"] = list(c["y"]), [list(f) for f in c["levels"]]
    return c


write("anova", [listed(anova(*c)) for c in [
    ((3, 4), 1, 0, 2), ((3, 4), 3, 0, 2), ((2, 3, 4), 1, 0, 2), ((3, 2, 2), 2, 0, 2), ((2, 3, 2, 3), 1, 0, 2),
    ((3, 4), 4, 0.2, 1), ((3, 3, 3), 3, 0.2, 1), ((2, 3, 2, 3), 2, 0.15, 1)]])

# The bootstrap --------------------------------------------------------------------------------

STATISTICS = dict(mean=np.mean, median=np.median, iqm=lambda x, axis: st.trim_mean(x, 0.25, axis=axis))


class Given:
    def __init__(self, distribution):
        self.bootstrap_distribution = distribution


def every_resample(xs, statistic, level):
    """The intervals that all n^n resamples make, each counted once."""
    every = np.array([STATISTICS[statistic](np.array(r), axis=-1) for r in itertools.product(xs, repeat=len(xs))])
    c = dict(xs=xs, statistic=statistic, level=level)
    ci = st.bootstrap((xs,), STATISTICS[statistic], n_resamples=0, confidence_level=level, method="BCa",
                      bootstrap_result=Given(every)).confidence_interval
    c["BCa"] = [ci.low, ci.high]
    return c


tiny = [np.array(x) for x in ([1.0, 2, 4.5], [0.0, 1, 1, 8], [-2, 0.5, 3, 3.25, 16])]
write("every", [every_resample(x, s, level) for x in tiny
                for s, level in (("mean", 0.9), ("mean", 0.5), ("median", 0.8), ("iqm", 0.8))])


def many(statistic, kind, *data):
    c = dict(statistic=statistic, kind=kind, data=data)
    f = STATISTICS[statistic]
    if kind == "two":
        call, args = (lambda x, y, axis: f(x, axis=axis) - f(y, axis=axis)), data
    else:
        call, args = f, data
    r = st.bootstrap(args, call, n_resamples=200_000, method="BCa", rng=1, batch=20_000, vectorized=True)
    c["BCa"], c["error"] = [r.confidence_interval.low, r.confidence_interval.high], r.standard_error
    return c


skewed = np.exp(draw(12))
write("resampled", [many("mean", "one", skewed), many("iqm", "one", draw(20)), many("median", "one", draw(21)),
                    many("mean", "two", skewed, draw(9))])
draw(21)  # a reference that is gone: the draws after it stay the same


def brute_shifted(a, b):
    d = a - b

    def t(x):
        m, s = x.mean(), x.std(ddof=1)
        if abs(m) < 1e-12:
            return 0
        return inf if s < 1e-12 else abs(m) / (s / math.sqrt(len(x)))

    shifted = d - d.mean()
    found = t(d)
    return np.mean([t(np.array(r)) >= found - 1e-9 for r in itertools.product(shifted, repeat=len(d))])


some = [(draw(n), draw(n, shift=s)) for n, s in ((3, 0), (4, 1), (5, 1), (6, 2))]
some.append((np.array([0.1, 0.2, 0.7]), np.array([0.1, 0.2, 0.3])))  # resamples have the same t
write("shifted", [dict(a=a, b=b, p=brute_shifted(a, b)) for a, b in some])

# Budgets and profiles -------------------------------------------------------------------------

write("budget", [
    dict(values=v, k=k, distinct=np.mean([min(c) for c in itertools.combinations(v, k)]))
    for v in (draw(5), np.array([3.0, 1, 1, 2]), draw(6), np.array([1, 2, 3, inf])) for k in (1, 2, 3, 4)
])


def profile(times, taus, rmax):
    best = times.min(axis=0)
    ratios = np.where(np.isinf(times), inf, times / np.where(np.isinf(best), 1, best))
    rho = lambda tau: np.mean(ratios <= tau, axis=1)
    edges = np.unique(np.concatenate([[1, rmax], ratios[(ratios > 1) & (ratios < rmax)]]))
    area = sum(rho(low) * (high - low) for low, high in zip(edges, edges[1:]))
    return dict(times=times, taus=taus, rho=[list(c) for c in np.array([rho(t) for t in taus]).T], rmax=rmax, score=area / (rmax - 1))


grid = np.exp(draw(24).reshape(4, 6))
missed = np.where(rng.uniform(size=(4, 6)) < 0.3, inf, np.round(grid, 1) + 0.1)
missed[:, 2] = inf
write("profile", [profile(t, [1, 1.2, 1.5, 2, 4, 100], 4) for t in (grid, missed)])

# Medians and trimmed means --------------------------------------------------------------------


def medians(xs):
    ci = st.quantile_test(xs, p=0.5).confidence_interval(0.95)
    return dict(xs=xs, low=ci.low, high=ci.high)


write("median", [medians(x) for x in [draw(n) for n in (2, 5, 6, 7, 8, 9, 17, 40, 151)] + [draw(12, 0)]])
write("signs", [dict(above=a, below=b, p=st.binomtest(a, a + b).pvalue)
                for a, b in ((1, 0), (0, 5), (6, 0), (4, 1), (7, 7), (20, 9), (0, 60), (700, 800))])


def trimmed(a, b):
    cut = len(a) // 4
    h = len(a) - 2 * cut
    pulled = np.asarray(st.mstats.winsorize(np.array(a), limits=(cut / len(a), cut / len(a))))
    half = st.t.ppf(0.975, h - 1) * math.sqrt(pulled.var(ddof=1) * (len(a) - 1)) / (h - 1)
    low, high = st.trim_mean(a, 0.25) - half, st.trim_mean(a, 0.25) + half
    two = st.ttest_ind(a, b, equal_var=False, trim=0.25).confidence_interval(0.95)
    return dict(a=a, b=b, low=low, high=high, two_low=two.low, two_high=two.high)


write("trimmed", [trimmed(draw(n), draw(m, shift=0.5, scale=2)) for n, m in ((4, 5), (5, 8), (8, 8), (11, 7), (30, 21))])


def brute_signs(d, statistic):
    of = STATISTICS[statistic]
    found = abs(of(d, axis=-1))
    each = np.abs([of(d * np.array(s), axis=-1) for s in itertools.product((1, -1), repeat=len(d))])
    return dict(d=d, statistic=statistic, p=np.mean(each >= found - 1e-12), least=np.mean(each >= each.max() - 1e-12))


write("signs_of", [brute_signs(draw(n, shift=0.5), s) for n in (2, 5, 6, 10) for s in STATISTICS])

# The areas under the curve of four ways to grow C4.5's trees on 14 data sets: Demšar 2006, table 6.
auc = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967], [0.628, 0.661, 0.654, 0.657],
    [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931], [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625],
    [0.775, 0.838, 0.866, 0.875], [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.975, 0.9749], [0.957, 0.978, 0.946, 0.970]])  # the paper prints 0.975 twice, and ranks them 2 and 3
write("demsar", [friedman(-auc)])

package explain

import (
	"strings"

	"github.com/xrun-dev/xrun/runner/schedule"
)

const (
	pytorch = "PyTorch 2.15, torch.optim.lr_scheduler"
	clock   = "u is the schedule's clock, from 0 once the warm-up is over; T is the rest of training."
)

var schedulesByKind = map[schedule.Kind]Fact{
	schedule.Constant: {Summary: "the rate does not change", Formula: "factor = 1", Source: "–"},
	schedule.Step:     {Summary: "falls by a factor every few epochs", Formula: "factor = gamma^⌊u/step_size⌋", Source: pytorch + ".StepLR"},
	schedule.Multistep: {Summary: "falls by a factor at given epochs", Formula: "factor = gamma^(number of milestones m ≤ u)",
		Doc: "The rate changes from u = m on, as in PyTorch. Keras changes it one later.", Source: pytorch + ".MultiStepLR"},
	schedule.Exponential: {Summary: "falls by a factor in a time", Formula: "factor = gamma^(u/timescale)", Source: pytorch + ".ExponentialLR"},
	schedule.Inverse:     {Summary: "falls as the inverse of time", Formula: "factor = 1/(1 + rate·u/timescale)", Source: "Keras 3.15, InverseTimeDecay"},
	schedule.InverseSqrt: {Summary: "falls as the inverse root of time", Formula: "factor = 1/√(1 + u/k), k = timescale, 0 for the length of the warm-up",
		Doc: "After a warm-up of w and with k = w it is √(w/s) at the unit s.", Source: "Vaswani et al. 2017 (NeurIPS), section 5.3"},
	schedule.Polynomial: {Summary: "falls to an end; power 1 is linear", Formula: "factor = e + (1 − e)·(1 − u/T)^power, e = end_factor", Source: pytorch + ".PolynomialLR"},
	schedule.Cosine: {Summary: "falls along half a cosine; with t0 it restarts",
		Formula: lines("factor = e + (1 − e)·½(1 + cos πu/T), e = min_factor", "with t0: cycle i has the length t0·t_mul^i and the height m_mul^i above e"),
		Source:  "Loshchilov, Hutter 2017 (ICLR), eq. 5"},
	schedule.Onecycle: {Summary: "rises and falls along half a cosine each",
		Formula: lines("from 1/div_factor to 1 in the first pct_start of the steps,", "then down to 1/div_factor/final_div_factor at the last"),
		Doc:     "Momentum is not cycled.", Source: "Smith, Topin 2019; in the two phases of " + pytorch + ".OneCycleLR"},
	schedule.WSD: {Summary: "warm-up, stable, decay", Formula: lines("factor = 1, and in the last decay_fraction of T: e + (1 − e)·(1 − x),", "x from 0 to 1, or √x with decay_shape 1-sqrt; e = end_factor"),
		Source: "Hägele et al. 2024 (NeurIPS)"},
	schedule.Plateau: {Summary: "falls by a factor when a metric stops improving", Formula: lines("factor = factor^changes, at least min_factor;", "a change after more than patience epochs without an improvement by threshold"),
		Doc: "An improvement is strict, the first value is one, NaN never is.", Source: pytorch + ".ReduceLROnPlateau"},
}

func schedules() (all []Fact) {
	for _, kind := range schedule.Kinds {
		f := schedulesByKind[kind]
		f.Kind, f.Name, f.Page = Schedule, string(kind), "schedules"
		if kind != schedule.Constant {
			f.Doc = strings.TrimSpace(clock + " " + f.Doc)
		}
		f.Settings = settings("schedule = { … } in [optimizers.NAME]", f.Name, true)
		all = append(all, f)
	}
	return all
}

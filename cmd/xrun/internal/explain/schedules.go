package explain

import (
	"fmt"
	"math"
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

// fieldDocs say what the keys of schedules are.
var fieldDocs = map[string]string{
	"per": "what is counted", "warmup": "length of a linear warm-up: the unit s begins with (s + 1)/warmup of the rate", "step_size": "units between two falls",
	"milestones": "when the rate falls, increasing", "gamma": "what it falls by", "timescale": "units in which it falls by that", "rate": "speed of the fall",
	"power": "1 is linear", "t_max": "where the end is reached; 0 is the end of training", "t0": "length of the first cycle; 0 is none", "t_mul": "each cycle is so many times as long",
	"m_mul": "each cycle is so many times as high", "end_factor": "what is left at the end", "min_factor": "what is left at least", "pct_start": "share of the rise",
	"div_factor": "the first rate is 1/div_factor", "final_div_factor": "the last is the first over this", "decay_fraction": "share of the decay", "decay_shape": "its form",
	"monitor": "the metric; that of [early_stop], or train_loss, by default", "factor": "what it falls by", "patience": "epochs without improvement that are borne",
	"threshold": "smallest improvement", "mode": "a part of the best value, or absolute", "cooldown": "epochs after a change that are not counted",
}

func schedules() (all []Fact) {
	for _, kind := range schedule.Kinds {
		f := schedulesByKind[kind]
		f.Kind, f.Name, f.Page = Schedule, string(kind), "schedules"
		if kind != schedule.Constant {
			f.Doc = strings.TrimSpace(clock + " " + f.Doc)
		}
		s := schedule.New(kind)
		for _, field := range s.Fields() {
			if field.Name == "goal" { // the metric's own
				continue
			}
			f.Settings = append(f.Settings, Setting{field.Name, defaultOf(field), rangeOf(field), fieldDocs[field.Name]})
		}
		all = append(all, f)
	}
	return all
}

func defaultOf(f schedule.Field) string {
	switch v := f.Value.(type) {
	case *int:
		if !f.Required {
			return fmt.Sprint(*v)
		}
	case *float64:
		return fmt.Sprintf("%g", *v)
	case *string:
		if *v != "" {
			return *v
		}
		return "–"
	}
	return "required"
}

func rangeOf(f schedule.Field) string {
	switch {
	case len(f.Words) > 0:
		return "one of " + strings.Join(f.Words, ", ")
	case f.High == math.MaxInt32:
		return fmt.Sprintf("%g or more", f.Low)
	case f.High == 0:
		return ""
	}
	return f.Range()
}

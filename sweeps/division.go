package sweeps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/document"
)

// A Division is how the machine is divided among programs, or among the plugins of workers. The zero value divides nothing.
type Division struct {
	GPUs   GPUs
	PerGPU int // that share a GPU at once; at least 1 if there are GPUs
	CPUs   int // cores of each; 0 leaves that to them
}

// IsZero reports whether nothing is divided.
func (d Division) IsZero() bool { return d.GPUs.IsZero() && d.CPUs == 0 }

// String is the division as it is written in a sweep file; empty for none.
func (d Division) String() string {
	var all []string
	if !d.GPUs.IsZero() {
		all = append(all, "gpus = "+d.GPUs.String(), fmt.Sprintf("per_gpu = %d", d.PerGPU))
	}
	if d.CPUs > 0 {
		all = append(all, fmt.Sprintf("cpus_per_trial = %d", d.CPUs))
	}
	return strings.Join(all, ", ")
}

// GPUs are some of the visible GPUs; the zero value is none.
type GPUs struct {
	All     bool
	First   int   // the first so many
	Indices []int // among the visible ones
}

// IsZero reports whether no GPU is asked for.
func (g GPUs) IsZero() bool { return !g.All && g.First == 0 && len(g.Indices) == 0 }

// String is what is asked for, as it is written in a sweep file.
func (g GPUs) String() string {
	switch {
	case g.All:
		return `"` + allGPUs + `"`
	case g.First > 0:
		return strconv.Itoa(g.First)
	case len(g.Indices) == 0:
		return ""
	}
	return strings.ReplaceAll(fmt.Sprint(g.Indices), " ", ", ")
}

const (
	allGPUs  = "all"
	mostGPUs = 1024 // of one machine: no machine has that many
)

// cudaDevices is the variable that says which GPUs CUDA shows a program.
const cudaDevices = "CUDA_VISIBLE_DEVICES"

// division reads gpus, per_gpu and cpus_per_trial.
func (s section) division() (v Division) {
	v.GPUs, v.PerGPU, v.CPUs = s.gpus(), s.integer("per_gpu"), s.integer("cpus_per_trial")
	gpus, perGPU := s.node.Find("gpus"), s.node.Find("per_gpu")
	if gpus == nil {
		v.PerGPU = 0
		if perGPU != nil {
			s.report(perGPU.At, document.Problem{Message: "`per_gpu` without `gpus`", Help: `gpus = "all" in [run] takes all GPUs that are visible`})
		}
	}
	if s.spec.Task.Command == nil && s.spec.Task.Objective == nil {
		if s.spec.Task.Model == "" {
			return v // what is wrong with [task] has been reported
		}
		for _, e := range []*document.Entry{gpus, s.node.Find("cpus_per_trial")} {
			if e != nil {
				s.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` means nothing to the model %s, which xrun trains itself on one core a worker", e.Name, document.Clip(s.spec.Task.Model)),
					Help: "leave it out, and say how many train at once by `workers`; programs ([task] command) and plugins ([task] plugin) take it"})
			}
		}
		return v
	}
	if c := s.spec.Task.Command; c != nil && gpus != nil {
		for _, variable := range c.Env {
			if variable.Name == cudaDevices {
				s.warn(gpus.At, document.Problem{Message: fmt.Sprintf("`gpus` has no effect on which GPU a program sees: [task] env sets %s, which goes before", cudaDevices),
					Help: "leave it out of env; gpus and per_gpu say how many programs run at once all the same"})
			}
		}
		if s.spec.Prune != nil {
			s.warn(gpus.At, document.Problem{Message: "programs that wait to be compared for [prune] hold the memory of their GPUs: only those that run are counted by `per_gpu`",
				Help: "all programs of the sweep wait for the first comparison at once; those of a GPU have to fit into its memory together"})
		}
	}
	return v
}

// gpus reads "all", a number, or a list of indices.
func (s section) gpus() (g GPUs) {
	e := s.node.Find("gpus")
	if e == nil {
		return g
	}
	const help = `gpus = "all", or 2 for the first two, or [0, 1]`
	n := e.Value
	switch n.Kind {
	case document.Text:
		if g.All = n.Text == allGPUs; !g.All {
			s.report(n.At, document.Problem{Message: fmt.Sprintf("`gpus` is %q, but wants \"all\", a number or a list of indices", document.Clip(n.Text)), Help: help})
		}
	case document.Array:
		if len(n.Items) == 0 {
			s.report(n.At, document.Problem{Message: "`gpus` is an empty list", Help: help})
		}
		for _, item := range n.Items {
			switch {
			case item.Kind != document.Integer:
				s.wrongType("gpus", document.Integer, item)
			case item.Integer < 0 || item.Integer >= mostGPUs:
				s.report(item.At, document.Problem{Message: fmt.Sprintf("`gpus` has %d, which is no index of a GPU", item.Integer), Help: "the visible GPUs are counted from 0"})
			case slices.Contains(g.Indices, int(item.Integer)):
				s.report(item.At, document.Problem{Message: fmt.Sprintf("`gpus` has %d twice", item.Integer), Help: "per_gpu says how many share a GPU"})
			default:
				g.Indices = append(g.Indices, int(item.Integer))
			}
		}
	default:
		v, _ := s.get("gpus")
		g.First = int(v.Integer)
	}
	return g
}

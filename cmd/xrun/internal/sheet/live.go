package sheet

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Live is how far a sweep in training is. The caller has measured it.
type Live struct {
	Done     int        `json:"done"` // trials with a result
	All      int        `json:"all"`
	Running  int        `json:"running"`
	Failed   int        `json:"failed"`
	Diverged int        `json:"diverged"`
	Stopping bool       `json:"stopping,omitempty"` // it was asked to stop
	Stage    string     `json:"stage,omitempty"`    // of a sweep that adds seeds in stages
	Elapsed  string     `json:"elapsed,omitempty"`  // "8.1 s"
	Left     string     `json:"left,omitempty"`     // "about 10 s"; empty if nothing is known about it
	Bars     []Bar      `json:"bars,omitempty"`     // one for each seed, or less
	Training []Training `json:"training,omitempty"` // in the order to show
	// Note says what is the same for all that train, such as that they train in step.
	Note string `json:"note,omitempty"`
}

// A Bar is the progress of one seed, or of another part of the trials.
type Bar struct {
	Name  string `json:"name"` // "seed 0"
	Parts []Step `json:"parts"`
}

// A Step is the progress of an arm under a seed.
type Step struct {
	Name    string `json:"name"`
	Done    int    `json:"done"`
	All     int    `json:"all"`
	Running int    `json:"running"`
}

// A Training is a trial that trains now.
type Training struct {
	Run    int64      `json:"run"`
	Point  runner.Key `json:"point"`
	Name   string     `json:"name"`
	Seed   int64      `json:"seed"`
	Epoch  int        `json:"epoch"`
	Epochs int        `json:"epochs"`
	Value  string     `json:"value,omitempty"`  // the metric's newest
	Before string     `json:"before,omitempty"` // the values of its point's seeds that have ended
}

// mostTraining is the most trials that the sheet lists as training.
const mostTraining = 6

// nice is the state with texts as print has them.
func (l *Live) nice() *Live {
	if l == nil {
		return nil
	}
	n := *l
	n.Stage, n.Elapsed, n.Left, n.Note = nice(l.Stage), nice(l.Elapsed), nice(l.Left), nice(l.Note)
	n.Bars, n.Training = slices.Clone(l.Bars), slices.Clone(l.Training)
	for i := range n.Bars {
		n.Bars[i].Name = nice(n.Bars[i].Name)
		n.Bars[i].Parts = slices.Clone(n.Bars[i].Parts)
		for k := range n.Bars[i].Parts {
			n.Bars[i].Parts[k].Name = nice(n.Bars[i].Parts[k].Name)
		}
	}
	for i := range n.Training {
		t := &n.Training[i]
		t.Point, t.Name, t.Value, t.Before = runner.Key(Plain(string(t.Point))), nice(t.Name), nice(t.Value), nice(t.Before)
	}
	return &n
}

// percent is the share of trials that have ended.
func (l *Live) percent() int {
	if l.All == 0 {
		return 0
	}
	return 100 * (l.Done + l.Failed) / l.All
}

// says is what the end of a bar tells: "done", or what trains.
func (b Bar) says() string {
	done, training := true, []string{}
	for _, p := range b.Parts {
		done = done && p.Done >= p.All
		if p.Running > 0 {
			training = append(training, p.Name)
		}
	}
	switch {
	case done && len(b.Parts) > 0:
		return ", done"
	case len(training) == 1:
		return ", " + training[0] + " trains"
	case len(training) > 1:
		return fmt.Sprintf(", %d train", len(training))
	}
	return ""
}

// Failures are the trials that failed or diverged, equal ones together.
type Failures struct {
	Count  int       `json:"count"`
	Trials int       `json:"trials"`
	Groups []Failure `json:"groups,omitempty"`
	Left   int       `json:"left,omitempty"` // groups that are not listed
}

// A Failure is trials that ended alike.
type Failure struct {
	Status  string     `json:"status"`
	Count   int        `json:"count"`
	Words   string     `json:"words,omitempty"` // the last ones
	Where   string     `json:"where"`           // points, seeds and runs
	Point   runner.Key `json:"point"`
	Command string     `json:"command,omitempty"` // that shows one
}

const mostFailures = 8

// numbers are what differs in the words of failures that are alike.
var numbers = regexp.MustCompile(`[-+]?\d[\d.]*(e[-+]?\d+)?`)

// failuresOf groups trials that failed or diverged by their last words, or without words by their points.
func failuresOf(r *compare.Report, o Options) (f Failures) {
	type group struct {
		Failure
		names []string
		seeds []int64
		runs  []int64
	}
	var all []*group
	index := map[string]*group{}
	for _, sub := range r.Each() {
		for i := range sub.Points {
			s := &sub.Points[i]
			for _, seed := range s.Seeds {
				f.Trials++
				if seed.Status != runner.StatusDiverged && seed.Status != runner.StatusFailed {
					continue
				}
				f.Count++
				words := o.Words[seed.Run]
				key := string(seed.Status) + "\x00" + numbers.ReplaceAllString(words, "#") // epochs and values differ from run to run
				if words == "" {
					key += "\x00" + s.Optimizer
				}
				g := index[key]
				if g == nil {
					g = &group{Failure: Failure{Status: string(seed.Status), Words: nice(words), Point: s.Point}}
					if seed.Run != 0 {
						g.Command = advice.Command("show", fmt.Sprint(seed.Run))
					}
					index[key] = g
					all = append(all, g)
				}
				g.Count++
				if name := sub.Name(*s); !slices.Contains(g.names, name) {
					g.names = append(g.names, name)
				}
				if !slices.Contains(g.seeds, seed.Seed) {
					g.seeds = append(g.seeds, seed.Seed)
				}
				g.runs = append(g.runs, seed.Run)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *group) int { return cmp.Compare(b.Count, a.Count) })
	for _, g := range all[:min(len(all), mostFailures)] {
		slices.Sort(g.seeds)
		slices.Sort(g.runs)
		names := strings.Join(g.names[:min(2, len(g.names))], ", ")
		if more := len(g.names) - 2; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		g.Where = nice(names + ", " + some("seed", g.seeds) + ", " + some("run", g.runs))
		f.Groups = append(f.Groups, g.Failure)
	}
	f.Left = len(all) - len(f.Groups)
	return f
}

// some lists numbers: "seeds 0 and 1", "runs 3, 7, 9 and 12 more".
func some(noun string, numbers []int64) string {
	const most = 4
	if len(numbers) == 1 {
		return fmt.Sprintf("%s %d", noun, numbers[0])
	}
	var words []string
	for _, n := range numbers[:min(most, len(numbers))] {
		words = append(words, fmt.Sprint(n))
	}
	last := len(words) - 1
	if more := len(numbers) - most; more > 0 {
		return noun + "s " + strings.Join(words, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return noun + "s " + strings.Join(words[:last], ", ") + " and " + words[last]
}

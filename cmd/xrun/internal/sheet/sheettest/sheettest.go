// Package sheettest makes reports and provenance for the tests of pages, and finds what a page must not have.
package sheettest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Hostile are names that would be markup, scripts, or other words than they seem.
var Hostile = []string{`</script><img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `' onmouseover='alert(1)`, `<!--<script>`, `]]></style><style>*{display:none}`,
	"\u202egnp.exe\u2066", "a\x00b\x1b[31mc\u2028d", `{{.Secret}}`, `javascript:alert(1)`}

// A Sweep is made up: an arm for each name, and a value for each trial.
type Sweep struct {
	Arms                []string
	LRs, Lambdas, Seeds int
	Epochs              int // of the curves; 0 is a sweep without curves
	Goal                stop.Goal
	Metric              string               // empty is val_loss
	Change              func(*runner.Result) // of a trial
	Sets                int                  // data sets; 0 is one
	Hostile             bool                 // the sweep, its metric, regularizers and axes have such names
}

func key(parts ...any) runner.Key {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	return runner.Key(hex.EncodeToString(sum[:16]))
}

// Results are the trials of a sweep, and the data set of each point if there are several.
func (s Sweep) Results() (all []runner.Result, sets map[runner.Key]string) {
	sets = map[runner.Key]string{}
	epochs := max(20, s.Epochs)
	for set := range max(1, s.Sets) {
		for o, name := range s.Arms {
			for i := range s.LRs {
				for j := range s.Lambdas {
					point := key(set, o, i, j)
					if s.Sets > 0 {
						sets[point] = fmt.Sprintf("set%d", set)
					}
					for seed := range s.Seeds {
						noise := 0.01 * math.Sin(float64(7*seed+3*o+11*i+5*j+set))
						v := 0.2 + 0.01*float64(7*seed%5) + 0.1*math.Abs(float64(i-s.LRs/2))/float64(s.LRs)*5 + 0.02*math.Abs(float64(j-1)) + 0.01*float64(o) + noise
						if s.Goal == stop.Max {
							v = 1 - v/2
						}
						r := runner.Result{Trial: key(point, seed), Point: point, Optimizer: name, LR: math.Pow(10, -3+3*float64(i)/float64(max(1, s.LRs-1))), Seed: int64(seed), RunID: int64(len(all) + 1),
							Status: runner.StatusFinished, Found: true, Epochs: epochs, Keeps: true, Kept: runner.Kept{Epoch: epochs / 2, Value: v}}
						if j > 0 {
							r.Lambda, r.Regularizer = math.Pow(10, float64(j)-2), "l2"
						}
						if s.Hostile && j > 0 {
							r.Regularizer = Hostile[1]
						}
						if s.Change != nil {
							s.Change(&r)
						}
						all = append(all, r)
					}
				}
			}
		}
	}
	return all, sets
}

// Report is the report of a sweep.
func (s Sweep) Report() *compare.Report {
	all, sets := s.Results()
	if s.Goal == "" {
		s.Goal = stop.Min
	}
	name, metric := "made", cmp.Or(s.Metric, "val_loss")
	var same []runner.Setting
	axes := map[runner.Key][]runner.Setting{}
	if s.Hostile {
		name, metric, same = Hostile[0], Hostile[1], []runner.Setting{{Path: Hostile[2], Value: plugins.Text(Hostile[3])}}
		for i, r := range all {
			axes[r.Point] = []runner.Setting{{Path: Hostile[0], Value: plugins.Text(Hostile[i/s.Seeds%len(Hostile)])}}
		}
	}
	q := compare.Question{Sweep: name, Metric: metric, Goal: s.Goal, Keep: runner.Keep{Metric: metric, Goal: s.Goal, At: runner.AtBest}, Arguments: []string{name}, Axes: axes}
	if s.Sets > 0 {
		q.Several = compare.Problems{Of: sets, Noun: "data set"}
	}
	report := compare.Build(q, all, same)
	if s.Epochs > 0 {
		report.Curves = map[int64][]runner.CurvePoint{}
		for _, r := range all {
			for epoch := range s.Epochs {
				report.Curves[r.RunID] = append(report.Curves[r.RunID], runner.CurvePoint{Epoch: epoch, Value: r.Kept.Value + math.Exp(-float64(epoch)/3)})
			}
		}
	}
	return report
}

// Provenance is one whose every text is hostile.
func Provenance() question.Provenance {
	all := strings.Join(Hostile, "\n")
	return question.Provenance{Version: Hostile[0], Runs: all, First: "then", Last: "now", Environments: Hostile, Commits: Hostile,
		Plugins: []question.UsedPlugin{{Role: Hostile[0], Name: Hostile[1], Version: Hostile[2], Digest: Hostile[3], Protocol: Hostile[4], Runs: 3}},
		Sweeps:  []question.SweepSource{{Name: Hostile[0], File: Hostile[1], Digest: Hostile[2], Created: "then", Notes: Hostile[4], Tags: Hostile[5], Text: all, Resolved: all, Overrides: Hostile}}}
}

// Strange lists what hostile names have made of a page: elements and attributes beyond the known ones, comments, invisible
// characters, and a template that was executed.
func Strange(text string, root *html.Node, elements, attributes []string) (found []string) {
	for n := range root.Descendants() {
		switch n.Type {
		case html.CommentNode:
			found = append(found, fmt.Sprintf("the comment %q", n.Data))
		case html.ElementNode:
			if !slices.Contains(elements, n.Data) {
				found = append(found, "an element "+n.Data)
			}
			for _, a := range n.Attr {
				if !slices.Contains(attributes, a.Key) {
					found = append(found, fmt.Sprintf("an attribute %s of %s: %q", a.Key, n.Data, a.Val))
				}
			}
		}
	}
	for _, bad := range []string{"\u202e", "\u2066", "\x00", "\x1b", "\u2028"} {
		if strings.Contains(text, bad) {
			found = append(found, fmt.Sprintf("the character %q", bad))
		}
	}
	if !strings.Contains(text, "{{.Secret}}") {
		found = append(found, "a name that looks like a template, and is not shown as it is")
	}
	return found
}

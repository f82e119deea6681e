package question

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// An Unlike is a fact that differs between two runs; "–" if a run does not have it.
type Unlike struct {
	Group string `json:"group"` // setting, plugin, environment or result
	Name  string `json:"name"`
	A     string `json:"a"`
	B     string `json:"b"`
}

// Difference lists the facts that differ between two runs.
func Difference(ctx context.Context, db *store.Store, a, b store.Run) ([]Unlike, error) {
	x, err := runFacts(ctx, db, a)
	if err != nil {
		return nil, err
	}
	y, err := runFacts(ctx, db, b)
	if err != nil {
		return nil, err
	}
	return differ(x, y), nil
}

// differ lists the differences of two sets of facts, by group and name.
func differ(a, b map[[2]string]string) []Unlike {
	names := map[[2]string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	order := []string{"setting", "plugin", "environment", "result"}
	keys := slices.SortedFunc(maps.Keys(names), func(x, y [2]string) int {
		if x[0] != y[0] {
			return slices.Index(order, x[0]) - slices.Index(order, y[0])
		}
		return slices.Compare(x[1:], y[1:])
	})
	list := []Unlike{}
	for _, name := range keys {
		x, inA := a[name]
		y, inB := b[name]
		if x == y && inA == inB {
			continue
		}
		list = append(list, Unlike{name[0], name[1], cmp.Or(x, "–"), cmp.Or(y, "–")})
	}
	return list
}

// runFacts are the facts that may differ between runs, by group and name.
func runFacts(ctx context.Context, db *store.Store, r store.Run) (map[[2]string]string, error) {
	facts := map[[2]string]string{}
	settings, err := db.TrialSettings(ctx, r.Trial)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		facts[[2]string{"setting", s.Path}] = s.Value.String()
	}
	used, err := db.PluginsOf(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for _, u := range used {
		facts[[2]string{"plugin", u.Role + " " + u.Name + " version"}] = u.Version
		facts[[2]string{"plugin", u.Role + " " + u.Name + " identity"}] = u.Digest
		facts[[2]string{"plugin", u.Role + " " + u.Name + " protocol"}] = u.Protocol
	}
	e, err := db.EnvironmentOf(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	dirty := ""
	if e.GitDirty {
		dirty = ", with changes"
	}
	for name, value := range map[string]string{"host": e.Host, "CPU": e.CPU, "cores": fmt.Sprint(e.Cores), "operating system": e.OS, "architecture": e.Arch,
		"xrun": e.XrunVersion, "Go": e.GoVersion, "git commit": e.GitCommit + dirty} {
		facts[[2]string{"environment", name}] = value
	}
	metrics, err := db.Metrics(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range metrics {
		text := stats.Number(m.Last) + " last"
		if r.Keeps {
			curve, err := db.Curve(ctx, r.ID, m.Metric)
			if err != nil {
				return nil, err
			}
			v, _ := runner.ValueAt(curve, r.Kept.Epoch)
			text = fmt.Sprintf("%s at epoch %d, which counts, %s", stats.Number(v), r.Kept.Epoch, text)
		}
		facts[[2]string{"result", m.Metric}] = text
	}
	facts[[2]string{"result", "status"}] = string(r.Status)
	facts[[2]string{"result", "reason"}] = r.Reason
	facts[[2]string{"result", "epochs"}] = fmt.Sprint(r.Epochs)
	return facts, nil
}

// Conclusion explains why two runs have the same results, or other ones.
func Conclusion(a, b store.Run, differences []Unlike, bits string) string {
	has := func(group string) bool {
		return slices.ContainsFunc(differences, func(d Unlike) bool { return d.Group == group })
	}
	same := a.Trial == b.Trial
	switch {
	case same && bits == "":
		return "The same trial, and the same bits in every metric of every epoch and in the parameters."
	case same && has("environment"):
		return "The same trial on other arithmetic, which changes its bits: " + bits + "."
	case same:
		return "The same trial on the same kind of machine, and yet: " + bits + ". A plugin or a program may depend on more than its trial; xrun repro tells."
	case bits == "":
		return "Different trials with the same bits: what differs made no difference."
	}
	return "Different trials. First difference: " + bits + "."
}

// FirstDifference describes the first epoch and metric that differ, or else the outcome or the parameters; empty if
// nothing differs. in are words for the two runs.
func FirstDifference(ctx context.Context, db, again *store.Store, before, now store.Run, in [2]string) (string, error) {
	metrics, err := db.Metrics(ctx, before.ID)
	if err != nil {
		return "", err
	}
	first, text := math.MaxInt, ""
	for _, m := range metrics {
		a, err := db.Curve(ctx, before.ID, m.Metric)
		if err != nil {
			return "", err
		}
		b, err := again.Curve(ctx, now.ID, m.Metric)
		if err != nil {
			return "", err
		}
		for i, p := range a {
			switch {
			case p.Epoch >= first:
			case i >= len(b):
				first, text = p.Epoch, fmt.Sprintf("%s at epoch %d is %v %s and not there %s", m.Metric, p.Epoch, p.Value, in[0], in[1])
			case b[i].Epoch != p.Epoch || math.Float64bits(b[i].Value) != math.Float64bits(p.Value) && !(math.IsNaN(p.Value) && math.IsNaN(b[i].Value)):
				first, text = p.Epoch, fmt.Sprintf("%s at epoch %d is %v %s and %v %s", m.Metric, p.Epoch, p.Value, in[0], b[i].Value, in[1])
			}
		}
		if len(b) > len(a) && text == "" {
			text = fmt.Sprintf("%s has %d epochs more %s", m.Metric, len(b)-len(a), in[1])
		}
	}
	if text != "" {
		return text, nil
	}
	if before.Status != now.Status || before.Reason != now.Reason {
		return fmt.Sprintf("the outcome is %s %q %s and %s %q %s", before.Status, before.Reason, in[0], now.Status, now.Reason, in[1]), nil
	}
	if before.Keeps != now.Keeps || before.Kept.Epoch != now.Kept.Epoch {
		return fmt.Sprintf("the metrics are the same, and epoch %d counts %s, epoch %d %s", before.Kept.Epoch, in[0], now.Kept.Epoch, in[1]), nil
	}
	digest := func(s *store.Store, id int64) (string, error) {
		a, err := s.ArtifactOf(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return "", nil
		}
		return a.Digest, err
	}
	a, err := digest(db, before.ID)
	if err != nil {
		return "", err
	}
	b, err := digest(again, now.ID)
	if err == nil && a != b {
		return "the metrics are the same, and the parameters are not", nil
	}
	return "", err
}

// EnvironmentChanges lists changes of the environment that may change the bits of results.
func EnvironmentChanges(ctx context.Context, db, again *store.Store, before, now int64) ([]string, error) {
	a, err := db.EnvironmentOf(ctx, before)
	if err != nil {
		return nil, err
	}
	b, err := again.EnvironmentOf(ctx, now)
	if err != nil {
		return nil, err
	}
	changes := []string{}
	for _, f := range [][3]string{{"CPU", a.CPU, b.CPU}, {"operating system", a.OS, b.OS}, {"architecture", a.Arch, b.Arch},
		{"xrun", a.XrunVersion, b.XrunVersion}, {"Go", a.GoVersion, b.GoVersion}} {
		if f[1] != f[2] {
			changes = append(changes, fmt.Sprintf("%s was %s, and is %s", f[0], f[1], f[2]))
		}
	}
	return slices.Clip(changes), nil
}

package sweeps

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// run reads [run], which changes no result.
func (d *decoder) run(e *document.Entry) {
	s := d.open(e, runTable)
	s.only()
	s.choice("order")
	r := &d.spec.Run
	r.Workers = s.workers()
	r.Division = s.division()
	r.Store = s.text("store")
	if !filepath.IsAbs(r.Store) {
		r.Store = filepath.Join(filepath.Dir(d.File), r.Store)
	}
	r.MaxTrials = s.integer("max_trials")
	r.PluginTimeout = s.duration("plugin_timeout")
	r.PluginMemory = s.bytes("plugin_memory", leastPluginMemory)
	r.Checkpoint = s.checkpoint()
	r.Timeout = s.duration("timeout")
	r.Budget = s.duration("budget")
	r.Retries = s.integer("retries")
	r.MaxFailures = s.tolerance()
}

// A Tolerance is how many trials may fail before a sweep stops: a number, or a percentage of the planned
// trials. The zero value lets all fail.
type Tolerance struct {
	Set     bool
	Trials  int
	Percent float64
}

// Exceeded reports whether more trials have failed than may.
func (t Tolerance) Exceeded(failed, planned int) bool {
	return t.Set && float64(failed) > max(float64(t.Trials), float64(t.Percent/100*float64(planned)))
}

// String is the tolerance as it is written in a sweep file.
func (t Tolerance) String() string {
	if t.Percent > 0 {
		return strconv.FormatFloat(t.Percent, 'g', -1, 64) + "%"
	}
	return strconv.Itoa(t.Trials)
}

// tolerance reads max_failures: 3, or "10%".
func (s section) tolerance() (t Tolerance) {
	e := s.node.Find("max_failures")
	if e == nil {
		return t
	}
	t.Set = true
	if e.Value.Kind == document.Integer {
		t.Trials = s.integer("max_failures")
		return t
	}
	if e.Value.Kind == document.Text {
		number, isShare := strings.CutSuffix(e.Value.Text, "%")
		share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if isShare && err == nil && share >= 0 && share < 100 {
			t.Percent = share
			return t
		}
	}
	s.report(e.Value.At, document.Problem{Message: "`max_failures` wants a number of trials or a part of them: max_failures = 3, or \"10%\""})
	return t
}

// checkpoint reads how often running trials are saved: after a time, after a number of epochs, or never.
func (s section) checkpoint() runner.Checkpointing {
	e := s.node.Find("checkpoint")
	switch {
	case e == nil:
		return runner.Checkpointing{Every: s.duration("checkpoint")}
	case e.Value.Kind == document.Integer && e.Value.Integer < 1 || e.Value.Kind == document.Integer && e.Value.Integer > math.MaxInt32:
		s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`checkpoint` is %d, but wants at least one epoch", e.Value.Integer)})
	case e.Value.Kind == document.Integer:
		return runner.Checkpointing{Epochs: int(e.Value.Integer)}
	case e.Value.Kind == document.Text && e.Value.Text == "off":
		return runner.Checkpointing{}
	case e.Value.Kind == document.Text:
		if d, err := time.ParseDuration(e.Value.Text); err == nil && d > 0 {
			return runner.Checkpointing{Every: d}
		}
		s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`checkpoint` is %q, but wants a time like \"30s\", a number of epochs or \"off\"", document.Clip(e.Value.Text))})
	default:
		s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`checkpoint` is %s, but wants a time like \"30s\", a number of epochs or \"off\"", e.Value.Kind)})
	}
	return runner.Checkpointing{}
}

// leastPluginMemory is 200 MB: with less, not even a plugin that keeps nothing starts.
const leastPluginMemory = 200e6

// workers reads how many cohorts or programs run at once; 0 leaves it to xrun.
func (s section) workers() int {
	e := s.node.Find("workers")
	if e == nil {
		return 0
	}
	if e.Value.Kind == document.Text {
		if e.Value.Text != "auto" {
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`workers` is %q, but wants \"auto\" or a number", document.Clip(e.Value.Text))})
		}
		return 0
	}
	v, _ := s.get("workers")
	return int(v.Integer)
}

// duration reads a time; 0 for a key that is missing and has no default.
func (s section) duration(key string) time.Duration {
	def, _ := time.ParseDuration(s.key(key).Default.Text)
	e := s.node.Find(key)
	if e == nil {
		return def
	}
	text := s.text(key)
	if e.Value.Kind != document.Text {
		return def // it has been reported
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		s.report(s.place(key), document.Problem{Message: fmt.Sprintf("`%s` is %q, but wants a time like \"30s\" or \"5m\"", key, document.Clip(text))})
		return def
	}
	return d
}

// units are the bytes of each unit of a size.
var units = map[string]float64{"MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// bytes reads a size such as "4GB", at least so many bytes; 0 without the key.
func (s section) bytes(key string, least int64) int64 {
	text := s.textOr(key, "")
	if text == "" {
		return 0 // it is not there, or has been reported
	}
	number := strings.TrimRight(text, "BKMGTi")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	unit, known := units[text[len(number):]]
	if size := float64(n * unit); err == nil && known && size >= float64(least) && size < math.MaxInt64 {
		return int64(size)
	}
	s.report(s.place(key), document.Problem{Message: fmt.Sprintf("`%s` is %q, but wants a size like \"4GB\" or \"512MiB\", at least %d MB", key, document.Clip(text), least/1e6)})
	return 0
}

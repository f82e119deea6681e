package sweeps

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/xrun-dev/xrun/plugins"
)

// run reads [run]: how the sweep is run, which changes no number.
func (d *decoder) run(e *entry) {
	s := d.section(e, "[run]")
	s.only([]string{"workers", "store", "order", "max_trials", "plugin_timeout"},
		[]string{"timeout", "budget", "retries", "max_failures"})
	s.choice("order", []string{"seeds-last"}, nil)
	r := &d.spec.Run
	r.Workers = s.workers()
	r.Store = s.text("store", "xrun.db")
	if !filepath.IsAbs(r.Store) {
		r.Store = filepath.Join(filepath.Dir(d.file), r.Store)
	}
	r.MaxTrials = s.integer("max_trials", 100_000, 1)
	r.PluginTimeout = s.duration("plugin_timeout", 30*time.Second)
}

// workers reads how many trials' worth of work goes on at a time; 0 is left to xrun.
func (s section) workers() int {
	e := s.node.find("workers")
	if e == nil {
		return 0
	}
	if e.value.kind == nodeText {
		if e.value.text != "auto" {
			s.report(e.value.at, Problem{Message: fmt.Sprintf("`workers` is %q, but wants \"auto\" or a number", clip(e.value.text))})
		}
		return 0
	}
	v, _ := s.get(plugins.IntegerSetting("workers", 1, "").Within(1, 4096))
	return int(v.Integer)
}

func (s section) duration(key string, def time.Duration) time.Duration {
	text := s.text(key, def.String())
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		s.report(s.place(key), Problem{Message: fmt.Sprintf("`%s` is %q, but wants a time like \"30s\" or \"5m\"", key, clip(text))})
		return def
	}
	return d
}

package sweeps

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// Resolved writes what is trained and compared: one fact a line, every default written out, names and digests
// in place of the things themselves. Sweeps with equal text give equal results;
// the name, the notes, the tags and [run] are not part of it.
func (s *Spec) Resolved() string { return s.trained() + s.compared() }

// trained is Resolved without [compare] and [check].
func (s *Spec) trained() string {
	var b strings.Builder
	line := func(path, value string) { fmt.Fprintf(&b, "%s = %s\n", path, value) }
	line("schema", strconv.Itoa(version))
	line("keys", strconv.Itoa(runner.KeyVersion))
	seeds := make([]string, len(s.Seeds))
	for i, seed := range s.Seeds {
		seeds[i] = strconv.FormatInt(seed, 10)
	}
	line("seeds", "["+strings.Join(seeds, ", ")+"]")
	b.WriteString(s.staging())
	// A trial knows which facts of its task and its stopping rule determine its result.
	common := runner.Trial{Task: s.Task, Stop: s.Stop}
	writeSettings := func(table string, t runner.Trial, prefix string) {
		for _, setting := range t.Settings() {
			if strings.HasPrefix(setting.Path, prefix) {
				line(table+setting.Path, literal(setting.Value))
			}
		}
	}
	writeSettings("", common, "task.")
	line("metric.name", strconv.Quote(s.Metric.Name))
	line("metric.goal", strconv.Quote(string(s.Metric.Goal)))
	line("metric.at", strconv.Quote(string(s.Metric.At)))
	if s.Metric.HasTarget {
		line("metric.target", literal(plugins.Real(s.Metric.Target)))
	}
	line("grid.lr", numbers(s.LR))
	line("grid.lambda", numbers(s.Lambda))
	for _, axis := range s.Axes {
		values := make([]string, len(axis.Values))
		for i, v := range axis.Values {
			values[i] = literal(v)
		}
		line("grid."+axis.Name, "["+strings.Join(values, ", ")+"]")
	}
	if s.Task.Command == nil && len(s.variants) > 1 {
		for i, v := range s.variants {
			writeSettings(fmt.Sprintf("variant.%d.", i), runner.Trial{Task: v.task}, "task.")
		}
	}
	for _, group := range s.zip {
		line("zip", strconv.Quote(strings.Join(group, " ")))
	}
	for _, p := range s.extra {
		line("extra", fmt.Sprintf("%d %d %s %s [%s]", p.optimizer, p.regularizer, plugins.Real(p.lr), plugins.Real(p.lambda), describeAxes(s.variants[p.variant].axes)))
	}
	for _, x := range s.Skip {
		line("skip", strconv.Quote(x.String()))
	}
	var writeChoice func(prefix string, c *runner.Choice)
	writeChoice = func(prefix string, c *runner.Choice) {
		line(prefix+"component", strconv.Quote(c.Component))
		line(prefix+"identity", strconv.Quote(c.Identity))
		for _, name := range c.Settings.Names() {
			line(prefix+"settings."+name, literal(c.Settings[name]))
		}
		if c.Base != nil {
			writeChoice(prefix+"base.", c.Base)
		}
	}
	writeChoices := func(table string, choices []runner.Choice) {
		for i := range choices {
			writeChoice(table+"."+strconv.Quote(choices[i].Label)+".", &choices[i])
			writeSettings(table+"."+strconv.Quote(choices[i].Label)+".", runner.Trial{Optimizer: choices[i]}, "schedule.")
		}
	}
	writeChoices("optimizers", s.Optimizers)
	writeChoices("regularizers", s.Regularizers)
	writeSettings("", common, "early_stop.")
	writeSettings("", common, runner.PathDivergence)
	if p := s.Prune; p != nil {
		line("prune.rule", strconv.Quote(p.String()))
		line("prune.monitor", strconv.Quote(p.Monitor))
		line("prune.goal", strconv.Quote(string(p.Goal)))
		if s.keep != nil {
			line("prune.keep", strconv.Quote(s.keep.String()))
		}
	}
	return b.String()
}

// Digest is the SHA-256 of Resolved, hex, without [compare] and [check]: another question makes no other
// sweep. Where the answer decides which points get more seeds, it does: how the sweep is compared is part of it.
func (s *Spec) Digest() string {
	text := s.trained()
	if s.Until != nil {
		text += s.asked()
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func literal(v plugins.Value) string {
	if v.Type == plugins.TypeText || v.Type == plugins.TypeChoice {
		return strconv.Quote(v.Text)
	}
	return v.String()
}

func numbers(values []float64) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = plugins.Real(v).String()
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// resolvedValue finds a fact in what Resolved has written, as it is written.
func resolvedValue(resolved, path string) (value string, ok bool) {
	for line := range strings.Lines(resolved) {
		if value, ok := strings.CutPrefix(line, path+" = "); ok {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// resolvedText is resolvedValue of a text.
func resolvedText(resolved, path string) (text string, ok bool) {
	quoted, ok := resolvedValue(resolved, path)
	if !ok {
		return "", false
	}
	text, err := strconv.Unquote(quoted)
	return text, err == nil
}

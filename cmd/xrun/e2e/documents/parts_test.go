package documents

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/explain"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// parts are what pages have from the code, by the name of the comments around them.
var parts = map[string]func() string{"keys": keysPart, "schedules": schedulesPart, "metrics": metricsPart, "rules": stoppingPart, "pruning": pruningPart, "views": viewsPart, "simulated": simulatedPart}

var partOfPage = regexp.MustCompile(`(?s)<!-- (\w+): [^\n]* -->\n(.*?)<!-- /(\w+) -->`)

// What pages say of keys, schedules, rules and views is what the code says. -update writes it.
func TestPartsOfPagesAreFromTheCode(t *testing.T) {
	used := map[string]bool{}
	for _, page := range help.Pages() {
		path := pathOf(page)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		written := partOfPage.ReplaceAllStringFunc(string(text), func(found string) string {
			m := partOfPage.FindStringSubmatch(found)
			name, shown := m[1], m[2]
			part, ok := parts[name]
			if !ok || m[3] != name {
				t.Errorf("%s: there is no part %q that ends with %q", path, name, m[3])
				return found
			}
			used[name] = true
			ought := part()
			if shown != ought && !tests.Update() {
				t.Errorf("%s: the part %s is not what the code says: go test ./cmd/xrun/e2e/documents -run PartsOfPages -update writes it", path, name)
			}
			return strings.Replace(found, "-->\n"+shown, "-->\n"+ought, 1)
		})
		if tests.Update() && written != string(text) {
			e2e.Write(t, path, written)
		}
	}
	for name := range parts {
		if !used[name] {
			t.Errorf("no page has the part %s", name)
		}
	}
}

// keysPart is every key of a sweep file.
func keysPart() string {
	var b strings.Builder
	for _, table := range sweeps.Keys() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", table.Title, table.Meaning)
		for _, k := range table.Keys {
			facts := []string{k.Type}
			switch {
			case k.Default == "required":
				facts = append(facts, k.Default)
			case k.Default != "none":
				facts = append(facts, "default "+k.Default)
			}
			if k.Only != "" {
				facts = append(facts, "for "+k.Only)
			}
			fmt.Fprintf(&b, "- **%s** (%s): %s For example `%s`.\n", k.Name, strings.Join(facts, "; "), k.Meaning, strings.ReplaceAll(k.Example, "\n", "`, `"))
		}
	}
	return b.String() + "\n"
}

// row is one of a table in Markdown.
func row(cells ...string) string {
	for i, c := range cells {
		c = strings.NewReplacer(",\n", ", ", ";\n", "; ", "\n", "; ", "|", `\|`).Replace(c)
		cells[i] = c
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// schedulesPart is a table of the schedules.
func schedulesPart() string {
	text := row("kind", "the rate", "keys and defaults") + "|---|---|---|\n"
	for _, f := range explain.All() {
		if f.Kind == explain.Schedule {
			text += row("`"+f.Name+"`", f.Formula, ownKeys(f))
		}
	}
	return text
}

// metricsPart is a table of the metrics.
func metricsPart() string {
	text := row("metric", "better", "reported", "what it is") + "|---|---|---|---|\n"
	for _, m := range runner.Metrics {
		name, when := "`"+m.Name+"`", "always"
		if m.Rows {
			name = "`" + runner.PartTrain + m.Name + "`, `" + runner.PartValidation + m.Name + "`, `" + runner.PartTest + m.Name + "`"
		}
		switch {
		case m.OnRequest:
			when = "on request"
		case m.Name == plugins.MetricRate:
			when = "with a schedule"
		case m.Kind != "":
			when = string(m.Kind)
		}
		better := explain.Better(m)
		if better == "" {
			better = "–"
		}
		text += row(name, better, when, m.Meaning)
	}
	return text
}

// stoppingPart is a table of the stopping rules, pruningPart of the pruning rules.
func stoppingPart() string {
	return row("rule", "stops", "keys and defaults") + "|---|---|---|\n" + rules(explain.Stopping)
}

func pruningPart() string {
	return row("rule", "what it does", "keys and defaults") + "|---|---|---|\n" + rules(explain.Pruning)
}

func rules(kind explain.Kind) (text string) {
	for _, f := range explain.All() {
		if f.Kind == kind {
			text += row("`"+f.Name+"`", strings.TrimPrefix(f.Formula, "stop "), ownKeys(f))
		}
	}
	return text
}

// ownKeys are the keys that not every name of the kind has.
func ownKeys(f explain.Fact) string {
	var keys []string
	for _, k := range f.Settings {
		switch {
		case k.Only == "":
		case k.Default == "required":
			keys = append(keys, "`"+k.Name+"`")
		default:
			keys = append(keys, "`"+k.Name+"` "+strings.Trim(k.Default, `"`))
		}
	}
	return strings.Join(keys, ", ")
}

// viewsPart is a table of the views.
func viewsPart() string {
	text := row("view", "what is in it", "columns") + "|---|---|---|\n"
	for _, v := range store.Views() {
		var columns []string
		for _, c := range v.Columns {
			columns = append(columns, "`"+c.Name+"`")
		}
		text += row("`"+v.Name+"`", v.About, strings.Join(columns, " "))
	}
	return text
}

// simulatedPart is what sweeps that are made up show, as their test wrote it.
func simulatedPart() string {
	text, err := os.ReadFile("../../../../sweeps/compare/testdata/simulated.md")
	if err != nil {
		panic(err)
	}
	return string(text)
}

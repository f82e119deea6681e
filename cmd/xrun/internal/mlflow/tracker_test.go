package mlflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// A program is heard: what it says goes to a tracker under the address that it was given.
type heardProgram struct {
	t       *testing.T
	address string
	end     func() []runner.Note
	mu      sync.Mutex
	reports []string
}

func hear(t *testing.T, tracker *Tracker, metrics ...string) *heardProgram {
	p := &heardProgram{t: t}
	env, end, err := tracker.Track(runner.ProgramSpec{Metrics: metrics, Folder: filepath.Join(t.TempDir(), "trial")}, func(r runner.Report) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reports = append(p.reports, fmt.Sprint(r.Epoch, r.Metrics, r.Values))
	})
	if err != nil {
		t.Fatal(err)
	}
	p.end = end
	for _, v := range env {
		if address, ok := strings.CutPrefix(v, "MLFLOW_TRACKING_URI="); ok {
			p.address = address
		}
	}
	return p
}

func (p *heardProgram) says(status int, endpoint, body string) map[string]any {
	p.t.Helper()
	answer, err := http.Post(p.address+"/api/2.0/mlflow/"+endpoint, "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != status {
		p.t.Fatalf("%s answers %d %s, want %d", endpoint, answer.StatusCode, text, status)
	}
	var object map[string]any
	json.Unmarshal(text, &object)
	return object
}

// begins begins a run, whose logs the result makes.
func (p *heardProgram) begins(tags string) (log func(values string)) {
	p.t.Helper()
	id := p.says(200, "runs/create", `{"tags": [`+tags+`]}`)["run"].(map[string]any)["info"].(map[string]any)["run_id"].(string)
	return func(values string) {
		var list []string
		for _, v := range strings.Fields(values) { // metric=value@step
			var metric string
			var value, step int
			name, rest, _ := strings.Cut(v, "=")
			metric = name
			fmt.Sscanf(rest, "%d@%d", &value, &step)
			list = append(list, fmt.Sprintf(`{"key": %q, "value": %d, "timestamp": %d, "step": %d}`, metric, value, value, step))
		}
		p.says(200, "runs/log-batch", fmt.Sprintf(`{"run_id": %q, "metrics": [%s], "params": [{"key": "lr", "value": "0.1"}]}`, id, strings.Join(list, ", ")))
	}
}

func TestReportsOfAProgram(t *testing.T) {
	for name, c := range map[string]struct {
		metrics string
		logged  []string // a batch each
		want    []string
		late    bool
	}{
		"a step is reported when it has all":  {"a b", []string{"a=1@1", "b=2@1", "a=3@2 b=4@2 c=5@2"}, []string{"1 [a b] [1 2]", "2 [a b c] [3 4 5]"}, false},
		"a part is reported with the next":    {"a b", []string{"a=1@1", "a=2@2", "b=3@2"}, []string{"1 [a] [1]", "2 [a b] [2 3]"}, false},
		"a part is reported at the end":       {"a b", []string{"a=1@1 b=2@1", "b=3@2"}, []string{"1 [a b] [1 2]", "2 [b] [3]"}, false},
		"others at steps of their own":        {"a", []string{"c=1@100", "c=2@200", "a=3@1", "c=4@300 a=5@2"}, []string{"1 [a] [3]", "2 [a] [5]"}, false},
		"what is late is left out":            {"a", []string{"a=1@5", "a=2@4", "b=3@5", "a=4@6"}, []string{"5 [a] [1]", "6 [a] [4]"}, true},
		"values without steps are counted":    {"a", []string{"a=1@0", "a=2@0", "a=3@0"}, []string{"1 [a] [1]", "2 [a] [2]", "3 [a] [3]"}, false},
		"what is sent twice counts once":      {"a", []string{"a=1@0", "a=1@0", "a=2@0"}, []string{"1 [a] [1]", "2 [a] [2]"}, false},
		"steps from 0 are epochs from 1":      {"a", []string{"a=1@0", "a=2@1", "a=9@1", "a=3@3"}, []string{"1 [a] [1]", "2 [a] [2]", "4 [a] [3]"}, true},
		"steps from 0 in parts":               {"a b", []string{"a=1@0", "a=2@1 b=3@1", "b=4@2"}, []string{"1 [a] [1]", "2 [a b] [2 3]", "3 [b] [4]"}, false},
		"a step before 0 and one of no epoch": {"a", []string{"a=1@-1", "a=2@2000000000", "a=3@1"}, []string{"1 [a] [3]"}, true},
		"several steps of one batch in order": {"a", []string{"a=3@3 a=1@1 a=2@2"}, []string{"1 [a] [1]", "2 [a] [2]", "3 [a] [3]"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tracker := &Tracker{}
			defer tracker.Close()
			p := hear(t, tracker, strings.Fields(c.metrics)...)
			log := p.begins("")
			for _, batch := range c.logged {
				log(batch)
			}
			notes := p.end()
			if !slices.Equal(p.reports, c.want) {
				t.Errorf("the reports are %q, want %q", p.reports, c.want)
			}
			if late := slices.ContainsFunc(notes, func(n runner.Note) bool { return n.Kind == "warning" }); late != c.late {
				t.Errorf("the notes are %v", notes)
			}
		})
	}
}

// Nested and further runs are answered and counted; another program's secret, and one that has ended, lead nowhere.
func TestRunsOfAProgram(t *testing.T) {
	tracker := &Tracker{}
	defer tracker.Close()
	p, other := hear(t, tracker, "a"), hear(t, tracker, "a")
	nested := `{"key": "mlflow.parentRunId", "value": "x"}`
	p.begins(nested)("a=9@1")
	main := p.begins("")
	p.begins(nested)("a=8@1")
	p.begins("")("a=7@1")
	main("a=1@1")
	notes := p.end()
	if !slices.Equal(p.reports, []string{"1 [a] [1]"}) || len(other.reports) > 0 {
		t.Errorf("the reports are %q, and of another program %q", p.reports, other.reports)
	}
	if len(notes) != 1 || !strings.Contains(notes[0].Message, "not recorded: 3") || !bytes.Contains([]byte(notes[0].Detail), []byte(`{"key":"lr","value":"0.1"}`)) {
		t.Errorf("the notes are %+v", notes)
	}
	p.says(404, "runs/create", `{}`)
	p.address = p.address[:strings.LastIndex(p.address, "/")]
	p.says(404, "runs/create", `{}`)
	other.begins("")("a=2@1")
	other.end()
	if len(other.reports) != 1 {
		t.Errorf("the other program's reports are %q", other.reports)
	}
}

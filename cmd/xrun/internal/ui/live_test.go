package ui

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// A sweep in training is told to those who listen: what trains, and when a trial ends, that there is another answer.
func TestATrainingSweepIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun.db")
	db, err := store.Open(t.Context(), path, store.Options{Command: "xrun sweep small.toml"})
	try(t, err)
	defer db.Close()
	g := small
	g.left, g.began = 10, 2
	id, begun, recorder := record(t, db, g)
	v := serve(t, Options{Store: path})
	var other *stream
	for _, query := range []string{"?sweep=small", ""} {
		s := v.stream(query)
		s.until("hello", `"version"`)
		if query == "" {
			other = s
			continue
		}
		var now Live
		try(t, json.Unmarshal([]byte(s.until("progress", "")), &now))
		if now.Sweep != "small" || now.Trials != 72 || now.Ended != 60 || len(now.Training) != 2 || now.Training[0].Epoch != 1 || now.Training[0].Epochs != 5 || now.Training[0].Text == "" || now.Training[0].Run == 0 ||
			len(now.Owners) != 1 || now.Owners[0].PID != os.Getpid() || now.Owners[0].Command != "xrun sweep small.toml" || len(now.Best) != 1 {
			t.Errorf("the sweep is told as %+v", now)
		}
		defer func() {
			// A trial goes on, ends, and the process ends.
			ctx := context.Background()
			run := begun[len(begun)-1].Run
			try(t, recorder.Record(ctx, runner.Update{Points: []runner.Points{{Run: run, Epoch: 2, Metrics: []string{"train_loss", "val_loss"}, Values: []float64{0.5, 0.625}}}}))
			try(t, recorder.Flush(ctx))
			s.until("progress", `"epoch":2,"epochs":5,"value":0.625`)
			try(t, recorder.Record(ctx, runner.Update{Ends: []runner.End{{Run: run, Status: runner.StatusFinished, Epochs: 2, Kept: &runner.Kept{Epoch: 2, Value: 0.625}}}}))
			try(t, recorder.Flush(ctx))
			s.until("change", fmt.Sprintf(`"id":%d,"sweep":"small"`, id))
			other.until("change", `"sweep":""`)
			var answer struct {
				UI struct{ Live *Live }
			}
			v.read(&answer, "/api/v1/answer")
			if answer.UI.Live == nil || answer.UI.Live.Ended != 61 {
				t.Errorf("after the end of a trial the answer has %+v", answer.UI.Live)
			}
			try(t, db.Close())
			s.until("change", `"sweep":"small"`)
			v.read(&answer, "/api/v1/answer")
			answer.UI.Live = nil
			if v.read(&answer, "/api/v1/answer"); answer.UI.Live != nil {
				t.Errorf("after the end of the process the answer has %+v", answer.UI.Live)
			}
			v.end()
			s.until("bye", "")
		}()
	}
}

// locked opens the database beside the store, as a writer that waits for nobody.
func locked(t *testing.T, path string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(0)")
	try(t, err)
	t.Cleanup(func() { db.Close() })
	c, err := db.Conn(t.Context())
	try(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// Readers hold no transaction between queries, and a writer never waits for them: it takes the lock at once, and its log is
// folded in whole, however many listen.
func TestReadersHoldNothing(t *testing.T) {
	path := filled(t, small)
	v := serve(t, Options{Store: path})
	for range 10 {
		v.stream("?sweep=small").until("hello", "")
	}
	writer := locked(t, path)
	ctx := t.Context()
	for i := range 20 {
		for _, at := range []string{"/", "/api/v1/answer", "/api/v1/points", "/api/v1/sql?q=SELECT+count(*)+FROM+points", "/api/v1/curves", "/api/v1/run?id=1"} {
			v.get(at)
		}
		for _, statement := range []string{"BEGIN IMMEDIATE", fmt.Sprintf("UPDATE sweep SET notes = 'note %d'", i), "COMMIT"} {
			if _, err := writer.ExecContext(ctx, statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		// TRUNCATE needs the whole log for itself, without a reader of an older state. Who listens may be reading just now, and then not.
		const soon = 10 * time.Second
		for began, busy := time.Now(), 1; busy != 0; {
			var frames, folded int
			try(t, writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &folded))
			if busy != 0 && time.Since(began) > soon {
				t.Fatalf("after %d rounds a reader holds a transaction", i)
			}
		}
	}
	var sweeps struct{ Sweeps []struct{ Notes string } }
	if v.read(&sweeps, "/api/v1/sweeps"); sweeps.Sweeps[0].Notes != "note 19" {
		t.Errorf("the notes are %q", sweeps.Sweeps[0].Notes)
	}
}

// While requests read all the time, a writer that waits for nobody takes its lock.
func TestAWriterNeverWaits(t *testing.T) {
	path := filled(t, small)
	v := serve(t, Options{Store: path})
	for range 10 {
		v.stream("?sweep=small")
	}
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				v.get("/api/v1/answer")
			}
		}
	}()
	writer := locked(t, path)
	for i := range 300 {
		for _, statement := range []string{"BEGIN IMMEDIATE", fmt.Sprintf("UPDATE sweep SET notes = 'note %d'", i), "COMMIT"} {
			if _, err := writer.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("round %d: %s: %v", i, statement, err)
			}
		}
	}
	close(stop)
	<-ended
}

// Nobody looks into the database while nothing happens, and nobody looks at its files while nobody listens.
func TestNothingIsPolledWhileNothingHappens(t *testing.T) {
	path := filled(t, small)
	v := serve(t, Options{Store: path})
	state := func() (watching bool, looks int) {
		v.hub.mu.Lock()
		defer v.hub.mu.Unlock()
		return v.hub.watching, v.hub.looks
	}
	if watching, _ := state(); watching {
		t.Error("it watches though nobody listens")
	}
	s := v.stream("?sweep=small")
	s.until("hello", "")
	time.Sleep(6 * glance) // the files were made just now, and may still change under one stamp
	_, before := state()
	time.Sleep(6 * glance)
	if watching, after := state(); !watching || after != before {
		t.Errorf("while nothing happens it looks %d times, watching %v", after-before, watching)
	}
	s.body.Close()
	for watching := true; watching; time.Sleep(glance) {
		watching, _ = state()
	}
}

// Another file in the place of the database is shown, also where nobody could write before.
func TestAnotherDatabaseTakesItsPlace(t *testing.T) {
	path := filled(t, small)
	v := serve(t, Options{Store: path})
	s := v.stream("")
	s.until("hello", "")
	if r := v.get("/api/v1/sweeps"); !strings.Contains(r.body, `"small"`) {
		t.Fatalf("the sweeps are %s", r.body)
	}
	try(t, os.Rename(filled(t, grid{name: "next", lrs: 2, lambdas: 1, seeds: 2, epochs: 2}), path))
	if r := v.get("/api/v1/answer"); r.code != 200 || !strings.Contains(r.body, `"sweep":"next"`) {
		t.Errorf("the answer is %s", r.body)
	}
	s.until("change", "")
	try(t, os.Remove(path))
	if r := v.get("/api/v1/answer"); r.code != http.StatusServiceUnavailable || !strings.Contains(r.body, "error") {
		t.Errorf("without a database the answer is %d: %s", r.code, r.body)
	}
	try(t, os.Rename(filled(t, small), path))
	if r := v.get("/api/v1/answer"); r.code != 200 || !strings.Contains(r.body, `"sweep":"small"`) {
		t.Errorf("the answer is %s", r.body)
	}
}

// A page that acts shows the command, and starts it as a process of its own.
func TestControlStartsCommands(t *testing.T) {
	t.Setenv("XRUN_UI_TEST_PROGRAM", "1")
	self, err := os.Executable()
	try(t, err)
	path := filled(t, small)
	v := serve(t, Options{Store: path, Arguments: []string{"--store", "my.db"}, Control: &Control{Program: self, Folder: t.TempDir()}})
	before := content(t, filepath.Dir(path))
	own := []string{"X-Xrun: 1", "Origin: http://" + v.host}
	for query, want := range map[string]string{
		"do=stop&sweep=small":                          "xrun stop small --store my.db",
		"do=stop&sweep=small&now=1":                    "xrun stop --now small --store my.db",
		"do=retry&sweep=small":                         "xrun sweep --retry-failed --progress plain small.toml --store my.db",
		"do=confirm&sweep=small&top=2&seeds=5":         "xrun confirm --progress plain --top 2 --seeds 5 small --store my.db",
		"do=refine&sweep=small&axis=lr":                "xrun refine --axis lr --output - small --store my.db",
		"do=refine&sweep=small&arm=adam&save=a+b.toml": "xrun refine --arm adam --output 'a b.toml' small --store my.db",
		"do=start&file=next.toml":                      "xrun sweep --progress plain next.toml --store my.db",
	} {
		var shown struct{ Command string }
		if v.read(&shown, "/api/v1/act?"+query); shown.Command != want {
			t.Errorf("%s shows %s, want %s", query, shown.Command, want)
		}
	}
	for query, code := range map[string]int{"": 400, "do=delete": 400, "do=stop&sweep=none": 404, "do=confirm&top=0": 400, "do=confirm&seeds=x": 400, "do=start": 400, "do=start&file=../x.toml": 400, "do=start&file=/etc/x.toml": 400, "do=start&file=-x.toml": 400,
		"do=start&file=x.txt": 400, "do=refine&save=../x.toml": 400, "do=refine&save=a/b.toml": 400, "do=refine&save=..": 400, "do=stop&file=x.toml": 400, "do=stop&sweep=small&sweep=small": 400} {
		if r := v.ask("POST", "/api/v1/act?"+query, own...); r.code != code {
			t.Errorf("%q is answered with %d, want %d: %s", query, r.code, code, r.body)
		}
	}
	for _, headers := range [][]string{{"X-Xrun: 1", "Origin: http://evil.example"}, {"X-Xrun: 1", "Origin: null"}, {"Origin: http://" + v.host}, {"X-Xrun: 1", "Origin: http://" + v.host, "Sec-Fetch-Site: cross-site"}, {"X-Xrun: 1", "Sec-Fetch-Site: same-site"},
		{"", "X-Xrun: 1", "Cookie: " + v.cookie + "=" + v.Token()}, {"", "X-Xrun: 1", "Origin: http://" + v.host}, {"X-Xrun: 1", "Origin: http://evil.example", "Host: evil.example"}, {"X-Xrun: 0", "Origin: http://" + v.host}} {
		if r := v.ask("POST", "/api/v1/act?do=stop&sweep=small", headers...); r.code != http.StatusForbidden && r.code != http.StatusUnauthorized {
			t.Errorf("a POST with %q is answered with %d", headers, r.code)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH"} {
		if r := v.ask(method, "/api/v1/act?do=stop", own...); r.code != http.StatusMethodNotAllowed {
			t.Errorf("%s is answered with %d", method, r.code)
		}
	}
	if r := v.ask("POST", "/api/v1/answer", own...); r.code != http.StatusMethodNotAllowed && r.code != http.StatusNotFound {
		t.Errorf("a POST elsewhere is answered with %d", r.code)
	}
	if r := v.get("/api/v1/jobs"); !strings.Contains(r.body, `"jobs":[]`) {
		t.Errorf("what was refused has started something: %s", r.body)
	}
	s := v.stream("")
	s.until("hello", "")
	if r := v.ask("POST", "/api/v1/act?do=stop&sweep=small", "", "X-Xrun: 1", "Origin: http://"+v.host, "Sec-Fetch-Site: same-origin", "Cookie: "+v.cookie+"="+v.Token()); r.code != 200 || !strings.Contains(r.body, `"command":"xrun stop small --store my.db"`) {
		t.Fatalf("the page's POST is answered with %d: %s", r.code, r.body)
	}
	var ended jobRow
	try(t, json.Unmarshal([]byte(s.until("job", `"exit_code":3`)), &ended))
	if ended.Of < 100_000 || len(ended.Output) > mostTold || !strings.HasSuffix(ended.Output, "xthe end\n") {
		t.Errorf("the event has %d bytes", len(ended.Output))
	}
	var jobs struct{ Jobs []jobRow }
	v.read(&jobs, "/api/v1/jobs")
	ended = jobs.Jobs[0]
	if ended.Of < 100_000 || len(ended.Output) > mostSaid || !strings.HasSuffix(ended.Output, "xthe end\n") {
		t.Errorf("of its output there are %d of %d bytes, ending in %.20q", len(ended.Output), ended.Of, ended.Output[max(0, len(ended.Output)-20):])
	}
	if after := content(t, filepath.Dir(path)); after != before {
		t.Error("the server itself has changed a file")
	}
}

// The end of the server ends what it has started.
func TestCommandsEndWithTheServer(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("there is no sleep")
	}
	h := newHub(nil)
	defer h.close()
	j := newJobs(&Control{Program: sleep, Folder: t.TempDir()}, h)
	for range mostRunning {
		_, err := j.start("start", []string{"600"})
		try(t, err)
	}
	if _, err := j.start("start", []string{"600"}); err == nil {
		t.Error("one more is started")
	}
	j.close()
	for _, row := range j.list() {
		if row.Code == nil {
			t.Errorf("%+v runs on", row)
		}
	}
	if _, err := j.start("start", []string{"600"}); err == nil {
		t.Error("a server that has ended starts a command")
	}
}

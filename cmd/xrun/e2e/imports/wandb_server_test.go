package imports

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
)

// A recorded is a server of W&B that answers what wandb.Api asks with what a server has answered, for runs of its own.
type recorded struct {
	mu      sync.Mutex
	runs    []map[string]any // nodes of the query Runs
	history map[string][]map[string]any
	strange []string // queries that it does not know
}

// add has the server know a run, and returns it as W&B shows it.
func (s *recorded) add(i int, state string, status runner.Status, sweep any) told {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("run%05d", i)
	seed, lr, optimizer := i%5+i/20*5, []float64{0.1, 0.003}[i/5%2], []string{"sgd", "adam"}[i/10%2]
	began := time.Date(2026, 1, 2, 3, 4, i, 0, time.UTC)
	curves := map[string][][2]any{}
	hex := func(x float64) string { return fmt.Sprintf("%x", x) }
	for step := range 12 {
		loss := (1+0.01*float64(seed)+float64(len(optimizer)))/float64(step+3) + lr
		row := map[string]any{"_step": step, "_timestamp": float64(began.Unix()) + float64(step), "_runtime": step, "val/loss": loss,
			"train": map[string]any{"loss": loss / 7}, "grad é": float64(step), "words": "text", "image": map[string]any{"_type": "image-file"}}
		point := loss / 7
		curves["grad é"] = append(curves["grad é"], [2]any{float64(step), hex(float64(step))})
		if step == 4 {
			row["train"], row["grad é"] = map[string]any{"loss": point}, "NaN" // as servers write it
			curves["grad é"][step][1] = "nan"
		}
		curves["val/loss"] = append(curves["val/loss"], [2]any{float64(step), hex(loss)})
		curves["train.loss"] = append(curves["train.loss"], [2]any{float64(step), hex(point)})
		s.history[id] = append(s.history[id], row)
	}
	curves["best"] = [][2]any{{float64(11), hex(0.25)}}
	config := map[string]any{"_wandb": map[string]any{"value": map[string]any{"x": 1}}}
	for name, value := range map[string]any{"lr": lr, "optimizer": optimizer, "seed": seed, "model": map[string]any{"width": 64, "blocks": []int{1, 2}}, "none": nil} {
		config[name] = map[string]any{"value": value, "desc": nil}
	}
	text := func(v any) string { out, _ := json.Marshal(v); return string(out) }
	name := []string{"run %d", "läuft ☃ %d", `a/b: "c" %d`}[i%3]
	s.runs = append(s.runs, map[string]any{"projectId": "1", "id": "UnVu" + id, "tags": []string{"first"}, "name": id, "displayName": fmt.Sprintf(name, i), "sweepName": sweep,
		"state": state, "config": text(config), "group": nil, "jobType": nil, "commit": nil, "readOnly": false, "createdAt": began.Format(time.RFC3339),
		"heartbeatAt": began.Add(90 * time.Second).Format(time.RFC3339), "description": "", "notes": "a note", "systemMetrics": "{}",
		"summaryMetrics": text(map[string]any{"val/loss": 1, "best": 0.25, "_step": 11}), "historyLineCount": 12,
		"user": map[string]any{"name": "me", "username": "me"}, "historyKeys": map[string]any{"lastStep": 11, "sets": []any{}, "keys": map[string]any{}}})
	start, wall := float64(began.Unix()), 90.0
	return told{ID: id, Name: fmt.Sprintf(name, i), Status: status, Curves: curves, Started: &start, Wall: &wall, Settings: map[string]string{"lr": "real " + hex(lr),
		"optimizer.component": "text " + optimizer, "seed": fmt.Sprintf("integer %d", seed), "model.width": "integer 64", "model.blocks": "text [1,2]"}}
}

// ServeHTTP answers a query.
func (s *recorded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ask struct {
		Query     string
		Variables struct {
			Project, Name, Run, Cursor string
			MinStep, MaxStep           int
		}
	}
	if r.URL.Path != "/graphql" || json.NewDecoder(r.Body).Decode(&ask) != nil {
		return // what it tells of itself
	}
	data := map[string]any{}
	project := func(v any) { data["project"] = v }
	run := func(v any) { project(map[string]any{"run": v}) }
	switch q, v := ask.Query, ask.Variables; {
	case strings.Contains(q, "query Runs(") && v.Project != "größe-1":
		project(nil)
	case strings.Contains(q, "query Runs("):
		const page = 8
		from := slices.IndexFunc(s.runs, func(r map[string]any) bool { return r["name"] == v.Cursor }) + 1
		edges, behind := []any{}, min(from+page, len(s.runs))
		for _, node := range s.runs[from:behind] {
			edges = append(edges, map[string]any{"node": node, "cursor": node["name"]})
		}
		project(map[string]any{"internalId": "1", "runCount": len(s.runs), "readOnly": false, "runs": map[string]any{"edges": edges,
			"pageInfo": map[string]any{"endCursor": s.runs[behind-1]["name"], "hasNextPage": behind < len(s.runs)}}})
	case strings.Contains(q, "query RunHistoryKeys"):
		run(map[string]any{"historyKeys": map[string]any{"lastStep": 11, "sets": []any{}, "keys": map[string]any{}}})
	case strings.Contains(q, "query RunParquetHistory"):
		run(map[string]any{"parquetHistory": map[string]any{"parquetUrls": []any{}, "liveData": []any{}}})
	case strings.Contains(q, "query HistoryPage"):
		rows := []string{}
		for _, row := range s.history[v.Run] {
			if step := row["_step"].(int); step >= v.MinStep && step < v.MaxStep {
				text, _ := json.Marshal(row)
				rows = append(rows, string(text))
			}
		}
		run(map[string]any{"history": rows})
	case strings.Contains(q, "viewer"):
		data["viewer"] = map[string]any{"id": "VXNlcg==", "entity": "me", "username": "me", "email": "me@example.com", "flags": "{}", "teams": map[string]any{"edges": []any{}}}
	default:
		s.strange = append(s.strange, q)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}

func TestImportWandbServer(t *testing.T) {
	tool := interpreter(t, trackersPython, "wandb")
	dir := t.TempDir()
	server := &recorded{history: map[string][]map[string]any{}}
	listening := httptest.NewServer(server)
	defer listening.Close()
	var want []told
	for i := range 20 {
		state, status := "finished", runner.StatusFinished
		switch i {
		case 16:
			state, status = "failed", runner.StatusFailed
		case 17:
			state, status = "crashed", runner.StatusFailed
		case 18:
			state, status = "preempted", runner.StatusFailed
		case 19:
			state, status = "running", runner.StatusInterrupted
		}
		want = append(want, server.add(i, state, status, nil))
	}
	xrun := func(args ...string) *exec.Cmd {
		cmd := e2e.Xrun(t, dir, append([]string{"import", "wandb"}, args...)...)
		cmd.Env = append(cmd.Env, "HOME="+dir, "WANDB_BASE_URL="+listening.URL, "WANDB_API_KEY="+strings.Repeat("0123456789", 4), "WANDB_CACHE_DIR="+filepath.Join(dir, "cache"))
		return cmd
	}
	const project = "me/größe-1"
	out, errs := e2e.Run(t, 0, xrun(project, "--python", tool))
	said(t, out, "20 runs of 4 points", "as the sweep größe-1", "compared by val/loss, the smaller the better")
	said(t, errs, "1 run was still running there", "not taken: 240 tables, media and histograms", "not taken: 240 logged values that are no numbers")
	same(t, dir, "größe-1", want)
	judged(t, dir, "größe-1", "adam", "sgd")

	more := []told{server.add(20, "finished", runner.StatusFinished, nil), server.add(21, "finished", runner.StatusFinished, "sw33p")}
	out, _ = e2e.Run(t, 0, xrun(project, "--python", tool))
	said(t, out, "2 runs of", "19 runs were there already", "1 run of 1 point", "as the sweep größe-1/sw33p") // one was running
	same(t, dir, "größe-1", append(slices.Clone(want), more[0]))
	same(t, dir, "größe-1/sw33p", more[1:])
	if len(server.strange) > 0 {
		t.Errorf("the server does not know %q", server.strange)
	}

	_, errs = e2e.Run(t, 2, xrun("me/another", "--python", tool))
	said(t, errs, "the account has no project me/another", "hint: a project is ENTITY/PROJECT")
	_, errs = e2e.Run(t, 2, xrun(project, "--python", filepath.Join(dir, "none")))
	said(t, errs, "does not start", "hint: --python names the interpreter that has the package")
	bare := filepath.Join(dir, "bare")
	e2e.Write(t, bare, fmt.Sprintf("#!/bin/sh\nexec %q -S \"$@\"\n", tool))
	if err := os.Chmod(bare, 0o755); err != nil {
		t.Fatal(err)
	}
	_, errs = e2e.Run(t, 2, xrun(project, "--python", bare))
	said(t, errs, "has no package wandb that works", "-m pip install wandb")
	keyless := xrun(project, "--python", tool)
	keyless.Env = append(keyless.Env, "WANDB_API_KEY=")
	_, errs = e2e.Run(t, 2, keyless)
	said(t, errs, "wandb is not logged in", "-m wandb login, or set WANDB_API_KEY")
}

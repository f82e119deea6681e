package sweeps

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

const uiSweep = "name = 'small'\nseeds = 2\n[task]\ndataset = 'iris'\nmodel = 'softmax'\nepochs = 2\n[grid]\nlr = [0.01, 0.1]\n"

// addressOf reads lines until one has the address of a page.
func addressOf(t *testing.T, from io.Reader) (page, token string) {
	t.Helper()
	for lines := bufio.NewScanner(from); lines.Scan(); {
		if at := strings.Index(lines.Text(), "http://"); at >= 0 {
			go io.Copy(io.Discard, from)
			page, token, _ = strings.Cut(lines.Text()[at:], "?token=")
			return strings.TrimSuffix(page, "/"), token
		}
	}
	t.Fatal("no address is printed")
	return "", ""
}

// asks sends a request to a page, and returns the code and the body.
func asks(t *testing.T, method, url, token string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer got.Body.Close()
	body, _ := io.ReadAll(got.Body)
	return got.StatusCode, string(body)
}

// xrun ui prints its address, serves the answer, starts what the page asks for, and ends with Ctrl-C without a trace.
func TestAPageIsServed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted")
	}
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "small.toml"), uiSweep)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "small.toml", "--progress", "none"))
	ui := e2e.Xrun(t, dir, "ui", "--no-open", "--control")
	out, err := ui.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	ui.Stderr, ui.Env = &said, append(ui.Env, "SSH_CONNECTION=10.1.1.1 5000 10.2.2.2 2222", "USER=me")
	if err := ui.Start(); err != nil {
		t.Fatal(err)
	}
	page, token := addressOf(t, out)
	if !strings.HasPrefix(page, "http://localhost:") || len(token) != 32 {
		t.Errorf("the address is %s with %q", page, token)
	}
	if code, body := asks(t, "GET", page+"/", token); code != 200 || !strings.Contains(body, "val_loss") {
		t.Errorf("the page is answered with %d: %s", code, body)
	}
	if code, _ := asks(t, "GET", page+"/", "wrong"); code != http.StatusUnauthorized {
		t.Errorf("a wrong token is answered with %d", code)
	}
	// The answer is what the command says.
	printed, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", "--json"))
	var want, got struct{ Verdict string }
	_, body := asks(t, "GET", page+"/api/v1/answer", token)
	if err := json.Unmarshal([]byte(printed), &want); err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal([]byte(body), &got); got != want || got.Verdict == "" {
		t.Errorf("the answer is %q, and compare says %q", got.Verdict, want.Verdict)
	}
	// A sweep beside it ends as if nobody looked.
	if _, errs := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "small.toml", "--set", "seeds=3", "--progress", "none")); strings.Contains(errs, "another program reads the database") {
		t.Errorf("beside the page a sweep says\n%s", errs)
	}
	// What the page starts is a process of its own, with this machine's xrun.
	if code, body := asks(t, "POST", page+"/api/v1/act?do=confirm&top=1&seeds=2", token, "X-Xrun: 1", "Origin: "+page); code != 200 || !strings.Contains(body, "xrun confirm") {
		t.Fatalf("an action is answered with %d: %s", code, body)
	}
	for {
		_, body = asks(t, "GET", page+"/api/v1/jobs", token)
		if !strings.Contains(body, `"exit_code":null`) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !strings.Contains(body, `"exit_code":0`) || !strings.Contains(body, "over 2 fresh ones") {
		t.Errorf("the job is %s", body)
	}
	if _, body = asks(t, "GET", page+"/api/v1/sweeps", token); !strings.Contains(body, `"title":"small-confirm"`) || !strings.Contains(body, `"relation":"confirm`) {
		t.Errorf("the sweeps are %s", body)
	}
	ui.Process.Signal(os.Interrupt)
	if code := e2e.Ending(ui.Wait()); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	port := page[strings.LastIndexByte(page, ':')+1:]
	if want := "ssh -L " + port + ":127.0.0.1:" + port + " -p 2222 me@10.2.2.2"; !strings.Contains(said.String(), want) || !strings.Contains(said.String(), "the page can stop and start sweeps") {
		t.Errorf("it says\n%s", &said)
	}
	for _, left := range []string{"xrun.db-wal", "xrun.db-shm"} {
		if _, err := os.Stat(filepath.Join(dir, left)); err == nil {
			t.Errorf("%s is left", left)
		}
	}
}

// A sweep serves its page as long as it trains.
func TestASweepServesItsPage(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "waits.toml"), "[task]\ncommand = ['sh', 'wait.sh', '{lr}']\nmetrics = ['val_loss']\n[grid]\nlr = [1, 2]\n")
	e2e.Write(t, filepath.Join(dir, "wait.sh"), "echo '{\"epoch\": 1, \"val_loss\": 0.25}'\nuntil [ -f go ]; do sleep 0.02; done\necho '{\"epoch\": 2, \"val_loss\": 0.5}'\n")
	sweep := e2e.Xrun(t, dir, "sweep", "waits.toml", "--ui", "--progress", "none", "--workers", "2")
	sweep.Env = append(sweep.Env, "SSH_CONNECTION=")
	said, err := sweep.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sweep.Start(); err != nil {
		t.Fatal(err)
	}
	page, token := addressOf(t, said)
	var answer struct {
		UI struct {
			Live *struct {
				Trials  int
				Running []struct {
					Epoch int
					Value *float64
				}
			}
		}
	}
	for answer.UI.Live == nil || len(answer.UI.Live.Running) < 2 || answer.UI.Live.Running[1].Value == nil {
		code, body := asks(t, "GET", page+"/api/v1/answer", token)
		if code == 0 {
			t.Fatalf("the sweep does not serve: %s", body)
		}
		json.Unmarshal([]byte(body), &answer)
		time.Sleep(20 * time.Millisecond)
	}
	if r := answer.UI.Live.Running[0]; answer.UI.Live.Trials != 2 || r.Epoch != 1 || *r.Value != 0.25 {
		t.Errorf("it trains %+v", answer.UI.Live)
	}
	e2e.Write(t, filepath.Join(dir, "go"), "")
	if code := e2e.Ending(sweep.Wait()); code != 0 {
		t.Errorf("the sweep ends with %d", code)
	}
	if code, _ := asks(t, "GET", page+"/", token); code != 0 {
		t.Errorf("after the sweep the page is answered with %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "xrun.db-wal")); err == nil {
		t.Error("a log is left")
	}
}

// What ten pages cost that follow a sweep, and ask for the answer at each change. It prints, and judges nothing: times are
// those of this machine, at this moment.
func TestWhatListenersCost(t *testing.T) {
	tests.NeedExamples(t, "it trains a sweep some times for a minute")
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted")
	}
	const rounds = 3
	trained := func(listeners int) (wall, cpu, server time.Duration) {
		dir := t.TempDir()
		e2e.Write(t, filepath.Join(dir, "small.toml"), uiSweep)
		e2e.Write(t, filepath.Join(dir, "bench.toml"), "name = 'bench'\nseeds = 5\n[task]\ndataset = 'digits'\nmodel = 'softmax'\nepochs = 60\n[grid]\nlr = [0.001, 0.01, 0.1, 1]\nlambda = [0, 0.1, 1]\noptimizer = ['sgd', 'adam']\n")
		e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "small.toml", "--progress", "none"))
		end := func() time.Duration { return 0 }
		if listeners > 0 {
			ui := e2e.Xrun(t, dir, "ui", "--no-open")
			out, err := ui.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := ui.Start(); err != nil {
				t.Fatal(err)
			}
			page, token := addressOf(t, out)
			for range listeners {
				go follows(t, page, token, "bench")
			}
			end = func() time.Duration {
				ui.Process.Signal(os.Interrupt)
				ui.Wait()
				return ui.ProcessState.UserTime() + ui.ProcessState.SystemTime()
			}
		}
		sweep := e2e.Xrun(t, dir, "sweep", "bench.toml", "--progress", "none")
		began := time.Now()
		e2e.Run(t, 0, sweep)
		wall = time.Since(began)
		return wall, sweep.ProcessState.UserTime() + sweep.ProcessState.SystemTime(), end()
	}
	var walls [2][]time.Duration
	var cpu, server time.Duration
	for range rounds {
		for i, listeners := range []int{0, 10} {
			wall, own, its := trained(listeners)
			walls[i] = append(walls[i], wall)
			if listeners > 0 {
				cpu, server = cpu+own, server+its
			}
		}
	}
	least := func(all []time.Duration) time.Duration { return slices.Min(all) }
	t.Logf("a sweep alone takes %v, beside ten pages %v: %+.1f %% (least of %d each); the server takes %.1f %% of the processor time that the sweep takes",
		least(walls[0]).Round(time.Millisecond), least(walls[1]).Round(time.Millisecond), 100*(float64(least(walls[1]))/float64(least(walls[0]))-1), rounds, 100*server.Seconds()/cpu.Seconds())
}

// follows follows a sweep as a page does: it asks for the answer at each change, until the server ends.
func follows(t *testing.T, page, token, sweep string) {
	for {
		if code, body := asks(t, "GET", page+"/api/v1/sweeps?where=live", token); code == 0 {
			return
		} else if strings.Contains(body, `"name":"`+sweep+`"`) {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", page+"/api/v1/events?sweep="+sweep, nil)
	if err != nil {
		return
	}
	r.Header.Set("Authorization", "Bearer "+token)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	defer got.Body.Close()
	for lines := bufio.NewScanner(got.Body); lines.Scan(); {
		if lines.Text() == "event: change" {
			asks(t, "GET", page+"/api/v1/sheet?sweep="+sweep, token, "Accept-Encoding: gzip")
			asks(t, "GET", page+"/api/v1/points?sweep="+sweep, token, "Accept-Encoding: gzip")
		}
	}
}

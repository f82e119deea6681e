package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// An actor does deeds on the page of xrun ui --control, as somebody would.
type actor struct{ *Tab }

// fill writes into the field of a deed that has the label.
func (a actor) fill(deed, label, text string) {
	a.t.Helper()
	a.Run(fmt.Sprintf(`(() => {
		const of = [...document.querySelectorAll('.deeds form')].find((f) => f.innerText.startsWith(%q)), field = [...of.querySelectorAll('label')].find((l) => l.innerText.trim() === %q).querySelector('input');
		field.value = %q;
		field.dispatchEvent(new Event('input', { bubbles: true }));
	})()`, deed, label, text))
}

// do asks for the command of a deed, sees that nothing runs yet, runs it and waits for its end. It returns the command.
func (a actor) do(deed string) string {
	a.t.Helper()
	const started = "fetch('/api/v1/jobs').then((r) => r.json()).then((j) => j.jobs.length)"
	jobs := Value[int](a.Tab, started)
	a.Run(fmt.Sprintf("[...document.querySelectorAll('.deeds form')].find((f) => f.innerText.startsWith(%q)).requestSubmit()", deed))
	a.Until("document.querySelector('.deeds p.ask .cmd')")
	command := Value[string](a.Tab, "document.querySelector('.deeds p.ask .cmd').dataset.cmd")
	if n := Value[int](a.Tab, started); n != jobs {
		a.t.Errorf("%s runs before it is asked to", command)
	}
	a.Run("[...document.querySelectorAll('.deeds p.ask button')].find((e) => e.textContent === 'run it').click()")
	a.Until(fmt.Sprintf("document.querySelectorAll('.job').length > %d", jobs))
	if shown := Value[string](a.Tab, "document.querySelector('.job .cmd').dataset.cmd"); shown != command {
		a.t.Errorf("%s is shown, %s runs", command, shown)
	}
	return command
}

// ends waits for the end of the newest command, and returns how it ended and what it printed.
func (a actor) ends() (how, output string) {
	a.t.Helper()
	a.Until("/^(done|ended)/.test(document.querySelector('.job p span')?.innerText ?? '')")
	return Value[string](a.Tab, "document.querySelector('.job p span').innerText"), Value[string](a.Tab, "document.querySelector('.job pre')?.innerText ?? ''")
}

func (a actor) sweeps() map[string]string {
	a.t.Helper()
	return Value[map[string]string](a.Tab, "fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => Object.fromEntries(a.sweeps.map((s) => [s.name, `${s.done} of ${s.trials}, ${s.failed} failed`])))")
}

// With --control the page shows each command and runs it as a child process: start, stop, retry, confirm, and refine from a box over a
// map to the training of the next file. The server's own store stays read-only.
func TestControl(t *testing.T) {
	t.Parallel()
	dir := trained(t)
	e2e.Write(t, filepath.Join(dir, "long.toml"), strings.NewReplacer(`"small"`, `"long"`, "epochs = 8", "epochs = 400000", "patience = 3", "patience = 400000").Replace(sweep))
	e2e.Write(t, filepath.Join(dir, "flaky.toml"), "name = \"flaky\"\nseeds = 2\n[task]\ncommand = [\"sh\", \"flaky.sh\", \"{lr}\", \"{seed}\"]\nmetrics = [\"val_loss\"]\n[grid]\nlr = [1, 2, 3]\n")
	e2e.Write(t, filepath.Join(dir, "flaky.sh"), "test -e mended || test $1 != 2 || exit 1\necho '{\"epoch\": 1, \"val_loss\": '$1.$2'}'\n")
	address, server := served(t, dir, "--control")
	a := actor{New(t)}
	a.Open(address)
	a.Until("!document.querySelector('#top nav').hidden")

	a.Go("#/act?sweep=small")
	a.fill("Confirm", "best", "2")
	a.fill("Confirm", "seeds", "3")
	if c := a.do("Confirm"); !strings.Contains(c, "xrun confirm") || !strings.Contains(c, "--top 2 --seeds 3") {
		t.Errorf("confirm is %s", c)
	}
	if how, output := a.ends(); how != "done" {
		t.Errorf("confirm %s: %s", how, output)
	}
	if _, ok := a.sweeps()["small-confirm"]; !ok {
		t.Errorf("after it the sweeps are %v", a.sweeps())
	}

	// A sweep that would take minutes is started, and stopped.
	a.fill("Start", "file", "long.toml")
	a.do("Start")
	a.Until("fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => a.sweeps.some((s) => s.name === 'long' && s.running > 0))")
	a.Go("#/act?sweep=long")
	a.Until("/^xrun \\/ long/.test(document.querySelector('.brand').innerText)")
	if c := a.do("Stop"); !strings.HasPrefix(c, "xrun stop") || !strings.Contains(c, "long") {
		t.Errorf("stop is %s", c)
	}
	if how, output := a.ends(); how != "done" {
		t.Errorf("stop %s: %s", how, output)
	}
	a.Until("fetch('/api/v1/jobs').then((r) => r.json()).then((j) => j.jobs.every((x) => x.ended !== null))")
	a.Until("fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => a.sweeps.every((s) => s.running === 0))")

	// What failed is trained again, once its cause is gone.
	a.fill("Start", "file", "flaky.toml")
	a.do("Start")
	if how, _ := a.ends(); how != "ended with 3" {
		t.Errorf("a sweep with failures %s", how)
	}
	if got := a.sweeps()["flaky"]; got != "4 of 6, 2 failed" {
		t.Errorf("with failures it has %s", got)
	}
	e2e.Write(t, filepath.Join(dir, "mended"), "")
	a.Go("#/act?sweep=flaky")
	a.Until("/^xrun \\/ flaky/.test(document.querySelector('.brand').innerText)")
	if c := a.do("Retry"); !strings.Contains(c, "--retry-failed") || !strings.Contains(c, "flaky.toml") {
		t.Errorf("retry is %s", c)
	}
	if how, output := a.ends(); how != "done" {
		t.Errorf("retry %s: %s", how, output)
	}
	a.Until("fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => a.sweeps.some((s) => s.name === 'flaky' && s.done === 6 && s.failed === 0))")

	// A box over a map becomes the next sweep file in the folder, which is trained.
	a.Go("#/overview?sweep=small")
	a.Until("/^xrun \\/ small/.test(document.querySelector('.brand').innerText)")
	a.Until("document.querySelectorAll('.map .cell').length === 18")
	x, y := a.Middle(".map .cell", 0)
	at := Value[[]float64](a.Tab, "(() => { const r = document.querySelectorAll('.map .cell')[4].getBoundingClientRect(); return [(r.left + r.right) / 2, (r.top + r.bottom) / 2]; })()")
	a.drag(x, y, at[0], at[1])
	a.Until("document.querySelector('#tray').innerText.includes('refine this box')")
	where := Value[string](a.Tab, "new URLSearchParams(location.hash.split('?')[1]).get('where')")
	a.Run("[...document.querySelectorAll('#tray button')].find((e) => e.textContent === 'refine this box').click()")
	a.Until("document.querySelector('#tray pre')?.innerText.includes('[grid]')")
	a.Run("[...document.querySelectorAll('#tray a')].find((e) => e.textContent.startsWith('save it')).click()")
	a.Until(SettledOn("act"))
	a.fill("Refine", "save as", "next.toml")
	if c := a.do("Refine"); !strings.HasPrefix(c, "xrun refine") || !strings.Contains(c, "--where") || !strings.Contains(c, "--output next.toml") {
		t.Errorf("refine within %s is %s", where, c)
	}
	if how, output := a.ends(); how != "done" {
		t.Errorf("refine %s: %s", how, output)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "next.toml")); err != nil || !strings.Contains(string(text), "[grid]") {
		t.Errorf("the next file: %v %s", err, text)
	}
	a.Until("[...document.querySelectorAll('.deeds input')].some((e) => e.value === 'next.toml' && e.closest('form').innerText.startsWith('Start'))")
	a.do("Start")
	if how, output := a.ends(); how != "done" {
		t.Errorf("start %s: %s", how, output)
	}
	if before, after := []string{"flaky", "long", "small", "small-confirm"}, a.sweeps(); len(after) != len(before)+1 {
		t.Errorf("after all the sweeps are %v", after)
	}
	readOnly(t, server.Pid, dir)
}

// readOnly fails if a process has opened a database of the folder to write to it.
func readOnly(t *testing.T, pid int, dir string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Log("which files a process has open is read on Linux only")
		return
	}
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(open) == 0 {
		t.Fatalf("the open files of the server cannot be read: %v", err)
	}
	databases := 0
	for _, fd := range open {
		if to, err := os.Readlink(fd); err != nil || filepath.Dir(to) != dir || filepath.Ext(to) != ".db" {
			continue
		}
		databases++
		info, err := os.ReadFile(strings.Replace(fd, "/fd/", "/fdinfo/", 1))
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(info)) {
			if flags, ok := strings.CutPrefix(line, "flags:"); ok && !strings.HasSuffix(strings.TrimSpace(flags), "0") { // the last octal digit: 0 reads only
				t.Errorf("the server has %s open with the flags %s", fd, flags)
			}
		}
	}
	if databases == 0 {
		t.Error("the server has no database open")
	}
}

// A page without --control offers no action, and no request can start one.
func TestNoControl(t *testing.T) {
	t.Parallel()
	b := New(t)
	b.Open(serve(t, trained(t)))
	b.Until("!document.querySelector('#top nav').hidden")
	if strings.Contains(b.Text("#top nav"), "Act") {
		t.Error("a page that cannot act offers it")
	}
	for _, do := range []string{"stop", "retry", "confirm", "refine", "start"} {
		if code := Value[int](b, fmt.Sprintf("fetch('/api/v1/act?do=%s&sweep=small', {method: 'POST', headers: {'X-Xrun': '1'}}).then((r) => r.status)", do)); code != 405 {
			t.Errorf("%s is answered with %d", do, code)
		}
	}
	b.Wrong() // the browser names the refused requests
}

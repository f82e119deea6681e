package browser

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

func TestMain(m *testing.M) { e2e.Main(m, nil) }

const sweep = `name = "small"
seeds = 3
[task]
dataset = "iris"
model = "softmax"
epochs = 8
validation = 0.2
[grid]
lr = [0.001, 0.01, 0.1]
lambda = [0, 0.001, 0.1]
optimizer = ["sgd", "adam"]
regularizer = "l2"
[early_stop]
patience = 3
`

// trained is a folder with a sweep that is done. It is trained once for all tests, which copy it.
func trained(t *testing.T) string {
	t.Helper()
	if program() == "" {
		t.Skip("no Chromium is on PATH, and XRUN_TEST_BROWSER names none")
	}
	once.Do(func() {
		dir, err := os.MkdirTemp("", "xrun-page-")
		if err != nil {
			t.Fatal(err)
		}
		e2e.Write(t, filepath.Join(dir, "small.toml"), sweep)
		e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "small.toml", "--progress", "none"))
		done = dir
	})
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(done)); err != nil {
		t.Fatal(err)
	}
	return dir
}

var (
	once sync.Once
	done string
)

// serve runs `xrun ui` in a folder until the test ends, and returns the address of its page with the token.
func serve(t *testing.T, dir string, args ...string) string {
	t.Helper()
	address, _ := served(t, dir, args...)
	return address
}

// served is serve, with the server's process.
func served(t *testing.T, dir string, args ...string) (address string, process *os.Process) {
	t.Helper()
	ui := e2e.Xrun(t, dir, append([]string{"ui", "--no-open"}, args...)...)
	out, err := ui.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ui.Env = append(ui.Env, "SSH_CONNECTION=")
	ui.Cancel = func() error { return nil } // it ends after the tabs that look at it
	if err := ui.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ui.Process.Signal(os.Interrupt); ui.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	return strings.TrimSpace(line), ui.Process
}

// frozen is the address of the file of `xrun compare --html`.
func frozen(t *testing.T, dir string) string {
	t.Helper()
	e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", "--html", "report.html"))
	return "file://" + filepath.ToSlash(filepath.Join(dir, "report.html"))
}

// pages are all pages, for the points and runs of a sweep.
func pages(b *Tab) []string {
	keys := Value[[]string](b, "[...new Set([...document.querySelectorAll('#view .arms [data-p]')].map((e) => e.dataset.p))]")
	if len(keys) < 2 {
		b.t.Fatalf("the overview has %d arms", len(keys))
	}
	pins := url.QueryEscape(keys[0] + "," + keys[1])
	return []string{"overview", "curves?pin=" + pins, "table?pin=" + pins, "setting?of=" + keys[0], "map", "map?show=spread", "explore", "sweeps", "database", "run?run=1", "diff?a=1&b=2", "many", "confirm", "act"}
}

// Every page opens without an error, in the server's page and in the file.
func TestPagesOpen(t *testing.T) {
	t.Parallel()
	dir := trained(t)
	for _, address := range []string{serve(t, dir), frozen(t, dir)} {
		b := New(t)
		b.Open(address)
		b.Until("!document.querySelector('#top nav').hidden")
		all := pages(b)
		if address[0] == 'f' && !whole() { // those that the file holds
			all = all[:4]
		}
		for _, page := range all {
			b.Go("#/" + page)
			if text := b.Text("#view"); len(text) < 40 || strings.Contains(text, "undefined") || strings.Contains(text, "NaN") || strings.Contains(text, "[object") {
				t.Errorf("page %s of %.20s reads %q", page, address, text)
			}
			if wrong := b.Wrong(); len(wrong) > 0 {
				t.Errorf("page %s of %.20s: %v", page, address, wrong)
			}
		}
		if strings.HasPrefix(address, "http") && strings.Contains(Value[string](b, "location.href"), "token") {
			t.Error("the address keeps its token")
		}
	}
}

// Without script the page has its sentence, doubts, arms, maps and table.
func TestReadsWithoutScript(t *testing.T) {
	t.Parallel()
	dir := trained(t)
	verdict, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "compare"))
	want := strings.Join(strings.Fields(strings.Split(verdict, ":")[0]), " ")
	for _, address := range []string{serve(t, dir), frozen(t, dir)} {
		b := New(t)
		b.Do(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
		b.Open(address)
		whole := ""
		for range 50 { // the browser may still exchange the document
			whole = get(b, func(ctx context.Context, t *chromedp.Target) (string, error) {
				root, err := cdp.Call(ctx, t, dom.GetDocument, dom.GetDocumentParams{})
				if err != nil {
					return "", err
				}
				html, _ := cdp.Call(ctx, t, dom.GetOuterHTML, dom.GetOuterHTMLParams{NodeID: root.Root.NodeID})
				return html.OuterHTML, nil
			})
			if strings.Contains(whole, "</html>") && strings.Contains(whole, `id="view"`) {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		for _, part := range []string{`class="answer"`, `id="notes"`, `class="arms"`, `role="gridcell"`, `<tr data-p=`} {
			if !strings.Contains(whole, part) {
				t.Errorf("without script %.20s lacks %s", address, part)
			}
		}
		if !strings.Contains(plain(whole), "is best") && !strings.Contains(plain(whole), want) {
			t.Errorf("without script %.20s does not say %q", address, want)
		}
	}
}

// plain is the text of HTML, roughly.
func plain(html string) string {
	var b strings.Builder
	in := false
	for _, r := range html {
		switch {
		case r == '<':
			in = true
		case r == '>':
			in = false
		case !in:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u00a0", " ")), " ")
}

func move(x, y float64) chromedp.Action[chromedp.Void] {
	return call(input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: "mouseMoved", X: x, Y: y})
}

// A pointer shows, pins and draws boxes; what it chose stands in the address, holds on every page, and comes back with it.
func TestHands(t *testing.T) {
	t.Parallel()
	address := serve(t, trained(t))
	b := New(t)
	b.Open(address)
	b.Until("!document.querySelector('#top nav').hidden")
	x, y := b.Middle(".map .cell", 0)
	b.Do(move(x, y))
	b.Until("!document.querySelector('#tip').hidden && document.querySelector('#tip').innerText.includes('val_loss') || document.querySelector('#tip').innerText.includes('±')")
	b.Do(chromedp.MouseClickXY(x, y))
	b.Until("!document.querySelector('#tray').hidden && document.querySelector('#tray').innerText.includes('1 pinned')")
	key := Value[string](b, "document.querySelectorAll('.map .cell')[0].dataset.p")
	b.Until(fmt.Sprintf("location.hash.includes('pin=%s')", key))
	// A box over four cells of a map, which name eight points: it holds for each of both optimizers.
	x, y = b.Middle(".map .cell", 0)
	at := Value[[]float64](b, "(() => { const r = document.querySelectorAll('.map .cell')[4].getBoundingClientRect(); return [(r.left + r.right) / 2, (r.top + r.bottom) / 2]; })()")
	b.drag(x, y, at[0], at[1])
	b.Until("new URLSearchParams(location.hash.split('?')[1]).get('where')?.includes('lr')")
	where := Value[string](b, "new URLSearchParams(location.hash.split('?')[1]).get('where')")
	b.Until("document.querySelector('#tray').innerText.includes('refine this box')")
	b.Run("[...document.querySelectorAll('#tray button')].find((e) => e.textContent === 'refine this box').click()")
	b.Until("document.querySelector('#tray pre')?.innerText.includes('[grid]')")
	// The same on another page, after the address was opened anew.
	hash := Value[string](b, "location.hash")
	b.Run("location.reload()")
	b.Until("document.querySelector('#tray')?.innerText.includes('1 pinned')")
	if got := Value[string](b, "location.hash"); got != hash {
		t.Errorf("the address becomes %s, want %s", got, hash)
	}
	b.Go("#/table" + strings.TrimPrefix(hash, "#/overview"))
	b.Until("/\\b8 of 18\\b/.test(document.querySelector('#view').innerText)")
	if got := Value[string](b, "document.querySelector('#where').value"); got != where {
		t.Errorf("the filter is %q, want %q", got, where)
	}
	if command := Value[string](b, "document.querySelector('#view .context .cmd').dataset.cmd"); !strings.HasPrefix(command, "xrun compare") || !strings.Contains(command, "--where '"+strings.ReplaceAll(where, "'", `'\''`)) && !strings.Contains(command, "--where ") {
		t.Errorf("the command is %s", command)
	}
}

// trainMore begins a sweep that trains for some seconds. The result tells its end.
func trainMore(t *testing.T, dir string, epochs int) chan error {
	t.Helper()
	e2e.Write(t, filepath.Join(dir, "more.toml"), strings.NewReplacer(`"small"`, `"more"`, "epochs = 8", fmt.Sprint("epochs = ", epochs), "patience = 3", "patience = 10000", "seeds = 3", "seeds = 2").Replace(sweep))
	train := e2e.Xrun(t, dir, "sweep", "more.toml", "--progress", "none", "--workers", "1")
	if err := train.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- train.Wait() }()
	return ended
}

// While a sweep trains the page moves by itself, and in the end it stands still with the answer.
func TestLive(t *testing.T) {
	t.Parallel()
	dir := trained(t)
	address := serve(t, dir)
	b := New(t)
	b.Open(address)
	b.Until(Settled)
	ended := trainMore(t, dir, 1500)
	b.Until("fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => a.sweeps.some((s) => s.name === 'more' && s.running))")
	b.Go("#/overview?sweep=more")
	b.Until("document.querySelector('#live') && document.querySelector('#view').innerText.includes('% done')")
	first := Value[string](b, "document.querySelector('#live .facts').innerText")
	b.Until(fmt.Sprintf("!document.querySelector('#live') || document.querySelector('#live .facts').innerText !== %q", first))
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	b.Until("!document.querySelector('#live') && document.querySelector('#view').innerText.includes('36 trials')")
}

// Names are text: none makes an element, runs, or opens a dialog.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	dir := trained(t)
	const name, optimizer = `</script><img src=x onerror=alert(1)><svg onload=alert(2)>`, `<img src=y onerror=alert(4)>`
	table := "optimizer,lr,lambda,seed,epoch,val_loss\n"
	for i, o := range []string{optimizer, `'-alert(5)-'`} {
		for seed := range 2 {
			for _, lr := range []string{"0.1", "0.01"} {
				table += fmt.Sprintf("\"%s\",%s,0,%d,1,0.%d%d\n", o, lr, seed, 4+i, seed)
			}
		}
	}
	e2e.Write(t, filepath.Join(dir, "wild.csv"), table)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "import", "csv", "wild.csv", "--name", name, "--metric", "val_loss"))
	for _, address := range []string{serve(t, dir), frozen(t, dir)} {
		b := New(t)
		b.Open(address)
		b.Until("!document.querySelector('#top nav').hidden")
		all := pages(b)
		if !whole() {
			all = slices.Concat(all[:4], all[6:8])
		}
		for _, page := range all {
			b.Go("#/" + page)
			if n := Value[int](b, "document.querySelectorAll('img, #hacked, [onerror], [onload], [onclick], script[src=x]').length"); n > 0 {
				t.Errorf("page %s has %d elements from names", page, n)
			}
		}
		b.Go("#/overview")
		if text := Value[string](b, "document.querySelector('#view').textContent"); !strings.Contains(text, "onerror=alert(1)") || !strings.Contains(text, "onerror=alert(4)") {
			t.Errorf("the names are not shown: %.500s", text)
		}
	}
}

// axe is the text of the checker of pages for readers of screens.
func axe(t *testing.T) string {
	text, err := os.ReadFile(e2e.Path("cmd", "xrun", "internal", "web", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Skip("axe-core is not installed: npm ci in cmd/xrun/internal/web, as go generate does")
	}
	return string(text)
}

// Readers of screens, and eyes that need contrast, find nothing wrong: on some pages in an ordinary run, with -long or
// XRUN_TEST_EXAMPLES=1 on all, in both themes and two widths.
func TestAxeFindsNothing(t *testing.T) {
	t.Parallel()
	checker := axe(t)
	dir := trained(t)
	address := serve(t, dir, "--control")
	b := New(t)
	b.Open(address)
	b.Until("!document.querySelector('#top nav').hidden")
	all := pages(b)
	widths, themes := []int64{1440, 390}, []string{"light", "dark"}
	if !whole() {
		all, widths, themes = all[:2], widths[:1], themes[:1]
	}
	for _, width := range widths {
		for _, theme := range themes {
			b.Size(width, 900, theme)
			for _, page := range all {
				b.Go("#/" + page)
				b.Run(checker + "; 0")
				found := Value[[]string](b, `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => r.violations.flatMap((v) => [v.id + ': ' + v.help + ' (' + v.nodes.length + ') ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? '')).join(' | ')]))`)
				for _, f := range found {
					t.Errorf("%s, %d px, %s: %s", page, width, theme, f)
				}
			}
		}
	}
}

func whole() bool { return tests.Long() || os.Getenv("XRUN_TEST_EXAMPLES") != "" }

// Package browser opens the page of xrun in Chromium, for tests.
package browser

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is the longest that a test waits for something on a page.
const patience = time.Minute

// program is the path of a browser of the Chromium family; empty if there is none. XRUN_TEST_BROWSER names another one.
func program() string {
	for _, name := range []string{os.Getenv("XRUN_TEST_BROWSER"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}

// A Tab is a page in a browser of its own profile. What a page must not do, it remembers.
type Tab struct {
	context.Context
	t     testing.TB
	close func()

	mu       sync.Mutex
	wrong    []string
	received map[network.RequestID]*Sent
}

// Sent is what came over the wire for a request.
type Sent struct {
	URL   string
	Bytes float64
	Ended time.Time
}

// A browser runs as long as a tab of it is open. Tests that run at once share it.
var shared struct {
	sync.Mutex
	context.Context
	end  func()
	tabs int
}

// start starts the browser unless it runs. The result ends it, if no other tab is open.
func start(path string) (ctx context.Context, end func(), err error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.tabs == 0 {
		profile, err := os.MkdirTemp("", "xrun-browser-")
		if err != nil {
			return nil, nil, err
		}
		options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox,
			chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1440, 900))
		allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(allocator)
		shared.Context, shared.end = ctx, func() {
			chromedp.Cancel(ctx)
			cancel()
			free()
			os.RemoveAll(profile)
		}
		if err := chromedp.Do(ctx); err != nil {
			shared.end()
			return nil, nil, err
		}
		if _, err := chromedp.Run(ctx, chromedp.Location()); err != nil { // it lives as long as the context of its first action
			shared.end()
			return nil, nil, err
		}
	}
	shared.tabs++
	return shared.Context, func() {
		shared.Lock()
		defer shared.Unlock()
		if shared.tabs--; shared.tabs == 0 {
			shared.end()
		}
	}, nil
}

// New opens a tab with cookies of its own, which is closed with the test (see Open). It skips the test where there is no browser. At the end
// the test fails if a page has logged an error, broken its policy, thrown, or opened a dialog.
func New(t testing.TB) *Tab {
	t.Helper()
	path := program()
	if path == "" {
		t.Skip("no Chromium is on PATH, and XRUN_TEST_BROWSER names none")
	}
	browser, end, err := start(path)
	if err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	tab := &Tab{Context: ctx, t: t, received: map[network.RequestID]*Sent{}}
	tab.close = sync.OnceFunc(func() {
		chromedp.Cancel(ctx)
		cancel()
		end()
	})
	t.Cleanup(func() {
		tab.close()
		for _, w := range tab.Wrong() {
			t.Error(w)
		}
	})
	if err := chromedp.Do(ctx, call(network.Enable, network.EnableParams{}), call(log.Enable, cdp.Empty{}), call(page.Enable, page.EnableParams{}), call(runtime.Enable, cdp.Empty{})); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	hear(tab, runtime.ConsoleAPICalled, func(e runtime.EventConsoleAPICalled) {
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			text := ""
			for _, a := range e.Args {
				text += " " + string(a.Value) + a.Description
			}
			tab.wrong = append(tab.wrong, "the console says"+text)
		}
	})
	hear(tab, runtime.ExceptionThrown, func(e runtime.EventExceptionThrown) {
		text := e.ExceptionDetails.Text
		if o := e.ExceptionDetails.Exception; o != nil {
			text += " " + o.Description
		}
		tab.wrong = append(tab.wrong, "a script throws "+text)
	})
	hear(tab, log.EntryAdded, func(e log.EventEntryAdded) {
		// Questions without an answer, of which the page says why, and those that it is to ask again.
		refused := strings.Contains(e.Entry.Text, "responded with a status of 4") || strings.Contains(e.Entry.Text, "responded with a status of 503")
		if (e.Entry.Level == "error" || e.Entry.Level == "warning") && !refused {
			tab.wrong = append(tab.wrong, fmt.Sprintf("the browser says %s (%s)", e.Entry.Text, e.Entry.URL))
		}
	})
	hear(tab, page.JavascriptDialogOpening, func(e page.EventJavascriptDialogOpening) {
		tab.wrong = append(tab.wrong, "a dialog opens: "+e.Message)
	})
	hear(tab, network.RequestWillBeSent, func(e network.EventRequestWillBeSent) {
		tab.received[e.RequestID] = &Sent{URL: e.Request.URL}
	})
	hear(tab, network.LoadingFinished, func(e network.EventLoadingFinished) {
		if s := tab.received[e.RequestID]; s != nil {
			s.Bytes, s.Ended = e.EncodedDataLength, time.Now()
		}
	})
	return tab
}

// hear calls a function for each event, one after the other.
func hear[E any](b *Tab, of cdp.Event[E], f func(E)) {
	events := chromedp.Events(b, of)
	go func() {
		for e, err := range events {
			if err != nil {
				return
			}
			b.mu.Lock()
			f(e)
			b.mu.Unlock()
		}
	}()
}

// call is an action that sends a command to the tab.
func call[P, R any](command cdp.Command[P, R], parameters P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, parameters)
		return err
	})
}

// Wrong is what pages have done that they must not, and forgets it.
func (b *Tab) Wrong() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	wrong := b.wrong
	b.wrong = nil
	return wrong
}

// Received is what came over the wire since the last call.
func (b *Tab) Received() (all []Sent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.received {
		all = append(all, *s)
	}
	b.received = map[network.RequestID]*Sent{}
	return all
}

// Do does something in the tab.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v; %v", err, b.Wrong())
	}
}

// Open goes to an address. The tab is closed before what the test has started up to now: no page sees its server go.
func (b *Tab) Open(address string) {
	b.t.Helper()
	b.t.Cleanup(b.close)
	b.Do(chromedp.Navigate(address))
}

// get does something in the tab that has a result.
func get[T any](b *Tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("%v; %v", err, b.Wrong())
	}
	return value
}

// Value is that of an expression of the page's language.
func Value[T any](b *Tab, expression string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Run runs an expression.
func (b *Tab) Run(expression string) {
	b.t.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
}

// Until waits until an expression is true.
func (b *Tab) Until(expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if Value[bool](b, "Promise.resolve("+expression+").then((v) => !!v)") {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("%s does not come true on %s: %.3000s; %v", expression, Value[string](b, "location.href"), Value[string](b, "document.body.innerText"), b.Wrong())
		}
	}
}

// Seen opens an address and waits until an expression is true there, at most for a limit. It says how long that took. A page too
// busy to be asked is waited for, too.
func (b *Tab) Seen(limit time.Duration, address, expression string) (took time.Duration, seen bool) {
	b.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(b, limit)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Navigate(address))
	for ; err == nil && !seen; time.Sleep(10 * time.Millisecond) {
		seen, err = chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
	}
	if err != nil && ctx.Err() == nil {
		b.t.Fatalf("%s cannot be asked for %s: %v; %v", address, expression, err, b.Wrong())
	}
	return time.Since(began), seen
}

// Settled is true once a page of the script has its content.
const Settled = `document.querySelector('#view h1, #view h2, #view .problem') && !document.querySelector('#view [aria-busy]')`

// SettledOn is true once the page of a name has its content. The one before it stands there until the script draws.
func SettledOn(name string) string {
	there := fmt.Sprintf(`(document.querySelector('#drawn .page.%s') || document.querySelector('#drawn .page[class="page"]'))`, name)
	if name == "overview" {
		there = "!document.querySelector('#drawn')"
	}
	return fmt.Sprintf("document.body.dataset.page === %q && %s && %s", name, there, Settled)
}

// Go opens a page of the script by its hash, and waits until it stands there.
func (b *Tab) Go(hash string) {
	b.t.Helper()
	b.Run(fmt.Sprintf("location.hash = %q", hash))
	name, _, _ := strings.Cut(strings.TrimPrefix(hash, "#/"), "?")
	b.Until(SettledOn(name))
}

// Size sets the size of the window, and the theme that the system asks for.
func (b *Tab) Size(width, height int64, theme string) {
	b.t.Helper()
	b.Do(call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}}))
}

// Text is the text of the first element that a selector finds, as it is seen.
func (b *Tab) Text(selector string) string {
	b.t.Helper()
	return Value[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// Middle is the middle of an element on the screen.
func (b *Tab) Middle(selector string, index int) (x, y float64) {
	b.t.Helper()
	at := Value[[]float64](b, fmt.Sprintf("(() => { const e = document.querySelectorAll(%q)[%d]; if (!e) return []; e.scrollIntoView({block: 'center'}); return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => { const r = e.getBoundingClientRect(); done([(r.left + r.right) / 2, (r.top + r.bottom) / 2]); }))); })()", selector, index))
	if len(at) != 2 {
		b.t.Fatalf("there is no %s number %d", selector, index)
	}
	return at[0], at[1]
}

// drag presses the button at one place, moves to another and releases it.
func (b *Tab) drag(x, y, toX, toY float64) {
	b.t.Helper()
	b.Do(chromedp.DragAndDropXY(x, y, toX, toY, 5))
}

// Shot writes a picture of the whole page. What stands only under the pointer is gone by then: Window shows it.
func (b *Tab) Shot(path string) {
	b.t.Helper()
	b.keep(path, get(b, chromedp.FullScreenshot(100)))
}

// Window writes a picture of what the window shows.
func (b *Tab) Window(path string) {
	b.t.Helper()
	b.keep(path, get(b, chromedp.CaptureScreenshot()))
}

func (b *Tab) keep(path string, picture []byte) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, picture, fs.FileMode(0o644)); err != nil {
		b.t.Fatal(err)
	}
}

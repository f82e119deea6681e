package browser

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// collection is a folder with sweeps of several kinds: three data sets, one of them confirmed, and a sweep in which trials diverge.
func collection(t *testing.T) string {
	dir := trained(t)
	change := func(name string, change ...string) {
		e2e.Write(t, filepath.Join(dir, name+".toml"), strings.NewReplacer(append(change, `"small"`, `"`+name+`"`)...).Replace(sweep))
		e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", name+".toml", "--progress", "none"))
	}
	change("wine", `"iris"`, `"wine"`)
	change("wild", `"iris"`, `"diabetes"`, `"softmax"`, `"linear"`, "0.001, 0.01, 0.1]\nlambda", "0.01, 0.1, 10]\nlambda")
	change("digits", `"iris"`, `"digits"`, "epochs = 8", "epochs = 20", "0.001, 0.01, 0.1]\nlambda", "0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316]\nlambda", `"adam"]`, `"adam", "rmsprop"]`)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "confirm", "digits", "--top", "3", "--seeds", "4", "--progress", "none"))
	return dir
}

// XRUN_TEST_PICTURES=FOLDER writes pictures of every page in both themes and two widths, to be looked at; XRUN_TEST_PICTURES_OF is
// a folder with a store of its own sweeps.
func TestPictures(t *testing.T) {
	folder := os.Getenv("XRUN_TEST_PICTURES")
	if folder == "" {
		t.Skip("XRUN_TEST_PICTURES names no folder")
	}
	dir := os.Getenv("XRUN_TEST_PICTURES_OF")
	if dir == "" {
		dir = collection(t)
	}
	b := New(t)
	b.Open(serve(t, dir, "--control"))
	b.Until("!document.querySelector('#top nav').hidden")
	names := Value[[]string](b, "fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => a.sweeps.sort((p, q) => q.trials - p.trials).map((s) => s.title || s.name))")
	b.Open(Value[string](b, fmt.Sprintf("new URL('/s/%s', location.href).href", url.PathEscape(names[0])))) // the largest
	b.Until("!document.querySelector('#top nav').hidden")
	all := append(pages(b), "table?where="+url.QueryEscape("lr < 0.1 and optimizer == 'adam'"), "table?where="+url.QueryEscape("lr < 0"), "table?where="+url.QueryEscape("lr <"),
		"database?q="+url.QueryEscape("SELECT optimizer, lr, avg(value) AS mean, count(*) AS n FROM runs GROUP BY 1, 2"), "curves?curve=val_accuracy&smooth=2", "map?columns=lambda&rows=optimizer", "nowhere")
	same := Value[[]string](b, "fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => a.sweeps.filter((s) => s.metric === 'val_loss' && !s.relation && s.name !== 'wild').map((s) => s.title || s.name))")
	if len(same) > 1 {
		several := "sweep=" + strings.Join(same, "&sweep=")
		for _, page := range []string{"many", "overview", "table", "curves", "map", "explore"} {
			all = append(all, page+"?"+several)
		}
	}
	for _, name := range names {
		if name == "wild" {
			all = append(all, "overview?sweep=wild", "map?sweep=wild", "table?sweep=wild")
		}
	}
	for _, width := range []int64{1440, 390} {
		for _, theme := range []string{"light", "dark"} {
			b.Size(width, 900, theme)
			b.Go("#/overview")
			for i, page := range all {
				b.Run(fmt.Sprintf("location.hash = %q", "#/"+page))
				name, _, _ := strings.Cut(page, "?")
				if name == "nowhere" {
					b.Until("document.querySelector('#view .problem')")
				} else {
					b.Until(SettledOn(name))
				}
				time.Sleep(150 * time.Millisecond)
				b.Shot(filepath.Join(folder, fmt.Sprintf("%02d-%s-%s-%d.png", i, name, theme, width)))
				if wide := Value[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
					t.Errorf("%s is %d px wider than a window of %d", page, wide, width)
				}
			}
		}
	}
	b.Wrong() // a page that is not there, an expression that is none
	// While a sweep trains.
	b.Go("#/sweeps")
	ended := trainMore(t, dir, 9000)
	b.Until("fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => a.sweeps.some((s) => s.name === 'more' && s.running))")
	b.Go("#/overview?sweep=more")
	b.Until("/[1-9]\\d? % done/.test(document.querySelector('#view').innerText)")
	for _, width := range []int64{1440, 390} {
		for _, theme := range []string{"light", "dark"} {
			b.Size(width, 900, theme)
			b.Shot(filepath.Join(folder, fmt.Sprintf("70-live-%s-%d.png", theme, width)))
		}
	}
	<-ended
	// What a pointer shows.
	b.Size(1440, 900, "light")
	b.Go("#/overview")
	b.Until("document.querySelectorAll('.map .cell').length > 1 && !document.querySelector('#live')")
	for range 50 { // the page may draw once more
		x, y := b.Middle(".map .cell", 1)
		b.Do(move(x, y+1), move(x, y))
		if Value[bool](b, "new Promise((done) => setTimeout(() => done(document.querySelector('#tip')?.hidden === false), 100))") {
			break
		}
	}
	b.Until("document.querySelector('#tip')?.hidden === false")
	b.Window(filepath.Join(folder, "71-hover-light-1440.png"))
	// As the colour-blind see it.
	for _, vision := range []emulation.SetEmulatedVisionDeficiencyType{"deuteranopia", "protanopia", "tritanopia"} {
		b.Do(call(emulation.SetEmulatedVisionDeficiency, emulation.SetEmulatedVisionDeficiencyParams{Type: vision}))
		for _, theme := range []string{"light", "dark"} {
			b.Size(1440, 900, theme)
			for _, page := range []string{"map", "curves", "explore"} {
				b.Go("#/" + page)
				time.Sleep(150 * time.Millisecond)
				b.Shot(filepath.Join(folder, fmt.Sprintf("72-%s-%s-%s.png", page, vision, theme)))
			}
		}
	}
}

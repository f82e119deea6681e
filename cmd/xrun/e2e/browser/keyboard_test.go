package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
)

// keys of a keyboard that are no letters.
var codes = map[string]int64{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, " ": 32}

// press presses keys one after the other, as a keyboard does.
func (b *Tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		p := input.DispatchKeyEventParams{Type: "keyDown", Key: key, Code: key, WindowsVirtualKeyCode: codes[key]}
		switch {
		case key == "Enter":
			p.Text = "\r"
		case key == " ":
			p.Text, p.Code = key, "Space"
		case len([]rune(key)) == 1:
			p.Text, p.Code = key, ""
		}
		up := p
		up.Type, up.Text = "keyUp", ""
		b.Do(call(input.DispatchKeyEvent, p), call(input.DispatchKeyEvent, up))
	}
}

// marked numbers what the keyboard has to reach: all that is seen and can be used or focused.
const marked = `[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex >= 0 && e.getBoundingClientRect().width > 0).map((e, i) => { e.dataset.stop = i; return (e.id || e.textContent || e.getAttribute('aria-label') || e.className?.baseVal || e.className).trim().slice(0, 40); })`

// focused is the number of what has the focus, and how that is seen: a line around it, the frame of a cell, or the colour of a mark.
const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return ['', ''];
	const s = getComputedStyle(e), you = getComputedStyle(document.documentElement).getPropertyValue('--you').trim(), is = (c) => { const p = document.createElement('i'); p.style.color = you; document.body.append(p); const same = getComputedStyle(p).color === c; p.remove(); return same; };
	const drawn = e.matches('.cell') ? !!document.querySelector('g.hands .here') : e.matches('.trace') ? is(s.stroke) : e.matches('.mark') ? [...e.querySelectorAll('circle, path')].some((c) => is(getComputedStyle(c).stroke)) : false;
	return [e.dataset.stop ?? 'unknown ' + e.outerHTML.slice(0, 120), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || drawn ? 'seen' : ''];
})()`

// Tab reaches all that a page has, and what has the focus is seen.
func TestKeyboardReachesAll(t *testing.T) {
	t.Parallel()
	b := New(t)
	b.Open(serve(t, trained(t), "--control"))
	b.Until("!document.querySelector('#top nav').hidden")
	for _, page := range pages(b) {
		b.Go("#/" + page)
		var names, hidden []string
		var reached map[string]bool
		for range 3 { // what is drawn anew while the keys are pressed has lost its marks
			var replaced bool
			if names, hidden, reached, replaced = tabbed(b); !replaced {
				break
			}
		}
		for i, name := range names {
			if !reached[fmt.Sprint(i)] {
				t.Errorf("page %s: Tab does not reach %q, number %d of %d", page, name, i, len(names))
			}
		}
		for _, h := range hidden {
			t.Errorf("page %s: the focus is not seen on number %s of %q", page, h, names)
		}
	}
}

// tabbed presses Tab through a page. It returns the names of all that can be reached, the numbers of those on which the focus is not seen, of
// those that were reached, and whether the page was drawn anew meanwhile.
func tabbed(b *Tab) (names, hidden []string, reached map[string]bool, replaced bool) {
	b.Run("document.activeElement?.blur(); getSelection().removeAllRanges(); scrollTo(0, 0); 0")
	names = Value[[]string](b, marked)
	reached = map[string]bool{}
	b.press("Tab")
	for range 3 * len(names) {
		at := Value[[]string](b, focused)
		if at[0] == "" { // past the end: the next one is the first
			b.press("Tab")
			continue
		}
		if reached[at[0]] {
			break
		}
		replaced = replaced || strings.HasPrefix(at[0], "unknown")
		reached[at[0]] = true
		if at[1] == "" {
			hidden = append(hidden, at[0])
		}
		b.press("Tab")
	}
	return names, hidden, reached, replaced || Value[int](b, "document.querySelectorAll('[data-stop]').length") < len(names)
}

// All can be done without a pointer: pages by digits, cells by arrows, pins, the filter, sorting, opening, going back.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	b := New(t)
	b.Open(serve(t, trained(t)))
	b.Until("!document.querySelector('#top nav').hidden && document.querySelectorAll('.map .cell').length === 18")
	b.Run("document.querySelector('.map .cell[tabindex=\"0\"]').focus(); 0")
	cell := Value[string](b, "document.activeElement.dataset.p")
	other := cell
	for _, arrow := range []string{"ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"} {
		if b.press(arrow); other == cell {
			other = Value[string](b, "document.activeElement.dataset.p ?? ''")
		}
	}
	if other == cell || other == "" {
		t.Errorf("arrows lead from %q to %q", cell, other)
	}
	b.Until("!document.querySelector('#tip').hidden")
	at := Value[string](b, "document.activeElement.dataset.p")
	b.press("p")
	b.Until(fmt.Sprintf("location.hash.includes('pin=%s')", at))
	b.press("Enter")
	b.Until(SettledOn("setting") + fmt.Sprintf(" && location.hash.includes('of=%s')", at))
	b.Run("history.back(); 0")
	b.Until(SettledOn("overview"))
	b.Run("document.activeElement?.blur(); 0")
	b.press("Escape")
	b.Until("!location.hash.includes('pin=')")

	b.press("3")
	b.Until(SettledOn("table"))
	b.press("j", "j", " ")
	b.Until("location.hash.includes('pin=') && document.querySelector('tr.pin') === document.activeElement")
	if n := Value[int](b, "[...document.querySelectorAll('tbody tr[data-p]')].indexOf(document.activeElement)"); n != 1 {
		t.Errorf("j twice stands on row %d", n)
	}
	b.press("/")
	b.Until("document.activeElement.id === 'where'")
	for _, letter := range strings.Split("lr < 0.1", "") {
		b.press(letter)
	}
	b.Until("/\\b12 of 18 points\\b/.test(document.querySelector('#view').innerText)")
	b.press("Escape", "Escape")
	b.Until("document.activeElement.id !== 'where'")
	b.Run("[...document.querySelectorAll('th button')].find((e) => e.textContent === 'lr').focus(); 0")
	b.press("Enter")
	b.Until("location.hash.includes('sort=lr')")
	b.press("?")
	b.Until("document.querySelector('#keys')?.open")
	b.press("Escape")
	b.Until("!document.querySelector('#keys').open")
	b.press("t")
	b.Until("document.documentElement.dataset.theme === 'dark'")

	b.Go("#/curves")
	b.Until("document.querySelectorAll('.pick select option').length > 2")
	b.Run("document.querySelector('.pick select').focus(); 0")
	b.press("v", "a", "l", "_", "a")
	b.press("Enter")
	b.Until("location.hash.includes('curve=val_accuracy') && document.querySelector('#view h1').innerText.startsWith('val_accuracy')")
	if command := Value[string](b, "document.querySelector('#view .context .cmd').dataset.cmd"); !strings.HasPrefix(command, "xrun plot curves") || !strings.Contains(command, "--metric val_accuracy --top ") {
		t.Errorf("the command is %s", command)
	}
}

// Who asks for no motion sees none.
func TestNoMotionWhenAsked(t *testing.T) {
	t.Parallel()
	dir := trained(t)
	b := New(t)
	b.Do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}))
	b.Open(serve(t, dir))
	b.Until("!document.querySelector('#top nav').hidden")
	ended := trainMore(t, dir, 9000)
	b.Until("fetch('/api/v1/sweeps').then((r) => r.json()).then((a) => a.sweeps.some((s) => s.name === 'more' && s.running))")
	b.Go("#/overview?sweep=more")
	b.Until("document.querySelector('#live')")
	const moving = "document.getAnimations().filter((a) => a.playState === 'running').length"
	if n := Value[int](b, moving); n > 0 {
		t.Errorf("%d parts move", n)
	}
	b.Do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "no-preference"}}}))
	b.Until("!document.querySelector('#live') || " + moving + " > 0") // what breathes, where nothing is asked
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

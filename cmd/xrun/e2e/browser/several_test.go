package browser

import (
	"net/url"
	"strings"
	"testing"
)

// A link with an expression that nothing matches, or that is none, opens the table and says so.
func TestLinksWithFilters(t *testing.T) {
	t.Parallel()
	address := serve(t, trained(t))
	for expression, want := range map[string]string{"lr < 0": "0 of 18 points match lr < 0.", "lr <": "18 of 18 points", "lr = 1": "did you mean `==`?"} {
		b := New(t)
		b.Open(address)
		b.Until("!document.querySelector('#top nav').hidden")
		b.Go("#/table?where=" + url.QueryEscape(expression))
		b.Until("document.querySelector('#where')?.value === " + quoted(expression))
		b.Until("document.querySelector('#view').innerText.replace(/\\s+/g, ' ').includes(" + quoted(want) + ")")
	}
}

func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}

// Sweeps over several data sets are told apart on every page, and no page is wider than a phone.
func TestSeveralDataSetsOnAPhone(t *testing.T) {
	t.Parallel()
	b := New(t)
	b.Open(serve(t, collection(t)))
	b.Until("!document.querySelector('#top nav').hidden")
	b.Size(390, 844, "light")
	const several = "sweep=small&sweep=wine&sweep=digits"
	for page, want := range map[string]string{
		"overview": "document.querySelectorAll('.maps').length >= 3",
		"table":    "[...document.querySelectorAll('th')].some((e) => e.innerText === 'data set') && document.querySelector('tbody').innerText.includes('wine')",
		"map":      "[...document.querySelectorAll('h2.dataset')].map((e) => e.innerText).sort().join() === 'digits,iris,wine'",
		"curves":   "['iris: ', 'wine: ', 'digits: '].every((d) => document.querySelector('.ends').innerText.includes(d))",
		"explore":  "[...document.querySelectorAll('.pick')].some((e) => e.innerText.startsWith('data set')) && document.querySelectorAll('.problem').length === 0",
		"many":     "document.querySelectorAll('svg').length > 0",
		"sweeps":   "document.querySelectorAll('.sweeplist tbody tr').length === 5",
		"diff":     "true", "confirm": "true", "setting": "true", "run": "true", "database": "true",
	} {
		b.Go("#/" + page + "?" + several + map[string]string{"diff": "&a=1&b=2", "run": "&run=1"}[page])
		b.Until(want)
		if over := Value[int](b, "document.documentElement.scrollWidth - 390"); over > 0 {
			t.Errorf("%s is %d px too wide for a phone", page, over)
		}
	}
}

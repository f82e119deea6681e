package browser

import "testing"

// The filter of sweeps offers their names and values, and takes what is chosen.
func TestTheFilterOfSweepsCompletes(t *testing.T) {
	t.Parallel()
	b := New(t)
	b.Open(serve(t, trained(t)))
	b.Until("!document.querySelector('#top nav').hidden")
	b.Go("#/sweeps")
	b.Until("document.querySelector('.sweeplist tbody tr')")
	b.Run("document.querySelector('#where').focus()")
	write := func(text string) {
		b.Run("{ const box = document.querySelector('#where'); box.value = '" + text + "'; box.setSelectionRange(box.value.length, box.value.length); box.dispatchEvent(new Event('input', { bubbles: true })); }")
	}
	offered := func(text string) string {
		return "[...document.querySelectorAll('#completions li')].some((e) => e.innerText.startsWith('" + text + "'))"
	}
	write("fai")
	b.Until(offered("failed"))
	write("name == ")
	b.Until(offered(`\'small\'`))
	b.Run("document.querySelector('#completions li').dispatchEvent(new MouseEvent('mousedown', { bubbles: true, cancelable: true }))")
	b.Until(`document.querySelector('#where').value === "name == 'small'"`)
	b.Until("document.querySelectorAll('.sweeplist tbody tr').length === 1")
	write(`name == "other"`)
	b.Until("document.querySelector('#view').innerText.includes('0 of 1 sweeps')")
}

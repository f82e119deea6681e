package document

import (
	"strings"
	"testing"
)

func TestProblemsAreSafeToPrint(t *testing.T) {
	line := "x = '" + strings.Repeat("a", 500) + "' # ünï"
	p := New("f", []byte(line)).Locate(Span{4, 507}, Problem{Message: "m\x1b[2J"})
	got := p.Error()
	if strings.Contains(got, "\x1b") {
		t.Errorf("passes an escape on: %q", got)
	}
	for _, l := range strings.Split(got, "\n") {
		if n := len([]rune(l)); n > snippetRunes+10 {
			t.Errorf("a line of %d runes: %s", n, l)
		}
	}
	p = New("f", []byte("\tä = 'é' ?\n")).Locate(Span{11, 12}, Problem{Message: "m"})
	if want := "error: m\n --> f:1:10\n  |\n1 | \tä = 'é' ?\n  | \t        ^\n"; p.Col != 10 || p.Error() != want {
		t.Errorf("got column %d and\n%s", p.Col, p.Error())
	}
}

package data

import "testing"

func TestBuiltinsAreWhatTheyWere(t *testing.T) {
	for _, want := range []struct {
		name, target string
		kind         Kind
		n, d, c      int
		warnings     int
	}{
		{"breast_cancer", "diagnosis", Classification, 569, 30, 2, 0},
		{"diabetes", "progression", Regression, 442, 10, 0, 0},
		{"digits", "digit", Classification, 1797, 64, 10, 1},
		{"iris", "species", Classification, 150, 4, 3, 0},
		{"wine", "cultivar", Classification, 178, 13, 3, 0},
	} {
		s, err := Open(want.name, Options{}) // also compares the digest
		if err != nil {
			t.Error(err)
			continue
		}
		if s.Target != want.target || s.Kind != want.kind || s.Len() != want.n || s.Dim() != want.d || len(s.Classes) != want.c || len(s.Warnings) != want.warnings {
			t.Errorf("%s is %s %s %d×%d with %d classes and warnings %q", s.Name, s.Target, s.Kind, s.Len(), s.Dim(), len(s.Classes), s.Warnings)
		}
	}
	if got, want := len(Names()), 5; got != want {
		t.Errorf("%d names, want %d", got, want)
	}
}

func TestABuiltinWithAnotherDigestIsRefused(t *testing.T) {
	b, _ := findBuiltin("iris")
	b.digest = "00"
	if _, err := b.open(Options{}); err == nil {
		t.Error("it was opened")
	}
}

func TestABuiltinTakesAnotherTarget(t *testing.T) {
	s, err := Open("wine", Options{Target: "alcohol", Kind: Regression})
	if err != nil {
		t.Fatal(err)
	}
	if s.Dim() != 13 || s.Target != "alcohol" || s.Y[0] != 14.23 {
		t.Errorf("target %s of %v, %d features", s.Target, s.Y[0], s.Dim())
	}
}

func BenchmarkOpenDigits(b *testing.B) {
	for b.Loop() {
		if _, err := Open("digits", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

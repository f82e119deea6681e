package sweeps

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/xrun-dev/xrun/runner/tests"
)

// All keys of the examples in their order, so that no trial of an existing file is trained anew.
func TestKeysOfExamplesAreStable(t *testing.T) {
	var got string
	for _, file := range cases(t, "examples/*.toml") {
		s, err := Load(t.Context(), file, read(t, file), shelf{})
		if err != nil {
			t.Fatal(err)
		}
		trials := s.Trials()
		all := sha256.New()
		for _, trial := range trials {
			fmt.Fprintln(all, trial.Key())
		}
		got += fmt.Sprintf("%s: %d trials, from %s to %s, all %x\n", name(file), len(trials), trials[0].Key(), trials[len(trials)-1].Key(), all.Sum(nil))
	}
	tests.Golden(t, "testdata/keys.txt", got)
}

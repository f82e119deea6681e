package document

import (
	"strings"
	"testing"
)

func TestRewriteLeavesTheRestAlone(t *testing.T) {
	const text = `# a sweep
name = "old"   # its name
seeds = 5
[task]
dataset = "digits" # data
[grid]
lr = { log = [1e-3, 1.0], n = 7 } # rates
optimizer = [
  "sgd",
  "adam", # both
]
`
	for name, c := range map[string]struct{ set, want string }{
		"a text":           {`name="new"`, "name = \"new\"   # its name\n"},
		"a number":         {`seeds=[1, 2]`, "seeds = [1, 2]\n"},
		"an inline table":  {`grid.lr=[0.1]`, "lr = [0.1] # rates\n"},
		"a list of lines":  {`grid.optimizer=["adam"]`, "optimizer = [\"adam\"]\n"},
		"a new key":        {`grid.lambda=[0, 1]`, "[grid]\nlambda = [0, 1]\nlr"},
		"a new table":      {`prune.keep="seed >= 0"`, "]\n\n[prune]\nkeep = \"seed >= 0\"\n"},
		"a new key on top": {`notes="x"`, "seeds = 5\nnotes = \"x\"\n[task]"},
	} {
		got, err := Rewrite("a.toml", []byte(text), []string{c.set})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(string(got), c.want) || !strings.Contains(string(got), "# a sweep\n") {
			t.Errorf("%s gives\n%s\nwithout %q", name, got, c.want)
		}
		if _, problems := Parse(New("a.toml", got)); len(problems) > 0 {
			t.Errorf("%s gives what is no TOML: %v\n%s", name, problems, got)
		}
	}
	for _, set := range []string{`task=1`, `grid.lr.n=4 x`, `seeds.a.b=1`} {
		if got, err := Rewrite("a.toml", []byte(text), []string{set}); err == nil {
			t.Errorf("%s gives\n%s", set, got)
		}
	}
}

package documents

import (
	"encoding/csv"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/runner/tests"
)

var recipe = regexp.MustCompile("(?ms)^```(sh|python|r)\n(.*?)^```$")

// The recipes of the page on the database work as they stand, where their programs are, and agree with xrun compare.
func TestTheRecipesOfTheDatabasePage(t *testing.T) {
	t.Parallel()
	page, ok := help.Find("database")
	if !ok {
		t.Fatal("there is no page on the database")
	}
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "small.toml"), `name = "small"
seeds = 2
[task]
dataset    = "iris"
model      = "softmax"
epochs     = 3
validation = 0.2
[grid]
lr        = [0.01, 0.1]
lambda    = [0.0, 1.0]
optimizer = ["sgd", "adam"]
`)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "small.toml", "--progress", "none"))
	compared, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", "--csv"))
	rows, err := csv.NewReader(strings.NewReader(compared)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	mean, err := strconv.ParseFloat(rows[1][slices.Index(rows[0], "mean")], 64)
	if err != nil {
		t.Fatal(err)
	}
	best := fmt.Sprintf("%.4f", mean) // other programs print more digits, or round the last
	best = best[:len(best)-1]
	blocks := recipe.FindAllStringSubmatch(page.Text, -1)
	if len(blocks) != 9 {
		t.Errorf("there are %d recipes, want 9", len(blocks))
	}
	for i, block := range blocks {
		lang, text := block[1], block[2]
		t.Run(fmt.Sprintf("%d %s", i+1, lang), func(t *testing.T) {
			if lines := strings.Count(text, "\n"); lines > 12 {
				t.Errorf("it has %d lines", lines)
			}
			out := ""
			switch lang {
			case "sh":
				if strings.Contains(text, "sqlite3") {
					e2e.Need(t, "sqlite3")
				}
				out = e2e.Pasted(t, dir, text)
			case "python":
				head, _, _ := strings.Cut(text, "\n")
				if head != "import sqlite3" {
					tests.NeedExamples(t, "needs packages: "+head)
				}
				out = interpreted(t, dir, text, "python3", head)
			case "r":
				tests.NeedExamples(t, "needs R")
				packages := "TRUE"
				if strings.Contains(text, "RSQLite") {
					packages = "library(DBI); library(RSQLite)"
				}
				out = interpreted(t, dir, text, "Rscript", packages)
			}
			if !strings.Contains(text, "xrun export") && !strings.Contains(out, best) {
				t.Errorf("it does not find the mean %s… of the best point:\n%s", best, out)
			}
		})
	}
}

// interpreted runs a text by a program that has to take another before.
func interpreted(t *testing.T, dir, text, program, before string) string {
	t.Helper()
	e2e.Need(t, program)
	flag := map[string]string{"python3": "-c", "Rscript": "-e"}[program]
	if out, err := exec.Command(program, flag, before).CombinedOutput(); err != nil {
		t.Skipf("%s cannot run %q: %s", program, before, out)
	}
	cmd := exec.Command(program, flag, text)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, text)
	}
	return string(out)
}

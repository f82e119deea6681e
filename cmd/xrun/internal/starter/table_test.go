package starter

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps/examples/tables"
)

// What init writes of the example tables, and what it warns of.
func TestInitOfTheExampleTables(t *testing.T) {
	dir := t.TempDir()
	if err := tables.Make(dir, tables.Small()); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables.Small() {
		var warnings bytes.Buffer
		sweep := filepath.Join(dir, "sweep.toml")
		text, err := Draft(sweep, filepath.Join(dir, table.Name), "", &warnings)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(table.Name, ".csv")
		tests.Golden(t, filepath.Join("testdata", name+".toml"), text)
		tests.Golden(t, filepath.Join("testdata", name+".txt"), warnings.String())
		if err := os.WriteFile(sweep, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := planned(t, sweep); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// drafted is what init writes of a table of text, and what it warns of.
func drafted(t *testing.T, table, target string) (text, warnings string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "table.csv")
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	text, err := Draft(filepath.Join(dir, "sweep.toml"), file, target, &b)
	if err != nil {
		t.Fatal(err)
	}
	return text, b.String()
}

// rowsOf makes a table of rows.
func rowsOf(header string, rows int, row func(r *rand.Rand, i int) string) string {
	r := rand.New(rand.NewPCG(1, 2))
	lines := []string{header}
	for i := range rows {
		lines = append(lines, row(r, i))
	}
	return strings.Join(lines, "\n") + "\n"
}

// What becomes of a column, by what it looks like.
func TestColumnsAndTheirRoles(t *testing.T) {
	for _, c := range []struct {
		what, header string
		row          func(r *rand.Rand, i int) string
		want         []string
	}{
		{"numbers in every row that name it", "id,x,y", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d,%v,%v", 7*i, r.Float64(), r.Float64()) },
			[]string{"drop       = [\"id\"]", "#   id  left out: it is another number in nearly every row: it names the row"}},
		{"the number of the row", "n,x,y", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d,%v,%v", i+1, r.Float64(), r.Float64()) },
			[]string{"drop       = [\"n\"]"}},
		{"years in order are no numbers of rows", "year,x,y", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d,%v,%v", 1950+i, r.Float64(), r.Float64()) },
			[]string{"#   year  number from 1950 to 2049"}},
		{"a name", "name,x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("\"Lind, no. %d\",%v,%v", i, r.Float64(), r.Float64())
		},
			[]string{"drop       = [\"name\"]", "it is another text in nearly every row"}},
		{"too many texts", "ticket,x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("T%d,%v,%v", r.IntN(60), r.Float64(), r.Float64())
		},
			[]string{"drop       = [\"ticket\"]", "too many for an input each"}},
		{"rows that belong together", "patient,x,y", func(r *rand.Rand, i int) string { return fmt.Sprintf("p%d,%v,%v", i/4, r.Float64(), r.Float64()) },
			[]string{"drop       = [\"patient\"]", "# group    = \"patient\" "}},
		{"an order of words", "size,x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%s,%v,%v", []string{"L", "S", "M"}[i%3], r.Float64(), r.Float64())
		},
			[]string{`ordinal    = { size = ["S", "M", "L"] }`}},
		{"dates", "when,x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("2024-01-%02d,%v,%v", 1+i%31, r.Float64(), r.Float64())
		},
			[]string{`dates      = ["when"]`, `# order    = "when"`}},
		{"yes and no alone", "new,x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%s,%v,%v", []string{"yes", "no"}[r.IntN(2)], r.Float64(), r.Float64())
		},
			[]string{`categories = "auto"`}},
		{"rare categories", "kind,x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%s,%v,%v", map[bool]string{true: "odd", false: "usual"}[i == 50], r.Float64(), r.Float64())
		},
			[]string{`categories = ["kind"]`, "rare       = 2 "}},
		{"few gaps in numbers", "x,y", func(r *rand.Rand, i int) string {
			return map[bool]string{true: "NA", false: fmt.Sprint(r.Float64())}[i%33 == 0] + fmt.Sprintf(",%v", r.Float64())
		},
			[]string{`missing    = { x = "median" }`}},
		{"many gaps in numbers", "x,y", func(r *rand.Rand, i int) string {
			return map[bool]string{true: "", false: fmt.Sprint(r.Float64())}[i%3 == 0] + fmt.Sprintf(",%v", r.Float64())
		},
			[]string{`missing    = { x = "indicator" }`}},
		{"gaps in the target", "x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%v,", r.Float64()) + map[bool]string{true: "", false: fmt.Sprint(r.Float64())}[i%3 == 0]
		},
			[]string{`missing    = { y = "drop_rows" }`}},
		{"numbers but for some words", "x,y", func(r *rand.Rand, i int) string {
			return map[bool]string{true: "unknown", false: fmt.Sprint(r.Float64())}[i%50 == 0] + fmt.Sprintf(",%v", r.Float64())
		},
			nil},
		{"numbers that name few things", "store_id,x,y", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d,%v,%v", 3+i%4, r.Float64(), r.Float64()) },
			[]string{`categories = ["store_id"]`}},
		{"dates that can be read in two ways", "when,x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%d.%d.2024,%v,%v", 1+i%28, 1+i%12, r.Float64(), r.Float64())
		},
			[]string{`drop       = ["when"]`, `# warning: when is dates in a form that people read in several ways, such as "1.1.2024"`}},
		{"numbers with units", "share,x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%d %%,%v,%v", r.IntN(100), r.Float64(), r.Float64())
		},
			[]string{`drop       = ["share"]`, `# warning: share is numbers with a sign or a unit, such as "`}},
		{"a target by its name", "survived,x", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%s,%v", []string{"yes", "no"}[r.IntN(2)], r.Float64())
		},
			[]string{`target     = "survived"           # the column to predict, by its name`, `model      = "logistic"`}},
		{"a target of a rare class", "x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%v,%s", r.Float64(), map[bool]string{true: "ill", false: "well"}[i%8 == 0])
		},
			[]string{`class_weight = "balanced"`, `report     = ["auc"]`, `name = "val_auc"`}},
		{"a rare class of three", "x,y", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("%v,%s", r.Float64(), []string{"a", "b", "c", "a", "b", "a", "b", "a", "b", "a"}[i%10])
		},
			[]string{`report     = ["balanced_accuracy"]`, `name = "val_balanced_accuracy"`}},
	} {
		table := rowsOf(c.header, 100, c.row)
		if c.want == nil {
			dir := t.TempDir()
			file := filepath.Join(dir, "table.csv")
			os.WriteFile(file, []byte(table), 0o600)
			if _, err := Draft(filepath.Join(dir, "sweep.toml"), file, "", new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), `x is numbers but for "unknown" in line 2 and 1 more cell; correct those, or write NA for them`) {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		text, _ := drafted(t, table, "")
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: there is no %q in\n%s", c.what, want, text)
			}
		}
	}
}

// A column that gives the target away is found by what it predicts; noise, and columns that predict well and not nearly
// perfectly, are not.
func TestColumnsThatGiveTheTargetAway(t *testing.T) {
	classes := func(r *rand.Rand, i int) string {
		y := []string{"no", "yes"}[i%2]
		boat := "NA" // known of those only who survived
		if y == "yes" {
			boat = fmt.Sprint(1 + r.IntN(9))
		}
		code := []string{"A", "B"}[i%2]
		above := float64(i%2) + 0.9*r.Float64() // above 1 exactly where y is yes
		good := i % 2
		if r.IntN(5) == 0 {
			good = 1 - good
		}
		return fmt.Sprintf("%s,%s,%.4f,%d,%.4f,%s", boat, code, above, good, r.Float64(), y)
	}
	_, warnings := drafted(t, rowsOf("boat,code,above,good,noise,y", 400, classes), "")
	for _, column := range []string{"boat", "code", "above"} {
		if !strings.Contains(warnings, "warning: "+column+" gives y away: by itself it avoids ") {
			t.Errorf("nothing is said of %s:\n%s", column, warnings)
		}
	}
	if strings.Contains(warnings, "good gives") || strings.Contains(warnings, "noise gives") {
		t.Errorf("it says\n%s", warnings)
	}
	numbers := func(r *rand.Rand, i int) string {
		y := 100 + 20*r.NormFloat64()
		return fmt.Sprintf("%v,%v,%v,%v,%v", y/100, y*y*y, y+10*r.NormFloat64(), r.NormFloat64(), y)
	}
	_, warnings = drafted(t, rowsOf("tax,cube,near,noise,y", 300, numbers), "")
	for column, want := range map[string]bool{"tax": true, "cube": true, "near": false, "noise": false} {
		if strings.Contains(warnings, column+" gives y away") != want {
			t.Errorf("of %s it says\n%s", column, warnings)
		}
	}
}

// Columns of noise are seldom taken for ones that tell the target, whichever kind it has: judging each row by the others keeps
// that so for columns with many values.
func TestNoiseTellsNothing(t *testing.T) {
	r := tests.Random(t)
	for range tests.Either(50, 1000) {
		rows := 20 + r.IntN(100)
		look := &data.Summary{Name: "a.csv", Rows: rows, Columns: []data.ColumnSummary{{Name: "x"}, {Name: "y"}}}
		kind := []data.Kind{data.Classification, data.Regression}[r.IntN(2)]
		for range rows {
			y := fmt.Sprint(r.IntN(2 + r.IntN(3)))
			if kind == data.Regression {
				y = fmt.Sprint(r.NormFloat64())
			}
			look.Sample = append(look.Sample, []string{fmt.Sprint(r.IntN(2 + r.IntN(200))), y})
		}
		is := &reading{look: look, target: "y", roles: []role{{ColumnSummary: look.Columns[0], as: []string{data.AsNumber, data.AsCategory}[r.IntN(2)]}}}
		if all := is.telling(kind); len(all) > 0 {
			t.Errorf("of %d rows of noise: %v", rows, all)
		}
	}
}

func TestRanksOfEqualNumbers(t *testing.T) {
	if got := ranks([]float64{3, 1, 3, 2, 3}); !slices.Equal(got, []float64{3, 0, 3, 1, 3}) {
		t.Errorf("got %v", got)
	}
}

// A table with nothing to predict, because its rows are not as long as its header, is told so.
func TestRowsOfOtherLengths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(file, []byte("x,c,y\n1,a\n2,b,p,9\n3,a,q\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Draft("sweep.toml", file, "", &bytes.Buffer{})
	want := file + ":2: the row has another number of cells than the header, which names 3 columns, as have 2 of 3 rows"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

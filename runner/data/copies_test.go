package data

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"
)

// copiesIn opens a table and returns what is said of equal rows.
func copiesIn(t *testing.T, o Options, train string) string {
	t.Helper()
	s, err := Open(write(t, "train.csv", train), o)
	if err != nil {
		t.Fatal(err)
	}
	said := slices.DeleteFunc(s.Warnings, func(w string) bool { return !strings.Contains(w, "equal") })
	return strings.Join(said, "\n")
}

func TestRowsOnBothSidesAreSaid(t *testing.T) {
	table := func(rows int, twice func(i int) bool) string {
		var b strings.Builder
		b.WriteString("patient,when,x,port,y\n")
		for i := range rows {
			fmt.Fprintf(&b, "p%d,%d,%d,Cork,%d\n", i/2, i/2, i, i%7)
			if twice(i) {
				fmt.Fprintf(&b, "p%d,%d,%d,Cork,%d\n", i/2+i%3, i/2+i%3, i, i%5)
			}
		}
		return b.String()
	}
	none, some, rare := table(120, func(int) bool { return false }), table(100, func(i int) bool { return i < 10 }), table(300, func(i int) bool { return i == 4 })
	plain := Options{Target: "y", Kind: Regression, Schema: Schema{Drop: []string{"patient", "when"}, Categories: []string{"port"}}}
	grouped, ordered := plain, plain
	grouped.Schema.Group, grouped.Schema.Drop = "patient", []string{"when"}
	ordered.Schema.Order, ordered.Schema.Drop = "when", []string{"patient"}
	const learned = ", in all inputs: where one trains and the other judges, what has been learned by heart looks like what holds for new rows; "
	for name, c := range map[string]struct {
		o     Options
		train string
		want  string
	}{
		"none":        {plain, none, ""},
		"some":        {plain, some, "20 of 110 rows equal another row" + learned + "`group` keeps rows together that belong together, by a column that says so"},
		"rare":        {plain, rare, ""},
		"in groups":   {grouped, some, "12 of 110 rows equal a row of another group of \"patient\"" + learned + "are they of one group?"},
		"in an order": {ordered, some, "12 of 110 rows equal a row with another value of \"when\"" + learned + "`group` keeps rows together that belong together"},
		"few values":  {plain, "patient,when,x,port,y\n" + strings.Repeat("p,1,3,Cork,1\np,2,4,Cork,2\n", 20), ""},
	} {
		if got := copiesIn(t, c.o, c.train); got != c.want {
			t.Errorf("%s: %q is said, want %q", name, got, c.want)
		}
	}
	// Categories of two files have numbers of their own.
	files := plain
	files.Validation = write(t, "v.csv", "patient,when,x,port,y\np,1,3,Cork,1\np,1,4,Cobh,1\np,1,1000,Cork,1\n")
	files.Test = write(t, "t.csv", "patient,when,x,port,y\np,1,3000,Cobh,1\n")
	train := strings.Replace(some, "p2,2,4,Cork,4", "p2,2,4,Cobh,4", 1)
	if got, want := copiesIn(t, files, train), "2 of 3 rows for validation equal a row that trains, in all inputs: "; !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
		t.Errorf("%q is said, want %q", got, want)
	}
	// So are numbers without a schema.
	if got, want := copiesIn(t, Options{Target: "y", Kind: Regression}, "x,z,y\n0,1,2\n-0,1,3\n1,1,4\n2,1,5\n"), "2 of 4 rows equal another row"; !strings.HasPrefix(got, want) {
		t.Errorf("%q is said, want %q", got, want)
	}
}

func TestFilesThatDoNotKeepGroupsApart(t *testing.T) {
	train := "patient,day,x,y\na,2024-01-01,1,1\nb,2024-01-05,2,2\nb,2024-01-09,3,3\n"
	for name, c := range map[string]struct {
		schema           Schema
		validation, test string
		want             []string
	}{
		"groups": {Schema{Group: "patient", Drop: []string{"day"}}, "patient,day,x,y\nc,2024-01-03,4,1\nb,2024-01-12,5,1\n", "x,y\n6,1\n",
			[]string{`1 of 2 values of "patient" in the rows for validation are in those that train as well: the files do not keep groups apart`}},
		"order": {Schema{Order: "day", Drop: []string{"patient"}}, "patient,day,x,y\nc,2024-01-10,4,1\n", "day,x,y\n2024-01-09,6,1\n2024-01-10,7,1\n",
			[]string{`1 of 2 rows to test are no later by "day" than the last row that trains`}},
	} {
		s, err := Open(write(t, "train.csv", train), Options{Target: "y", Kind: Regression, Schema: c.schema,
			Validation: write(t, "v.csv", c.validation), Test: write(t, "t.csv", c.test)})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.Warnings, c.want) {
			t.Errorf("%s: %q is said, want %q", name, s.Warnings, c.want)
		}
	}
}

func TestUnlikeRowsHaveUnlikeHashes(t *testing.T) {
	s := &Set{Name: "s", Kind: Regression, Features: []string{"a", "b", "c"}, Schema: Schema{}}
	for i := range 40 {
		for j := range 40 {
			for k := range 40 {
				for _, x := range []int{i, -j, k} {
					s.X.append(float64(x) / 8)
				}
				s.Y = append(s.Y, 0)
			}
		}
	}
	hashes := map[uint64]bool{}
	for _, row := range s.rowHashes(maphash.MakeSeed()) {
		hashes[row.hash] = true
	}
	if len(hashes) != s.Len() {
		t.Errorf("%d rows have %d hashes", s.Len(), len(hashes))
	}
}

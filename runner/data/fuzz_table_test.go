package data

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// schemas are those that readers of hostile files are held against.
var schemas = []Schema{
	{},
	{Separator: ";", Decimal: ","},
	{Encoding: encodingUTF16LE},
	{Encoding: encodingWindows1252, Categories: []string{AllCategories}, Missing: map[string]string{EveryColumn: MissingIndicator}},
	{Categories: []string{"a"}, Rare: 2, Missing: map[string]string{EveryColumn: MissingDropRows}},
	{Categories: []string{AllCategories}, Rare: 3, Missing: map[string]string{EveryColumn: MissingMostFrequent}},
	{Dates: []string{"a"}, Ordinal: map[string][]string{"b": {"x", "y"}}, Missing: map[string]string{"a": MissingMedian}},
	{Drop: []string{"b"}, Group: "a", Order: "a"},
}

// whole checks a set of any reader: rows of one length, inputs within the bound, numbers that can be computed with.
func whole(t *testing.T, s *Set, err error) {
	t.Helper()
	if err != nil {
		e := (*Error)(nil)
		if !errors.As(err, &e) {
			t.Fatalf("the error %v is not an *Error", err)
		}
		if len(e.Error()) > 1<<16 || strings.ContainsRune(e.Error(), '\x1b') {
			t.Fatalf("the error has %d bytes: %q", len(e.Error()), clip(e.Error()))
		}
		return
	}
	if !s.Encoded() {
		if s.X.Len() != s.Len()*s.Dim() || s.Len() == 0 {
			t.Fatalf("%d rows of %d features have %d values", s.Len(), s.Dim(), s.X.Len())
		}
		return
	}
	for _, train := range [][]int{all(s), all(s)[:1]} {
		e := s.Encode(train, true)
		d := len(e.Inputs())
		if d > s.Dim() || d != e.width() {
			t.Fatalf("%d inputs, at most %d", d, s.Dim())
		}
		for _, v := range encodedPart[float64](s, e, all(s)).X {
			if math.IsNaN(v) {
				t.Fatal("an input is no number")
			}
		}
	}
}

func FuzzTable(f *testing.F) {
	for i := range schemas {
		for _, seed := range []string{"a,b,y\n1,x,0\n,y,1\n3,,1\n", "a;b;y\n1,5;x;0\n2;y;1\n", "a,b,y\n2024-01-01,x,0\n2024-01-02 03:04,y,1\n", "a,b,y\nyes,\"q\nr\",0\nno,-,1\n",
			"\xff\xfea\x00,\x00y\x00\n\x001\x00,\x000\x00\n\x00", "a,b,y\n1e308,-1e308,0\n-1e308,1e308,1\n", "a,b,y\n\xe9,(missing),0\n?,(rare),1\n", "a,y\n1,0,2\n\"\n"} {
			f.Add(seed, byte(i), true)
			f.Add(seed, byte(i), false)
		}
	}
	f.Fuzz(func(t *testing.T, content string, schema byte, regression bool) {
		o := Options{Target: "y", Kind: Classification, Schema: schemas[int(schema)%len(schemas)]}
		if regression {
			o.Kind = Regression
		}
		s, err := readTable(strings.NewReader(content), source{name: "fuzz.csv", format: formatCSV}, o)
		whole(t, s, err)
	})
}

func FuzzParquet(f *testing.F) {
	good := []string{
		parquetOf(f, []string{"a", "b", "y"}, []any{1, "x", 0}, []any{nil, "y", 1}, []any{3, nil, 1}),
		parquetOf(f, []string{"a", "b", "y"}, []any{day(3), true, "p"}, []any{day(-4), nil, "q"}),
		parquetOf(f, []string{"a", "b", "y"}, []any{moment(5e6), cents(250), 1.5}, []any{moment(-1), cents(-1), 2.5}),
	}
	for i := range schemas {
		for _, content := range good {
			f.Add([]byte(content), byte(i), i%2 == 0)
			f.Add([]byte(content[:len(content)/2]), byte(i), i%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, schema byte, regression bool) {
		o := Options{Target: "y", Kind: Classification, Schema: schemas[int(schema)%len(schemas)]}
		if regression {
			o.Kind = Regression
		}
		s, err := readTable(strings.NewReader(string(content)), source{name: "fuzz.parquet", format: formatParquet}, o)
		whole(t, s, err)
	})
}

func FuzzRowOfTexts(f *testing.F) {
	s, err := readTable(strings.NewReader("a,b,c,d,e,y\n1,x,yes,S,2024-01-01,0\n,y,no,M,2024-01-02,1\n3,,yes,S,,1\n"), source{name: "t.csv", format: formatCSV}, Options{Target: "y", Kind: Classification,
		Schema: Schema{Categories: []string{"b"}, Rare: 2, Ordinal: map[string][]string{"d": {"S", "M"}}, Dates: []string{"e"}, Missing: map[string]string{EveryColumn: MissingIndicator}}})
	if err != nil {
		f.Fatal(err)
	}
	e := s.Encode(all(s), true)
	f.Add("1", "x", "yes", "S", "2024-01-01")
	f.Add("", "-", "NO", "XL", "99999-01-01")
	f.Add("1e999", "(rare)", "2", "", "2024-02-30")
	f.Fuzz(func(t *testing.T, a, b, c, d, at string) {
		cells := map[string]string{"a": a, "b": b, "c": c, "d": d, "e": at}
		row, err := e.Row(nil, func(name string) (string, bool) { text, ok := cells[name]; return text, ok }, &Tally{})
		if wrong := (*Error)(nil); err != nil && !errors.As(err, &wrong) {
			t.Fatalf("the error %v is not an *Error", err)
		}
		if err == nil && len(row) != len(e.Inputs()) {
			t.Fatalf("%d values for %d inputs", len(row), len(e.Inputs()))
		}
		for _, v := range row {
			if err == nil && math.IsNaN(v) {
				t.Fatalf("%q: an input is no number: %v", cells, row)
			}
		}
	})
}

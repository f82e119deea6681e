package data

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// inputsOfAll are the names of the inputs and the values of all rows, as they are.
func inputsOfAll(s *Set) ([]string, []float64) {
	if !s.Encoded() {
		return s.Features, values(s)
	}
	e := s.Encode(all(s), false)
	return e.Inputs(), encodedPart[float64](s, e, all(s)).X
}

// The same table in every way of writing it.
func TestATableIsReadInEveryWayOfWritingIt(t *testing.T) {
	content := "größe,preis,y\n1.5,-20,no\n0.25,1e2,yes\n"
	decimals := strings.NewReplacer(",", ";", ".", ",").Replace(content)
	coded := func(e interface{ String(string) (string, error) }, text string) string {
		t.Helper()
		out, err := e.String(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	little, big := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder(), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder()
	for name, c := range map[string]struct {
		file, content string
		schema        Schema
	}{
		"plain":               {"t.csv", content, Schema{}},
		"said":                {"t.csv", content, Schema{Separator: ",", Decimal: ".", Encoding: "utf-8"}},
		"semicolons":          {"t.csv", decimals, Schema{Separator: ";", Decimal: ","}},
		"tabs in .csv":        {"t.csv", strings.ReplaceAll(content, ",", "\t"), Schema{Separator: "\t"}},
		"bars":                {"t.csv", strings.ReplaceAll(content, ",", "|"), Schema{Separator: "|"}},
		"commas in .tsv":      {"t.tsv", content, Schema{Separator: ","}},
		"quoted decimals":     {"t.csv", "größe,preis,y\n\"1,5\",-20,no\n\"0,25\",1e2,yes\n", Schema{Decimal: ","}},
		"byte order mark":     {"t.csv", "\ufeff" + content, Schema{}},
		"mark, and said":      {"t.csv", "\ufeff" + content, Schema{Encoding: "utf-8"}},
		"latin-1":             {"t.csv", coded(charmap.ISO8859_1.NewEncoder(), content), Schema{Encoding: "latin-1"}},
		"windows-1252":        {"t.csv", coded(charmap.Windows1252.NewEncoder(), content), Schema{Encoding: "windows-1252"}},
		"utf-16le":            {"t.csv", coded(little, content), Schema{Encoding: "utf-16le"}},
		"utf-16be":            {"t.csv", coded(big, content), Schema{Encoding: "utf-16be"}},
		"utf-16le by mark":    {"t.csv", coded(little, "\ufeff"+content), Schema{}},
		"utf-16be by mark":    {"t.csv", coded(big, "\ufeff"+content), Schema{}},
		"utf-16 by mark, too": {"t.csv", coded(big, "\ufeff"+content), Schema{Encoding: "utf-16be"}},
		"compressed":          {"t.csv.gz", gzipped(t, coded(little, "\ufeff"+decimals)), Schema{Separator: ";", Decimal: ","}},
		"parquet":             {"t.parquet", parquetOf(t, []string{"größe", "preis", "y"}, []any{1.5, -20, "no"}, []any{.25, 100, "yes"}), Schema{}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(write(t, c.file, c.content), Options{Target: "y", Schema: c.schema})
			if err != nil {
				t.Fatal(err)
			}
			names, x := inputsOfAll(s)
			if !slices.Equal(names, []string{"größe", "preis"}) || !slices.Equal(x, []float64{1.5, -20, .25, 100}) || !slices.Equal(s.Classes, []string{"no", "yes"}) || !slices.Equal(s.Y, []float64{0, 1}) {
				t.Errorf("%q, %v, %q, %v", names, x, s.Classes, s.Y)
			}
			if len(s.Digest) != 64 {
				t.Errorf("the digest is %q", s.Digest)
			}
		})
	}
}

func TestColumnsBecomeInputs(t *testing.T) {
	content := "id,flag,on,size,when,kind,n,y\n" +
		"a7,True,2024-01-02,S,1970-01-02,red,1,p\n" +
		"a8,no,2024-01-03,L,1969-12-31 12:00,-,2,q\n" +
		"a9,YES,2024-01-04,M,2000-03-01T06:00:00Z,\"blue\n\",,q\n"
	s, err := Open(write(t, "t.csv", content), Options{Target: "y", Schema: Schema{Drop: []string{"id"}, Order: "on", Categories: []string{"kind"},
		Ordinal: map[string][]string{"size": {"S", "M", "L"}}, Dates: []string{"when"}, Missing: map[string]string{"kind": MissingMean, "n": MissingIndicator}}})
	if err != nil {
		t.Fatal(err)
	}
	names, x := inputsOfAll(s)
	if want := []string{"flag", "size", "when", "kind=(missing)", "kind=blue", "kind=red", "n", "n=(missing)"}; !slices.Equal(names, want) {
		t.Errorf("inputs are %q, want %q", names, want)
	}
	if want := []float64{1, 0, 1, 0, 0, 1, 1, 0, 0, 2, -.5, 1, 0, 0, 2, 0, 1, 1, 11017.25, 0, 1, 0, 1.5, 1}; !slices.Equal(x, want) {
		t.Errorf("values are %v, want %v", x, want)
	}
	if want := []float64{19724, 19725, 19726}; !slices.Equal(s.Order, want) {
		t.Errorf("the order is %v, want %v", s.Order, want)
	}
	if s.Dim() != 8 || s.Len() != 3 {
		t.Errorf("%d rows of at most %d inputs", s.Len(), s.Dim())
	}
}

// A table of numbers is the same whether its columns are said to be or not.
func TestATableOfNumbersHasTheSameBits(t *testing.T) {
	content := "a,b,y\n1.1,2,p\n3.3,5,q\n2.7,-1e3,p\n8.25,0.1,q\n9.5,7,p\n"
	plain, err := Open(write(t, "t.csv", content), Options{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := Open(write(t, "t.csv", content), Options{Target: "y", Schema: Schema{Missing: map[string]string{EveryColumn: MissingMedian}}})
	if err != nil {
		t.Fatal(err)
	}
	if plain.Encoded() || !encoded.Encoded() {
		t.Fatalf("encoded: %v and %v", plain.Encoded(), encoded.Encoded())
	}
	split := Split{Train: []int{0, 2, 3}, Validation: []int{1}, Test: []int{4}}
	a, b := Prepare[float64](plain, split, true), Prepare[float64](encoded, split, true)
	for _, parts := range [][2]Part[float64]{{a.Train, b.Train}, {a.Validation, b.Validation}, {a.Test, b.Test}} {
		if !slices.Equal(parts[0].X, parts[1].X) || !slices.Equal(parts[0].Labels, parts[1].Labels) || parts[0].D != parts[1].D {
			t.Errorf("%v and %v", parts[0], parts[1])
		}
	}
}

func TestRowsThatAreLeftOutAreCounted(t *testing.T) {
	s, err := Open(write(t, "t.csv", "a,b,g,y\n1,x,u,0\n,y,u,1\n3,?,v,1\n,,v,0\n5,x,w,\n6,y,w,1\n"), Options{Target: "y", Kind: Regression,
		Schema: Schema{Categories: []string{"b"}, Group: "g", Missing: map[string]string{EveryColumn: MissingDropRows}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, x := inputsOfAll(s); s.Len() != 2 || !slices.Equal(x, []float64{1, 1, 0, 6, 0, 1}) || !slices.Equal(s.Y, []float64{0, 1}) || !slices.Equal(s.Groups, []int32{0, 1}) {
		t.Errorf("%d rows, %v, %v, %v", s.Len(), x, s.Y, s.Groups)
	}
	if want := "4 of 6 rows are left out, as values are missing: a in 2, b in 1, y in 1"; !slices.Contains(s.Warnings, want) {
		t.Errorf("warnings are %q, want %q", s.Warnings, want)
	}
}

// With "auto", columns of text are categories, also where only a late row tells, and others stay numbers and flags.
func TestColumnsOfTextAreCategories(t *testing.T) {
	s, err := Open(write(t, "t.csv", "late,text,number,flag,gaps,y\n1,a,1,no,,0\n2,b,2,yes,,1\n1.0,a,3,no,q,1\nother,b,4,yes,,0\n"), Options{Target: "y",
		Schema: Schema{Categories: []string{AllCategories}, Missing: map[string]string{EveryColumn: MissingIndicator}}})
	if err != nil {
		t.Fatal(err)
	}
	names, _ := inputsOfAll(s)
	if want := []string{"late=1", "late=1.0", "late=2", "late=other", "text=a", "text=b", "number", "flag", "gaps=(missing)", "gaps=q"}; !slices.Equal(names, want) {
		t.Errorf("inputs are %q, want %q", names, want)
	}
}

// Files for validation and test are read as the training data is, by the names of columns, whatever their format.
func TestOtherFilesAreEncodedAsTheTrainingData(t *testing.T) {
	train := "kind;n;id;y\nred;1,5;a;0\nblue;;b;1\nred;3,5;c;1\n"
	schema := Schema{Separator: ";", Decimal: ",", Drop: []string{"id"}, Categories: []string{"kind"}, Missing: map[string]string{"n": MissingMean}}
	for file, content := range map[string]string{
		"v.csv":     "y;kind;n\n1;green;\n0;blue;9,5\n",
		"v.parquet": parquetOf(t, []string{"y", "kind", "n"}, []any{1, "green", nil}, []any{0, "blue", 9.5}),
	} {
		s, err := Open(write(t, "t.csv", train), Options{Target: "y", Schema: schema, Validation: write(t, file, content)})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		parts := Prepare[float64](s, Split{Train: all(s)}, false)
		if !slices.Equal(parts.Train.X, []float64{0, 1, 1.5, 1, 0, 2.5, 0, 1, 3.5}) || !slices.Equal(parts.Validation.X, []float64{0, 0, 2.5, 1, 0, 9.5}) || !slices.Equal(parts.Validation.Labels, []int32{1, 0}) {
			t.Errorf("%s: %v, %v, %v", file, parts.Train.X, parts.Validation.X, parts.Validation.Labels)
		}
	}
	for content, want := range map[string]string{
		"y;kind\n1;red\n":           "lacks columns of the training data: n",
		"kind;n;y\nred;x;1\n":       `:2: column "n": "x" is not a number`,
		"kind;n;y\n?;1;1\n":         `:2: column "kind": the value is missing ("?")`,
		"kind;n;y\nred;1;maybe\n":   `:2: column "y": "maybe" is not one of the classes of the training data`,
		"kind,n,y\nred,1,1\n":       "lacks columns of the training data: kind, n",
		"kind;n;y\nred;1.000,5;1\n": `:2: column "n": "1.000,5" is not a number`,
	} {
		_, err := Open(write(t, "t.csv", train), Options{Target: "y", Schema: schema, Validation: write(t, "v.csv", content)})
		e := (*Error)(nil)
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.About() != aboutValidation || strings.Contains(e.Hint(), "[task]") {
			t.Errorf("%q: the error is %v, about %q, want %q", content, err, e.About(), want)
		}
	}
	plain, err := Open(write(t, "t.csv", "a,b,y\n1,2,0\n3,4,1\n"), Options{Target: "y", Validation: write(t, "v.parquet", parquetOf(t, []string{"a", "b", "y"}, []any{5, 6.5, 1}))})
	if err != nil {
		t.Fatal(err)
	}
	if parts := Prepare[float64](plain, Split{Train: all(plain)}, false); !slices.Equal(parts.Validation.X, []float64{5, 6.5}) || plain.Encoded() {
		t.Errorf("%v", parts.Validation)
	}
}

// One pass finds all problems, and says what to write.
func TestAllProblemsAreToldAtOnce(t *testing.T) {
	var long strings.Builder
	long.WriteString("id;alter;ort;größe;wann;y\n")
	for i := range 40 {
		fmt.Fprintf(&long, "p%d;%s;%s;%d,5;2024-01-%02d;%d\n", i, []string{"", "31"}[min(i%5, 1)], []string{"Köln", "Bonn", "?"}[i%3], i, i%28+1, i%2)
	}
	latin, err := charmap.ISO8859_1.NewEncoder().String(long.String())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content string
		o       Options
		want    string
		hint    string
	}{
		"everything": {latin, Options{Target: "y"}, `: 8 problems:
  line 1: byte 16 of the line is 0xf6, which is not UTF-8
  line 1: the cells seem to be separated by semicolons
  column "id", lines 2, 3, 4 and 37 more: 40 values are not numbers: "p0", "p1", "p2" and 37 more
  column "alter", lines 2, 7, 12 and 5 more: 8 values are missing
  column "ort", lines 2, 3, 5 and 24 more: 27 values are not numbers: "Köln", "Bonn"
  column "ort", lines 4, 7, 10 and 10 more: 13 values are missing
  column "größe", lines 2, 3, 4 and 37 more: 40 values are not numbers: "0,5", "1,5", "2,5" and 37 more
  column "wann", lines 2, 3, 4 and 37 more: 40 values are not numbers: "2024-01-01", "2024-01-02", "2024-01-03" and 25 more`,
			`write in [task]:
  categories = ["ort"]
  dates = ["wann"]
  decimal = ","
  drop = ["id"]
  encoding = "latin-1"
  missing = { alter = "median", ort = "indicator" }
  separator = ";"`},
		"a part is said": {"a,b,c,y\nx,,1,0\ny,2,z,1\n", Options{Target: "y", Schema: Schema{Categories: []string{"a"}}},
			`: 2 problems:
  column "b", line 2: the value is missing ("")
  column "c", line 3: "z" is not a number`,
			`write in [task]:
  categories = ["a", "c"]
  missing = { b = "median" }`},
		"many decimal commas": {"a;b;y\n1,5;0,5;2,5\n2,5;1;3\n", Options{Target: "y", Kind: Regression}, `: 4 problems:
  line 1: the cells seem to be separated by semicolons
  column "a", lines 2, 3: 2 values are not numbers: "1,5", "2,5"
  column "b", line 2: "0,5" is not a number
  column "y", line 2: "2,5" is not a number`, "write in [task]:\n  decimal = \",\"\n  separator = \";\""},
		"commas are no names": {"a;y\n;0\n" + repeated("%d,5;1\n%d,5;0\n", 30), Options{Target: "y"}, `: 3 problems:
  line 1: the cells seem to be separated by semicolons
  column "a", line 2: the value is missing ("")
  column "a", lines 3, 4, 5 and 57 more: 60 values are not numbers: "0,5", "1,5", "2,5" and 27 more`, "write in [task]:\n  decimal = \",\"\n  missing = { a = \"median\" }\n  separator = \";\""},
		"groups are no categories": {"who,y\n" + repeated("p%d,1\np%d,0\n", 12), Options{Target: "y"}, `:2: column "who": 24 values are not numbers: "p0", "p1", "p2" and 9 more`, `write in [task]: drop = ["who"]`},
		"names": {"age,y\n1,0\n2,1\n", Options{Target: "y", Schema: Schema{Drop: []string{"ago"}, Dates: []string{"age"}, Missing: map[string]string{"aeg": "mean", "*": "avg"}}},
			": 5 problems:\n  `drop` names \"ago\", which is no column\n  `missing` has no rule \"avg\"\n  `missing` names \"aeg\", which is no column\n" +
				"  column \"age\", lines 2, 3: 2 values are not dates: \"1\", \"2\"", "did you mean \"age\"?"},
		"rows":          {"a,y\n1,0\n1\n1,2,3\n\"x\"y,1\n2,1\n", Options{Target: "y"}, ": 2 problems", "a quoted cell"},
		"no group":      {"a,g,y\n1,,0\n2,u,1\n", Options{Target: "y", Schema: Schema{Group: "g"}}, `:2: column "g": the value is missing ("")`, `write in [task]: missing = { g = "drop_rows" }`},
		"no order":      {"a,o,y\n1,2024-01-01,0\n2,3,1\n", Options{Target: "y", Schema: Schema{Order: "o"}}, `:3: column "o": "3" is not in an order with the rows before`, "2024-03-31"},
		"ordinal":       {"a,y\nSmal,0\nLarge,1\n", Options{Target: "y", Schema: Schema{Ordinal: map[string][]string{"a": {"Small", "Large"}}}}, `:2: column "a": "Smal" is not one of the values of ordinal`, `did you mean "Small"?`},
		"american date": {"a,y\n3/4/2024,0\n2024-01-01,1\n", Options{Target: "y", Schema: Schema{Dates: []string{"a"}}}, `:2: column "a": "3/4/2024" is not a date`, "2024-03-31"},
		"points of thousands": {"a;y\n1.000,5;0\n2;1\n", Options{Target: "y", Schema: Schema{Separator: ";", Decimal: ","}}, `:2: column "a": "1.000,5" is not a number`,
			"without signs between thousands"},
		"commas of thousands": {"a,y\n\"1,000.5\",0\n2,1\n", Options{Target: "y"}, `:2: column "a": "1,000.5" is not a number`, "without signs between thousands"},
		"all dropped":         {"a,y\n,0\n,1\n", Options{Target: "y", Schema: Schema{Missing: map[string]string{"*": MissingDropRows}}}, ": no row is left: each lacks a value", "another rule"},
		"wrong encoding":      {"\ufeffa,y\n1,0\n", Options{Target: "y", Schema: Schema{Encoding: "latin-1"}}, ": begins with the mark of utf-8, but `encoding` says latin-1", "leave"},
		"odd UTF-16":          {"a\x00,\x00y\x00\n\x001\x00,\x00\x00\xd8\n\x00", Options{Target: "y", Schema: Schema{Encoding: "utf-16le"}}, ":2: the line has bytes that are not utf-16le", "encoding"},
		"not in 1252":         {"a,y\n1,\x81\n", Options{Target: "y", Schema: Schema{Encoding: "windows-1252"}}, ":2: the line has bytes that are not windows-1252", "encoding"},
		"both":                {"a,b,y\n1,2,0\n2,3,1\n", Options{Target: "y", Schema: Schema{Drop: []string{"a"}, Categories: []string{"a"}}}, ": column \"a\": `categories` names the column, and so does `drop`", "one or the other"},
		"the target":          {"a,y\n1,0\n2,1\n", Options{Target: "y", Schema: Schema{Drop: []string{"y"}}}, ": column \"y\": `drop` names the column, and so does `target`", ""},
		"mixed":               {"a,y\n1,0\nyes,1\n7,1\n", Options{Target: "y"}, `:3: column "a": "yes" is not a number`, `categories = ["a"]`},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "t.csv", c.content)
			_, err := Open(path, c.o)
			e := (*Error)(nil)
			if !errors.As(err, &e) {
				t.Fatalf("the error is %v, want an *Error", err)
			}
			if got := strings.TrimPrefix(e.Error(), path); got != c.want && !(name == "rows" || name == "names") || !strings.HasPrefix(got, c.want) && name != "names" {
				t.Errorf("the error is\n%s\nwant\n%s", got, c.want)
			}
			if !strings.Contains(e.Hint(), c.hint) {
				t.Errorf("the hint is\n%s\nwant\n%s", e.Hint(), c.hint)
			}
		})
	}
}

// What the hint says to write is enough.
func TestTheAdviceSettlesTheProblems(t *testing.T) {
	content := "a;b;d;y\n1,5;x;2024-01-01;0\n;y;2024-01-02;1\n3;-;2024-01-03;1\n"
	_, err := Open(write(t, "t.csv", content), Options{Target: "y"})
	e := (*Error)(nil)
	want := "write in [task]:\n  categories = [\"b\"]\n  dates = [\"d\"]\n  decimal = \",\"\n  missing = { a = \"median\", b = \"indicator\" }\n  separator = \";\""
	if !errors.As(err, &e) || e.Hint() != want {
		t.Fatalf("the error is %v, with the hint\n%s", err, e.Hint())
	}
	s, err := Open(write(t, "t.csv", content), Options{Target: "y", Schema: Schema{Categories: []string{"b"}, Dates: []string{"d"}, Decimal: ",", Separator: ";",
		Missing: map[string]string{"a": MissingMedian, "b": MissingIndicator}}})
	if err != nil || s.Len() != 3 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestKeysOfTablesMeanNothingToOtherFormats(t *testing.T) {
	for file, c := range map[string]struct {
		content, about string
		schema         Schema
	}{
		"t.libsvm":  {"0 1:1\n1 1:2\n", keyDrop, Schema{Drop: []string{"a"}}},
		"t.npy":     {npy("(2, 2)", 1, 0, 2, 1), keyMissing, Schema{Missing: map[string]string{"*": "mean"}}},
		"t.parquet": {"", keySeparator, Schema{Separator: ";"}},
	} {
		_, err := Open(write(t, file, c.content), Options{Target: "column:1", Schema: c.schema})
		if e := (*Error)(nil); !errors.As(err, &e) || e.About() != c.about {
			t.Errorf("%s: the error is %v", file, err)
		}
	}
}

func TestOdditiesOfTablesAreWarnings(t *testing.T) {
	s, err := Open(write(t, "t.csv", "a,b,c,d,y\n1,x,+,0.1,0\n1,x,-,0.5,1\n,x,+,0.3,1\n"), Options{Target: "y", Validation: write(t, "v.csv", "a,b,c,d,y\n1,x,+,,0\n1,x,+,1,1\n"),
		Schema: Schema{Categories: []string{"b", "c"}, Missing: map[string]string{"a": MissingMean, "c": MissingIndicator, "d": MissingDropRows}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`column "c": "-" is a gap in 1 rows, though "+" is a category: write another word if it is one as well`,
		"1 of 4 columns are constant and teach a model nothing: b",
		s.Validation.Name + ": 1 of 2 rows are left out, as values are missing: d in 1",
	}
	if !slices.Equal(s.Warnings, want) {
		t.Errorf("warnings are %q, want %q", s.Warnings, want)
	}
}

// repeated writes rows, each with a number twice.
func repeated(rows string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, rows, i, i)
	}
	return b.String()
}

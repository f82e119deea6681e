package data

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(content))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFilesOfEveryFormatReadTheSame(t *testing.T) {
	content := "a,\"b, or\nnot\",y\n1,2.5,no\n-3,4e1,yes\n"
	for name, file := range map[string]string{
		"plain.csv":    content,
		"crlf.csv":     strings.ReplaceAll(content, "\n", "\r\n"),
		"bom.csv":      "\ufeff" + content,
		"open.csv":     strings.TrimSuffix(content, "\n"),
		"zip.csv.gz":   gzipped(t, content),
		"tabs.tsv":     "a\t\"b, or\nnot\"\ty\n1\t2.5\tno\n-3\t40\tyes\n",
		"zip.TSV.GZ":   gzipped(t, "a\t\"b, or\nnot\"\ty\n1\t2.5\tno\n-3\t40\tyes\n"),
		"spaces.csv":   "a,\"b, or\nnot\",y\n 1 , 2.5,no\n-3,40 ,yes \n",
		"quoted.csv":   "\"a\",\"b, or\nnot\",\"y\"\n\"1\",\"2.5\",\"no\"\n-3,40,\"yes\"\n",
		"sparse.csv":   "a,\"b, or\nnot\",y\n\n1,2.5,no\n\n\n-3,40,yes\n",
		"a_b-c.d.csv":  content,
		"2nd file.csv": content,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(write(t, name, file), Options{Target: "y"})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := values(s), []float64{1, 2.5, -3, 40}; !slices.Equal(got, want) {
				t.Errorf("X is %v, want %v", got, want)
			}
			if got, want := s.Y, []float64{0, 1}; !slices.Equal(got, want) {
				t.Errorf("Y is %v, want %v", got, want)
			}
			if got, want := s.Features, []string{"a", "b, or\nnot"}; !slices.Equal(got, want) {
				t.Errorf("features are %q, want %q", got, want)
			}
			if got, want := s.Classes, []string{"no", "yes"}; !slices.Equal(got, want) {
				t.Errorf("classes are %q, want %q", got, want)
			}
		})
	}
}

func TestDigestIsOfTheUncompressedBytes(t *testing.T) {
	content := "\ufeffa,y\r\n1,0\r\n2,1\r\n"
	sum := sha256.Sum256([]byte(content))
	for name, file := range map[string]string{"d.csv": content, "d.csv.gz": gzipped(t, content)} {
		s, err := Open(write(t, name, file), Options{Target: "y"})
		if err != nil {
			t.Fatal(err)
		}
		if want := hex.EncodeToString(sum[:]); s.Digest != want {
			t.Errorf("%s: digest is %s, want %s", name, s.Digest, want)
		}
	}
}

func TestWhatIsWrongIsSaidWithItsPlace(t *testing.T) {
	type options = Options
	for name, c := range map[string]struct {
		content string
		o       options
		want    string // after the path
		hint    string // a part of it
	}{
		"empty":            {"", options{Target: "y"}, ": the file is empty", "names the columns"},
		"blank":            {"\n\n", options{Target: "y"}, ": the file is empty", ""},
		"header only":      {"a,y\n", options{Target: "y"}, ": there is a header, but no rows", ""},
		"no target":        {"a,y\n1,2\n", options{}, ": the target column is not given", "a, y"},
		"unknown target":   {"age,income\n1,2\n", options{Target: "incom"}, `: there is no target column "incom"`, `did you mean "income"? the columns are age, income`},
		"strange target":   {"a,b\n1,2\n", options{Target: "zzzzzz"}, `: there is no target column "zzzzzz"`, "the columns are a, b"},
		"only target":      {"y\n1\n", options{Target: "y"}, `:1: column "y": the target is the only column, there is nothing to learn from`, "tabs"},
		"twice":            {"a,b,a,y\n", options{Target: "y"}, `:1: column "a": the name is used twice`, "of its own"},
		"separator more":   {"a,y,\n1,2,\n", options{Target: "y"}, `:1: column 3 of 3 has no name`, "a separator too many"},
		"of a spreadsheet": {"sep=;\na;y\n1;2\n", options{Target: "y"}, `:1: the line is one for spreadsheets, and names no columns`, "remove the line"},
		"a stray zero":     {"a,y\n1,p\n2\x00,q\n", options{Target: "y"}, `:3: byte 2 of the line is 0, which no text in UTF-8 has`, "remove it from the file"},
		"nameless":         {"a,,y\n", options{Target: "y"}, `:1: column 2 of 3 has no name`, ""},
		"short row":        {"a,b,y\n1,2,0\n1,2\n", options{Target: "y"}, ":3: the row has 2 cells, but the header names 3 columns", ""},
		"long row":         {"a,b,y\n1,2,0,\n", options{Target: "y"}, ":2: the row has 4 cells, but the header names 3 columns", ""},
		"empty cell":       {"a,b,y\n1,,0\n", options{Target: "y"}, `:2: column "b": the value is missing ("")`, `missing = { b = "median" }`},
		"NA":               {"a,b,y\n1,2,0\nNA,2,1\n", options{Target: "y"}, `:3: column "a": the value is missing ("NA")`, ""},
		"nan":              {"a,b,y\nnan,2,1\n", options{Target: "y"}, `:2: column "a": the value is missing ("nan")`, ""},
		"question mark":    {"a,b,y\n1,2,?\n", options{Target: "y"}, `:2: column "y": the value is missing ("?")`, ""},
		"word":             {"a,b,y\n1,red,1\n", options{Target: "y"}, `:2: column "b": "red" is not a number`, `categories = ["b"]`},
		"word as target":   {"a,y\n1,red\n", options{Target: "y", Kind: Regression}, `:2: column "y": "red" is not a number`, "classification"},
		"infinite":         {"a,y\n-Inf,1\n", options{Target: "y"}, `:2: column "a": "-Inf" is not a finite number`, ""},
		"overflow":         {"a,y\n1e999,1\n", options{Target: "y"}, `:2: column "a": "1e999" is not a finite number`, ""},
		"one class":        {"a,y\n1,cat\n2,cat\n", options{Target: "y"}, `: column "y": all 2 rows are of class "cat", there is nothing to tell apart`, ""},
		"one value":        {"a,y\n1,5\n2,5.0\n", options{Target: "y", Kind: Regression}, `: column "y": all 2 rows have the value 5, there is nothing to predict`, ""},
		"open quote":       {"a,y\n1,\"x\n2,z\n", options{Target: "y"}, `:2: extraneous or missing " in quoted-field`, `""`},
		"kind":             {"a,y\n1,2\n", options{Target: "y", Kind: "ranking"}, `: the kind "ranking" is neither "regression" nor "classification"`, ""},
		"after a quote":    {"a,y\n1,\"x\n\nx\"\n2,?\n", options{Target: "y"}, `:5: column "y": the value is missing ("?")`, ""},
		"an index":         {",a,y\n0,1,2\n1,3,4\n", options{Target: "y"}, `:1: column "Unnamed: 0": the first column has no name, as an index that pandas wrote`, "write in [task]: drop = [\"Unnamed: 0\"]\npandas leaves the index out"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "table.csv", c.content)
			_, err := Open(path, c.o)
			e := (*Error)(nil)
			if !errors.As(err, &e) {
				t.Fatalf("the error is %v, want an *Error", err)
			}
			if got := strings.TrimPrefix(e.Error(), path); got != c.want {
				t.Errorf("the error is %q, want %q", got, c.want)
			}
			if !strings.Contains(e.Hint(), c.hint) {
				t.Errorf("the hint is %q, want %q in it", e.Hint(), c.hint)
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	corrupt := gzipped(t, "a,y\n1,0\n2,1\n")
	for name, path := range map[string]string{
		"unknown format": write(t, "table.xlsx", ""),
		"no gzip":        write(t, "table.csv.gz", "a,y\n1,0\n"),
		"cut off":        write(t, "cut.csv.gz", corrupt[:len(corrupt)-6]),
		"absent":         filepath.Join(t.TempDir(), "none.csv"),
		"no such set":    "digit",
	} {
		_, err := Open(path, Options{Target: "y"})
		if e := (*Error)(nil); !errors.As(err, &e) {
			t.Errorf("%s: the error is %v, want an *Error", name, err)
		}
	}
	_, err := Open(filepath.Join(t.TempDir(), "none.csv"), Options{Target: "y"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error %v is not os.ErrNotExist", err)
	}
	_, err = Open("digit", Options{})
	if e := (*Error)(nil); !errors.As(err, &e) || !strings.Contains(e.Hint(), `did you mean "digits"?`) {
		t.Errorf("the error %v does not suggest digits", err)
	}
}

func TestLinesAreLimited(t *testing.T) {
	_, err := Open(write(t, "long.csv.gz", gzipped(t, "a,y\n"+strings.Repeat("1", maxLine+1))), Options{Target: "y"})
	if err == nil || !strings.Contains(err.Error(), "longer than the limit") {
		t.Errorf("the error is %v, want the limit", err)
	}
}

func TestClassesAreOrdered(t *testing.T) {
	for _, c := range []struct{ labels, want []string }{
		{[]string{"10", "9", "-1", "9"}, []string{"-1", "9", "10"}},
		{[]string{"10", "9", "b"}, []string{"10", "9", "b"}},
		{[]string{"b", "a", "b"}, []string{"a", "b"}},
		{[]string{"b", "2.0", "c"}, []string{"2.0", "b", "c"}},
	} {
		got, indices, _ := classify(c.labels)
		if !slices.Equal(got, c.want) {
			t.Errorf("classes of %q are %q, want %q", c.labels, got, c.want)
		}
		for i, label := range c.labels {
			if got[int(indices[i])] != label {
				t.Errorf("label %q became %q", label, got[int(indices[i])])
			}
		}
	}
}

// Labels that are equal numbers are one class, in every format, also beside labels that are none.
func TestEqualNumbersAreOneClass(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		classes []string
		y       []float64
		warning string
	}{
		"csv":      {"a,y\n1,1\n2,1.0\n3,0\n4,+1e0\n5,-0\n", []string{"0", "1"}, []float64{1, 1, 0, 1, 0}, `column "y": labels that are equal numbers are one class: +1e0, 1, 1.0; -0, 0`},
		"tsv":      {"a\ty\n1\t01\n2\t1.50\n3\t1\n4\t1.5\n", []string{"1", "1.5"}, []float64{0, 1, 0, 1}, "01, 1; 1.5, 1.50"},
		"mixed":    {"a,y\n1,1.0\n2,unknown\n3,1\n", []string{"1", "unknown"}, []float64{0, 1, 0}, "1, 1.0"},
		"alone":    {"a,y\n1,1.0\n2,2.0\n3,1.0\n", []string{"1.0", "2.0"}, []float64{0, 1, 0}, ""},
		"long":     {"a,y\n1,9007199254740993\n2,9007199254740992\n3,9007199254740993.0\n", []string{"9007199254740992", "9007199254740993"}, []float64{1, 0, 1}, "9007199254740993, 9007199254740993.0"},
		"versions": {"a,y\n1,1.2.3\n2,1.2.30\n", []string{"1.2.3", "1.2.30"}, []float64{0, 1}, ""},
		"svm":      {"1 1:1\n1.0 1:2\n0 1:3\n", []string{"0", "1"}, []float64{1, 1, 0}, ""},
		"npy":      {npy("(3, 2)", 1, 1, 2, 0, 3, 1), []string{"0", "1"}, []float64{1, 0, 1}, ""},
	} {
		o := Options{Target: "y"}
		switch name {
		case "svm":
			o.Target = ""
		case "npy":
			o.Target = "column:1"
		case "tsv":
		default:
			name = "csv"
		}
		s, err := Open(write(t, "t."+name, c.content), o)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.Classes, c.classes) || !slices.Equal(s.Y, c.y) {
			t.Errorf("%q has the classes %q in %v, want %q in %v", c.content, s.Classes, s.Y, c.classes, c.y)
		}
		if got := strings.Join(s.Warnings, "; "); !strings.Contains(got, c.warning) || (c.warning == "") != (s.Revision == 0) || c.warning == "" && strings.Contains(got, "equal numbers") {
			t.Errorf("%q has the revision %d and the warning %q, want %q in it", c.content, s.Revision, got, c.warning)
		}
	}
}

// A file for validation may write the numbers of classes in another way.
func TestClassesOfAnotherFileAreEqualNumbers(t *testing.T) {
	s, err := Open(write(t, "t.csv", "a,y\n1,1\n2,0\n"), Options{Target: "y", Validation: write(t, "v.csv", "a,y\n1,1.0\n2,-0.0\n3,1e0\n")})
	if err != nil || !slices.Equal(s.Validation.Y, []float64{1, 0, 1}) || s.Revision != 0 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestClassesThatLookTheSameAreRefused(t *testing.T) {
	for _, labels := range [][2]string{{"caf\u00e9", "cafe\u0301"}, {"a b", "a\u00a0b"}, {"ab", "a\u200bb"}} {
		_, err := Open(write(t, "t.csv", "a,y\n1,"+labels[0]+"\n2,"+labels[1]+"\n"), Options{Target: "y"})
		if err == nil || !strings.Contains(err.Error(), "two classes look the same: ") || strings.Contains(err.Error(), labels[1]) {
			t.Errorf("%+q: the error is %v", labels, err)
		}
	}
	if _, err := Open(write(t, "t.csv", "a,y\n1,a\x1b[31m\n2,b\n"), Options{Target: "y"}); err == nil || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "U+001B") {
		t.Errorf("an escape sequence as a label: the error is %v", err)
	}
}

func TestUTF16WithoutAMarkIsTold(t *testing.T) {
	for order, content := range map[string]string{"utf-16le": "a\x00,\x00y\x00\n\x00", "utf-16be": "\x00a\x00,\x00y\x00\n"} {
		_, err := Open(write(t, "t.csv", content), Options{Target: "y"})
		if e := (*Error)(nil); !errors.As(err, &e) || e.Hint() != `write in [task]: encoding = "`+order+`"` {
			t.Errorf("%s: the error is %v", order, err)
		}
	}
}

// The bytes of a file reach the check of its text in pieces of any size.
func TestTextIsCheckedInPieces(t *testing.T) {
	for _, c := range []struct{ content, want string }{
		{"a,\u00e9\u20ac\U0001f600\r\n\"x\ry\"\r\r\n", ""},
		{"ok\nx\u20ac\xe9y\n", "byte 5 of the line is 0xe9, which is not UTF-8"},
		{"ok\n\xe2\x82", "byte 1 of the line is 0xe2, which is not UTF-8"},
		{"ok\n\xed\xa0\x80", "byte 1 of the line is 0xed, which is not UTF-8"}, // half of a surrogate pair
		{"ok\na\rb", "a carriage return (\\r) without a line feed (\\n) is byte 2 of the line: lines end as on old Macs"},
		{"ok\na\x00", "byte 2 of the line is 0, which no text in UTF-8 has"},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.content), iotest.OneByteReader(strings.NewReader(c.content)), iotest.DataErrReader(strings.NewReader(c.content))} {
			text, err := io.ReadAll(&checked{r: r, line: 1, table: true})
			if c.want == "" {
				if err != nil || string(text) != c.content {
					t.Errorf("%q became %q: %v", c.content, text, err)
				}
				continue
			}
			if e := (*Error)(nil); !errors.As(err, &e) || e.Message != c.want || e.Line != 2 || !strings.HasPrefix(string(text), "ok\n") {
				t.Errorf("%q became %q: %v, want %s", c.content, text, err, c.want)
			}
		}
	}
}

func TestConstantFeaturesAreAWarning(t *testing.T) {
	s, err := Open(write(t, "t.csv", "a,b,y\n1,7,0\n2,7,1\n"), Options{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "1 of 2 features are constant") || !strings.HasSuffix(s.Warnings[0], ": b") {
		t.Errorf("warnings are %q", s.Warnings)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a,y\n1,0\n2,1\n", "\ufeffa,\"y\"\r\n1,\"x\ny\"\r\n", "a,y\n1\n", "\"", ",\n,\n", "a,a\n", "y,a\nNA,1e999\n", "a,y\n0x1p-2,1\n1_0,2\n"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, content string, regression bool) {
		o := Options{Target: "y", Kind: Classification}
		if regression {
			o.Kind = Regression
		}
		s, err := readRows(strings.NewReader(content), source{name: "fuzz.csv", format: formatCSV}, o)
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) {
				t.Fatalf("the error %v is not an *Error", err)
			}
			return
		}
		if s.X.Len() != s.Len()*s.Dim() || s.Len() == 0 || s.Dim() == 0 {
			t.Fatalf("%d rows of %d features have %d values", s.Len(), s.Dim(), s.X.Len())
		}
	})
}

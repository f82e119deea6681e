package data

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

func lookAt(t *testing.T, name string, content []byte) *Summary {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Look(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// said is what a summary says, in a few lines.
func said(s *Summary) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v rows %d uneven %d duplicates %d\n", s.Schema.Settings(), s.Rows, s.Uneven, s.Duplicates)
	for _, c := range s.Columns {
		fmt.Fprintf(&b, "%s %s gaps %d distinct %d examples %q", c.Name, c.Looks, c.Gaps, c.Distinct, c.Examples)
		if c.Numbers > 0 {
			fmt.Fprintf(&b, " from %v to %v whole %v", c.Min, c.Max, c.Whole)
		}
		if c.Looks == LooksText && c.Numbers > 0 {
			fmt.Fprintf(&b, " odd %q in line %d", c.Odd, c.OddLine)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const european = "id;town;area;sold;lift;empty;mixed\r\n" +
	"1;Åsby;12,5;2020-01-31;yes;;1\r\n" +
	"2;\"Köln;\nDeutz\";-;2020-02-01;no;NA;2,5\r\n" +
	"2;\"Köln;\nDeutz\";-;2020-02-01;no;NA;2,5\r\n" +
	"3;?;7;2021-03-04;no;-;many\r\n" +
	"4;too few\r\n"

const europeanSaid = `rows 4 uneven 1 duplicates 1
id number gaps 0 distinct 3 examples ["1" "2" "3"] from 1 to 3 whole true
town text gaps 1 distinct 2 examples ["Åsby" "Köln;\nDeutz"]
area number gaps 2 distinct 2 examples ["12,5" "7"] from 7 to 12.5 whole false
sold date gaps 0 distinct 3 examples ["2020-01-31" "2020-02-01" "2021-03-04"]
lift flag gaps 0 distinct 2 examples ["yes" "no"]
empty empty gaps 4 distinct 0 examples []
mixed text gaps 0 distinct 3 examples ["1" "2,5" "many"] from 1 to 2.5 whole false odd "many" in line 7
`

func TestATableIsLookedAtInEveryEncoding(t *testing.T) {
	latin, err := charmap.ISO8859_1.NewEncoder().String(european)
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(european)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(european))
	z.Close()
	for _, c := range []struct{ what, name, content, settings string }{
		{"UTF-8", "a.csv", european, `[{decimal ,} {separator ;}] `},
		{"with a mark", "a.csv", "\ufeff" + european, `[{decimal ,} {separator ;}] `},
		{"compressed", "a.csv.gz", packed.String(), `[{decimal ,} {separator ;}] `},
		{"Latin-1", "a.csv", latin, `[{decimal ,} {encoding latin-1} {separator ;}] `},
		{"UTF-16", "a.csv", utf16, `[{decimal ,} {separator ;}] `},
	} {
		if got, want := said(lookAt(t, c.name, []byte(c.content))), c.settings+europeanSaid; got != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.what, got, want)
		}
	}
}

func TestSeparators(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.csv", "a,b\n1,2\n", ""},
		{"a.csv", "a;b\n1,5;2,5\n", ";"},
		{"a.csv", "a\tb\n1\t2\n", "\t"},
		{"a.csv", "a|b|c\n1|2,3|4\n", "|"},
		{"a.tsv", "a\tb\n1,5\t2,5\n", ""},
		{"a.tsv", "a,b\n1,2\n", ","},
		{"a.csv", "a\n1\n", ""},
		{"a.csv", "a;x,b\n1;2,3\n", ""}, // as many columns either way
	} {
		if got := lookAt(t, c.name, []byte(c.text)).Schema.Separator; got != c.want {
			t.Errorf("%q: the separator is %q, want %q", c.text, got, c.want)
		}
	}
}

// Large tables are counted nearly, in bounded memory, and always the same.
func TestALargeTableIsLookedAt(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,few\n")
	const rows = 60_000
	for i := range rows {
		fmt.Fprintf(&b, "x%d,%d\n", i, i%7)
	}
	s := lookAt(t, "large.csv", []byte(b.String()))
	id, few := s.Columns[0], s.Columns[1]
	if s.Rows != rows || s.Duplicates != 0 || id.Levels != nil || id.Distinct < rows*95/100 || id.Distinct > rows*105/100 || few.Distinct != 7 || few.Levels["3"] != 8571 {
		t.Errorf("%s", said(s))
	}
	if n := len(s.Sample); n < sampleRows/3 || n > sampleRows {
		t.Errorf("the sample has %d rows", n)
	}
	last := -1
	for _, row := range s.Sample {
		var at int
		fmt.Sscanf(row[0], "x%d", &at)
		if at <= last || row[1] != fmt.Sprint(at%7) {
			t.Fatalf("the sample has %q behind row %d", row, last)
		}
		last = at
	}
	if again := lookAt(t, "large.csv", []byte(b.String())); said(again) != said(s) {
		t.Errorf("another time it says\n%s", said(again))
	}
}

func FuzzLook(f *testing.F) {
	for _, text := range []string{european, "", "\n", "a", "a,\"b\n1,2", "\xff\xfea\x00,\x00", "a\x00b\x00", "\"\"\"\n\r\r\n;;;\n\xe9;1,5", "a,b\r1,2\r"} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), "a.csv")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Look(path)
		if err != nil {
			return
		}
		for _, c := range s.Columns {
			if c.Gaps > s.Rows || c.Distinct > s.Rows-c.Gaps || c.Looks == "" {
				t.Errorf("of %q: %+v", content, c)
			}
		}
		for _, row := range s.Sample {
			if len(row) != len(s.Columns) {
				t.Errorf("of %q: %q", content, row)
			}
		}
	})
}

// Parquet has types, and says what text says.
func TestATableInParquetIsLookedAt(t *testing.T) {
	type row struct {
		ID   int64    `parquet:"id"`
		Size *float64 `parquet:"size,optional"`
		Kind string   `parquet:"kind"`
		New  bool     `parquet:"new"`
	}
	half := 0.5
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := parquet.WriteFile(path, []row{{7, &half, "a", true}, {8, nil, "b", false}, {9, &half, "", true}}); err != nil {
		t.Fatal(err)
	}
	s, err := Look(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[] rows 3 uneven 0 duplicates 0
id number gaps 0 distinct 3 examples ["7" "8" "9"] from 7 to 9 whole true
size number gaps 1 distinct 1 examples ["0.5"] from 0.5 to 0.5 whole false
kind text gaps 1 distinct 2 examples ["a" "b"]
new flag gaps 0 distinct 2 examples ["true" "false"]
`
	if got := said(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

package data

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkTable reads a table of 100,000 rows with numbers, categories, flags and gaps. Megabytes a second are those of the file.
func BenchmarkTable(b *testing.B) {
	var content strings.Builder
	content.WriteString("id,a,b,c,d,e,f,n,port,member,age,y\n")
	for i := range 100_000 {
		fmt.Fprintf(&content, "p%d", i)
		for j := range 6 {
			fmt.Fprintf(&content, ",%.6f", float64((i*(j+7))%9973)/1234.5)
		}
		fmt.Fprintf(&content, ",%d,%s,%s,%s,%d\n", i%200, []string{"Cork", "Brest", "Genoa"}[i%3], []string{"yes", "no"}[i%2], []string{"", "41"}[min(i%7, 1)], i%2)
	}
	path := filepath.Join(b.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(content.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	o := Options{Target: "y", Schema: Schema{Drop: []string{"id"}, Categories: []string{"port"}, Missing: map[string]string{"age": MissingMedian}}}
	b.SetBytes(int64(content.Len()))
	var s *Set
	for b.Loop() {
		var err error
		if s, err = Open(path, o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(s.Bytes())/float64(s.Len()*s.Columns()), "bytes/cell")
	runtime.KeepAlive(s)
}

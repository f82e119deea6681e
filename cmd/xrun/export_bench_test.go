package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

// BenchmarkExport is `xrun export` of 2,000 runs × 100 epochs × 4 metrics.
func BenchmarkExport(b *testing.B) {
	path := filepath.Join(b.TempDir(), "xrun.db")
	values := generated(b, path, 20, 10, 100) * 101 * 4
	for _, format := range []string{"csv", "csv --steps", "jsonl", "parquet -o", "tensorboard -o"} {
		b.Run(format, func(b *testing.B) {
			args := append([]string{"xrun", "export", "--force", "--store", path}, strings.Fields(format)...)
			if strings.HasSuffix(format, "-o") {
				args = append(args, b.TempDir())
			}
			for b.Loop() {
				p := &program{stdout: io.Discard, stderr: io.Discard, env: func(string) string { return "" }, args: args}
				if code := p.run(context.Background()); code != advice.ExitOK {
					b.Fatalf("xrun export exits with %d", code)
				}
			}
			b.ReportMetric(float64(values)*float64(b.N)/b.Elapsed().Seconds(), "values/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

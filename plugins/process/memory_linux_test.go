package process

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestMemoryOfControlGroups(t *testing.T) {
	root := t.TempDir()
	put := func(path, text string) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("job/memory.max", "8000")
	put("job/step/memory.max", "max")
	put("memory/slurm/memory.limit_in_bytes", "7000")
	put("memory/slurm/step/memory.limit_in_bytes", "9223372036854771712")
	put("memory/memory.limit_in_bytes", "9223372036854771712")
	for _, c := range []struct {
		about, groups string
		want          int64
	}{
		{"version 2, limited above", "0::/job/step\n", 8000},
		{"version 2, not limited", "0::/other\n", math.MaxInt64},
		{"version 1, limited above", "5:cpu:/x\n4:memory:/slurm/step\n0::/\n", 7000},
		{"version 1, not limited", "4:memory:/elsewhere\n", 9223372036854771712},
		{"both", "4:memory:/slurm\n0::/job\n", 7000},
		{"none", "", math.MaxInt64},
	} {
		if got := groupMemory(root, c.groups); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.about, got, c.want)
		}
	}
}

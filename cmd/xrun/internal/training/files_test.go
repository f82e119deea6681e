package training

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

func TestFilesAreKnownByTheirContent(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"train.py": "1", "model/net.py": "2", "model/deep/layer.py": "3", "other.py": "1"} {
		e2e.Write(t, filepath.Join(dir, name), text)
	}
	c := &Catalog{}
	digest := func(arguments, files []string) (names []string, sum string) {
		t.Helper()
		names, sum, err := c.Files(t.Context(), dir, arguments, files)
		if err != nil {
			t.Fatal(err)
		}
		return names, sum
	}
	arguments, files := []string{"-u", "train.py", "model", "missing", ""}, []string{"model", "train.py"}
	names, first := digest(arguments, files)
	if !slices.Equal(names, []string{"model", "train.py"}) || len(first) != 64 {
		t.Errorf("the files are %q, their digest %q", names, first)
	}
	if names, sum := digest([]string{"-u", "model"}, nil); names != nil || sum != "" {
		t.Errorf("without files there are %q, %q", names, sum)
	}
	for _, c := range []struct {
		name, text string
		same       bool
	}{
		{"model/__pycache__/net.cpython-312.pyc", "x", true},
		{"model/.cache/x", "x", true},
		{"model/net.pyc", "x", true},
		{"other.py", "2", true},
		{"model/deep/layer.py", "4", false},
		{"model/more.py", "", false},
		{"train.py", "2", false},
	} {
		_, before := digest(arguments, files)
		e2e.Write(t, filepath.Join(dir, c.name), c.text)
		if _, after := digest(arguments, files); (after == before) != c.same {
			t.Errorf("after %s was written the digest is the same: %v, want %v", c.name, after == before, c.same)
		}
	}
	_, before := digest(nil, []string{"model"})
	if err := os.Rename(filepath.Join(dir, "model/net.py"), filepath.Join(dir, "model/nets.py")); err != nil {
		t.Fatal(err)
	}
	if _, after := digest(nil, []string{"model"}); after == before {
		t.Error("a file with another name is the same")
	}
	_, _, err := c.Files(t.Context(), dir, nil, []string{"train.py", "gone.py"})
	var wrong interface{ About() string }
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &wrong) || wrong.About() != "gone.py" {
		t.Errorf("a file that is missing gives %v", err)
	}
}

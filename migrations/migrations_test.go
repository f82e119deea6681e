package migrations

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestEveryMigrationSetsItsNumber(t *testing.T) {
	names, err := fs.Glob(FS, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("files %v, error %v", names, err)
	}
	for i, name := range names {
		if want := fmt.Sprintf("%05d_", i+1); !strings.HasPrefix(name, want) {
			t.Errorf("%s: want a name that starts with %s", name, want)
		}
		text, err := fs.ReadFile(FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("PRAGMA user_version = %d;\n", i+1); !strings.HasSuffix(string(text), want) {
			t.Errorf("%s does not end with %q", name, want)
		}
		if !strings.HasPrefix(string(text), "-- ") {
			t.Errorf("%s does not open with why", name)
		}
	}
	if got := Latest(FS); got != len(names) {
		t.Errorf("Latest is %d, want %d", got, len(names))
	}
}

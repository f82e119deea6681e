package training

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps"
)

// What a catalog has read to describe it is what is trained on: the file is not read again.
func TestDataSetsAreReadOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "few.libsvm")
	if err := os.WriteFile(path, []byte("1 1:2 3:1\n0 2:1\n1 1:1\n0 3:4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var kept Datasets
	c := NewCatalog(nil, "sweep.toml", "test", nil, &kept)
	found, err := c.Dataset(t.Context(), sweeps.Source{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	var task runner.Task
	task.Dataset, task.Target, task.Kind = path, found.Target, found.Kind
	set, err := kept.Of(task)
	if err != nil || set.Digest != found.Digest {
		t.Errorf("the set is %v, %v", set, err)
	}
	if _, err := OpenDataset(task); err == nil {
		t.Error("a file that is gone was read again")
	}
	task.Kind = "regression" // is understood otherwise
	if _, err := kept.Of(task); err == nil {
		t.Error("a set was found that has not been read so")
	}
}

// A data set is described from memory as long as its files are as they were, and only by the same xrun.
func TestUnchangedFilesAreNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	path, sweep := filepath.Join(dir, "d.csv"), filepath.Join(dir, "s.toml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a,y\n1,p\n2,q\n3,p\n")
	of := sweeps.Source{Name: path, Target: "y"}
	describe := func(version string, verify bool, patience time.Duration) (is sweeps.Dataset, read bool) {
		t.Helper()
		var d Datasets
		d.Remember(sweep, version, verify)
		d.memory.settled = patience
		is, err := d.Describe(of)
		if err != nil {
			t.Fatal(err)
		}
		d.Keep()
		return is, d.kept[path] != nil
	}
	if _, read := describe("1", false, settled); !read {
		t.Error("what is not remembered is not read")
	}
	if _, err := os.Stat(filepath.Join(dir, ".xrun", "data.json")); err == nil {
		t.Error("a file that was written a moment before it was read is remembered")
	}
	first, read := describe("1", false, 0)
	if again, readAgain := describe("1", false, 0); !read || readAgain || !reflect.DeepEqual(again, first) {
		t.Errorf("read: %v, then %v; %+v is remembered as %+v", read, readAgain, first, again)
	}
	of.Kind = "classification" // as the file turned out to be
	if again, read := describe("1", false, 0); read || again.Digest != first.Digest {
		t.Errorf("read: %v, %+v", read, again)
	}
	if _, read := describe("1", true, 0); !read {
		t.Error("--verify reads nothing")
	}
	if _, read := describe("2", false, 0); !read {
		t.Error("another version takes over what this one remembers")
	}
	memory := filepath.Join(dir, ".xrun", "data.json")
	text, err := os.ReadFile(memory)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(memory, []byte(strings.Replace(string(text), `"Rows": 3`, `"Rows": 4`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if is, read := describe("2", false, 0); !read || is.Rows != 3 {
		t.Errorf("a memory that somebody has changed is believed: %+v", is)
	}
	write("a,y\n1,p\n2,q\n3,q\n") // as long
	if changed, read := describe("2", false, 0); !read || changed.Digest == first.Digest {
		t.Errorf("read: %v, with the digest %s", read, changed.Digest)
	}
}

package importing

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/imported"
)

// A Keeper puts the runs of a source into a database.
type Keeper interface {
	Keep(ctx context.Context, db *store.Store) error
	io.Closer
}

// OpenFile reads the file of an import.
func OpenFile(path string, i *Import, metrics, mappings []string) (Keeper, error) {
	if err := checkNames(i.Name, string(i.Goal)); err != nil {
		return nil, err
	}
	results, err := Read(path, imported.Options{Name: filepath.Base(path), Metrics: metrics}, mappings)
	if err != nil {
		return nil, err
	}
	i.File, i.Results = path, results
	if i.Name == "" {
		i.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		if err := checkNames(i.Name, ""); err != nil {
			return nil, err
		}
	}
	if i.Goal == "" {
		i.Goal, _ = question.GoalOf(store.SweepInfo{}, results.Metric)
	}
	return i, nil
}

// checkNames refuses a name that no sweep can have, and a goal that is none. Both may be empty.
func checkNames(name, goal string) error {
	if goal != "" && goal != string(stop.Min) && goal != string(stop.Max) {
		return advice.Usage(fmt.Errorf("--goal %q is neither min nor max", goal), "write --goal min or --goal max")
	}
	if name != "" && (strings.TrimSpace(name) == "" || advice.OneLine(name) != name) {
		return advice.Usage(fmt.Errorf("%q is not a name for a sweep", name), "give it one with --name")
	}
	return nil
}

// Read reads a file of results. Mappings are COLUMN=NAME, as the command line has them.
func Read(path string, o imported.Options, mappings []string) (*imported.Results, error) {
	for _, text := range mappings {
		m, err := mapping(text)
		if err != nil {
			return nil, err
		}
		o.Map = append(o.Map, m)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, advice.Usage(err, "")
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, advice.Usage(fmt.Errorf("%s is a folder", path), "xrun import csv wants a file")
	}
	results, err := imported.Read(f, o)
	return results, advice.AsUsageIf[*imported.Problems](err)
}

// mapping reads COLUMN=NAME.
func mapping(text string) (m imported.Mapping, err error) {
	at := strings.LastIndexByte(text, '=') // columns may have any name
	if at <= 0 || at == len(text)-1 {
		return m, advice.Usage(fmt.Errorf("--map %q is not COLUMN=NAME", text), "for instance --map eta=lr, or --map comment=- to leave a column out")
	}
	return imported.Mapping{Column: text[:at], As: text[at+1:]}, nil
}

package importing

import (
	"fmt"
	"os"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/store/imported"
)

// Read reads a file of results. Mappings are COLUMN=NAME, as the command line has them.
func Read(path string, o imported.Options, mappings []string) (*imported.Results, error) {
	for _, text := range mappings {
		at := strings.LastIndexByte(text, '=') // columns may have any name
		if at <= 0 || at == len(text)-1 {
			return nil, advice.Usage(fmt.Errorf("--map %q is not COLUMN=NAME", text), "for instance --map eta=lr, or --map comment=- to leave a column out")
		}
		o.Map = append(o.Map, imported.Mapping{Column: text[:at], As: text[at+1:]})
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

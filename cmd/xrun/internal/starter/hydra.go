package starter

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/store/imported"
)

// MultirunFile is the name of the file that Hydra writes of a multirun.
const MultirunFile = "multirun.yaml"

// Hydra finds the multirun.yaml of a folder: its own, or the newest below it. It is empty without any.
func Hydra(folder string) string {
	var newest string
	var at int64
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != MultirunFile {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.ModTime().UnixNano() >= at {
			newest, at = path, info.ModTime().UnixNano()
		}
		return nil
	})
	return newest
}

// FromHydra is a sweep file that goes on with a multirun of Hydra, by its multirun.yaml and the overrides of its jobs beside it.
func FromHydra(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", advice.Usage(err, "")
	}
	var config struct {
		Hydra struct {
			Overrides struct {
				Task []string `yaml:"task"`
			} `yaml:"overrides"`
			Job struct {
				Name string `yaml:"name"`
			} `yaml:"job"`
			Sweeper struct {
				Params map[string]any `yaml:"params"`
			} `yaml:"sweeper"`
		} `yaml:"hydra"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return "", advice.Usage(fmt.Errorf("%s: %w", path, err), "")
	}
	overrides := config.Hydra.Overrides.Task
	for _, name := range sorted(config.Hydra.Sweeper.Params) {
		overrides = append(overrides, fmt.Sprintf("%s=%v", name, config.Hydra.Sweeper.Params[name]))
	}
	values, order := map[string]map[plugins.Value]int{}, []string{}
	see := func(name string, v plugins.Value) {
		if values[name] == nil {
			values[name] = map[plugins.Value]int{}
			order = append(order, name)
		}
		if _, had := values[name][v]; !had {
			values[name][v] = len(values[name])
		}
	}
	jobs := 0
	folders, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	for _, f := range folders {
		if _, err := strconv.Atoi(f.Name()); err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), f.Name(), ".hydra", "overrides.yaml"))
		var own []string
		if err != nil || yaml.Unmarshal(text, &own) != nil {
			continue
		}
		jobs++
		for _, o := range own {
			if name, value, ok := override(o); ok {
				see(name, hydraValue(value))
			}
		}
	}
	c := &Continuation{From: fmt.Sprintf("the multirun of Hydra in %s: %d jobs", filepath.Base(filepath.Dir(path)), jobs), Metric: "val_loss", Goal: "min", Style: "NAME=VALUE"}
	c.Notes = append(c.Notes, "Hydra does not know what its jobs came to: [metric] and metrics are a guess.")
	for _, o := range overrides {
		name, value, ok := override(o)
		if !ok {
			c.Notes = append(c.Notes, "Not taken over: "+o)
			continue
		}
		if _, known := values[name]; known {
			continue
		}
		swept, understood := choices(value)
		if !understood {
			c.Notes = append(c.Notes, "Not taken over, as its values are not listed: "+o)
			continue
		}
		for _, v := range swept {
			see(name, hydraValue(v))
		}
	}
	if c.Name = config.Hydra.Job.Name; c.Name == "" {
		c.Name = "hydra"
	} else {
		c.Program = []string{"python3", c.Name + ".py"}
	}
	for _, name := range order {
		distinct := Distinct(values[name])
		last := strings.TrimLeft(name[strings.LastIndexByte(name, '.')+1:], "+")
		switch {
		case imported.LooksLikeSeed(last):
			c.Seeds = len(distinct)
			c.SeedName = name
		case len(distinct) == 1:
			c.Program = append(c.Program, braced(name+"="+argumentOf(distinct[0])))
		default:
			c.Axes = append(c.Axes, Axis{Name: name, Values: distinct})
		}
	}
	return c.Text(), nil
}

// argumentOf is a value as an argument.
func argumentOf(v plugins.Value) string { return strings.Trim(literal(v), `"`) }

// override splits an override at its first equality sign. A + stays with its name, as the program wants it.
func override(o string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(o, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), ok && strings.Trim(name, "+~ ") != "" && !strings.HasPrefix(name, "~") && !strings.HasPrefix(name, "hydra")
}

// hydraValue reads a value, with or without quotation marks.
func hydraValue(text string) plugins.Value {
	if n := len(text); n >= 2 && (text[0] == '\'' || text[0] == '"') && text[n-1] == text[0] {
		return plugins.Text(text[1 : n-1])
	}
	if v, ok := imported.FromText(text); ok {
		return v
	}
	return plugins.Text(text)
}

var (
	ranged = regexp.MustCompile(`^range\(([^()]*)\)$`)
	chosen = regexp.MustCompile(`^choice\(([^()]*)\)$`)
)

// choices are the values that a sweep of Hydra's grammar lists: a,b · choice(a,b) · range(from,to,step).
func choices(text string) (all []string, ok bool) {
	if m := ranged.FindStringSubmatch(text); m != nil {
		var numbers []float64
		for part := range strings.SplitSeq(m[1], ",") {
			_, part, _ = cutLast(part, "=")
			x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
			if err != nil {
				return nil, false
			}
			numbers = append(numbers, x)
		}
		from, to, step := 0.0, numbers[0], 1.0
		if len(numbers) > 1 {
			from, to = numbers[0], numbers[1]
		}
		if len(numbers) > 2 {
			step = numbers[2]
		}
		if step <= 0 || (to-from)/step > 1000 {
			return nil, false
		}
		for i := 0; from+float64(i)*step < to; i++ {
			all = append(all, strconv.FormatFloat(from+float64(i)*step, 'g', -1, 64))
		}
		return all, len(all) > 0
	}
	if m := chosen.FindStringSubmatch(text); m != nil {
		text = m[1]
	} else if strings.ContainsAny(text, "()") && !strings.ContainsAny(text, `'"`) {
		return nil, false // another function of the grammar
	}
	depth, quote, from := 0, rune(0), 0
	for i, r := range text {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case strings.ContainsRune("[{(", r):
			depth++
		case strings.ContainsRune("]})", r):
			depth--
		case r == ',' && depth == 0:
			all, from = append(all, strings.TrimSpace(text[from:i])), i+1
		}
	}
	all = append(all, strings.TrimSpace(text[from:]))
	return all, !slices.Contains(all, "")
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

func sorted(m map[string]any) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

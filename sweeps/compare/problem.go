package compare

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// A problem is what values must share to be compared: the data, what is predicted from them, and the rows on which a metric
// is computed; of a test function its kind. Within one problem the smaller loss is better. Between two, the smaller loss may
// only be that of the easier problem.

// ofData are the settings that identify the problem of a task with data, and those by which people know it.
var ofData = []string{runner.AxisDataset, "task.digest", runner.AxisTarget, runner.AxisKind, "task.validation_path", "task.validation_digest", "task.test_path", "task.test_digest"}

// ofFunction are the settings that identify a test function, or an objective of a plugin.
var ofFunction = []string{"task.model", "task.dimension", "task.condition", "task.noise", "task.objective.component"}

// ofProgram are names of axes by which programs and imported tables tell problems apart, if their values are words.
var ofProgram = []string{"dataset", "dataset_name", "data_set", "data", "task", "problem", "benchmark", "env", "environment"}

// ProblemPaths are the settings, of those that vary, that may make several problems.
func ProblemPaths(varying []string) []string {
	return slices.DeleteFunc(slices.Clone(varying), func(path string) bool {
		return !slices.Contains(ofData, path) && !slices.Contains(ofFunction, path) && !slices.Contains(ofProgram, lastName(path))
	})
}

func lastName(path string) string { return strings.ToLower(path[strings.LastIndexByte(path, '.')+1:]) }

// problemOf returns the settings that identify the problem of a point, of the settings that [ProblemPaths] lists. It alone
// says what a problem is.
func problemOf(settings []runner.Setting, metric string) (identity string, parts []runner.Setting) {
	value := map[string]plugins.Value{}
	for _, s := range settings {
		value[s.Path] = s.Value
	}
	data := value[runner.AxisDataset].Text != "" || value["task.digest"].Text != ""
	var identified []string
	for _, s := range settings {
		switch {
		case strings.HasPrefix(s.Path, "task.test_") && !runner.OfTestData(metric):
			continue // other rows than those of the metric
		case slices.Contains(ofData, s.Path):
		case slices.Contains(ofFunction, s.Path):
			if data {
				continue // a model of data is a choice
			}
		case !slices.Contains(ofProgram, lastName(s.Path)) || s.Value.Type != plugins.TypeText && s.Value.Type != plugins.TypeChoice:
			continue
		}
		parts = append(parts, s)
		switch digest := strings.TrimSuffix(s.Path, "_path") + "_digest"; {
		case s.Path == runner.AxisDataset && value["task.digest"].Text != "": // the same data may have two names
		case strings.HasSuffix(s.Path, "_path") && value[digest].Text != "":
		default:
			identified = append(identified, s.Path+"\x00"+s.Value.String())
		}
	}
	slices.Sort(identified)
	return strings.Join(identified, "\x00"), parts
}

// Problems are the problems of points, if there are several.
type Problems struct {
	Of   map[runner.Key]string // the name of each point's problem
	Noun string                // "data set", or "problem" if they differ in something else
}

// FindProblems names the problem of each point; there are none if all have the same. settings are those that
// [ProblemPaths] lists, by point, and same the ones that all points share. arms are the axes that tell arms apart,
// which make no problems.
func FindProblems(settings map[runner.Key][]runner.Setting, same []runner.Setting, metric string, arms []string) Problems {
	identities := map[runner.Key]string{}
	parts := map[string][]runner.Setting{} // by identity
	for _, point := range slices.Sorted(maps.Keys(settings)) {
		own := slices.DeleteFunc(slices.Concat(settings[point], same), func(s runner.Setting) bool {
			return slices.Contains(arms, s.Path) || slices.Contains(arms, runner.AxisDataset) && slices.Contains(ofData, s.Path)
		})
		slices.SortFunc(own, func(a, b runner.Setting) int { return strings.Compare(a.Path, b.Path) })
		identity, of := problemOf(own, metric)
		identities[point] = identity
		if _, known := parts[identity]; !known {
			parts[identity] = of
		}
	}
	if len(parts) < 2 {
		return Problems{}
	}
	all := Problems{Of: map[runner.Key]string{}, Noun: "problem"}
	names, used := map[string]string{}, map[string]int{}
	for identity, of := range parts {
		var data bool
		names[identity], data = problemName(of, parts)
		used[names[identity]]++
		if data {
			all.Noun = "data set"
		}
	}
	for point, identity := range identities {
		name := names[identity]
		if used[name] > 1 { // the same name for other data
			for _, s := range parts[identity] {
				if strings.HasSuffix(s.Path, "digest") {
					name += " " + s.Value.Text[:min(6, len(s.Value.Text))]
				}
			}
		}
		all.Of[point] = name
	}
	return all
}

// problemName names a problem by the settings in which it differs from others, by its data or function alone if that tells
// all apart: "iris", "iris target petal_width". data is true if it differs in its data.
func problemName(of []runner.Setting, all map[string][]runner.Setting) (name string, data bool) {
	for _, s := range of {
		data = data || differs(s, all) && (slices.Contains(ofData, s.Path) || strings.HasPrefix(lastName(s.Path), "data"))
	}
	name = inWords(of, all, true)
	same := 0
	for _, other := range all {
		if inWords(other, all, true) == name {
			same++
		}
	}
	if same > 1 || name == "" {
		name = inWords(of, all, false)
	}
	return cmp.Or(name, "the other"), data
}

// differs reports whether some problem does not have a setting.
func differs(s runner.Setting, all map[string][]runner.Setting) bool {
	for _, other := range all {
		if !slices.Contains(other, s) {
			return true
		}
	}
	return false
}

// inWords joins the settings of a problem in which problems differ. short leaves out those that need their names.
func inWords(of []runner.Setting, all map[string][]runner.Setting, short bool) string {
	var words []string
	for _, s := range of {
		plain := s.Path == runner.AxisDataset || s.Path == "task.model" || s.Path == "task.objective.component" || slices.Contains(ofProgram, lastName(s.Path))
		switch {
		case s.Value.String() == "" || strings.HasSuffix(s.Path, "digest") || s.Path == runner.AxisKind || !differs(s, all):
		case plain:
			words = append(words, s.Value.String())
		case !short:
			words = append(words, strings.TrimSuffix(lastName(s.Path), "_path")+" "+s.Value.String())
		}
	}
	return strings.Join(words, " ")
}

// FixedRows is the data on which the metric is computed if its rows are the same under every seed, since they have a file of
// their own: "validation data", "test data"; empty otherwise.
func FixedRows(settings map[runner.Key][]runner.Setting, same []runner.Setting, metric string) string {
	path, name := "task.validation_path", "validation data"
	switch {
	case runner.OfTestData(metric):
		path, name = "task.test_path", "test data"
	case !strings.HasPrefix(metric, runner.PartValidation):
		return ""
	}
	has := func(list []runner.Setting) bool {
		return slices.ContainsFunc(list, func(s runner.Setting) bool { return s.Path == path && s.Value.Text != "" })
	}
	if has(same) {
		return name
	}
	for _, list := range settings {
		if !has(list) {
			return ""
		}
	}
	if len(settings) == 0 {
		return ""
	}
	return name
}

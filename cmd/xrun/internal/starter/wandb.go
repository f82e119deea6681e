package starter

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/store/imported"
)

// FromWandb is a sweep file that goes on with a sweep of W&B, by the text of its YAML file.
func FromWandb(text []byte, path string) (string, error) {
	var sweep struct {
		Program, Name, Project, Method string
		Command                        []string
		RunCap                         int `yaml:"run_cap"`
		Metric                         struct{ Name, Goal string }
		Parameters                     yaml.MapSlice
		EarlyTerminate                 map[string]any `yaml:"early_terminate"`
	}
	if err := tame(text); err != nil {
		return "", advice.Usage(fmt.Errorf("%s: %w", path, err), "")
	}
	if err := yaml.UnmarshalWithOptions(text, &sweep, yaml.UseOrderedMap()); err != nil {
		return "", advice.Usage(fmt.Errorf("%s: %w", path, err), "")
	}
	if len(sweep.Parameters) == 0 {
		return "", advice.Usage(fmt.Errorf("%s is no sweep of W&B: it has no parameters", path), "")
	}
	c := &Continuation{From: "the sweep of W&B in " + filepath.Base(path), Metric: cmp.Or(sweep.Metric.Name, "val_loss"), Goal: "min",
		Name: cmp.Or(sweep.Name, sweep.Project, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))}
	if sweep.Metric.Name == "" {
		c.Notes = append(c.Notes, "The file names no metric: [metric] is a guess.")
	}
	if sweep.Metric.Goal == "maximize" {
		c.Goal = "max"
	}
	c.command(sweep.Command, sweep.Program)
	if err := c.parameters("", sweep.Parameters); err != nil {
		return "", advice.Usage(fmt.Errorf("%s: %w", path, err), "")
	}
	if sweep.Method == "random" || sweep.Method == "bayes" {
		c.Notes = append(c.Notes, fmt.Sprintf("method %s: here a grid is trained, which can be compared fairly. xrun refine writes the next, finer one.", sweep.Method))
	}
	if sweep.RunCap > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("run_cap %d: xrun plan says how many trials there are. [seeds] has a budget of trials.", sweep.RunCap))
	}
	if len(sweep.EarlyTerminate) > 0 {
		var said []string
		for _, key := range sorted(sweep.EarlyTerminate) {
			said = append(said, fmt.Sprintf("%s %v", key, sweep.EarlyTerminate[key]))
		}
		c.Notes = append(c.Notes, fmt.Sprintf(`early_terminate (%s): [prune] with rule = "halving" is the nearest. The program then has to go on where it is suspended.`, strings.Join(said, ", ")))
	}
	c.Notes = append(c.Notes, "The program reads its arguments. What it took from wandb.config, it can take from xrun.config().")
	return c.Text(), nil
}

// tame refuses YAML that is larger than a person writes, once its aliases stand for what they name.
func tame(text []byte) error {
	const largest, mostAliases = 1 << 20, 100
	if len(text) > largest {
		return fmt.Errorf("it is larger than %d MB", largest>>20)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return err
	}
	c := &aliases{}
	for _, doc := range file.Docs {
		ast.Walk(c, doc.Body)
	}
	if c.inAnchors || c.n > mostAliases {
		return errors.New("its aliases make it larger than a person writes")
	}
	return nil
}

// aliases counts the aliases of a file, and finds those in what an anchor names.
type aliases struct {
	n         int
	inAnchors bool
	within    bool
}

// Visit implements ast.Visitor.
func (a *aliases) Visit(node ast.Node) ast.Visitor {
	switch node := node.(type) {
	case *ast.AliasNode:
		a.n++
		a.inAnchors = a.inAnchors || a.within
	case *ast.AnchorNode:
		inner := &aliases{within: true}
		ast.Walk(inner, node.Value)
		a.n, a.inAnchors = a.n+inner.n, a.inAnchors || inner.inAnchors
		return nil
	}
	return a
}

// command is that of W&B: words, and macros such as ${program}.
func (c *Continuation) command(words []string, program string) {
	if len(words) == 0 {
		words = []string{"${env}", "${interpreter}", "${program}", "${args}"}
	}
	c.Style = "--NAME=VALUE"
	for i, word := range words {
		switch word {
		case "${env}": // finds what is on PATH, as commands here do
		case "${interpreter}":
			c.Program = append(c.Program, "python3")
		case "${program}":
			c.Program = append(c.Program, braced(cmp.Or(program, "train.py")))
		case "${args}", "${args_no_hyphens}", "${args_no_boolean_flags}":
			if word == "${args_no_hyphens}" {
				c.Style = "NAME=VALUE"
			}
			if i+1 < len(words) {
				c.Notes = append(c.Notes, fmt.Sprintf("The command has words behind %s: move the values before them.", word))
			}
		default:
			if strings.HasPrefix(word, "${") {
				c.Notes = append(c.Notes, fmt.Sprintf("%s has no equal here: the command takes each value as an argument of its own, or [task] has it in env.", word))
				continue
			}
			c.Program = append(c.Program, braced(word))
		}
	}
}

// parameters makes axes of parameters, nested ones with dots in their names.
func (c *Continuation) parameters(above string, parameters yaml.MapSlice) error {
	for _, p := range parameters {
		name := above + fmt.Sprint(p.Key)
		of, ok := p.Value.(yaml.MapSlice)
		if !ok {
			return fmt.Errorf("the parameter %s has no values, but %v", name, p.Value)
		}
		keys := map[string]any{}
		for _, k := range of {
			keys[fmt.Sprint(k.Key)] = k.Value
		}
		if inner, ok := keys["parameters"].(yaml.MapSlice); ok {
			c.Notes = append(c.Notes, fmt.Sprintf("%s is nested: W&B gives the program one argument with JSON, this file one for each value.", name))
			if err := c.parameters(name+".", inner); err != nil {
				return err
			}
			continue
		}
		a, err := wandbAxis(keys)
		if err != nil {
			return fmt.Errorf("the parameter %s: %w", name, err)
		}
		a.Name = name
		switch last := name[strings.LastIndexByte(name, '.')+1:]; {
		case imported.LooksLikeSeed(last) && (len(a.Values) > 0 || a.Whole):
			c.Seeds, c.SeedName = max(len(a.Values), 1), name
		case len(a.Values) == 1 && a.Says == "":
			c.Program = append(c.Program, argument(c.Style, name, braced(argumentOf(a.Values[0])))...)
		default:
			c.Axes = append(c.Axes, a)
		}
	}
	return nil
}

// wandbAxis is the axis of a parameter, by its keys: wandb/sdk/launch/sweeps, and docs.wandb.ai, "sweep config keys".
func wandbAxis(keys map[string]any) (a Axis, err error) {
	number := func(key string, otherwise float64) float64 {
		x, ok := keys[key]
		if !ok {
			return otherwise
		}
		v := yamlValue(x)
		switch v.Type {
		case plugins.TypeInteger:
			return float64(v.Integer)
		case plugins.TypeReal:
			return v.Real
		}
		err = errors.Join(err, fmt.Errorf("%s is %v, which is no number", key, x))
		return otherwise
	}
	distribution, _ := keys["distribution"].(string)
	if listed, ok := keys["values"].([]any); ok {
		for _, x := range listed {
			if v := yamlValue(x); !slices.Contains(a.Values, v) {
				a.Values = append(a.Values, v)
			}
		}
		if p, ok := keys["probabilities"]; ok {
			a.Says = fmt.Sprintf("there with probabilities %v", p)
		}
		if len(a.Values) == 0 {
			return a, errors.New("it has no values")
		}
		return a, nil
	}
	if x, ok := keys["value"]; ok {
		a.Values = []plugins.Value{yamlValue(x)}
		return a, nil
	}
	low, high := number("min", math.NaN()), number("max", math.NaN())
	mu, sigma := number("mu", 0), number("sigma", 1)
	whole := yamlValue(keys["min"]).Type == plugins.TypeInteger && yamlValue(keys["max"]).Type == plugins.TypeInteger
	base := strings.TrimPrefix(distribution, "q_")
	a.Whole = distribution == "int_uniform" || distribution == "" && whole
	const wide = 2 // standard deviations, which have 95 % of a normal distribution
	switch base {
	case "", "uniform", "int_uniform":
	case "log_uniform_values", "inv_log_uniform_values":
		a.Log = true
	case "log_uniform": // of exponents
		low, high, a.Log = few(math.Exp(low)), few(math.Exp(high)), true
	case "inv_log_uniform":
		low, high, a.Log = few(math.Exp(-high)), few(math.Exp(-low)), true
	case "normal":
		low, high = few(mu-wide*sigma), few(mu+wide*sigma)
		a.Says = fmt.Sprintf("there normal with mu %v and sigma %v: two sigma to each side", mu, sigma)
	case "log_normal":
		low, high, a.Log = few(math.Exp(mu-wide*sigma)), few(math.Exp(mu+wide*sigma)), true
		a.Says = fmt.Sprintf("there log-normal with mu %v and sigma %v: two sigma to each side", mu, sigma)
	case "beta":
		low, high = 0, 1
		a.Says = fmt.Sprintf("there a beta distribution with a %v and b %v", keys["a"], keys["b"])
	default:
		return a, fmt.Errorf("%q is no distribution with a range", distribution)
	}
	if q := number("q", 1); strings.HasPrefix(distribution, "q_") {
		a.Whole = q == math.Trunc(q)
		a.Says = strings.TrimPrefix(a.Says+fmt.Sprintf("; there in steps of %v", q), "; ")
	}
	if a.Low, a.High = low, high; a.Whole {
		a.Low, a.High = math.Round(low), math.Round(high)
	}
	switch finite := !math.IsNaN(low+high) && !math.IsInf(low, 0) && !math.IsInf(high, 0); {
	case err != nil:
	case !finite || low > high:
		err = errors.New("it has neither values nor a range from min to max")
	case a.Log && a.Low <= 0:
		err = fmt.Errorf("%s begins at %v, and not above 0", distribution, a.Low)
	case a.Whole && (math.Abs(a.Low) > 1<<53 || math.Abs(a.High) > 1<<53):
		a.Whole = false
	}
	return a, err
}

// few is a number that was computed, in as many digits as people write.
func few(x float64) float64 {
	short, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	return short
}

// yamlValue is a value of YAML. Lists and tables are texts, as an argument has them. 1e-4 is a number, which YAML 1.1 has for a text.
func yamlValue(x any) plugins.Value {
	switch x := x.(type) {
	case nil:
		return plugins.Text("None")
	case bool:
		return plugins.Flag(x)
	case int:
		return plugins.Integer(int64(x))
	case int64:
		return plugins.Integer(x)
	case uint64:
		if x <= math.MaxInt64 {
			return plugins.Integer(int64(x))
		}
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return plugins.Text(fmt.Sprint(x))
		}
		return plugins.Real(x)
	case string:
		if v, ok := imported.FromText(x); ok && v.Type == plugins.TypeReal {
			return v
		}
		return plugins.Text(x)
	case []any:
		if text, err := json.Marshal(x); err == nil {
			return plugins.Text(string(text))
		}
	}
	return plugins.Text(fmt.Sprint(x))
}

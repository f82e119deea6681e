package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/plugintest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) pluginRunCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "see at once what a plugin does: a loss curve, or the shape of a penalty",
		ArgsUsage: "NAME|PATH",
		Description: `An optimizer descends on a test function, an objective is trained by adam, and of a regularizer the
value and the proximal map of one parameter are drawn. Without --lr several are tried.`,
		Flags: append([]cli.Flag{
			componentFlag(),
			&cli.StringFlag{Name: "function", Value: "rosenbrock", Usage: "the test `FUNCTION`: quadratic, rosenbrock, beale, saddle, rastrigin"},
			&cli.Float64Flag{Name: "lr", Usage: "the learning `RATE`", DefaultText: "the best of several"},
			&cli.IntFlag{Name: "steps", Value: 200, Usage: "how many steps of an optimizer"},
			&cli.IntFlag{Name: "epochs", Value: 10, Usage: "how many epochs of an objective"},
			&cli.Float64Flag{Name: "lambda", Value: 1, Usage: "the strength of a regularizer"},
			&cli.StringSliceFlag{Name: "set", Usage: "a setting of the component, such as `momentum=0.9`"},
		}, hostFlags()...),
		Action: p.pluginRun,
	}
}

func (p *program) pluginRun(c *cli.Context) error {
	args, err := positional(c, 1, 1, "NAME|PATH")
	if err != nil {
		return err
	}
	if c.Int("steps") < 1 || c.Int("epochs") < 1 {
		return advice.Usage(errors.New("there is nothing to run in less than 1 step or epoch"), "")
	}
	if c.IsSet("lr") && !(c.Float64("lr") > 0) {
		return advice.Usage(fmt.Errorf("--lr is %v", c.Float64("lr")), "it is above 0")
	}
	ref, d, chosen, err := p.pluginTarget(c, args[0])
	if err != nil {
		return err
	}
	if len(chosen) > 1 {
		var known []string
		for _, comp := range chosen {
			known = append(known, comp.Name)
		}
		return advice.Usage(fmt.Errorf("plugin %s supplies %d components", d.Name, len(chosen)), "say which with --component: "+strings.Join(known, ", "))
	}
	comp := chosen[0]
	given, err := parseSettings(comp.Spec, c.StringSlice("set"))
	if err != nil {
		return err
	}
	o, err := p.hostOptions(pluginOptionsOf(c))
	if err != nil {
		return err
	}
	bench, err := plugintest.NewBench(ref, comp, given, plugintest.Options{Host: o})
	if err != nil {
		return err
	}
	defer bench.Close()
	switch comp.Kind {
	case plugins.KindRegularizer:
		err = p.runRegularizer(c, bench, comp)
	case plugins.KindObjective:
		err = p.runObjective(c, bench, comp)
	default:
		err = p.runOptimizer(c, bench, comp)
	}
	if err != nil {
		return err
	}
	p.next(args[0], ref, comp, given)
	return nil
}

// parseSettings reads settings given as name=value.
func parseSettings(spec plugins.Spec, given []string) (plugins.Settings, error) {
	settings := plugins.Settings{}
	for _, pair := range given {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, advice.Usage(fmt.Errorf("--set %s has no value", pair), "write --set "+pair+"=VALUE")
		}
		v := plugins.Text(text)
		if setting, ok := spec.Setting(name); ok {
			v = valueOf(setting.Type, text)
		}
		settings[name] = v
	}
	if _, err := spec.Complete(settings); err != nil {
		return nil, advice.Usage(err, "xrun plugin info lists the settings")
	}
	return settings, nil
}

// valueOf is a text as a value of a type; as the text it is, where that does not fit.
func valueOf(t plugins.Type, text string) plugins.Value {
	switch t {
	case plugins.TypeReal:
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return plugins.Real(v)
		}
	case plugins.TypeInteger:
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			return plugins.Integer(v)
		}
	case plugins.TypeFlag:
		if v, err := strconv.ParseBool(text); err == nil {
			return plugins.Flag(v)
		}
	}
	return plugins.Text(text)
}

// ratesOf are the learning rates to try: the one that is given, or some.
func ratesOf(c *cli.Context, from, to float64) []float64 {
	if c.IsSet("lr") {
		return []float64{c.Float64("lr")}
	}
	return plugintest.Rates(from, to)
}

func (p *program) runOptimizer(c *cli.Context, bench *plugintest.Bench, comp plugins.Component) error {
	name, dim := c.String("function"), 2
	if strings.HasSuffix(name, "quadratic") {
		dim = 10
	}
	l, err := plugintest.NewLandscape(name, dim, 10)
	if err != nil {
		return advice.Usage(err, "")
	}
	lrs := ratesOf(c, 1e-4, 100)
	all, err := bench.Descend(c.Context, l, lrs, c.Int("steps"))
	if err != nil {
		return err
	}
	best := plugintest.Best(all)
	gaps := make([]float64, len(best.Losses))
	for i, f := range best.Losses {
		gaps[i] = f - l.Least
	}
	fmt.Fprintf(p.stdout, "%s on %s in %s: f − f* by step, %s\n\n", comp.Name, l.Name, stats.Count(dim, "dimension", "dimensions"), rateText(best.LR, lrs))
	p.draw(gaps, best, "step")
	return nil
}

func (p *program) runObjective(c *cli.Context, bench *plugintest.Bench, comp plugins.Component) error {
	lrs := ratesOf(c, 1e-3, 0.1)
	all, err := bench.Train(c.Context, lrs, c.Int("epochs"), func(epoch int) {
		fmt.Fprintf(p.stderr, "epoch %d of %d\n", epoch, c.Int("epochs"))
	})
	if err != nil {
		return err
	}
	best := plugintest.Best(all)
	fmt.Fprintf(p.stdout, "%s by adam: %s by epoch, %s\n\n", comp.Name, plugins.MetricTrainLoss, rateText(best.LR, lrs))
	p.draw(best.Losses, best, "epoch")
	return nil
}

func rateText(lr float64, tried []float64) string {
	if len(tried) == 1 {
		return "lr " + stats.Number(lr)
	}
	return fmt.Sprintf("lr %s, the best of %d from %s to %s", stats.Number(lr), len(tried), stats.Number(tried[0]), stats.Number(tried[len(tried)-1]))
}

// draw prints a curve of losses with the figures that it does not show.
func (p *program) draw(values []float64, d plugintest.Descent, unit string) {
	report.Curve{Values: values, From: "0", To: strconv.Itoa(len(values)-1) + " " + unit + "s", Width: p.width()}.Write(p.stdout)
	least, at := math.Inf(1), 0
	for i, v := range values {
		if v < least {
			least, at = v, i
		}
	}
	fmt.Fprintf(p.stdout, "\nfirst %s · best %s at %s %d · last %s · %.3g µs a step\n", stats.Number(values[0]), stats.Number(least), unit, at,
		stats.Number(values[len(values)-1]), float64(d.Step.Nanoseconds())/1e3)
}

func (p *program) runRegularizer(c *cli.Context, bench *plugintest.Bench, comp plugins.Component) error {
	const points, reach, step = 161, 2, 0.5
	theta := make([]float64, points)
	for i := range theta {
		theta[i] = reach * (2*float64(i)/(points-1) - 1)
	}
	lambda := c.Float64("lambda")
	profile, err := bench.Profile(c.Context, theta, lambda, step)
	if err != nil {
		return err
	}
	ends := func(values []float64) report.Curve {
		return report.Curve{Values: values, From: stats.Number(-reach), To: stats.Number(reach), Width: p.width()}
	}
	fmt.Fprintf(p.stdout, "%s with λ = %s and one example: R of one parameter\n\n", comp.Name, stats.Number(lambda))
	ends(profile.Value).Write(p.stdout)
	if profile.Prox != nil {
		fmt.Fprintf(p.stdout, "\nwhere its proximal map for a step of %s leads from there\n\n", stats.Number(step))
		ends(profile.Prox).Write(p.stdout)
	}
	last := points - 1
	fmt.Fprintf(p.stdout, "\nat %s: R %s · gradient %s", stats.Number(theta[last]), stats.Number(profile.Value[last]), stats.Number(profile.Gradient[last]))
	if profile.Prox != nil {
		fmt.Fprintf(p.stdout, " · prox %s", stats.Number(profile.Prox[last]))
	}
	fmt.Fprintln(p.stdout)
	return nil
}

// next says what to do with the component now.
func (p *program) next(name, ref string, comp plugins.Component, given plugins.Settings) {
	fmt.Fprintf(p.stdout, "\nnext: xrun plugin check %s\nin a sweep file:\n\n", name)
	where := strconv.Quote(name)
	if strings.ContainsRune(filepath.ToSlash(ref), '/') && !filepath.IsAbs(ref) && !strings.HasPrefix(ref, ".") {
		where = strconv.Quote("./" + ref)
	}
	if comp.Kind == plugins.KindObjective {
		fmt.Fprintf(p.stdout, "    [task]\n    plugin = %s\n", where)
	} else {
		fmt.Fprintf(p.stdout, "    [%ss.%s]\n    plugin = %s\n", comp.Kind, comp.Name, where)
	}
	for _, setting := range given.Names() {
		v := given[setting]
		text := v.String()
		if v.Type == plugins.TypeText || v.Type == plugins.TypeChoice {
			text = strconv.Quote(text)
		}
		fmt.Fprintf(p.stdout, "    %s = %s\n", setting, text)
	}
}

// width is that of the terminal, 80 where there is none.
func (p *program) width() int {
	if file, ok := p.stdout.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		if w, _, err := term.GetSize(int(file.Fd())); err == nil && w >= 40 {
			return w
		}
	}
	return 80
}

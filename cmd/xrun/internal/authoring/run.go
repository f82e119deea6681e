package authoring

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/plugintest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Run shows what a component does.
type Run struct {
	Stdout, Stderr io.Writer
	Width          int    // of the terminal
	Name, Ref      string // of the plugin, as typed and as found
	Settings       plugins.Settings
	Host           host.Options

	Function      string  // that an optimizer descends on
	LR            float64 // 0 tries several
	Lambda        float64
	Steps, Epochs int
}

// Component shows a descent, a training or a penalty, and the next commands.
func (r *Run) Component(ctx context.Context, comp plugins.Component) error {
	bench, err := plugintest.NewBench(r.Ref, comp, r.Settings, plugintest.Options{Host: r.Host})
	if err != nil {
		return err
	}
	defer bench.Close()
	switch comp.Kind {
	case plugins.KindRegularizer:
		err = r.regularizer(ctx, bench, comp)
	case plugins.KindObjective:
		err = r.objective(ctx, bench, comp)
	default:
		err = r.optimizer(ctx, bench, comp)
	}
	if err == nil {
		r.next(comp)
	}
	return err
}

// ParseSettings reads settings written as name=value.
func ParseSettings(spec plugins.Spec, given []string) (plugins.Settings, error) {
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

// valueOf is a text as a value of a type, or as a text if it does not fit.
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

// rates are the learning rates to try: the given one, or several.
func (r *Run) rates(from, to float64) []float64 {
	if r.LR > 0 {
		return []float64{r.LR}
	}
	return plugintest.Rates(from, to)
}

func (r *Run) optimizer(ctx context.Context, bench *plugintest.Bench, comp plugins.Component) error {
	name, dim := r.Function, 2
	if strings.HasSuffix(name, "quadratic") {
		dim = 10
	}
	l, err := plugintest.NewLandscape(name, dim, 10)
	if err != nil {
		return advice.Usage(err, "")
	}
	lrs := r.rates(1e-4, 100)
	all, err := bench.Descend(ctx, l, lrs, r.Steps)
	if err != nil {
		return err
	}
	best := plugintest.Best(all)
	gaps := make([]float64, len(best.Losses))
	for i, f := range best.Losses {
		gaps[i] = f - l.Least
	}
	fmt.Fprintf(r.Stdout, "%s on %s in %s: f − f* by step, %s\n\n", comp.Name, l.Name, stats.Count(dim, "dimension", "dimensions"), rateText(best.LR, lrs))
	r.draw(gaps, best, "step")
	return nil
}

func (r *Run) objective(ctx context.Context, bench *plugintest.Bench, comp plugins.Component) error {
	lrs := r.rates(1e-3, 0.1)
	all, err := bench.Train(ctx, lrs, r.Epochs, func(epoch int) {
		fmt.Fprintf(r.Stderr, "epoch %d of %d\n", epoch, r.Epochs)
	})
	if err != nil {
		return err
	}
	best := plugintest.Best(all)
	fmt.Fprintf(r.Stdout, "%s by adam: %s by epoch, %s\n\n", comp.Name, plugins.MetricTrainLoss, rateText(best.LR, lrs))
	r.draw(best.Losses, best, "epoch")
	return nil
}

func rateText(lr float64, tried []float64) string {
	if len(tried) == 1 {
		return "lr " + stats.Number(lr)
	}
	return fmt.Sprintf("lr %s, the best of %d from %s to %s", stats.Number(lr), len(tried), stats.Number(tried[0]), stats.Number(tried[len(tried)-1]))
}

// draw prints a curve of losses with its main numbers.
func (r *Run) draw(values []float64, d plugintest.Descent, unit string) {
	report.Curve{Values: values, From: "0", To: strconv.Itoa(len(values)-1) + " " + unit + "s", Width: r.Width}.Write(r.Stdout)
	least, at := math.Inf(1), 0
	for i, v := range values {
		if v < least {
			least, at = v, i
		}
	}
	fmt.Fprintf(r.Stdout, "\nfirst %s · best %s at %s %d · last %s · %.3g µs a step\n", stats.Number(values[0]), stats.Number(least), unit, at,
		stats.Number(values[len(values)-1]), float64(d.Step.Nanoseconds())/1e3)
}

func (r *Run) regularizer(ctx context.Context, bench *plugintest.Bench, comp plugins.Component) error {
	const points, reach, step = 161, 2, 0.5
	theta := make([]float64, points)
	for i := range theta {
		theta[i] = reach * (2*float64(i)/(points-1) - 1)
	}
	lambda := r.Lambda
	profile, err := bench.Profile(ctx, theta, lambda, step)
	if err != nil {
		return err
	}
	ends := func(values []float64) report.Curve {
		return report.Curve{Values: values, From: stats.Number(-reach), To: stats.Number(reach), Width: r.Width}
	}
	fmt.Fprintf(r.Stdout, "%s with λ = %s and one example: R of one parameter\n\n", comp.Name, stats.Number(lambda))
	ends(profile.Value).Write(r.Stdout)
	if profile.Prox != nil {
		fmt.Fprintf(r.Stdout, "\nwhere its proximal map for a step of %s leads from there\n\n", stats.Number(step))
		ends(profile.Prox).Write(r.Stdout)
	}
	last := points - 1
	fmt.Fprintf(r.Stdout, "\nat %s: R %s · gradient %s", stats.Number(theta[last]), stats.Number(profile.Value[last]), stats.Number(profile.Gradient[last]))
	if profile.Prox != nil {
		fmt.Fprintf(r.Stdout, " · prox %s", stats.Number(profile.Prox[last]))
	}
	fmt.Fprintln(r.Stdout)
	return nil
}

// next prints the next commands and the lines for a sweep file.
func (r *Run) next(comp plugins.Component) {
	fmt.Fprintf(r.Stdout, "\nnext: %s\nin a sweep file:\n\n", advice.Command("plugin", "check", r.Name))
	where := strconv.Quote(r.Name)
	if strings.ContainsRune(filepath.ToSlash(r.Ref), '/') && !filepath.IsAbs(r.Ref) && !strings.HasPrefix(r.Ref, ".") {
		where = strconv.Quote("./" + r.Ref)
	}
	if comp.Kind == plugins.KindObjective {
		fmt.Fprintf(r.Stdout, "    [task]\n    plugin = %s\n", where)
	} else {
		fmt.Fprintf(r.Stdout, "    [%ss.%s]\n    plugin = %s\n", comp.Kind, comp.Name, where)
	}
	for _, setting := range r.Settings.Names() {
		v := r.Settings[setting]
		text := v.String()
		if v.Type == plugins.TypeText || v.Type == plugins.TypeChoice {
			text = strconv.Quote(text)
		}
		fmt.Fprintf(r.Stdout, "    %s = %s\n", setting, text)
	}
}

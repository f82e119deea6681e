package sheet

import (
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Curves are the curves of points: the answer about curves of `xrun ui`, and what a file holds of it.
type Curves struct {
	Format  int          `json:"xrun_ui"`
	Metrics []string     `json:"metrics"`
	Goal    string       `json:"goal"`
	By      string       `json:"x"` // epoch or seconds
	Points  []PointCurve `json:"points"`
	Drawn   bool         `json:"drawn"` // there is a value
	X       AxisScale    `json:"x_scale"`
	Y       AxisScale    `json:"y_scale"`
}

// A CurveQuestion says which curves are wanted.
type CurveQuestion struct {
	Metrics      []string
	By           string // epoch or seconds
	Exact, Seeds bool
	Most         int // values of a curve
}

// A Band is the mean curve of a point.
type Band struct {
	Metric string   `json:"metric"`
	Epoch  []int    `json:"epoch"`
	X      []Number `json:"x"` // epochs or seconds
	Mean   []Number `json:"mean"`
	Low    []Number `json:"low"`
	High   []Number `json:"high"`
	Of     int      `json:"of"` // values, before it was thinned
}

// A SeedCurve is the curve of a seed.
type SeedCurve struct {
	Metric string   `json:"metric"`
	Seed   int64    `json:"seed"`
	Run    int64    `json:"run_id"`
	Epoch  []int    `json:"epoch"`
	X      []Number `json:"x"`
	Value  []Number `json:"value"`
	Of     int      `json:"of"`
}

// A Stop is the end of a seed's curve.
type Stop struct {
	Seed   int64  `json:"seed"`
	Run    int64  `json:"run_id"`
	Epoch  int    `json:"epoch"`
	X      Number `json:"x"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

// A PointCurve is all curves of a point.
type PointCurve struct {
	Key     runner.Key  `json:"key"`
	Problem string      `json:"problem,omitempty"`
	Rank    int         `json:"rank"`
	Name    string      `json:"name"`
	Bands   []Band      `json:"bands"`
	Seeds   []SeedCurve `json:"seeds"`
	Stops   []Stop      `json:"stops"`
}

// An AxisScale is a scale of an axis in an answer.
type AxisScale struct {
	Low   Number   `json:"low"`
	High  Number   `json:"high"`
	Log   bool     `json:"log"`
	Zero  bool     `json:"zero"`  // 0 has a place of its own before the logarithmic axis
	Below bool     `json:"below"` // so have numbers below 0
	Note  string   `json:"note,omitempty"`
	Ticks []Number `json:"ticks"`
	Text  []string `json:"text"`
}

// AxisScaleOf is a scale with about so many ticks.
func AxisScaleOf(s compare.Scale, ticks int) AxisScale {
	out := AxisScale{Low: Number(s.Low), High: Number(s.High), Log: s.Log, Zero: s.Zero, Below: s.Below, Note: s.Note(), Ticks: []Number{}, Text: []string{}}
	for _, t := range s.Ticks(ticks) {
		out.Ticks, out.Text = append(out.Ticks, Number(t.Number)), append(out.Text, t.Text)
	}
	return out
}

// CurvesOf are the curves of points. curve reads one of a run. Reasons say why runs have ended.
func CurvesOf(r *compare.Report, chosen []Place, ask CurveQuestion, curve func(run int64, metric string) ([]runner.CurvePoint, error), reasons map[int64]string) (Curves, error) {
	all := Curves{Format: Format, Metrics: ask.Metrics, Goal: string(r.Goal), By: ask.By, Points: []PointCurve{}}
	xs := []float64{}
	var means, lows, highs [][]float64
	for _, at := range chosen {
		p := at.Point()
		out := PointCurve{Key: p.Point, Problem: at.Report.Problem, Rank: at.Index + 1, Name: at.Report.Name(*p), Bands: []Band{}, Seeds: []SeedCurve{}, Stops: []Stop{}}
		pace := map[int64]float64{} // seconds of an epoch, by run
		mean, timed := 0.0, 0
		for _, seed := range p.Seeds {
			pace[seed.Run] = 1
			if ask.By == "seconds" {
				pace[seed.Run] = seed.Wall.Seconds() / float64(max(1, seed.Epochs))
			}
			if seed.Run != 0 {
				mean, timed = mean+pace[seed.Run], timed+1
			}
		}
		mean /= float64(max(1, timed))
		for _, metric := range ask.Metrics {
			copied := *at.Report // the report is shared with other requests
			copied.Curves = map[int64][]runner.CurvePoint{}
			for _, seed := range p.Seeds {
				if seed.Run == 0 {
					continue
				}
				line, err := curve(seed.Run, metric)
				if err != nil {
					return all, err
				}
				copied.Curves[seed.Run] = line
				values := make([]float64, len(line))
				for i := range line {
					values[i] = line[i].Value
				}
				if ask.Seeds {
					out.Seeds = append(out.Seeds, SeedCurveOf(metric, seed.Seed, seed.Run, line, pace[seed.Run], ask.Most, ask.Exact))
				}
				// The value before training would hide the rest of the scale, as in the figures of xrun plot.
				if len(line) > 2 && line[0].Epoch == 0 {
					values = values[1:]
				}
				means = append(means, values)
			}
			bands := copied.Bands(*p)
			values := make([]float64, len(bands))
			for i := range bands {
				values[i] = bands[i].Value
			}
			b := Band{Metric: metric, Epoch: []int{}, X: []Number{}, Mean: []Number{}, Low: []Number{}, High: []Number{}, Of: len(bands)}
			for _, i := range thinned(values, ask.Most) {
				v := bands[i]
				x := float64(v.Epoch) * mean
				b.Epoch, b.X = append(b.Epoch, v.Epoch), append(b.X, Shown(x, ask.Exact))
				b.Mean, b.Low, b.High = append(b.Mean, Shown(v.Value, ask.Exact)), append(b.Low, Shown(v.Low, ask.Exact)), append(b.High, Shown(v.High, ask.Exact))
			}
			out.Bands = append(out.Bands, b)
			if len(bands) > 2 && bands[0].Epoch == 0 {
				bands = bands[1:]
			}
			var mid, low, high []float64
			for _, v := range bands {
				mid, low, high, xs = append(mid, v.Value), append(low, v.Low), append(high, v.High), append(xs, float64(v.Epoch)*mean)
			}
			means, lows, highs = append(means, mid), append(lows, low), append(highs, high)
		}
		for _, seed := range p.Seeds {
			if seed.Run != 0 && seed.Status != runner.StatusFinished && seed.Status != runner.StatusRunning {
				out.Stops = append(out.Stops, Stop{seed.Seed, seed.Run, seed.Epochs, Shown(float64(seed.Epochs)*pace[seed.Run], ask.Exact), string(seed.Status), reasons[seed.Run]})
			}
		}
		all.Points = append(all.Points, out)
	}
	ys, drawn := compare.CurveScale(means, lows, highs, 0.03, compare.Limits{})
	all.Drawn, all.X, all.Y = drawn, AxisScaleOf(compare.Spanning(xs, false, 0), 6), AxisScaleOf(ys, 5)
	return all, nil
}

// SeedCurveOf is the curve of a run, of so many values at most. pace is what an epoch is on its axis: 1, or its seconds.
func SeedCurveOf(metric string, seed, run int64, line []runner.CurvePoint, pace float64, most int, exact bool) SeedCurve {
	values := make([]float64, len(line))
	for i := range line {
		values[i] = line[i].Value
	}
	m := SeedCurve{Metric: metric, Seed: seed, Run: run, Epoch: []int{}, X: []Number{}, Value: []Number{}, Of: len(line)}
	for _, i := range thinned(values, most) {
		m.Epoch, m.X, m.Value = append(m.Epoch, line[i].Epoch), append(m.X, Shown(float64(line[i].Epoch)*pace, exact)), append(m.Value, Shown(line[i].Value, exact))
	}
	return m
}

// thinned are the places of so many values at most that stand for a longer curve: it is cut into a quarter as many pieces of one
// length, and of each there are the first, the last, the least and the largest value, so that no peak is lost.
func thinned(values []float64, most int) (some []int) {
	n := len(values)
	if n <= most {
		for i := range n {
			some = append(some, i)
		}
		return some
	}
	pieces := most / 4
	for k := range pieces {
		from, to := k*n/pieces, (k+1)*n/pieces
		low, high := from, from
		for i := from; i < to; i++ {
			if values[i] < values[low] || math.IsNaN(values[low]) {
				low = i
			}
			if values[i] > values[high] || math.IsNaN(values[high]) {
				high = i
			}
		}
		piece := []int{from, low, high, to - 1}
		slices.Sort(piece)
		some = append(some, slices.Compact(piece)...)
	}
	return some
}

// bands are those of a point after so many epochs at most.
func bands(r *compare.Report, s compare.Point, most int) []compare.Band {
	var epochs []int
	for _, seed := range s.Seeds {
		for _, p := range r.Curves[seed.Run] {
			epochs = append(epochs, p.Epoch)
		}
	}
	slices.Sort(epochs)
	epochs = slices.Compact(epochs)
	kept := make([]int, 0, most)
	for _, k := range every(len(epochs), most) {
		kept = append(kept, epochs[k])
	}
	some := *r
	some.Curves = map[int64][]runner.CurvePoint{}
	for _, seed := range s.Seeds {
		curve, at := r.Curves[seed.Run], 0
		for _, epoch := range kept {
			for at < len(curve) && curve[at].Epoch <= epoch {
				at++
			}
			if at > 0 { // of epochs without a value the last one before counts, as [compare.Report.Bands] has it
				some.Curves[seed.Run] = append(some.Curves[seed.Run], runner.CurvePoint{Epoch: epoch, Value: curve[at-1].Value})
			}
		}
	}
	return some.Bands(s)
}

// bare is a report without curves: tables draw them as letters, which takes a while.
func bare(r *compare.Report) *compare.Report {
	some := *r
	some.Curves = nil
	return &some
}

// every are the indices of n values that are kept, at equal steps.
func every(n, most int) (kept []int) {
	step := 1
	if most > 1 {
		step = max(1, (n-1+most-2)/(most-1))
	}
	for i := 0; i < n; i += step {
		kept = append(kept, i)
	}
	if n > 0 && kept[len(kept)-1] != n-1 {
		kept = append(kept, n-1)
	}
	return kept
}

// Package score has the metrics of rows that a sum of losses does not give: of the order of probabilities, of the classes
// that are predicted, and of the distance of numbers. Each has the value that the function of scikit-learn 1.9 with the same
// arguments has, to 1e-12, also where a class has no row. What scikit-learn leaves undefined is NaN here, which means that
// there is no value.
package score

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins/elementary"
)

// The metrics of classes, and those of numbers.
const (
	AUC              = "auc"
	AveragePrecision = "average_precision"
	F1               = "f1"
	BalancedAccuracy = "balanced_accuracy"
	Brier            = "brier"
	LogLoss          = "log_loss"

	MAE = "mae"
	// QuantileLoss stands for quantile_loss_1 to quantile_loss_99; see [Quantile].
	QuantileLoss = "quantile_loss_N"
)

// Quantile is the share of the quantile that a metric asks for: 0.9 for quantile_loss_90. ok is false for other metrics.
func Quantile(metric string) (share float64, ok bool) {
	digits, found := strings.CutPrefix(metric, strings.TrimSuffix(QuantileLoss, "N"))
	percent, err := strconv.Atoi(digits)
	if !found || err != nil || percent < 1 || percent > 99 || strconv.Itoa(percent) != digits {
		return 0, false
	}
	return float64(percent) / 100, true
}

// Classes are rows of a classification with what a model says of them.
type Classes struct {
	Labels        []int32
	Probabilities []float64 // of each class, row by row
	Predicted     []int     // the likeliest class of each row
	Count         int       // of classes
}

// A Judge computes metrics. It owns the working memory that they need, and is for one goroutine at a time.
type Judge struct {
	ranked []ranked
	counts []counts
}

// ranked is a row in the order of one class's probability: the bits of the probability, which have the order of numbers from
// 0 on and leave the first one free, and behind them a bit that is 1 for a row of the class. Integers sort fast.
type ranked uint64

func rank(probability float64, of bool) ranked {
	r := ranked(math.Float64bits(max(probability, 0)+0)) << 1
	if of {
		r |= 1
	}
	return r
}

func (r ranked) of() bool { return r&1 == 1 }

// counts are those of a class: rows, predictions, and rows that are predicted.
type counts struct{ rows, predicted, right int }

// Bytes is the working memory that a judge takes for so many rows.
func Bytes(rows float64) float64 { return float64(8 * rows) }

// Classes is a metric of rows of a classification; NaN without rows, or with a probability that is not a number.
func (j *Judge) Classes(metric string, c Classes) float64 {
	if len(c.Labels) == 0 || slices.ContainsFunc(c.Probabilities, math.IsNaN) {
		return math.NaN()
	}
	switch metric {
	case AUC:
		return j.overClasses(c, areaUnderROC)
	case AveragePrecision:
		return j.overClasses(c, averagePrecision)
	case F1, BalancedAccuracy:
		return ofCounts(metric, j.count(c))
	case Brier:
		return c.brier()
	case LogLoss:
		return c.logLoss()
	}
	return math.NaN()
}

// overClasses is a metric of the order of rows: of two classes that of class 1, of more the mean of one class against the
// rest.
func (j *Judge) overClasses(c Classes, of func([]ranked) float64) float64 {
	if c.Count == 2 {
		return of(j.rank(c, 1))
	}
	var sum Sum
	for class := range c.Count {
		sum.Add(of(j.rank(c, class)))
	}
	return sum.Value() / float64(c.Count)
}

// rank sorts rows by the probability of a class, the least first.
func (j *Judge) rank(c Classes, class int) []ranked {
	j.ranked = j.ranked[:0]
	for i, label := range c.Labels {
		j.ranked = append(j.ranked, rank(c.Probabilities[i*c.Count+class], int(label) == class))
	}
	slices.Sort(j.ranked)
	return j.ranked
}

// ties calls f for every group of rows with equal probabilities, the greatest first, with the rows of the class and the others
// in it.
func ties(rows []ranked, f func(of, others int)) {
	for end := len(rows); end > 0; {
		begin, of := end, 0
		for ; begin > 0 && rows[begin-1]>>1 == rows[end-1]>>1; begin-- {
			if rows[begin-1].of() {
				of++
			}
		}
		f(of, end-begin-of)
		end = begin
	}
}

// areaUnderROC is the share of pairs of a row of the class and another one whose order is right; ties count half. It is NaN
// where one of the two has no row.
func areaUnderROC(rows []ranked) float64 {
	of, others, twice := 0, 0, 0.0
	ties(rows, func(own, foreign int) {
		twice += float64(float64(foreign) * float64(2*of+own))
		of, others = of+own, others+foreign
	})
	if of == 0 || others == 0 {
		return math.NaN()
	}
	return twice / 2 / float64(float64(of)*float64(others))
}

// averagePrecision is Σ(Rₙ − Rₙ₋₁)·Pₙ over the distinct probabilities; 0 where the class has no row.
func averagePrecision(rows []ranked) float64 {
	of, seen, all := 0, 0, 0
	for _, r := range rows {
		if r.of() {
			all++
		}
	}
	if all == 0 {
		return 0
	}
	var sum Sum
	ties(rows, func(own, foreign int) {
		of, seen = of+own, seen+own+foreign
		if own > 0 {
			sum.Add(float64(float64(own) / float64(all) * (float64(of) / float64(seen))))
		}
	})
	return sum.Value()
}

func (j *Judge) count(c Classes) []counts {
	j.counts = append(j.counts[:0], make([]counts, c.Count)...)
	for i, label := range c.Labels {
		j.counts[label].rows++
		j.counts[c.Predicted[i]].predicted++
		if int(label) == c.Predicted[i] {
			j.counts[label].right++
		}
	}
	return j.counts
}

func ofCounts(metric string, all []counts) float64 {
	switch {
	case metric == BalancedAccuracy:
		return mean(all, func(c counts) (float64, bool) { return float64(c.right) / float64(c.rows), c.rows > 0 })
	case len(all) == 2:
		return all[1].f1()
	}
	return mean(all, func(c counts) (float64, bool) { return c.f1(), c.rows+c.predicted > 0 })
}

// f1 is 0 for a class with neither rows nor predictions.
func (c counts) f1() float64 {
	if c.rows+c.predicted == 0 {
		return 0
	}
	return float64(2*c.right) / float64(c.rows+c.predicted)
}

// mean is that of the classes that have a value.
func mean(all []counts, of func(counts) (float64, bool)) float64 {
	var sum Sum
	n := 0
	for _, c := range all {
		if v, ok := of(c); ok {
			sum.Add(v)
			n++
		}
	}
	return sum.Value() / float64(n)
}

// brier is the mean of Σ(y − p)² over the classes, of two classes half of it.
func (c Classes) brier() float64 {
	var sum Sum
	for i, label := range c.Labels {
		for class, p := range c.Probabilities[i*c.Count:][:c.Count] {
			if class == int(label) {
				p = 1 - p
			}
			sum.Add(float64(p * p))
		}
	}
	mean := sum.Value() / float64(len(c.Labels))
	if c.Count == 2 {
		mean /= 2
	}
	return mean
}

// logLoss keeps probabilities within [2⁻⁵², 1 − 2⁻⁵²].
func (c Classes) logLoss() float64 {
	var sum Sum
	for i, label := range c.Labels {
		sum.Add(-elementary.Log(clipped(c.Probabilities[i*c.Count+int(label)])))
	}
	return sum.Value() / float64(len(c.Labels))
}

func clipped(p float64) float64 { return min(max(p, 0x1p-52), 1-0x1p-52) }

// Numbers is a metric of rows of a regression, with their targets y and the predictions h; NaN without rows.
func Numbers(metric string, y, h []float64) float64 {
	share, quantile := Quantile(metric)
	if len(y) == 0 || !quantile && metric != MAE {
		return math.NaN()
	}
	var sum Sum
	for i, v := range y {
		e := v - h[i]
		switch {
		case !quantile:
			e = math.Abs(e)
		case e < 0:
			e = float64((share - 1) * e)
		default:
			e = float64(share * e)
		}
		sum.Add(e)
	}
	return sum.Value() / float64(len(y))
}

// A Sum adds numbers so that the error does not grow with their number (Neumaier 1974).
type Sum struct{ sum, rest float64 }

// Add adds a number.
func (s *Sum) Add(x float64) {
	sum := s.sum + x
	if math.Abs(s.sum) >= math.Abs(x) {
		s.rest += s.sum - sum + x
	} else {
		s.rest += x - sum + s.sum
	}
	s.sum = sum
}

// Value is the sum so far.
func (s *Sum) Value() float64 {
	if v := s.sum + s.rest; v == v {
		return v
	}
	return s.sum // infinite, or no number
}

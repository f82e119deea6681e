package score

import (
	"math"
	"slices"

	"github.com/xrun-dev/xrun/plugins/elementary"
)

// A Constant predicts the same for every row: what it knows are the targets of training rows. Of classes it says their
// shares, of which the greatest is the class that it predicts, the first of equal ones. Of numbers it says the mean, where
// the absolute error is asked for their median, and where a quantile loss is asked for their quantile.
type Constant struct {
	shares    []float64 // by class
	weighted  []float64 // by class, of the sum of the weights
	weights   []float64 // by class; nil where rows count alike
	likeliest int

	mean   float64
	sorted []float64
}

// OfClasses is the constant of training rows with so many rows of each class. weights are those of each class in the
// loss; nil where rows count alike.
func OfClasses(rows []int, weights []float64) *Constant {
	c := &Constant{shares: make([]float64, len(rows)), weights: weights}
	c.weighted = c.shares
	if weights != nil {
		c.weighted = make([]float64, len(rows))
	}
	all, weight := 0, 0.0
	for class, n := range rows {
		all += n
		if weights != nil {
			weight += float64(weights[class] * float64(n))
		}
		if n > rows[c.likeliest] {
			c.likeliest = class
		}
	}
	for class, n := range rows {
		c.shares[class] = float64(n) / float64(all)
		if weights != nil {
			c.weighted[class] = float64(weights[class]*float64(n)) / weight
		}
	}
	return c
}

// OfNumbers is the constant of training rows with these targets.
func OfNumbers(y []float64) *Constant {
	var sum Sum
	for _, v := range y {
		sum.Add(v)
	}
	return &Constant{mean: sum.Value() / float64(len(y)), sorted: slices.Clone(y)}
}

// Classes is a metric of the constant on rows, of which each class has so many; NaN where there is no value. loss is the
// mean of the weighted losses of the weighted shares.
func (c *Constant) Classes(metric string, rows []int) float64 {
	n, classes := 0, len(rows)
	for _, count := range rows {
		n += count
	}
	if n == 0 {
		return math.NaN()
	}
	all := make([]counts, classes)
	for class, count := range rows {
		all[class].rows = count
	}
	all[c.likeliest].predicted, all[c.likeliest].right = n, rows[c.likeliest]
	// overRows is the mean over the rows of a number of each class.
	overRows := func(of func(class int) float64) float64 {
		var sum Sum
		for class, count := range rows {
			if count > 0 {
				sum.Add(float64(float64(count) * of(class)))
			}
		}
		return sum.Value() / float64(n)
	}
	switch metric {
	case "loss":
		return overRows(func(class int) float64 {
			loss := -elementary.Log(c.weighted[class])
			if c.weights != nil {
				loss = float64(c.weights[class] * loss)
			}
			return loss
		})
	case "accuracy":
		return float64(rows[c.likeliest]) / float64(n)
	case AUC:
		if slices.Contains(rows, 0) {
			return math.NaN()
		}
		return 0.5
	case AveragePrecision:
		if classes == 2 {
			return float64(rows[1]) / float64(n)
		}
		return 1 / float64(classes) // the shares of the classes, which are the precisions, have the sum 1
	case F1, BalancedAccuracy:
		return ofCounts(metric, all)
	case Brier:
		squares := 0.0
		for _, p := range c.shares {
			squares += float64(p * p)
		}
		value := overRows(func(class int) float64 { return squares - float64(2*c.shares[class]) + 1 })
		if classes == 2 {
			value /= 2
		}
		return value
	case LogLoss:
		return overRows(func(class int) float64 { return -elementary.Log(clipped(c.shares[class])) })
	}
	return math.NaN()
}

// Says is the number that the constant predicts where a metric asks for it.
func (c *Constant) Says(metric string) float64 {
	share, quantile := Quantile(metric)
	switch {
	case quantile:
	case metric == MAE:
		share = 0.5
	default:
		return c.mean
	}
	if !slices.IsSorted(c.sorted) {
		slices.Sort(c.sorted)
	}
	return quantileOf(c.sorted, share)
}

// quantileOf lies between the two nearest of sorted numbers, as numpy.quantile has it.
func quantileOf(sorted []float64, share float64) float64 {
	at := float64(share * float64(len(sorted)-1))
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}

// Numbers is a metric of the constant on rows with the targets y. loss, rmse and r2 are those of models.
func (c *Constant) Numbers(metric string, y []float64) float64 {
	if len(y) == 0 {
		return math.NaN()
	}
	h := c.Says(metric)
	if _, quantile := Quantile(metric); quantile || metric == MAE {
		says := make([]float64, len(y))
		for i := range says {
			says[i] = h
		}
		return Numbers(metric, y, says)
	}
	var squares, variation, own Sum
	for _, v := range y {
		own.Add(v)
	}
	mean := own.Value() / float64(len(y))
	constant := true
	for _, v := range y {
		squares.Add(float64((v - h) * (v - h)))
		variation.Add(float64((v - mean) * (v - mean)))
		constant = constant && v == y[0]
	}
	switch n := float64(len(y)); metric {
	case "loss":
		return squares.Value() / (2 * n)
	case "rmse":
		return math.Sqrt(squares.Value() / n)
	case "r2":
		switch {
		case !constant:
			return 1 - squares.Value()/variation.Value()
		case squares.Value() == 0:
			return 1
		}
		return 0
	}
	return math.NaN()
}

package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/interp"
)

// A spline is a natural cubic spline that was fitted by least squares. variance is that of what it leaves.
type spline struct {
	fitted   []float64
	variance float64
	predict  func(x float64) float64
}

// together is the distance, as a part of the range of the covariate, from which on knots are in one place.
const together = 1e-10

// far is how many ranges of the covariate a trend is followed beyond its ends.
const far = 1e6

// trend fits a natural cubic spline of the covariate: straight beyond the ends of the covariate, with as many parameters as
// so many values bear and knots at evenly spaced quantiles. It is nil if there is no covariate, or one value of it, or two
// variances. The functions are those of R's splines::ns, in another basis; a knot at an end bends nothing and is left out,
// and at two knots in one place the curvature may jump.
func (s priorSample) trend(y []float64) *spline {
	if s.covariate == nil {
		return nil
	}
	sorted := slices.Sorted(slices.Values(s.covariate))
	parameters := 1
	for _, from := range []int{3, 6, 30} {
		if len(y) >= from {
			parameters++
		}
	}
	parameters = min(parameters, len(slices.Compact(slices.Clone(sorted))))
	if parameters < 2 {
		return nil
	}
	low, high := sorted[0], sorted[len(sorted)-1]
	unit := func(x float64) float64 { return (x - low) / (high - low) }
	knots, twice := []float64{0}, -1.0
	for k := 1; k < parameters-1; k++ {
		at := unit(quantileOf(sorted, float64(k)/float64(parameters-1)))
		switch {
		case at <= together || at >= 1-together:
		case at <= knots[len(knots)-1]+together:
			twice = knots[len(knots)-1]
		default:
			knots = append(knots, at)
		}
	}
	knots = append(knots, 1)
	basis := splineBasis(knots, twice)
	columns := make([][]float64, len(basis))
	for c, f := range basis {
		columns[c] = make([]float64, len(y))
		for k, x := range s.covariate {
			columns[c][k] = f(unit(x))
		}
	}
	coefficients, residuals, rank := leastSquares(columns, y)
	fit := &spline{fitted: make([]float64, len(y))}
	for k, r := range residuals {
		fit.fitted[k] = y[k] - r
		fit.variance += r * r / float64(len(y)-rank)
	}
	fit.predict = func(x float64) (sum float64) {
		u := min(far, max(-far, unit(x)))
		for c, f := range basis {
			sum += float64(coefficients[c] * f(u))
		}
		return sum
	}
	return fit
}

// splineBasis spans the natural cubic splines with knots from 0 to 1: the k-th is 1 at knot k and 0 at the others. If there
// is a knot twice, a function more bends from there on.
func splineBasis(knots []float64, twice float64) []func(u float64) float64 {
	basis := make([]func(u float64) float64, 0, len(knots)+1)
	for k := range knots {
		values := make([]float64, len(knots))
		values[k] = 1
		var cubic interp.NaturalCubic
		if err := cubic.Fit(knots, values); err != nil {
			panic("stats: a spline through knots that are apart: " + err.Error())
		}
		basis = append(basis, func(u float64) float64 {
			end := min(1, max(0, u))
			return cubic.Predict(end) + (u-end)*cubic.PredictDerivative(end)
		})
	}
	if twice > 0 {
		basis = append(basis, func(u float64) float64 {
			end := max(0, min(1, u)-twice) / (1 - twice)
			return end*end - end*end*end/3 + max(0, u-1)/(1-twice)
		})
	}
	return basis
}

// leastSquares fits y by the columns, which it changes, by modified Gram-Schmidt steps, each made twice. A column that
// those before it make up to 1e-7 has the coefficient 0.
func leastSquares(columns [][]float64, y []float64) (coefficients, residuals []float64, rank int) {
	dot := func(a, b []float64) (sum float64) {
		for k := range a {
			sum += float64(a[k] * b[k])
		}
		return sum
	}
	// take removes from a what lies along the unit vector q, and returns how much it was.
	take := func(a, q []float64) float64 {
		along := dot(a, q)
		for k := range a {
			a[k] -= float64(along * q[k])
		}
		return along
	}
	residuals = slices.Clone(y)
	coefficients = make([]float64, len(columns))
	triangle := make([][]float64, len(columns)) // triangle[c][j]: of column c along j
	along := make([]float64, len(columns))
	var used []int
	for c, column := range columns {
		triangle[c] = make([]float64, len(columns))
		before := math.Sqrt(dot(column, column))
		for range 2 {
			for _, j := range used {
				triangle[c][j] += take(column, columns[j])
			}
		}
		left := math.Sqrt(dot(column, column))
		if !(left > 1e-7*before) {
			continue
		}
		for k := range column {
			column[k] /= left
		}
		triangle[c][c] = left
		used = append(used, c)
	}
	for range 2 {
		for _, c := range used {
			along[c] += take(residuals, columns[c])
		}
	}
	for k := len(used) - 1; k >= 0; k-- {
		c := used[k]
		coefficients[c] = along[c]
		for _, later := range used[k+1:] {
			coefficients[c] -= triangle[later][c] * coefficients[later]
		}
		coefficients[c] /= triangle[c][c]
	}
	return coefficients, residuals, len(used)
}

// lowess smooths y over x: at each point a straight line is fitted to the part of all points that is nearest, with tricube
// weights, and again so many times with bisquare weights that leave out what lies far off. Points within a hundredth of
// the range of x are interpolated. Cleveland 1979, JASA 74, and 1981, The American Statistician 35, as R's lowess.
func lowess(x, y []float64, part float64, again int) []float64 {
	n := len(x)
	order := make([]int, n)
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	xs, ys := make([]float64, n), make([]float64, n)
	for k, i := range order {
		xs[k], ys[k] = x[i], y[i]
	}
	near := max(2, min(n, int(part*float64(n)+1e-7)))
	var weights []float64
	smooth := make([]float64, n)
	for round := 0; ; round++ {
		smoothed(xs, ys, weights, near, smooth)
		if round == again || !reweigh(ys, smooth, &weights) {
			break
		}
	}
	out := make([]float64, n)
	for k, i := range order {
		out[i] = smooth[k]
	}
	return out
}

// smoothed is one round of lowess: smooth gets the value at each point.
func smoothed(x, y, weights []float64, near int, smooth []float64) {
	n := len(x)
	apart := 0.01 * (x[n-1] - x[0])
	from, last := 0, -1
	for at := 0; ; {
		for from+near < n && x[at]-x[from] > x[from+near]-x[at] {
			from++
		}
		smooth[at] = localLine(x, y, weights, at, from, from+near-1)
		for k := last + 1; k < at; k++ {
			share := (x[k] - x[last]) / (x[at] - x[last])
			smooth[k] = share*smooth[at] + (1-share)*smooth[last]
		}
		last = at
		// The next point is the furthest within reach, or the next one.
		next := last + 1
		for ; next < n && x[next] <= x[at]+apart; next++ {
			if x[next] == x[last] {
				smooth[next] = smooth[last]
				last = next
			}
		}
		at = max(last+1, next-1)
		if last >= n-1 {
			return
		}
	}
}

// localLine is the value at x[at] of the line through the points from left to right, and those that tie with the right one.
func localLine(x, y, weights []float64, at, left, right int) float64 {
	reach := max(x[at]-x[left], x[right]-x[at])
	w, total, to := make([]float64, 0, right-left+1), 0.0, left
	for ; to < len(x); to++ {
		r, weight := math.Abs(x[to]-x[at]), 0.0
		switch {
		case r <= 0.001*reach:
			weight = 1
		case r <= 0.999*reach:
			c := r / reach
			c = 1 - c*c*c
			weight = c * c * c
		}
		if r > 0.999*reach && x[to] > x[at] {
			break
		}
		if weights != nil {
			weight *= weights[to]
		}
		w, total = append(w, weight), total+weight
	}
	if !(total > 0) {
		return y[at]
	}
	centre, spread := 0.0, 0.0
	for k := range w {
		w[k] /= total
		centre += w[k] * x[left+k]
	}
	for k := range w {
		spread += w[k] * (x[left+k] - centre) * (x[left+k] - centre)
	}
	slope := 0.0
	if reach > 0 && math.Sqrt(spread) > 0.001*(x[len(x)-1]-x[0]) {
		slope = (x[at] - centre) / spread
	}
	value := 0.0
	for k := range w {
		value += w[k] * (1 + slope*(x[left+k]-centre)) * y[left+k]
	}
	return value
}

// reweigh gives each point the bisquare weight of its distance from the curve, in six times the median distance. It reports
// whether a further round would change anything.
func reweigh(y, smooth []float64, weights *[]float64) bool {
	n := len(y)
	distances, mean := make([]float64, n), 0.0
	for k := range y {
		distances[k] = math.Abs(y[k] - smooth[k])
		mean += distances[k] / float64(n)
	}
	sorted := slices.Sorted(slices.Values(distances))
	six := 3 * (sorted[n/2] + sorted[n-1-n/2])
	if !(six >= 1e-7*mean) || six == 0 {
		return false
	}
	*weights = make([]float64, n)
	for k, r := range distances {
		switch {
		case r <= 0.001*six:
			(*weights)[k] = 1
		case r <= 0.999*six:
			c := r / six
			(*weights)[k] = (1 - c*c) * (1 - c*c)
		}
	}
	return true
}

package compare

import (
	"math"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// ownNoise is what each point shows of its own noise alone: the variance of its seeds once what a seed does to all near points
// alike is taken away. squeeze adds what is expected of it.
//
// A difference has the noise of two points. Seen through the differences to the best, that of the best counts as often as there
// are points and is known from its few seeds only; seen apart, all points tell about it.
func (r *Report) ownNoise() *Noise {
	near, isNear, others := r.near(), make([]bool, len(r.Points)), 0.0
	for _, i := range near {
		isNear[i] = true
		if r.steady(i) {
			others++
		}
	}
	rows := r.withoutSeeds(near)
	own := &Noise{Reference: -1, Points: make([]PointNoise, len(r.Points)), measure: r.measure}
	for i, row := range rows {
		s, p := &r.Points[i], &own.Points[i]
		*p = PointNoise{Level: r.measure.place(s.Interval.Value), Own: math.NaN()}
		mean := stats.Mean(row)
		if !s.Complete || !stats.Finite(mean) {
			rows[i] = nil
			continue
		}
		for j := range row {
			row[j] -= mean
		}
		if p.N = len(row); p.N < 2 {
			continue
		}
		// The mean of the near points has noise of its own, a part of which is this point's where it is one of them.
		n := max(2, others)
		part := n / (n + 1)
		if isNear[i] && r.steady(i) {
			part = n / (n - 1)
		}
		sd := stats.StdDev(row)
		p.Own = sd * sd * part
	}
	r.alikeness = r.alikenessOf(rows, near)
	return own
}

// alikenessOf is the mean square of the correlation between what chance does to two points, over seeds: as far as it is more than
// what few seeds show by themselves, as R² is adjusted.
func (r *Report) alikenessOf(rows [][]float64, near []int) float64 {
	column := map[int64]int{}
	for k, seed := range r.Seeds {
		column[seed] = k
	}
	n := len(column)
	products, points := make([]float64, n*n), 0.0 // of the points' values at two seeds, each point's squares summing to 1
	for _, i := range near {
		squares := 0.0
		for _, x := range rows[i] {
			squares += x * x
		}
		if len(rows[i]) != n || !(squares > 0) || r.Points[i].Unstable {
			continue
		}
		points++
		for j, x := range rows[i] {
			for k, y := range rows[i] {
				products[column[r.Points[i].Seeds[j].Seed]*n+column[r.Points[i].Seeds[k].Seed]] += x * y / squares
			}
		}
	}
	if points < fewestVariances || n < 3 {
		return 0
	}
	sum := 0.0 // of the squares of all correlations
	for _, x := range products {
		sum += x * x
	}
	chance := 1 / float64(n-1)
	return max(0, ((sum-points)/(points*(points-1))-chance)/(1-chance))
}

// steady reports whether a point says what seeds do to all points alike.
func (r *Report) steady(i int) bool { return r.Points[i].Complete && !r.Points[i].Unstable }

// withoutSeeds are the values of the points' seeds on the measure, less what each seed does on average to some points.
func (r *Report) withoutSeeds(some []int) [][]float64 {
	rows, shared := make([][]float64, len(r.Points)), map[int64]float64{}
	for i := range r.Points {
		for _, seed := range r.Points[i].Seeds {
			rows[i] = append(rows[i], r.measure.place(seed.Value))
		}
	}
	for range 3 { // points may have different seeds; then it takes a few rounds
		sum, count := map[int64]float64{}, map[int64]float64{}
		for _, i := range some {
			mean := stats.Mean(rows[i])
			if !r.steady(i) || !stats.Finite(mean) {
				continue
			}
			for j, seed := range r.Points[i].Seeds {
				sum[seed.Seed] += rows[i][j] - mean
				count[seed.Seed]++
			}
		}
		for seed, n := range count {
			shared[seed] = sum[seed] / n
		}
		for i := range rows {
			for j, seed := range r.Points[i].Seeds {
				rows[i][j] -= shared[seed.Seed]
			}
		}
	}
	return rows
}

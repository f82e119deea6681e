package models

import (
	"math"

	"github.com/xrun-dev/xrun/plugins/elementary"
)

// The functions that are not quadratic. Products are rounded before they are added.

// rosenbrock is Σ 100·(xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)² (Rosenbrock 1960, Comput. J. 3, for n = 2), a
// curved valley. From n = 4 on it has a second, local minimum near (−1, 1, …, 1).
func rosenbrock(x, _ []float64) float64 {
	sum := 0.0
	for i := range len(x) - 1 {
		valley, slope := x[i+1]-float64(x[i]*x[i]), 1-x[i]
		sum += float64(100*float64(valley*valley)) + float64(slope*slope)
	}
	return sum
}

func rosenbrockGradient(grad, x, _ []float64) {
	clear(grad)
	for i := range len(x) - 1 {
		valley := x[i+1] - float64(x[i]*x[i])
		grad[i] -= float64(400*float64(valley*x[i])) + float64(2*(1-x[i]))
		grad[i+1] += float64(200 * valley)
	}
}

// The constants of beale, Σ (cₖ − x + x·yᵏ)² for k = 1, 2, 3 (Moré, Garbow, Hillstrom 1981,
// ACM TOMS 7, problem 5): flat around its minimum, steep far from it.
var bealeConstants = [3]float64{1.5, 2.25, 2.625}

func beale(p, _ []float64) float64 {
	x, y := p[0], p[1]
	sum, power := 0.0, 1.0
	for _, c := range bealeConstants {
		power = float64(power * y)
		r := c - x + float64(x*power)
		sum += float64(r * r)
	}
	return sum
}

func bealeGradient(grad, p, _ []float64) {
	x, y := p[0], p[1]
	grad[0], grad[1] = 0, 0
	power := 1.0 // yᵏ⁻¹
	for k, c := range bealeConstants {
		r := c - x + float64(x*float64(power*y))
		grad[0] += float64(2 * r * (float64(power*y) - 1))
		grad[1] += float64(2 * r * x * float64(float64(k+1)*power))
		power = float64(power * y)
	}
}

// saddle is Σ ½x² − ½y² + ¼y⁴ over pairs (x, y): a saddle at 0, towards which the start slides, and
// minima of −¼ a pair where x = 0 and y = ±1.
func saddle(p, _ []float64) float64 {
	sum := 0.0
	for i := 0; i < len(p); i += 2 {
		xx, yy := float64(p[i]*p[i]), float64(p[i+1]*p[i+1])
		sum += xx/2 - yy/2 + float64(yy*yy)/4
	}
	return sum
}

func saddleGradient(grad, p, _ []float64) {
	for i := 0; i < len(p); i += 2 {
		x, y := p[i], p[i+1]
		grad[i], grad[i+1] = x, float64(y*float64(y*y))-y
	}
}

// rastrigin is 10n + Σ x² − 10·cos 2πx (Rastrigin 1974; for any n Mühlenbein, Schomisch, Born
// 1991, Parallel Comput. 17), with a local minimum near every point of integers. It starts anywhere in ±5.12.
func rastrigin(x, _ []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v*v) + (10 - float64(10*elementary.Cospi(float64(2*v))))
	}
	return sum
}

func rastriginGradient(grad, x, _ []float64) {
	for i, v := range x {
		grad[i] = float64(2*v) + float64(20*math.Pi*elementary.Sinpi(float64(2*v)))
	}
}

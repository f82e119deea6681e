package reference

import "math"

// face is the Hessian over the free parameters and its Cholesky factor, with which conjugate gradients take few steps.
type face struct {
	free   []int     // the free parameters, in order
	lower  []float64 // free × free, row-major; the factor, or the matrix to factor
	row    []float64 // one row of features, centred
	values []float64 // what each free parameter multiplies in that row
	scaled []float64 // outputs × free: the same, times the second derivatives by two outputs
	ready  bool
}

// maxFace keeps the factor within some megabytes.
const maxFace = 1200

// ridge times the diagonal is added to the diagonal, so that copies of features have a factor too.
const ridge = 1e-10

// gather lists the free parameters; their matrix is not factored yet.
func (s *solver) gather() {
	s.face.free, s.face.ready = s.face.free[:0], false
	for i, free := range s.free {
		if free {
			s.face.free = append(s.face.free, i)
		}
	}
}

// cost is the cost of the factor in products with the Hessian of dim parameters; −1 if the factor is too large.
func (f *face) cost(dim int) int {
	if len(f.free) > maxFace {
		return -1
	}
	return 1 + len(f.free)*len(f.free)/(4*dim)
}

// factor prepares the preconditioner for the free parameters.
func (s *solver) factor() bool {
	f, n := &s.face, len(s.face.free)
	f.lower = sized(f.lower, n*n)
	clear(f.lower)
	f.row, f.values, f.scaled = sized(f.row, s.x.D), sized(f.values, n), sized(f.scaled, n*s.outputs)
	for i := range s.x.N {
		s.addRow(i)
	}
	for a, i := range f.free {
		d := &f.lower[a*n+a]
		if *d += s.l2(i); *d <= 0 {
			*d = s.curvature[i]
		}
		*d += float64(ridge * *d)
	}
	f.ready = f.cholesky()
	return f.ready
}

func sized(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

// addRow adds the second derivatives of the loss of example i, over N.
func (s *solver) addRow(i int) {
	f, n, d, k := &s.face, len(s.face.free), s.x.D, s.outputs
	clear(f.row)
	s.x.add(i, 1, f.row)
	for a, parameter := range f.free {
		f.values[a] = 1
		if parameter < k*d {
			f.values[a] = f.row[parameter%d] - s.x.means[parameter%d]
		}
	}
	p, share := s.now.z[i*k:][:k], float64(s.x.N)/s.problem.weight(i)
	for o := range k {
		scaled := f.scaled[o*n:][:n]
		for a, parameter := range f.free {
			scaled[a] = float64(f.values[a] * (s.secondDerivative(p, o, outputOf(parameter, d, k)) / share))
		}
	}
	for a, parameter := range f.free {
		v := f.values[a]
		if v == 0 {
			continue
		}
		scaled := f.scaled[outputOf(parameter, d, k)*n:][:a+1]
		for b, h := range f.lower[a*n:][:a+1] {
			f.lower[a*n+b] = h + float64(v*scaled[b])
		}
	}
}

// outputOf is the output of a parameter.
func outputOf(parameter, d, k int) int {
	if parameter >= k*d {
		return parameter - k*d
	}
	return parameter / d
}

// secondDerivative of a row's loss by two of its outputs.
func (s *solver) secondDerivative(p []float64, o, other int) float64 {
	switch {
	case s.problem.Model == Linear:
		return 1
	case s.problem.Model == Logistic || o == other:
		return float64(p[o] * (1 - p[o]))
	}
	return float64(-p[o] * p[other])
}

// cholesky replaces the lower triangle by L with L·Lᵀ = H. It fails where H is not positive definite.
func (f *face) cholesky() bool {
	n := len(f.free)
	for a := range n {
		row := f.lower[a*n:][:a+1]
		for b := range row {
			sum := row[b]
			for c, v := range f.lower[b*n:][:b] {
				sum -= float64(row[c] * v)
			}
			if b < a {
				row[b] = sum / f.lower[b*n+b]
				continue
			}
			if !(sum > 0) {
				return false
			}
			row[b] = math.Sqrt(sum)
		}
	}
	return true
}

// precondition writes an approximation of H⁻¹·r over the free parameters: by the factor if there is one, by the
// diagonal otherwise.
func (s *solver) precondition(z, r []float64) {
	f, n := &s.face, len(s.face.free)
	if !f.ready {
		for _, i := range f.free {
			z[i] = r[i] / s.curvature[i]
		}
		return
	}
	y := f.values
	for a, i := range f.free {
		sum := r[i]
		for b, v := range f.lower[a*n:][:a] {
			sum -= float64(v * y[b])
		}
		y[a] = sum / f.lower[a*n+a]
	}
	for a := n - 1; a >= 0; a-- {
		y[a] /= f.lower[a*n+a]
		for b, v := range f.lower[a*n:][:a] {
			y[b] -= float64(v * y[a])
		}
		z[f.free[a]] = y[a]
	}
}

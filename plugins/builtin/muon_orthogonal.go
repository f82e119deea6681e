package builtin

// orthogonalizer brings the singular values of a matrix near 1 by Newton and Schulz's iteration
// with the quintic of Jordan et al. 2024. It holds memory for the largest matrix.
type orthogonalizer struct {
	steps            int
	rows, cols       int // of the matrix as given
	given            []float64
	x, next          []float64 // with no more rows than columns
	gram, polynomial []float64
}

const quinticA, quinticB, quinticC = 3.4445, -4.7750, 2.0315

// newOrthogonalizer takes the most elements of a matrix and the most of its shorter side.
func newOrthogonalizer(size, short, steps int) orthogonalizer {
	buffer := func(n int) []float64 { return make([]float64, n) }
	return orthogonalizer{
		steps: steps, given: buffer(size), x: buffer(size), next: buffer(size),
		gram: buffer(short * short), polynomial: buffer(short * short),
	}
}

// input is where the caller writes the next matrix, row by row.
func (o *orthogonalizer) input(rows, cols int) []float64 {
	o.rows, o.cols = rows, cols
	return o.given[:rows*cols]
}

// run divides the matrix by size, its norm, and iterates.
func (o *orthogonalizer) run(size float64) {
	n, wide := o.rows, o.cols
	if o.rows > o.cols {
		n, wide = o.cols, o.rows
	}
	x, next := o.x[:n*wide], o.next[:n*wide]
	for i := range n {
		for j := range wide {
			if o.rows > o.cols {
				x[i*wide+j] = o.given[j*n+i] / size
			} else {
				x[i*wide+j] = o.given[i*wide+j] / size
			}
		}
	}
	gram, polynomial := o.gram[:n*n], o.polynomial[:n*n]
	for range o.steps {
		for i := range n {
			for j := range i + 1 {
				a := dot(x[i*wide:][:wide], x[j*wide:][:wide])
				gram[i*n+j], gram[j*n+i] = a, a
			}
		}
		for i := range n {
			for j := range i + 1 {
				square := dot(gram[i*n:][:n], gram[j*n:][:n])
				p := float64(quinticB*gram[i*n+j]) + float64(quinticC*square)
				polynomial[i*n+j], polynomial[j*n+i] = p, p
			}
		}
		for i := range n {
			row := next[i*wide:][:wide]
			for j, v := range x[i*wide:][:wide] {
				row[j] = float64(quinticA * v)
			}
			for k, p := range polynomial[i*n:][:n] {
				for j, v := range x[k*wide:][:wide] {
					row[j] += float64(p * v)
				}
			}
		}
		x, next = next, x
	}
	o.x, o.next = x[:cap(x)], next[:cap(next)]
}

// at is element i of the result, in the order of the input.
func (o *orthogonalizer) at(i int) float64 {
	if o.rows <= o.cols {
		return o.x[i]
	}
	return o.x[i%o.cols*o.rows+i/o.cols]
}

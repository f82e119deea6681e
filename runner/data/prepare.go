package data

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// A Part is the rows of a data set that serve one purpose, or a mini-batch of them.
type Part[F plugins.Float] struct {
	X       []F     // N×D, row-major; nil when the data is sparse
	Sparse  CSR[F]  // the features of sparse data
	Y       []F     // N targets of a regression
	Labels  []int32 // N class indices of a classification
	N, D    int
	Classes int // 0 for a regression
}

// IsSparse reports whether the features are in Sparse rather than in X.
func (p Part[F]) IsSparse() bool { return p.Sparse.RowStart != nil }

// Parts are a data set split and ready to be trained on. N is 0 in a part that is absent.
type Parts[F plugins.Float] struct {
	Train, Validation, Test Part[F]
}

// Prepare copies the rows of each part. With standardize, every feature is shifted and scaled to mean
// 0 and population standard deviation 1 over the training rows; one that is constant there
// becomes 0 everywhere. It computes in float64 and rounds to F at the end. Rows for validation or
// test that have a file of their own are taken from there, all of them.
//
// A sparse set is not standardized, even with standardize: shifting would leave none of its zeros.
func Prepare[F plugins.Float](s *Set, split Split, standardize bool) Parts[F] {
	validation, test := s, s
	if s.Validation != nil {
		validation, split.Validation = s.Validation, all(s.Validation)
	}
	if s.Test != nil {
		test, split.Test = s.Test, all(s.Test)
	}
	if s.IsSparse() {
		own := rounded[F](s.Sparse)
		of := func(from *Set, rows []int) Part[F] {
			if from == s {
				return sparsePart(s, own, rows)
			}
			return sparsePart(from, rounded[F](from.Sparse), rows)
		}
		return Parts[F]{Train: of(s, split.Train), Validation: of(validation, split.Validation), Test: of(test, split.Test)}
	}
	scales := make([]scale, s.Dim())
	for j := range scales {
		scales[j] = scale{factor: 1}
		if standardize {
			scales[j] = s.scale(j, split.Train)
		}
	}
	return Parts[F]{
		Train:      part[F](s, split.Train, scales),
		Validation: part[F](validation, split.Validation, scales),
		Test:       part[F](test, split.Test, scales),
	}
}

// Scales measures the means and factors of the features over some rows: [Prepare] standardizes by
// x ↦ (x − mean)·factor.
func (s *Set) Scales(rows []int) (mean, factor []float64) {
	mean, factor = make([]float64, s.Dim()), make([]float64, s.Dim())
	for j := range mean {
		by := s.scale(j, rows)
		mean[j], factor[j] = by.mean, by.factor
	}
	return mean, factor
}

// all is every row of a set.
func all(s *Set) []int {
	rows := make([]int, s.Len())
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// scale maps x to (x − mean)·factor.
type scale struct{ mean, factor float64 }

// scale measures feature j over some rows. Whether it is constant is decided by
// its values: rounding can give a constant column a tiny deviation, and division by it gives noise.
func (s *Set) scale(j int, rows []int) scale {
	if len(rows) == 0 {
		return scale{factor: 1}
	}
	d, first := s.Dim(), s.X[rows[0]*s.Dim()+j]
	constant, sum := true, 0.0
	for _, i := range rows {
		x := s.X[i*d+j]
		constant = constant && x == first
		sum += x
	}
	if constant {
		return scale{}
	}
	mean, squares := sum/float64(len(rows)), 0.0
	for _, i := range rows {
		x := s.X[i*d+j] - mean
		squares += float64(x * x)
	}
	return scale{mean, 1 / math.Sqrt(squares/float64(len(rows)))}
}

func part[F plugins.Float](s *Set, rows []int, scales []scale) Part[F] {
	d := s.Dim()
	p := Part[F]{X: make([]F, 0, len(rows)*d), N: len(rows), D: d, Classes: len(s.Classes)}
	for _, i := range rows {
		for j, x := range s.X[i*d : (i+1)*d] {
			p.X = append(p.X, F((x-scales[j].mean)*scales[j].factor))
		}
	}
	p.addTargets(s, rows)
	return p
}

func sparsePart[F plugins.Float](s *Set, m CSR[F], rows []int) Part[F] {
	p := Part[F]{N: len(rows), D: s.Width, Classes: len(s.Classes)}
	p.Sparse = CSR[F]{RowStart: make([]int, len(rows)), RowEnd: make([]int, len(rows))}
	m.Pick(&p.Sparse, rows)
	p.addTargets(s, rows)
	return p
}

func (p *Part[F]) addTargets(s *Set, rows []int) {
	for _, i := range rows {
		if s.Kind == Classification {
			p.Labels = append(p.Labels, int32(s.Y[i]))
		} else {
			p.Y = append(p.Y, F(s.Y[i]))
		}
	}
}

package data

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// A Part is the rows of a data set that serve one purpose, or a mini-batch of them.
type Part[F plugins.Float] struct {
	X       []F     // N×D, row-major
	Y       []F     // N targets of a regression
	Labels  []int32 // N class indices of a classification
	N, D    int
	Classes int // 0 for a regression
}

// Parts are a data set split and ready to be trained on. N is 0 in a part that is absent.
type Parts[F plugins.Float] struct {
	Train, Validation, Test Part[F]
}

// Prepare copies the rows of each part. With standardize, every feature is shifted and scaled to mean
// 0 and population standard deviation 1 over the training rows; one that is constant there
// becomes 0 everywhere. It computes in float64 and rounds to F at the end.
func Prepare[F plugins.Float](s *Set, split Split, standardize bool) Parts[F] {
	scales := make([]scale, s.Dim())
	for j := range scales {
		scales[j] = scale{factor: 1}
		if standardize {
			scales[j] = s.scale(j, split.Train)
		}
	}
	return Parts[F]{
		Train:      part[F](s, split.Train, scales),
		Validation: part[F](s, split.Validation, scales),
		Test:       part[F](s, split.Test, scales),
	}
}

// scale maps x to (x − mean)·factor.
type scale struct{ mean, factor float64 }

// scale measures feature j over some rows. Whether it is constant is asked of the values:
// rounding can give a constant column a tiny deviation, to divide by which would be noise.
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
		if s.Kind == Classification {
			p.Labels = append(p.Labels, int32(s.Y[i]))
		} else {
			p.Y = append(p.Y, F(s.Y[i]))
		}
	}
	return p
}

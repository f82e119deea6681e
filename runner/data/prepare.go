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

// OfClasses counts the rows of each class.
func (p Part[F]) OfClasses() []int {
	rows := make([]int, p.Classes)
	for _, label := range p.Labels {
		rows[label]++
	}
	return rows
}

// Parts are a data set split and ready to be trained on. N is 0 in a part that is absent.
type Parts[F plugins.Float] struct {
	Train, Validation, Test Part[F]
	Inputs                  []string // the names of the D columns; nil when the data is sparse
	Classes                 []string // the names of the classes; nil for a regression
}

// Prepare copies the rows of each part. With standardize, every feature is shifted and scaled to mean
// 0 and population standard deviation 1 over the training rows; one that is constant there, but for rounding,
// becomes 0 everywhere. It computes in float64 and rounds to F at the end. Rows for validation or
// test that have a file of their own are taken from there, all of them.
//
// A set that has to be encoded is encoded as [Set.Encode] says, fitted on the training rows.
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
		return Parts[F]{Train: of(s, split.Train), Validation: of(validation, split.Validation), Test: of(test, split.Test), Classes: s.Classes}
	}
	if e := s.Encode(split.Train, standardize); e != nil {
		return Parts[F]{
			Train:      encodedPart[F](s, e, split.Train),
			Validation: encodedPart[F](validation, e, split.Validation),
			Test:       encodedPart[F](test, e, split.Test),
			Inputs:     e.Inputs(),
			Classes:    s.Classes,
		}
	}
	var mean, factor []float64
	if standardize {
		mean, factor = s.Scales(split.Train)
	}
	return Parts[F]{
		Train:      part[F](s, split.Train, mean, factor),
		Validation: part[F](validation, split.Validation, mean, factor),
		Test:       part[F](test, split.Test, mean, factor),
		Inputs:     s.Features,
		Classes:    s.Classes,
	}
}

// Scales measures the means and factors of the features over some rows: [Prepare] standardizes by
// x ↦ (x − mean)·factor. Whether a feature is constant is decided by
// its values: rounding can give a constant column a tiny deviation, and division by it gives noise.
func (s *Set) Scales(rows []int) (mean, factor []float64) {
	mean, factor, _ = s.measure(rows)
	return mean, factor
}

// measure is Scales; it also tells the features that are constant.
func (s *Set) measure(rows []int) (mean, factor []float64, constant []bool) {
	d := s.Dim()
	mean, factor, constant = make([]float64, d), make([]float64, d), make([]bool, d)
	if len(rows) == 0 {
		for j := range factor {
			factor[j] = 1
		}
		return mean, factor, constant
	}
	varies, first, scratch := make([]bool, d), s.X.Row(rows[0]*d, d, make([]float64, d)), make([]float64, d)
	for _, i := range rows {
		for j, x := range s.X.Row(i*d, d, scratch) {
			varies[j] = varies[j] || x != first[j]
			mean[j] += x
		}
	}
	n := float64(len(rows))
	for j := range mean {
		mean[j] /= n
	}
	for _, i := range rows {
		for j, x := range s.X.Row(i*d, d, scratch) {
			x -= mean[j]
			factor[j] += float64(x * x)
		}
	}
	for j, squares := range factor {
		if factor[j] = 1 / math.Sqrt(squares/n); !isFinite(squares) || !isFinite(mean[j]) {
			mean[j], factor[j], constant[j] = s.measureLarge(rows, j)
			continue
		}
		if constant[j] = !varies[j] || onlyRounding(squares/n, mean[j], len(rows)); constant[j] {
			mean[j], factor[j] = 0, 0
		}
	}
	return mean, factor, constant
}

// measureLarge measures a feature whose squares are larger than any number, as a part of its largest.
func (s *Set) measureLarge(rows []int, j int) (mean, factor float64, constant bool) {
	largest, n := 0.0, float64(len(rows))
	for _, i := range rows {
		largest = max(largest, math.Abs(s.X.At(i*s.Dim()+j)))
	}
	for _, i := range rows {
		mean += s.X.At(i*s.Dim()+j) / largest / n
	}
	squares := 0.0
	for _, i := range rows {
		d := s.X.At(i*s.Dim()+j)/largest - mean
		squares += float64(d * d)
	}
	if onlyRounding(squares/n, mean, len(rows)) {
		return 0, 0, true
	}
	return float64(mean * largest), 1 / math.Sqrt(squares/n) / largest, false
}

// all is every row of a set.
func all(s *Set) []int {
	rows := make([]int, s.Len())
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// onlyRounding reports whether a variance of n numbers is no greater than its own rounding error, by the bound of the
// two-pass algorithm (Chan, Golub, LeVeque 1983, "Algorithms for computing the sample variance"). It is the rule of
// scikit-learn's StandardScaler (_is_constant_feature in sklearn/preprocessing/_data.py).
func onlyRounding(variance, mean float64, n int) bool {
	const eps = 0x1p-52
	e := float64(float64(n) * mean * eps)
	return isFinite(variance) && variance <= float64(float64(n)*eps*variance)+float64(e*e)
}

// roundedConstants lists the features that are constant but for rounding in all rows, or in most: where only those
// train, such a feature is standardized to 0. Features that are constant in all rows to the bit are not among them.
func (s *Set) roundedConstants() (names []string) {
	n, d := s.Len(), s.Dim()
	_, _, constant := s.measure(all(s))
	// A set of m rows that passes onlyRounding lies within m^1.5·|mean|·eps of its mean. A vote finds a value close to
	// most rows, if there is one (Boyer, Moore 1981); the exact rule then judges the rows that are close to it.
	slack := float64(2 * float64(n) * math.Sqrt(float64(n)) * 0x1p-52)
	near := func(a, b, slack float64) bool { return math.Abs(a-b) <= slack*max(math.Abs(a), math.Abs(b)) }
	varies, common, votes, close := make([]bool, d), make([]float64, d), make([]int, d), make([]int, d)
	first, scratch := s.X.Row(0, min(d, s.X.Len()), make([]float64, d)), make([]float64, d)
	apart := make([]bool, d) // whether rows close to the common value differ from it
	for i := range n {
		for j, x := range s.X.Row(i*d, d, scratch) {
			varies[j] = varies[j] || x != first[j]
			switch {
			case votes[j] == 0:
				common[j], votes[j] = x, 1
			case near(x, common[j], slack):
				votes[j]++
			default:
				votes[j]--
			}
		}
	}
	for i := range n {
		for j, x := range s.X.Row(i*d, d, scratch) {
			if votes[j] > 0 && near(x, common[j], float64(2*slack)) {
				close[j], apart[j] = close[j]+1, apart[j] || x != common[j]
			}
		}
	}
	for j, name := range s.Features {
		some := varies[j] && constant[j]
		if !some && apart[j] && 2*close[j] > n {
			some = s.roundedIn(j, func(x float64) bool { return near(x, common[j], float64(2*slack)) })
		}
		if some {
			names = append(names, name)
		}
	}
	return names
}

// roundedIn applies the rule to the rows in which feature j has certain values.
func (s *Set) roundedIn(j int, has func(float64) bool) bool {
	var x Numbers
	for i := range s.Len() {
		if v := s.X.At(i*s.Dim() + j); has(v) {
			x.append(v)
		}
	}
	one := &Set{Features: s.Features[j : j+1], X: x, Y: make([]float64, x.Len())}
	_, _, constant := one.measure(all(one))
	return constant[0]
}

// Standardize appends a row of inputs to dst: (x − mean)·factor in the precision of F, or x without a mean.
func Standardize[F plugins.Float](dst []F, x, mean, factor []float64) []F {
	for j, v := range x {
		if mean != nil {
			v = float64((v - mean[j]) * factor[j])
		}
		dst = append(dst, F(v))
	}
	return dst
}

func part[F plugins.Float](s *Set, rows []int, mean, factor []float64) Part[F] {
	d := s.Dim()
	p := Part[F]{X: make([]F, 0, len(rows)*d), N: len(rows), D: d, Classes: len(s.Classes)}
	scratch := make([]float64, d)
	for _, i := range rows {
		p.X = Standardize(p.X, s.X.Row(i*d, d, scratch), mean, factor)
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

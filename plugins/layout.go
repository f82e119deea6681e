package plugins

// A Role says how a tensor takes part in the model.
type Role string

// The roles of a tensor. Regularizers leave biases out unless the task asks for them.
const (
	RoleWeight Role = "weight"
	RoleBias   Role = "bias"
)

// A Tensor is one named array inside the parameter vector, row-major.
type Tensor struct {
	Name   string
	Shape  []int
	Role   Role
	Offset int // of its first element in the parameter vector
	// Penalized says whether a regularizer applies to it.
	Penalized bool
}

// Size is the number of elements of the tensor.
func (t Tensor) Size() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// A Layout names the tensors of a parameter vector, in order and without gaps.
type Layout []Tensor

// Dim is the length of the parameter vector.
func (l Layout) Dim() int {
	n := 0
	for _, t := range l {
		n += t.Size()
	}
	return n
}

// A Span is the half-open range [From, To) of a parameter vector.
type Span struct{ From, To int }

// Penalized lists the parts of the vector that a regularizer applies to, neighbours joined.
func (l Layout) Penalized() []Span {
	var spans []Span
	for _, t := range l {
		if !t.Penalized {
			continue
		}
		from, to := t.Offset, t.Offset+t.Size()
		if n := len(spans); n > 0 && spans[n-1].To == from {
			spans[n-1].To = to
			continue
		}
		spans = append(spans, Span{from, to})
	}
	return spans
}

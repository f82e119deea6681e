package plugins

import (
	"fmt"
	"slices"
)

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
	// Inputs name the columns of the weights that multiply the model's inputs, as xrun's other commands do: "age",
	// "age=(missing)", "port=Cork". A component that declares [FeatureInputs] is told them. It has none for all other
	// tensors, where data is sparse, where the problem has no data or is an [Objective]'s, and where xrun only tries
	// settings before a sweep begins.
	//
	// The names follow from the data, how it is read and which rows train. All of that is part of a trial's content, so they
	// need no place in its key.
	Inputs []string
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

// For returns the layout as a component with these features is told it: without the names of inputs unless it asks for them.
// Wide data has many, which most components do not read.
func (l Layout) For(features []string) Layout {
	if slices.Contains(features, FeatureInputs) || !slices.ContainsFunc(l, func(t Tensor) bool { return t.Inputs != nil }) {
		return l
	}
	l = slices.Clone(l)
	for i := range l {
		l[i].Inputs = nil
	}
	return l
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

// maxDim limits the length of a parameter vector, far above what one machine trains.
const maxDim = 1 << 40

// NewLayout puts tensors one behind the other.
func NewLayout(tensors ...Tensor) Layout {
	l := Layout(tensors)
	offset := 0
	for i := range l {
		l[i].Offset = offset
		offset += l[i].Size()
	}
	return l
}

// Check reports why l cannot be the layout of a parameter vector.
func (l Layout) Check() error {
	seen := map[string]bool{}
	offset := 0
	for _, t := range l {
		switch {
		case t.Name == "" || seen[t.Name]:
			return fmt.Errorf("tensor name %q is empty or used twice", t.Name)
		case t.Role != RoleWeight && t.Role != RoleBias:
			return fmt.Errorf("tensor %s has the role %q, want %s or %s", t.Name, t.Role, RoleWeight, RoleBias)
		case t.Offset != offset:
			return fmt.Errorf("tensor %s begins at element %d, want %d: tensors follow each other without gaps", t.Name, t.Offset, offset)
		}
		seen[t.Name] = true
		size := 1
		for _, d := range t.Shape {
			if d < 1 || size > maxDim/d {
				return fmt.Errorf("tensor %s has the impossible shape %v", t.Name, t.Shape)
			}
			size *= d
		}
		if n := len(t.Shape); t.Inputs != nil && (n == 0 || len(t.Inputs) != t.Shape[n-1]) {
			return fmt.Errorf("tensor %s has the shape %v and names %d inputs, want one for each column", t.Name, t.Shape, len(t.Inputs))
		}
		if offset += size; offset > maxDim {
			return fmt.Errorf("the parameters are more than %d", maxDim)
		}
	}
	if offset == 0 {
		return fmt.Errorf("there are no parameters")
	}
	return nil
}

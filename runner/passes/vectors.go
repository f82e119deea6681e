package passes

import "github.com/xrun-dev/xrun/plugins"

// kernels are the passes for the vectors of some instructions.
type kernels[F plugins.Float] struct {
	softmaxDerivative  func(table *F, z *F, row uintptr, rows int, labels *int32, columns int, share F)
	softmaxScore       func(table *F, z *F, row uintptr, rows int, labels *int32, columns int, rest, gap, first *F)
	logisticDerivative func(table *F, z *F, labels *int32, columns int, share F)
	logisticScore      func(table *F, z *F, labels *int32, columns int, rest, gap, first *F)
	loss               func(table *float64, rest, gap *F, columns int) float64
	tanh               func(table *F, h *F, columns int)
	tanhDerivative     func(table *F, d, h *F, columns int)
	relu               func(table *F, h *F, columns int)
	reluDerivative     func(table *F, d, h *F, columns int)
	sums               func(z *F, row uintptr, rows int, columns int, sums *F)
	transpose          func(to *F, stride uintptr, from *F, at *int, columns int)
}

// A set has the kernels for some instructions. Each processor's file lists its sets, the best first.
type set struct {
	name      string
	available bool
	f64       *kernels[float64]
	f32       *kernels[float32]
}

var chosen = choose()

func choose() *set {
	for i := range sets {
		if sets[i].available {
			return &sets[i]
		}
	}
	return nil
}

// of are the kernels for a precision, or nil.
func of[F plugins.Float](s *set) *kernels[F] {
	if s == nil {
		return nil
	}
	if k, ok := any(s.f64).(*kernels[F]); ok {
		return k
	}
	return any(s.f32).(*kernels[F])
}

func table[F plugins.Float]() *F {
	if t, ok := any(&table64[0]).(*F); ok {
		return t
	}
	return any(&table32[0]).(*F)
}

func faintTable[F plugins.Float]() *F {
	if t, ok := any(&faint64[0]).(*F); ok {
		return t
	}
	return any(&faint32[0]).(*F)
}

func size[F plugins.Float]() uintptr {
	if _, double := any(F(0)).(float64); double {
		return 8
	}
	return 4
}

func softmaxDerivative[F plugins.Float](z Tile[F], labels []int32, n int, share F) bool {
	k := of[F](chosen)
	if k != nil {
		k.softmaxDerivative(faintTable[F](), &z.Data[0], uintptr(z.Stride)*size[F](), z.Rows, &labels[0], n, share)
	}
	return k != nil
}

func softmaxScore[F plugins.Float](z Tile[F], labels []int32, n int, rest, gap, first []F) bool {
	k := of[F](chosen)
	if k != nil {
		k.softmaxScore(table[F](), &z.Data[0], uintptr(z.Stride)*size[F](), z.Rows, &labels[0], n, &rest[0], &gap[0], &first[0])
	}
	return k != nil
}

func logisticDerivative[F plugins.Float](z []F, labels []int32, n int, share F) bool {
	k := of[F](chosen)
	if k != nil {
		k.logisticDerivative(faintTable[F](), &z[0], &labels[0], n, share)
	}
	return k != nil
}

func logisticScore[F plugins.Float](z []F, labels []int32, n int, rest, gap, first []F) bool {
	k := of[F](chosen)
	if k != nil {
		k.logisticScore(table[F](), &z[0], &labels[0], n, &rest[0], &gap[0], &first[0])
	}
	return k != nil
}

func loss[F plugins.Float](rest, gap []F, n int) (sum float64, done bool) {
	k := of[F](chosen)
	if k == nil {
		return 0, false
	}
	return k.loss(&table64[0], &rest[0], &gap[0], n), true
}

func tanh[F plugins.Float](h Tile[F], n int) bool {
	k := of[F](chosen)
	if k != nil {
		for i := range h.Rows {
			k.tanh(table[F](), &h.Data[i*h.Stride], n)
		}
	}
	return k != nil
}

func tanhDerivative[F plugins.Float](d, h Tile[F], n int) bool {
	k := of[F](chosen)
	if k != nil {
		for i := range h.Rows {
			k.tanhDerivative(table[F](), &d.Data[i*d.Stride], &h.Data[i*h.Stride], n)
		}
	}
	return k != nil
}

func relu[F plugins.Float](h Tile[F], n int) bool {
	k := of[F](chosen)
	if k != nil {
		for i := range h.Rows {
			k.relu(table[F](), &h.Data[i*h.Stride], n)
		}
	}
	return k != nil
}

func reluDerivative[F plugins.Float](d, h Tile[F], n int) bool {
	k := of[F](chosen)
	if k != nil {
		for i := range h.Rows {
			k.reluDerivative(table[F](), &d.Data[i*d.Stride], &h.Data[i*h.Stride], n)
		}
	}
	return k != nil
}

func sumsOf[F plugins.Float](sums []F, z Tile[F], n int) bool {
	k := of[F](chosen)
	if k != nil {
		k.sums(&z.Data[0], uintptr(z.Stride)*size[F](), z.Rows, n, &sums[0])
	}
	return k != nil
}

// transpose writes blocks of rows and columns, and says how many of each.
func transpose[F plugins.Float](to []F, stride int, from []F, at []int, columns int) (rows, done int) {
	k := of[F](chosen)
	lanes := int(32 / size[F]())
	if done = columns / lanes * lanes; k == nil || done == 0 {
		return 0, 0
	}
	for rows+lanes <= len(at) {
		k.transpose(&to[rows], uintptr(stride)*size[F](), &from[0], &at[rows], done)
		rows += lanes
	}
	return rows, done
}

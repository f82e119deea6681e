package protocol

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
)

// piece is how many numbers a message with data has at most: 4 MiB.
const piece = 1 << 19

// Pieces calls send with the messages that hand data with a number over, until it returns an error.
func Pieces(number uint32, d *plugins.Data, send func(*pluginv1.LoadRequest) error) error {
	shape := &pluginv1.DataShape{Inputs: d.Inputs, Classes: d.Classes}
	for _, part := range d.Parts() {
		shape.Rows = append(shape.Rows, int64(part.Len()))
	}
	if err := send(&pluginv1.LoadRequest{Data: number, Shape: shape}); err != nil {
		return err
	}
	for i, part := range d.Parts() {
		at := 0
		for _, vector := range [][]float64{part.X, part.Y} {
			for len(vector) > 0 {
				n := min(piece, len(vector))
				r := &pluginv1.LoadRequest{Data: number, Part: uint32(i), At: int64(at), Values: make([]byte, 0, 8*n)}
				for _, x := range vector[:n] {
					r.Values = binary.LittleEndian.AppendUint64(r.Values, math.Float64bits(x))
				}
				if err := send(r); err != nil {
					return err
				}
				at, vector = at+n, vector[n:]
			}
		}
	}
	return nil
}

// A Loader puts data together from its pieces. It keeps the newest only.
type Loader struct {
	number uint32
	data   *plugins.Data
	parts  [][]float64 // X and then Y
}

// Put takes a piece.
func (l *Loader) Put(r *pluginv1.LoadRequest) error {
	if shape := r.GetShape(); shape != nil {
		l.number, l.data, l.parts = r.GetData(), &plugins.Data{Inputs: shape.GetInputs(), Classes: shape.GetClasses()}, nil
		for i, part := range l.data.Parts() {
			n := 0
			if i < len(shape.GetRows()) {
				n = int(shape.GetRows()[i])
			}
			columns := len(l.data.Inputs)
			all := make([]float64, n*(columns+1))
			part.X, part.Y = all[:n*columns:n*columns], all[n*columns:]
			l.parts = append(l.parts, all)
		}
		return nil
	}
	if l.data == nil || r.GetData() != l.number || int(r.GetPart()) >= len(l.parts) {
		return fmt.Errorf("a piece of data %d, part %d, without its shape", r.GetData(), r.GetPart())
	}
	to, values := l.parts[r.GetPart()], r.GetValues()
	if at := r.GetAt(); at < 0 || at+int64(len(values)/8) > int64(len(to)) {
		return fmt.Errorf("a piece of data from %d on, but the part has %d numbers", at, len(to))
	}
	to = to[r.GetAt():]
	for i := range len(values) / 8 {
		to[i] = math.Float64frombits(binary.LittleEndian.Uint64(values[8*i:]))
	}
	return nil
}

// Data is the data with a number; nil if it is not there.
func (l *Loader) Data(number uint32) *plugins.Data {
	if number == 0 || number != l.number {
		return nil
	}
	return l.data
}

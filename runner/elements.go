package runner

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/xrun-dev/xrun/plugins"
)

// elements are those that stand in memory.
func elements[F plugins.Float](b []byte) []F {
	var zero F
	return unsafe.Slice((*F)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(zero)))
}

// bytesOf is the memory of elements.
func bytesOf[F plugins.Float](v []F) []byte {
	var zero F
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(zero)))
}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// little are elements as little-endian bytes, wherever they were computed.
func little[F plugins.Float](v []F) []byte {
	b := slices.Clone(bytesOf(v))
	turn[F](b)
	return b
}

// fromLittle sets elements to those of as many little-endian bytes.
func fromLittle[F plugins.Float](v []F, from []byte) {
	b := bytesOf(v)
	copy(b, from)
	turn[F](b)
}

// turn turns the bytes of each element round on machines that store them the other way.
func turn[F plugins.Float](b []byte) {
	if bigEndian {
		for size := int(unsafe.Sizeof(F(0))); len(b) > 0; b = b[size:] {
			slices.Reverse(b[:size])
		}
	}
}

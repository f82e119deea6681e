package runner

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/xrun-dev/xrun/plugins"
)

// safetensors encodes a parameter vector in the format of that name, one tensor for each of the
// layout: the length of the header, the header as JSON padded to 8 bytes, the elements.
func safetensors[F plugins.Float](layout plugins.Layout, params []F) []byte {
	dtype, width := "F64", 8
	if plugins.DTypeOf[F]() == plugins.Float32 {
		dtype, width = "F32", 4
	}
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]entry{}
	for _, t := range layout {
		header[t.Name] = entry{dtype, t.Shape, [2]int{t.Offset * width, (t.Offset + t.Size()) * width}}
	}
	text, err := json.Marshal(header) // map keys come out sorted
	if err != nil {
		panic(fmt.Sprintf("runner: encode safetensors header: %v", err))
	}
	text = append(text, bytes.Repeat([]byte(" "), (8-len(text)%8)%8)...)
	out := make([]byte, 0, 8+len(text)+len(params)*width)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(text)))
	out = append(out, text...)
	return append(out, little(params)...)
}

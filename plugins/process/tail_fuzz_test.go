package process

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins/protocol"
)

// Whatever a plugin prints, in whatever pieces: it is read to its end, and little of it is kept.
func FuzzTail(f *testing.F) {
	f.Add([]byte("panic: oh\n{\"@message\":5}\n\x1b[31mred\n"))
	f.Add(bytes.Repeat([]byte("x"), 200_000))
	f.Add([]byte("\n\n\r\n\x00\xff\n"))
	f.Fuzz(func(t *testing.T, printed []byte) {
		var kept tail
		r := bytes.NewReader(printed)
		kept.read(r, nil, func(line string) bool { return strings.HasPrefix(line, "keep") })
		if r.Len() > 0 {
			t.Errorf("%d bytes were not read", r.Len())
		}
		last := kept.last()
		if n := strings.Count(last, "\n") + 1; n > tailLines+crashesLines+3 { // with the lines that say what is left out
			t.Errorf("%d lines are kept", n)
		}
		if len(last) > protocol.MaxText {
			t.Errorf("%d bytes are kept", len(last))
		}
	})
}

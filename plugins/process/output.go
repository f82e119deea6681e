package process

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/xrun-dev/xrun/plugins/protocol"
)

// Plain is what a program printed without escape sequences and control characters, so that a terminal can show it.
func Plain(output string) string { return protocol.Plain(output) }

// The bytes that are kept of the beginning and of the end of a program's output.
const (
	outputHead = 64 << 10
	outputTail = 192 << 10
)

// Output keeps what is written to it, in the order of arrival and within fixed bounds.
type Output struct {
	mu    sync.Mutex
	head  []byte
	tail  []byte // a ring once it is full
	next  int    // where the ring goes on
	total int64
}

// Add is what the program printed next.
func (o *Output) Add(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total += int64(len(p))
	n := min(len(p), outputHead-len(o.head))
	o.head = append(o.head, p[:n]...)
	p = p[n:]
	if len(p) > outputTail {
		p = p[len(p)-outputTail:]
	}
	if room := outputTail - len(o.tail); room > 0 {
		n := min(room, len(p))
		o.tail = append(o.tail, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(o.tail[o.next:], p)
		p = p[n:]
		o.next = (o.next + n) % outputTail
	}
}

// Bytes returns the kept output. If bytes are missing, a line between whole lines says how many.
func (o *Output) Bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	tail := append(o.tail[o.next:len(o.tail):len(o.tail)], o.tail[:o.next]...)
	if int64(len(o.head)+len(tail)) == o.total {
		return append(o.head[:len(o.head):len(o.head)], tail...)
	}
	head := o.head[:bytes.LastIndexByte(o.head, '\n')+1]
	if len(head) == 0 {
		head = o.head
	}
	if i := bytes.IndexByte(tail, '\n'); i >= 0 && i+1 < len(tail) {
		tail = tail[i+1:]
	}
	var b bytes.Buffer
	b.Write(head)
	if head[len(head)-1] != '\n' {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "… %d bytes left out …\n", o.total-int64(len(head)+len(tail)))
	b.Write(tail)
	return b.Bytes()
}

package process

import (
	"bytes"
	"fmt"
	"sync"
)

// The bytes that are kept of the beginning and of the end of a program's output.
const (
	outputHead = 64 << 10
	outputTail = 192 << 10
)

// output keeps what is written to it, in the order of arrival and within fixed bounds.
type output struct {
	mu    sync.Mutex
	head  []byte
	tail  []byte // a ring once it is full
	next  int    // where the ring goes on
	total int64
}

func (o *output) write(p []byte) {
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

// bytes returns the kept output. If bytes are missing, a line between whole lines says how many.
func (o *output) bytes() []byte {
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

package ui

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// A crowd is the connections of a server. There are at most so many: where one more comes, the one that has waited longest
// without a whole request is closed for it, so that connections that only wait, or send their request by the byte, keep
// nobody out. Where all are at work, the new one is closed.
type crowd struct {
	net.Listener
	most int

	mu      sync.Mutex
	waiting map[net.Conn]time.Time // since when; without those at work
	all     map[net.Conn]bool
}

func newCrowd(l net.Listener, most int) *crowd {
	return &crowd{Listener: l, most: most, waiting: map[net.Conn]time.Time{}, all: map[net.Conn]bool{}}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c.admit(conn) {
			return conn, nil
		}
		conn.Close()
	}
}

func (c *crowd) admit(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.all) >= c.most {
		var oldest net.Conn
		for other, since := range c.waiting {
			if oldest == nil || since.Before(c.waiting[oldest]) {
				oldest = other
			}
		}
		if oldest == nil {
			return false
		}
		delete(c.waiting, oldest)
		delete(c.all, oldest)
		oldest.Close()
	}
	c.all[conn], c.waiting[conn] = true, time.Now()
	return true
}

// state is the server's hook for states of connections. With TLS the server has a connection of its own around each.
func (c *crowd) state(conn net.Conn, now http.ConnState) {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = wrapped.NetConn()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.all[conn] {
		return
	}
	switch now {
	case http.StateActive, http.StateHijacked:
		delete(c.waiting, conn)
	case http.StateIdle:
		c.waiting[conn] = time.Now()
	case http.StateClosed:
		delete(c.waiting, conn)
		delete(c.all, conn)
	}
}

package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func leased(t *testing.T) Dir {
	t.Helper()
	d := Dir(t.TempDir())
	if err := d.Make(); err != nil {
		t.Fatal(err)
	}
	return d
}

// Of many that take the lease at once one has it.
func TestOneCollectorHasTheLease(t *testing.T) {
	d := leased(t)
	var mu sync.Mutex
	var held []*Lease
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			l, err := d.Hold()
			if _, other := errors.AsType[*HeldError](err); err != nil && !other {
				t.Error(err)
			}
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				held = append(held, l)
			}
		})
	}
	wg.Wait()
	if len(held) != 1 {
		t.Fatalf("%d processes have the lease", len(held))
	}
	if err := held[0].Check(); err != nil {
		t.Error(err)
	}
	if err := held[0].Release(); err != nil {
		t.Error(err)
	}
	again, err := d.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(d.in("collector*")); len(files) > 0 {
		t.Errorf("%q is left", files)
	}
}

// A lease that its holder does not renew, on whatever machine, is taken over; the holder learns that.
func TestALeaseExpires(t *testing.T) {
	d := leased(t)
	l, err := d.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.mine, []byte("pid 1 on elsewhere\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Hold(); err == nil {
		t.Fatal("a lease that was renewed just now was taken")
	}
	old := time.Now().Add(-2 * expiry)
	if err := os.Chtimes(l.mine, old, old); err != nil {
		t.Fatal(err)
	}
	taken, err := d.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err == nil {
		t.Error("the old holder does not notice")
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if err := taken.Check(); err != nil {
		t.Errorf("the new holder lost it when the old one ended: %v", err)
	}
	if err := taken.Release(); err != nil {
		t.Error(err)
	}
}

// The holder's process is no more: nobody waits for the lease to expire.
func TestALeaseOfADeadProcess(t *testing.T) {
	d := leased(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	holder := "pid 2147483646 on " + host + " "
	if err := os.WriteFile(d.in("collector"), []byte(holder+"pid:[0]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Hold(); err == nil {
		t.Fatal("the lease of a process that cannot be seen from here was taken")
	}
	if err := os.WriteFile(d.in("collector"), []byte(holder+numbering()+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := d.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

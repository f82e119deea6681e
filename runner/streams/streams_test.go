package streams

import "testing"

// These numbers are part of every result: a change of one is a change of all results. The first
// half of a state is the first eight bytes of SHA-256("xrun stream 1\nNAME\nSEED\n"), little-endian.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		seed  int64
		name  string
		state uint64
		draws [3]uint64
	}{
		{0, Split, 0xfe35c2f60793da1e, [3]uint64{0xa701db528390f765, 0x130a42bde1f74007, 0x772efc9f0166c9e9}},
		{0, Init, 0xe024ee08c5e5c9ad, [3]uint64{0x78d880105abeb573, 0x4f4877a775a5e4a0, 0x1a8fd68510dbe9ae}},
		{0, Order, 0xc53792968ae6fd0f, [3]uint64{0xaa4adaff63ee6676, 0x8ffc76d4b0e56b5e, 0xf7bc0554535d04d}},
		{0, Noise, 0x42032e3a6469125d, [3]uint64{0x178a7954cbbb41eb, 0x40759c67c410c548, 0x1889dd1fe2228fd8}},
		{1, Split, 0x7d86fb3aa96bbdf2, [3]uint64{0x430d729058e2f97f, 0x708e42e1cc03ddc6, 0x9c9889ca861bd99b}},
		{-1, Order, 0x15962e897c0d5c7e, [3]uint64{0x87c7711bcc00f855, 0x642e0a2669de7c1, 0xabd63e5e30d95ffa}},
		{1 << 62, Init, 0x910c72c3c582c76a, [3]uint64{0x2f00ecea35a39618, 0xfb525f260608316e, 0xa58361b9899814f4}},
	} {
		if got := Seed(c.seed, c.name); got != c.state {
			t.Errorf("Seed(%d, %q) = %#x, want %#x", c.seed, c.name, got, c.state)
		}
		r := New(c.seed, c.name)
		if got := [3]uint64{r.Uint64(), r.Uint64(), r.Uint64()}; got != c.draws {
			t.Errorf("New(%d, %q) draws %#x, want %#x", c.seed, c.name, got, c.draws)
		}
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[uint64]string{}
	for seed := range int64(100) {
		for _, name := range []string{Split, Init, Order, Noise} {
			first := New(seed, name).Uint64()
			if other, ok := seen[first]; ok {
				t.Errorf("%s of seed %d begins as %s", name, seed, other)
			}
			seen[first] = name
		}
	}
}

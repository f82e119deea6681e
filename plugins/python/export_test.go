package python

import "testing"

// Numerics is the revision of the module's arithmetic.
func Numerics() int { return numerics }

// SetNumerics has a test see another revision.
func SetNumerics(t *testing.T, revision int) {
	before := numerics
	t.Cleanup(func() { numerics = before })
	numerics = revision
}

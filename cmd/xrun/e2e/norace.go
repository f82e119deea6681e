//go:build !race

package e2e

// raceEnabled reports whether the tests, and so the xrun that they start, are built with the race detector.
const raceEnabled = false

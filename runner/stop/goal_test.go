package stop

import "testing"

func TestGoalByName(t *testing.T) {
	for _, c := range []struct {
		name  string
		goal  Goal
		known bool
	}{
		{"val_loss", Min, true},
		{"J", Min, true},
		{"test rmse", Min, true},
		{"val_accuracy", Max, true},
		{"accuracy", Max, true},
		{"val_r2", Max, true},
		{"eval/F1", Max, true},
		{"eval-return.mean", Max, true},
		{"accuracy_error", Min, true}, // the last word counts
		{"error.accuracy", Max, true},
		{"lossless", Min, false},
		{"throughput", Min, false},
		{"", Min, false},
	} {
		if goal, known := GoalByName(c.name); goal != c.goal || known != c.known {
			t.Errorf("%q: %s, %v; want %s, %v", c.name, goal, known, c.goal, c.known)
		}
	}
}

package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// share is the share of the sweep that is done.
func (v *View) share() float64 {
	if len(v.board.order) == 0 {
		return 1
	}
	return min((float64(v.board.ended)+v.inTraining())/float64(len(v.board.order)), 1)
}

// percent is the share in percent. It is 100 only when all trials have ended.
func (v *View) percent() int {
	if v.board.ended < len(v.board.order) {
		return min(int(100*v.share()), 99)
	}
	return 100
}

// inTraining is what the trials in training have done, in trials.
func (v *View) inTraining() (sum float64) {
	for _, t := range v.trials {
		sum += shareOf(t.epochs, t.epoch)
	}
	return sum
}

// left is the remaining time in words.
func (v *View) left() string {
	if left, known := v.timeLeft(); known {
		return fmt.Sprintf(", ~%s left", left)
	}
	return ""
}

// timeLeft estimates the remaining time by what this session has done so far.
func (v *View) timeLeft() (left time.Duration, known bool) {
	done := v.work
	for _, t := range v.trials {
		done += shareOf(t.epochs, t.epoch) - t.from
	}
	rest := float64(len(v.board.order)-v.board.ended) - v.inTraining()
	elapsed := time.Since(v.began)
	if share := done / (done + rest); !(share >= 0.02) || elapsed < time.Second || rest <= 0 {
		return 0, false
	}
	return time.Duration(float64(elapsed) * rest / done).Round(time.Second), true
}

// most is how many problems a view shows the best of. Of more it shows one, the one in training.
const most = 3

// current is the problem that trains now, or trained last.
func (v *View) current() *problem {
	if running := v.running(); len(running) > 0 && running[0].problem != nil && running[0].problem.lead() >= 0 {
		return running[0].problem
	}
	if v.last != nil && v.last.lead() >= 0 {
		return v.last
	}
	for _, p := range v.board.problems {
		if p.lead() >= 0 {
			return p
		}
	}
	return nil
}

// bests describes the best point of each problem, or of the current one if there are many.
func (v *View) bests() (lines []string) {
	shown := v.board.problems
	if len(shown) > most {
		shown = shown[:0:0]
		if p := v.current(); p != nil {
			shown = append(shown, p)
		}
	}
	for _, p := range shown {
		if text := p.best(); text != "" {
			lines = append(lines, text)
		}
	}
	return lines
}

func (v *View) summary() string {
	var parts []string
	for _, status := range []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusPruned, runner.StatusDiverged, runner.StatusFailed, runner.StatusInterrupted} {
		if n := v.ends[status]; n > 0 {
			name := string(status)
			if status == runner.StatusStopped {
				name = "stopped early"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	if v.before > 0 {
		parts = append(parts, fmt.Sprintf("%d done before", v.before))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing has ended yet")
	}
	return fmt.Sprintf("%s · %s", strings.Join(parts, " · "), time.Since(v.began).Round(100*time.Millisecond))
}

// running lists the trials in training, the furthest first.
func (v *View) running() []*trial {
	var all []*trial
	for _, t := range v.trials {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *trial) int {
		if a.epoch != b.epoch {
			return b.epoch - a.epoch
		}
		return strings.Compare(fmt.Sprint(a.name, a.Seed), fmt.Sprint(b.name, b.Seed))
	})
	return all
}

package live

import "fmt"

// Shown is what a view shows of the state of a sweep: the bar, and the best and the map of each problem.
func (v *View) Shown() (lines []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	lines = append(lines, fmt.Sprintf("%d/%d %.4f", v.board.ended, len(v.board.order), v.share()))
	for _, p := range v.board.problems {
		lines = append(append(lines, p.best()), p.heatmap(80)...)
	}
	for _, t := range v.running() {
		lines = append(lines, fmt.Sprintf("%s seed %d epoch %d %v, no report: %v", t.name, t.Seed, t.epoch, t.value, t.began))
	}
	return lines
}

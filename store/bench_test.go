package store

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

var fourMetrics = []string{"loss", "penalty", "val_loss", "val_accuracy"}

// fill records epochs × metrics of all trials, in cohorts of 64, and ends them.
func fill(b testing.TB, r *Recorder, trials []runner.Trial, epochs int, metrics []string) {
	for from := 0; from < len(trials); from += 64 {
		runs := begin(b, r, trials[from:min(from+64, len(trials))])
		for e := range epochs {
			u := runner.Update{Points: make([]runner.Points, len(runs))}
			for i, run := range runs {
				values := make([]float64, len(metrics))
				for m := range values {
					values[m] = 1 / (float64(e*len(runs)+i) + 1.37*float64(m+1))
				}
				u.Points[i] = runner.Points{Run: run, Epoch: e, Metrics: metrics, Values: values}
			}
			record(b, r, u)
		}
		u := runner.Update{}
		for _, run := range runs {
			u.Ends = append(u.Ends, runner.End{Run: run, Status: runner.StatusFinished, Epochs: epochs - 1})
		}
		record(b, r, u)
	}
	flush(b, r)
}

func BenchmarkRecord(b *testing.B) {
	trials := grid(1024)
	const epochs = 100
	var size, points int64
	for b.Loop() {
		b.StopTimer()
		s := open(b, filepath.Join(b.TempDir(), "xrun.db"))
		r := s.Recorder(put(b, s, trials), Environment{}, nil)
		before, _ := os.Stat(s.Path())
		b.StartTimer()
		fill(b, r, trials, epochs, fourMetrics)
		b.StopTimer()
		s.Close()
		after, err := os.Stat(s.Path())
		if err != nil {
			b.Fatal(err)
		}
		size += after.Size() - before.Size()
		points += int64(len(trials) * epochs * len(fourMetrics))
		b.StartTimer()
	}
	b.ReportMetric(float64(points)/b.Elapsed().Seconds(), "points/s")
	b.ReportMetric(float64(size)/float64(points), "B/point")
}

func BenchmarkPutSweep(b *testing.B) {
	trials := grid(1000)
	for b.Loop() {
		b.StopTimer()
		s := open(b, filepath.Join(b.TempDir(), "xrun.db"))
		b.StartTimer()
		put(b, s, trials)
	}
	b.ReportMetric(float64(b.N*len(trials))/b.Elapsed().Seconds(), "trials/s")
}

func BenchmarkWholeTrials(b *testing.B) {
	trials := grid(1000)
	for b.Loop() {
		b.StopTimer()
		s := open(b, filepath.Join(b.TempDir(), "xrun.db"))
		r := s.Recorder(put(b, s, trials), Environment{}, nil)
		b.StartTimer()
		fill(b, r, trials, 20, fourMetrics[:3])
	}
	b.ReportMetric(float64(b.N*len(trials))/b.Elapsed().Seconds(), "trials/s")
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct{ runs, epochs int }{{10000, 100}, {30000, 1}} {
		s := open(b, filepath.Join(b.TempDir(), "xrun.db"))
		trials := grid(c.runs)
		id := put(b, s, trials)
		fill(b, s.Recorder(id, Environment{}, nil), trials, c.epochs, fourMetrics)
		b.Run(fmt.Sprintf("results/runs=%d/epochs=%d", c.runs, c.epochs), func(b *testing.B) {
			for b.Loop() {
				if all, err := s.Results(b.Context(), id, "val_loss"); err != nil || len(all) != c.runs || !all[0].Found {
					b.Fatal(len(all), err)
				}
			}
		})
		b.Run(fmt.Sprintf("runs/runs=%d", c.runs), func(b *testing.B) {
			for b.Loop() {
				if all, err := s.Runs(b.Context(), RunQuery{}); err != nil || len(all) != c.runs {
					b.Fatal(len(all), err)
				}
			}
		})
		b.Run(fmt.Sprintf("sweeps/runs=%d", c.runs), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Sweeps(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

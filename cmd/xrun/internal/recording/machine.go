package recording

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/store/journal"
)

// machineWriter is the name of the recorder among the writers of a journal: its values are of the machine, and belong to the next step.
const machineWriter = "recorder"

// A Machine measures what a script and its processes take: system_cpu_percent of one core, system_memory_mb, and on NVIDIA's GPUs
// system_gpu_percent and system_gpu_memory_mb, of the busiest. Processors and memory are measured on Linux.
type Machine struct {
	Process int           // of the script
	Every   time.Duration // a measurement

	next  time.Time
	spent float64 // seconds of processors at the last measurement
	at    time.Time
	noGPU bool
}

// measure appends values to the journal when it is time to.
func (m *Machine) measure(to *os.File, r *Recording) {
	now := time.Now()
	if m.Every <= 0 || now.Before(m.next) {
		return
	}
	first := m.at.IsZero()
	m.next = now.Add(m.Every)
	values := m.look(now)
	if first {
		m.next = now.Add(min(m.Every, time.Second))
		return // nothing to compare with
	}
	if len(values) == 0 {
		return
	}
	for _, a := range r.order {
		if a.over || a.begun == nil {
			continue
		}
		if journal.Append(to, journal.Record{Attempt: a.token, Writer: machineWriter, Log: values}) != nil {
			m.Every = 0 // of a full disk: what the script logs matters more
		}
	}
}

func (m *Machine) look(now time.Time) (values journal.Values) {
	if spent, memory, ok := processes(m.Process); ok {
		if !m.at.IsZero() {
			if passed := now.Sub(m.at).Seconds(); passed > 0 {
				values = append(values, journal.Value{Metric: systemPrefix + "cpu_percent", Value: max(0, 100*(spent-m.spent)/passed)})
			}
			values = append(values, journal.Value{Metric: systemPrefix + "memory_mb", Value: memory / 1e6})
		}
		m.spent = spent
	}
	m.at = now
	if !m.noGPU {
		busy, memory, ok := gpu()
		m.noGPU = !ok
		if ok {
			values = append(values, journal.Value{Metric: systemPrefix + "gpu_percent", Value: busy}, journal.Value{Metric: systemPrefix + "gpu_memory_mb", Value: memory})
		}
	}
	return values
}

// processes adds up the processor time, in seconds, and the resident memory, in bytes, of a process and its descendants, but for this one.
func processes(root int) (seconds, memory float64, ok bool) {
	if runtime.GOOS != "linux" {
		return 0, 0, false
	}
	todo, self := []int{root}, os.Getpid()
	for len(todo) > 0 && len(todo) < 1<<12 {
		pid := todo[0]
		todo = todo[1:]
		folder := filepath.Join("/proc", strconv.Itoa(pid))
		text, err := os.ReadFile(filepath.Join(folder, "stat"))
		if err != nil || pid == self {
			continue
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the state on
		const user, resident, ticks = 11, 21, 100.0
		if len(fields) <= resident {
			continue
		}
		for _, field := range fields[user : user+4] { // its own and that of the children it has waited for
			n, _ := strconv.ParseFloat(field, 64)
			seconds += n / ticks
		}
		pages, _ := strconv.ParseFloat(fields[resident], 64)
		memory += pages * float64(os.Getpagesize())
		ok = true
		tasks, _ := filepath.Glob(filepath.Join(folder, "task", "*", "children"))
		for _, task := range tasks {
			children, _ := os.ReadFile(task)
			for _, child := range strings.Fields(string(children)) {
				if n, err := strconv.Atoi(child); err == nil {
					todo = append(todo, n)
				}
			}
		}
	}
	return seconds, memory, ok
}

// gpu asks NVIDIA's driver for the use of the busiest GPU, in percent, and for its memory in use, in MB.
func gpu() (percent, memory float64, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits").Output()
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(out)) {
		use, used, both := strings.Cut(strings.TrimSpace(line), ",")
		u, err := strconv.ParseFloat(strings.TrimSpace(use), 64)
		mem, memErr := strconv.ParseFloat(strings.TrimSpace(used), 64)
		if both && err == nil && memErr == nil && (!ok || u > percent) {
			percent, memory, ok = u, mem*1.048576, true // it counts MiB
		}
	}
	return percent, memory, ok
}

package slurmtest

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	watchVariable   = "XRUN_SLURMTEST_WATCH"   // the directory of the cluster that a process is to end
	clusterVariable = "XRUN_SLURMTEST_CLUSTER" // the directory of the cluster to which a daemon belongs
	nodeVariable    = "XRUN_SLURMTEST_NODE"    // its node
)

// session starts a process apart from the signals that end the tests.
var session = &syscall.SysProcAttr{Setsid: true}

// The process that ends a cluster is the test binary, before its main. It reads until the test has closed the pipe or has ended.
func init() {
	dir := os.Getenv(watchVariable)
	if dir == "" {
		return
	}
	io.Copy(io.Discard, os.Stdin)
	for begin := time.Now(); killAll(dir, func(process) bool { return true }); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			fmt.Fprintf(os.Stderr, "these processes do not end: %v\n", scan(dir))
			os.Exit(1)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A process belongs to a cluster.
type process struct {
	pid, parent, session int
	daemon               bool   // or a slurmstepd, which keeps the processes of a task
	node                 string // of a slurmd and below; otherwise the daemon's name
	job                  string // of a process of a job
	name, command        string
}

// scan finds the processes of the cluster in a directory: its daemons, by what they were started with; the slurmstepd of each
// task, which has overwritten its environment, by its socket; processes of jobs, by what Slurm has told them; and those
// in the session of a found one, or started by one. Processes of others do not count, whatever they say.
func scan(dir string) []process {
	own := sessionOf(os.Getpid())
	sockets := socketsIn(dir)
	conf := filepath.Join(dir, "slurm.conf")
	var found, rest []process
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		p, ok := read(filepath.Dir(file))
		if !ok || p.pid == os.Getpid() || p.session == own {
			continue
		}
		environ := environment(p.pid)
		switch {
		case environ["SLURM_CONF"] == conf && environ["SLURMD_NODENAME"] != "":
			p.node, p.job = environ["SLURMD_NODENAME"], environ["SLURM_JOB_ID"]
			if index := environ["SLURM_ARRAY_TASK_ID"]; index != "" {
				p.job = environ["SLURM_ARRAY_JOB_ID"] + "_" + index
			}
			found = append(found, p)
		case environ[clusterVariable] == dir:
			p.node, p.daemon = environ[nodeVariable], true
			found = append(found, p)
		default:
			if node := nodeOf(p, sockets); node != "" {
				p.node, p.daemon = node, true
				found = append(found, p)
			} else {
				rest = append(rest, p)
			}
		}
	}
	for grown := true; grown; {
		grown = false
		rest = slices.DeleteFunc(rest, func(p process) bool {
			var kin bool
			for _, f := range found {
				if f.session == p.session || f.pid == p.parent {
					kin, p.node, p.job = true, f.node, cmp.Or(p.job, f.job)
					p.daemon = p.daemon || keeper(p) || f.daemon && !keeper(f) // slurmctld and slurmd have helpers
				}
			}
			if kin {
				found, grown = append(found, p), true
			}
			return kin
		})
	}
	slices.SortFunc(found, func(a, b process) int { return a.pid - b.pid })
	return found
}

// read is what /proc says of a process that runs.
func read(dir string) (process, bool) {
	text, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return process{}, false
	}
	open, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:])) // state, parent, group, session
	p := process{name: string(text[open+1 : end])}
	p.pid, _ = strconv.Atoi(filepath.Base(dir))
	p.parent, _ = strconv.Atoi(fields[1])
	p.session, _ = strconv.Atoi(fields[3])
	command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	p.command = strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
	return p, fields[0] != "Z" && fields[0] != "X"
}

func sessionOf(pid int) int {
	p, _ := read(fmt.Sprintf("/proc/%d", pid))
	return p.session
}

func environment(pid int) map[string]string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for _, variable := range strings.Split(string(text), "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		all[name] = value
	}
	return all
}

// socketsIn are the sockets of slurmstepds, by the link that a descriptor of theirs is, with their nodes. That of
// step 3.batch on n1 is spool.n1/n1_3.4294967291.
func socketsIn(dir string) map[string]string {
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			continue
		}
		if path, ok := strings.CutPrefix(fields[7], filepath.Join(dir, "spool.")); ok {
			node, _, _ := strings.Cut(path, "/")
			all["socket:["+fields[6]+"]"] = node
		}
	}
	return all
}

func keeper(p process) bool { return p.name == "slurmstepd" }

// nodeOf is the node of a slurmstepd of the cluster; empty for other processes.
func nodeOf(p process, sockets map[string]string) string {
	if !keeper(p) {
		return ""
	}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.pid))
	for _, file := range files {
		if link, err := os.Readlink(file); err == nil && sockets[link] != "" {
			return sockets[link]
		}
	}
	return ""
}

// killAll kills the processes of a cluster that are chosen, daemons and slurmstepds first, so that they do not see the others end. It
// reports whether there were any.
func killAll(dir string, chosen func(process) bool) bool {
	all := slices.DeleteFunc(scan(dir), func(p process) bool { return !chosen(p) })
	for _, jobs := range []bool{false, true} {
		for _, p := range all {
			if p.daemon != jobs {
				syscall.Kill(p.pid, syscall.SIGKILL)
			}
		}
	}
	return len(all) > 0
}

// killSession kills the processes of a daemon's session.
func killSession(leader int) {
	syscall.Kill(leader, syscall.SIGKILL)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		if p, ok := read(filepath.Dir(file)); ok && p.session == leader {
			syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}

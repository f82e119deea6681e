package slurmtest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// patience is the longest that a test waits for the cluster. On an idle machine it waits for a few seconds at most.
	patience = 2 * time.Minute

	// credentialExpiry is the shortest that Slurm takes; it puts 120 s in place of less. A requeued job waits as long.
	credentialExpiry = 5 * time.Second

	// messageTimeout is half of Slurm's own. The controller waits for a silent node twice as long before it gives the node up.
	messageTimeout = 5 * time.Second
)

// Options are what a test may ask of a cluster. A zero is the default.
type Options struct {
	Nodes         int           // 3: n1, n2, n3
	CPUs          int           // of each node; 2
	GPUs          int           // of each node; none. They are device files of no GPU, at most len(devices).
	MaxArraySize  int           // 1001, Slurm's own: the highest index is 1000
	SlurmdTimeout time.Duration // until a silent node is down and its jobs are requeued; 5 s
	KillWait      time.Duration // from SIGTERM to SIGKILL; 2 s
	Config        []string      // more lines of slurm.conf
}

// devices stand for GPUs. Slurm only asks whether they exist, and none may be there twice.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// programs are what a cluster needs. The daemons lie where a user's PATH may not lead.
var programs = []string{"munged", "slurmctld", "slurmd", "sbatch", "scancel", "scontrol", "sinfo", "squeue"}

// A Cluster is a Slurm cluster of one test. Its methods fail the test, so they are for the test's goroutine.
type Cluster struct {
	t       testing.TB
	dir     string
	address string
	nodes   []string
	ports   map[string]int
	daemons map[string]*daemon // "munged", "slurmctld", and each node
}

// A daemon runs in a session of its own until done is closed.
type daemon struct {
	pid  int
	done chan struct{}
}

// Start starts a cluster and waits until all nodes are idle. It skips the test where Slurm is not installed, and ends the
// cluster and its jobs with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	for _, name := range programs {
		if find(name) == "" {
			t.Skipf("%s is not installed: apt-get install --no-install-recommends slurmctld slurmd slurm-client munge", name)
		}
	}
	account, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		t.Skipf("Slurm runs jobs of users with a name only: %v", err)
	}
	o.Nodes, o.CPUs, o.MaxArraySize = cmp.Or(o.Nodes, 3), cmp.Or(o.CPUs, 2), cmp.Or(o.MaxArraySize, 1001)
	o.SlurmdTimeout, o.KillWait = cmp.Or(o.SlurmdTimeout, 5*time.Second), cmp.Or(o.KillWait, 2*time.Second)
	if o.GPUs > len(devices) {
		t.Fatalf("%d GPUs a node: there are device files for %d", o.GPUs, len(devices))
	}
	// In /tmp, as the path of a socket has at most 107 bytes, and as munged wants all directories above its socket to be
	// open to all: TMPDIR is neither, often.
	dir, err := os.MkdirTemp("/tmp", "slurm")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{t: t, dir: dir, ports: map[string]int{}, daemons: map[string]*daemon{}}
	c.guard()
	c.configure(o, account.Username)
	c.start("munged", "munged", "--foreground", "--num-threads=1", "--socket="+c.path("munge.sock"), "--key-file="+c.path("munge.key"),
		"--pid-file="+c.path("munged.pid"), "--log-file="+c.path("munge.log"), "--seed-file="+c.path("munge.seed"))
	c.until("munged answers", func() bool { return answers("unix", c.path("munge.sock")) })
	c.start("slurmctld", "slurmctld", "-D", "-i", "-f", c.Conf())
	for _, node := range c.nodes {
		c.start(node, "slurmd", "-D", "-f", c.Conf(), "-N", node)
	}
	c.until("all nodes are idle", func() bool {
		states, _, err := c.run(patience, "", "sinfo", "-h", "-N", "-p", "debug", "-o", "%T")
		return err == nil && strings.Count(states, "idle\n") == len(c.nodes)
	})
	return c
}

// guard starts the process that ends the cluster, and has the test ask for that at its end.
func (c *Cluster) guard() {
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	var said bytes.Buffer
	watch := exec.Command(self)
	watch.Env = append(os.Environ(), watchVariable+"="+c.dir)
	watch.SysProcAttr = session
	watch.Stdout, watch.Stderr = &said, &said
	alive, err := watch.StdinPipe()
	if err == nil {
		err = watch.Start()
	}
	if err != nil {
		os.RemoveAll(c.dir)
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if c.t.Failed() {
			c.t.Logf("the cluster at the end:\n%s", c.logs())
		}
		alive.Close()
		if err := watch.Wait(); err != nil {
			c.t.Errorf("end the Slurm cluster in %s: %v\n%s", c.dir, err, &said)
		}
		for _, d := range c.daemons {
			<-d.done
		}
	})
}

// configure writes the files of the cluster.
func (c *Cluster) configure(o Options, account string) {
	c.t.Helper()
	name, err := os.Hostname()
	if err != nil {
		c.t.Fatal(err)
	}
	host, _, _ := strings.Cut(name, ".")
	// With NoInAddrAny daemons listen at the address of the host's name, on which the others have to look for them, and
	// otherwise at all addresses.
	c.address = "127.0.0.1"
	listen := ""
	if addresses, err := net.LookupHost(host); err == nil {
		if i := slices.IndexFunc(addresses, func(a string) bool { return !strings.Contains(a, ":") }); i >= 0 {
			c.address, listen = addresses[i], "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny\n"
		}
	}
	ports := c.free(1 + o.Nodes)
	var b strings.Builder
	fmt.Fprintf(&b, `ClusterName=xruntest
SlurmctldHost=%s(%s)
SlurmctldPort=%d
SlurmUser=%s
SlurmdUser=%s
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=%s,cred_expire=%d
StateSaveLocation=%s
SlurmdSpoolDir=%s.%%n
SlurmctldPidFile=%s
SlurmdPidFile=%s.%%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SlurmdTimeout=%.0f
MessageTimeout=%.0f
KillWait=%.0f
ReturnToService=2
MaxArraySize=%d
SlurmdParameters=config_overrides
`, host, c.address, ports[0], account, account, c.path("munge.sock"), int(credentialExpiry.Seconds()), c.path("state"), c.path("spool"),
		c.path("slurmctld.pid"), c.path("slurmd.pid"), o.SlurmdTimeout.Seconds(), messageTimeout.Seconds(), o.KillWait.Seconds(), o.MaxArraySize)
	b.WriteString(listen)
	gres := ""
	if o.GPUs > 0 {
		b.WriteString("GresTypes=gpu\n")
		gres = fmt.Sprintf(" Gres=gpu:%d", o.GPUs)
		c.write("gres.conf", fmt.Sprintf("AutoDetect=off\nName=gpu File=%s\n", strings.Join(devices[:o.GPUs], ",")), 0o644)
	}
	for i := range o.Nodes {
		node := fmt.Sprintf("n%d", i+1)
		c.nodes, c.ports[node] = append(c.nodes, node), ports[1+i]
		// config_overrides lets a node have more CPUs and memory than the host.
		fmt.Fprintf(&b, "NodeName=%s NodeHostname=%s NodeAddr=%s Port=%d CPUs=%d Sockets=1 CoresPerSocket=%d ThreadsPerCore=1 RealMemory=1000%s\n",
			node, host, c.address, ports[1+i], o.CPUs, o.CPUs, gres)
	}
	b.WriteString("PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n")
	for _, line := range o.Config {
		b.WriteString(line + "\n")
	}
	key := make([]byte, 128)
	rand.Read(key)
	c.write("slurm.conf", b.String(), 0o644)
	// Nothing uses cgroups here. Without this line slurmd looks for them, and ends where there are none, or only version 2
	// without systemd.
	c.write("cgroup.conf", "CgroupPlugin=cgroup/v1\n", 0o644)
	c.write("munge.key", string(key), 0o400)
	for _, err := range []error{os.Mkdir(c.path("state"), 0o755), os.Chmod(c.dir, 0o755)} {
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) write(name, text string, mode os.FileMode) {
	c.t.Helper()
	if err := os.WriteFile(c.path(name), []byte(text), mode); err != nil {
		c.t.Fatal(err)
	}
}

// free returns ports that nothing listens on. They lie below those that the system gives to outgoing connections, so that a
// daemon which is started again finds its port as it left it.
func (c *Cluster) free(n int) []int {
	c.t.Helper()
	const lowest = 10000
	highest := int64(32768)
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if first, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64); err == nil && first > lowest+1000 {
			highest = first
		}
	}
	var found []int
	for range 1000 {
		offset, err := rand.Int(rand.Reader, big.NewInt(highest-lowest))
		if err != nil {
			c.t.Fatal(err)
		}
		port := lowest + int(offset.Int64())
		listener, err := net.Listen("tcp", net.JoinHostPort(c.address, strconv.Itoa(port)))
		if err != nil || slices.Contains(found, port) {
			continue
		}
		listener.Close()
		if found = append(found, port); len(found) == n {
			return found
		}
	}
	c.t.Fatalf("%d of %d ports at %s are free between %d and %d", len(found), n, c.address, lowest, highest)
	return nil
}

// find is the path of a program of Slurm; empty if there is none.
func find(name string) string {
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	return ""
}

// clean is the environment without what a job of another cluster, in which the tests may run, has told its processes.
func clean() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "SLURM") || strings.HasPrefix(v, "SBATCH_") || strings.HasPrefix(v, "SQUEUE_") || strings.HasPrefix(v, "SINFO_")
	})
}

// start starts a daemon. Its log is NAME.log.
func (c *Cluster) start(name, program string, args ...string) {
	c.t.Helper()
	if d := c.daemons[name]; d != nil && d.runs() {
		c.t.Fatalf("start %s: it runs", name)
	}
	log, err := os.OpenFile(c.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(find(program), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = c.dir, log, log, session
	cmd.Env = append(clean(), clusterVariable+"="+c.dir, nodeVariable+"="+name)
	cmd.Env = append(cmd.Env, c.Env()...)
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	d := &daemon{cmd.Process.Pid, make(chan struct{})}
	c.daemons[name] = d
	go func() {
		cmd.Wait()
		close(d.done)
	}()
}

func (d *daemon) runs() bool {
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

func answers(network, address string) bool {
	conn, err := net.DialTimeout(network, address, time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// until waits for what the cluster comes to.
func (c *Cluster) until(what string, ok func() bool) {
	c.t.Helper()
	var stopped []string // before
	for name, d := range c.daemons {
		if !d.runs() {
			stopped = append(stopped, name)
		}
	}
	for begin := time.Now(); !ok(); time.Sleep(50 * time.Millisecond) {
		for name, d := range c.daemons {
			if !d.runs() && !slices.Contains(stopped, name) {
				c.t.Fatalf("wait until %s: %s has ended", what, name) // its log is printed at the end
			}
		}
		if time.Since(begin) > patience {
			c.t.Fatalf("wait until %s: not within %v", what, patience)
		}
	}
}

// logs is the queue, and the end of each daemon's log.
func (c *Cluster) logs() string {
	var b strings.Builder
	if d := c.daemons["slurmctld"]; d != nil && d.runs() {
		for _, args := range [][]string{{"squeue", "-r"}, {"sinfo", "-N", "-l"}} {
			out, failure, _ := c.run(10*time.Second, "", args[0], args[1:]...)
			b.WriteString(out + failure)
		}
	}
	files, _ := filepath.Glob(c.path("*.log"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		const most = 30
		lines := strings.SplitAfter(strings.TrimSpace(string(text)), "\n")
		fmt.Fprintf(&b, "%s:\n%s\n", filepath.Base(file), strings.Join(lines[max(0, len(lines)-most):], ""))
	}
	return b.String()
}

// Conf is the path of slurm.conf.
func (c *Cluster) Conf() string { return c.path("slurm.conf") }

// Env is what a process has to have in its environment, so that Slurm's commands talk to this cluster.
func (c *Cluster) Env() []string { return []string{"SLURM_CONF=" + c.Conf()} }

// Nodes are the names of the nodes.
func (c *Cluster) Nodes() []string { return slices.Clone(c.nodes) }

// run runs a command of Slurm. They wait for a controller that does not answer, so it has a limit.
func (c *Cluster) run(limit time.Duration, stdin, name string, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, find(name), args...)
	cmd.Env = append(clean(), c.Env()...)
	var out, failure bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &failure
	err = cmd.Run()
	return out.String(), failure.String(), err
}

// Output is what a command of Slurm prints. stdin is what it reads: sbatch reads a script.
func (c *Cluster) Output(stdin, name string, args ...string) string {
	c.t.Helper()
	out, failure, err := c.run(patience, stdin, name, args...)
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, failure)
	}
	return out
}

// Queue is a line for each task that waits or runs: job, state, node, and the reason for which it waits. A task of an array
// is JOB_INDEX.
func (c *Cluster) Queue() []string {
	c.t.Helper()
	text := strings.TrimSpace(c.Output("", "squeue", "-h", "-r", "-o", "%i %T %N %r"))
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// State is what the controller believes of a node, as sinfo writes it: "idle", "allocated", "mixed", "down", with "*" behind it
// where the node does not answer.
func (c *Cluster) State(node string) string {
	c.t.Helper()
	c.known(node)
	return strings.TrimSpace(c.Output("", "sinfo", "-h", "-N", "-p", "debug", "-n", node, "-o", "%T"))
}

// Settle has the controller write what it knows, and waits until it has. By itself it writes some seconds after a job was handed
// in, and not at all when the backfill scheduler has started one. A controller that is killed before starts such a task
// a second time; the node refuses if the first still runs, and then the task is held and the node drained.
func (c *Cluster) Settle() {
	c.t.Helper()
	written := func() time.Time {
		info, err := os.Stat(c.path("state/job_state"))
		if err != nil {
			return time.Time{} // nothing so far
		}
		return info.ModTime()
	}
	before := written()
	// A job that comes and goes is a change that it does write, within 5 s: SAVE_MAX_WAIT in its state_save.c.
	id := strings.TrimSpace(c.Output("#!/bin/sh\n", "sbatch", "--parsable", "--hold", "--output=/dev/null"))
	c.Output("", "scancel", id)
	c.until("slurmctld has written its state", func() bool { return written().After(before) })
}

// KillController kills slurmctld. Tasks run on, and commands of Slurm wait for it.
func (c *Cluster) KillController() {
	c.t.Helper()
	c.kill("slurmctld")
}

// StartController starts slurmctld again, which reads what it has written, and waits until it answers.
func (c *Cluster) StartController() {
	c.t.Helper()
	c.start("slurmctld", "slurmctld", "-D", "-f", c.Conf())
	c.until("slurmctld answers", func() bool {
		out, _, err := c.run(patience, "", "scontrol", "ping")
		return err == nil && strings.Contains(out, " is UP")
	})
}

// KillSlurmd kills the daemon of a node. The tasks of the node run on; the controller starts them a second time elsewhere when
// it gives the node up.
func (c *Cluster) KillSlurmd(node string) {
	c.t.Helper()
	c.known(node)
	c.kill(node)
}

// KillNode kills all that runs on a node, as when it loses power.
func (c *Cluster) KillNode(node string) {
	c.t.Helper()
	c.known(node)
	if c.daemons[node].runs() {
		c.kill(node)
	}
	// The keepers of tasks first: one that sees its task end tells the controller, which then starts it nowhere.
	c.until("nothing runs on "+node, func() bool { return !killAll(c.dir, func(p process) bool { return p.node == node }) })
}

// GiveUp tells the controller that a node is lost, as an administrator would. It requeues the node's tasks at once, and not
// after [Options.SlurmdTimeout] and some 10 s more.
func (c *Cluster) GiveUp(node string) {
	c.t.Helper()
	c.known(node)
	c.Output("", "scontrol", "update", "NodeName="+node, "State=DOWN", "Reason=lost")
}

// StartNode starts the daemon of a node again and waits until it listens. The controller may take it for the old one and
// believe that its tasks still run, until it asks the node for them, which takes minutes.
func (c *Cluster) StartNode(node string) {
	c.t.Helper()
	c.known(node)
	c.start(node, "slurmd", "-D", "-f", c.Conf(), "-N", node)
	c.until(node+" answers", func() bool {
		if !answers("tcp", net.JoinHostPort(c.address, strconv.Itoa(c.ports[node]))) {
			return false
		}
		state := c.State(node)
		return !strings.HasSuffix(state, "*") && !strings.HasPrefix(state, "down")
	})
}

func (c *Cluster) known(node string) {
	c.t.Helper()
	if !slices.Contains(c.nodes, node) {
		c.t.Fatalf("there is no node %s, but %v", node, c.nodes)
	}
}

// kill kills a daemon, with its children in the same session.
func (c *Cluster) kill(name string) {
	c.t.Helper()
	d := c.daemons[name]
	if d == nil || !d.runs() {
		c.t.Fatalf("kill %s: it does not run", name)
	}
	killSession(d.pid)
	<-d.done
}

// A Task is a process of a job: the job's script, or what that has started.
type Task struct {
	PID     int
	Job     string // JOB, or JOB_INDEX for a task of an array
	Command string
}

// Tasks are the processes of jobs on each node, in the order of their ids.
func (c *Cluster) Tasks() map[string][]Task {
	all := map[string][]Task{}
	for _, p := range scan(c.dir) {
		if !p.daemon {
			all[p.node] = append(all[p.node], Task{p.pid, p.job, p.command})
		}
	}
	return all
}

// KillTask kills one process of a job, which Slurm takes for a failure of the task if it is its script.
func (c *Cluster) KillTask(pid int) {
	c.t.Helper()
	if !killAll(c.dir, func(p process) bool { return p.pid == pid && !p.daemon }) {
		c.t.Fatalf("kill process %d: it is not that of a job", pid)
	}
}

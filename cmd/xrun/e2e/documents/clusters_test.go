//go:build linux

package documents

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
)

// workstations makes three machines, and runs what lies in here/loop.sh and then in here/after.sh on a fourth, from which
// ssh and scp reach them as ws1, ws2 and ws3. Each is a network namespace with a home, a name and an sshd of its own.
// All of it is inside namespaces of mounts, processes and networks that end with this script, and so does everything in them.
// $1 is the folder for all files, $2 the sshd. The machine ws2 dies when there is a file named die.
const workstations = `set -eu
T=$1 SSHD=$2
cd "$T"
mount -t tmpfs none /run
mkdir /run/sshd
chmod 755 /run/sshd
home=$(getent passwd root | cut -d: -f6)
ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -t ed25519 -N '' -f host
mkdir bin
for k in 1 2 3; do
	mkdir -p ws$k
	ip netns add ws$k
	ip link add to$k type veth peer name eth0 netns ws$k
	ip addr add 10.213.$k.1/30 dev to$k
	ip link set to$k up
	ip -n ws$k addr add 10.213.$k.2/30 dev eth0
	ip -n ws$k link set eth0 up
	ip -n ws$k link set lo up
	cat >sshd$k <<END
ListenAddress 10.213.$k.2
HostKey $T/host
AuthorizedKeysFile $T/key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PidFile none
Subsystem sftp internal-sftp
END
	cat >>config <<END
Host ws$k
	HostName 10.213.$k.2
	User root
	IdentityFile $T/key
	IdentitiesOnly yes
	StrictHostKeyChecking no
	UserKnownHostsFile $T/known
	LogLevel ERROR
	ConnectTimeout 10
END
	ip netns exec ws$k unshare --uts sh -c "hostname ws$k; mount --bind '$T/ws$k' '$home'; exec $SSHD -D -e -f '$T/sshd$k'" 2>sshd$k.log &
done
for tool in ssh scp; do
	printf '#!/bin/sh\nexec %s -F %s/config "$@"\n' "$(command -v $tool)" "$T" >bin/$tool
	chmod +x bin/$tool
done
PATH=$T/bin:$PATH
for k in 1 2 3; do
	tries=0
	until [ "$(ssh -n ws$k uname -n)" = ws$k ]; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || { cat sshd$k.log; exit 9; }
		sleep 0.2
	done
done
(until [ -e die ]; do sleep 0.05; done; kill -9 $(ip netns pids ws2)) &
cd here
sh loop.sh
if [ -e after.sh ]; then sh -eu after.sh; fi
`

// isolated is a command in namespaces of its own for mounts, networks and processes.
func isolated(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "unshare", append([]string{"--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh"}, args...)...)
	cmd.Env = append(os.Environ(), "XRUN_STORE=", "XRUN_PROGRESS=none")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// needWorkstations skips a test where machines cannot be made, and says why. It returns the sshd.
func needWorkstations(t *testing.T) (sshd string) {
	t.Helper()
	tests.NeedExamples(t, "makes network namespaces")
	if os.Geteuid() != 0 {
		t.Skip("network namespaces with an sshd in each are made by root only")
	}
	for _, name := range []string{"ip", "ssh", "scp", "ssh-keygen", "unshare", "mount", "getent"} {
		e2e.Need(t, name)
	}
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd" // which is not on every PATH
		if _, err := os.Stat(sshd); err != nil {
			t.Skip("there is no sshd")
		}
	}
	probe := isolated(t, "mount -t tmpfs none /run && ip netns add a && ip link add to0 type veth peer name eth0 netns a && ip netns exec a unshare --uts hostname a")
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("network namespaces cannot be made here: %v\n%s", err, out)
	}
	return sshd
}

// documentedLoop is the loop over ssh, as the page shows it.
func documentedLoop(t *testing.T) string {
	t.Helper()
	page, _ := help.Find("clusters")
	for _, f := range fences(page.Text) {
		if f.language == "sh" && strings.Contains(f.text, "ssh -n $host") {
			return f.text
		}
	}
	t.Fatal("the page clusters shows no loop over ssh")
	return ""
}

// hosts are the machines that a database has runs of.
func hosts(t *testing.T, path string) (names []string) {
	t.Helper()
	db := e2e.OpenStore(t, path)
	for _, r := range e2e.Runs(t, path) {
		env, err := db.EnvironmentOf(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(names, env.Host) {
			names = append(names, env.Host)
		}
	}
	slices.Sort(names)
	return names
}

// Three workstations that are reached by ssh train the sweep of the page by the loop that it shows, and what comes back is the
// sweep that one machine trains.
func TestWorkstationsTrainASweep(t *testing.T) {
	sshd := needWorkstations(t)
	dir, whole := t.TempDir(), t.TempDir()
	page, _ := help.Find("clusters")
	for _, f := range fences(page.Text) {
		if f.named == "sweep.toml" {
			e2e.Write(t, filepath.Join(dir, "here", f.named), f.text)
			e2e.Write(t, filepath.Join(whole, f.named), f.text)
		}
	}
	e2e.Write(t, filepath.Join(dir, "here", "loop.sh"), documentedLoop(t))
	e2e.Run(t, 0, e2e.Xrun(t, whole, "sweep", "sweep.toml", "--progress", "none"))
	out, err := isolated(t, workstations, dir, sshd).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if compared, _ := e2e.Run(t, 0, e2e.Xrun(t, whole, "compare")); !strings.HasSuffix(string(out), compared) {
		t.Errorf("it ends with another comparison than\n%s:\n%s", compared, out)
	}
	path := filepath.Join(dir, "here", "xrun.db")
	e2e.Same(t, e2e.Recorded(t, path), e2e.Recorded(t, filepath.Join(whole, "xrun.db")))
	e2e.Once(t, e2e.Runs(t, path))
	if got := fmt.Sprint(hosts(t, path)); got != "[ws1 ws2 ws3]" {
		t.Errorf("it was trained on %s", got)
	}
}

// This program trains one trial on ws2, and sleeps in the next.
const dyingSweep = `name = "dying"
[task]
command = ["sh", "-c", 'if [ $(uname -n) = ws2 ] && ! mkdir one; then sleep 1000; fi; echo "{{\"epoch\": 1, \"val_loss\": $1}}"', "sh", "{x}"]
metrics = ["val_loss"]
[grid]
x = [1, 2, 3, 4, 5, 6, 7, 8, 9]
[run]
workers = 1
`

// recovery goes on with the saved database of a machine that has died, on another one, as the page says.
const recovery = `cp ../ws2/spread/xrun-2.db ../ws2/spread/xrun-2.db-wal .
scp -q xrun-2.db xrun-2.db-wal ws1:spread/
ssh -n ws1 'cd spread && ./xrun sweep sweep.toml --shard 2/3 --known xrun-2.db --store rest.db --progress none'
scp -q ws1:spread/rest.db .
xrun db merge rest.db xrun-2.db
`

// One of three workstations dies within its shard. The loop says so and goes on. What the machine had is not trained again.
func TestAWorkstationDies(t *testing.T) {
	sshd := needWorkstations(t)
	dir, whole := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"sweep.toml": dyingSweep, "loop.sh": documentedLoop(t), "after.sh": recovery} {
		e2e.Write(t, filepath.Join(dir, "here", name), text)
	}
	e2e.Write(t, filepath.Join(whole, "sweep.toml"), dyingSweep)
	e2e.Run(t, 0, e2e.Xrun(t, whole, "sweep", "sweep.toml", "--progress", "none"))
	var out bytes.Buffer
	cmd := isolated(t, workstations, dir, sshd)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	saved := filepath.Join(dir, "ws2", "spread", "xrun-2.db")
	for begin := time.Now(); !oneOf(saved); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("it has ended with %v before the machine died:\n%s", err, &out)
		default:
		}
		if time.Since(begin) > 2*time.Minute {
			t.Fatal("ws2 has no result and none under way after two minutes")
		}
	}
	e2e.Write(t, filepath.Join(dir, "die"), "")
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "shard 2 is not complete, see ws2.log\n") {
		t.Errorf("the loop does not say that shard 2 is not complete:\n%s", &out)
	}
	path := filepath.Join(dir, "here", "xrun.db")
	e2e.Same(t, e2e.Recorded(t, path), e2e.Recorded(t, filepath.Join(whole, "xrun.db")))
	e2e.Once(t, e2e.Runs(t, path))
	if got := fmt.Sprint(hosts(t, path)); got != "[ws1 ws2 ws3]" {
		t.Errorf("it was trained on %s", got)
	}
}

// oneOf reports whether a database, which may not be there yet, has a result and a trial under way.
func oneOf(path string) bool {
	db, err := store.OpenReadOnly(context.Background(), path)
	if err != nil {
		return false
	}
	defer db.Close()
	runs, err := db.Runs(context.Background(), store.RunQuery{})
	return err == nil && len(runs) == 2 && e2e.Done(runs) == 1
}

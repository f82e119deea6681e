package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/store/whole"
	"github.com/xrun-dev/xrun/sweeps"
)

// Slurm is the engine that sbatch, squeue, scancel and scontrol reach. It needs no more of Slurm than has been there since 20.02.
type Slurm struct {
	Config sweeps.Cluster
	Dir    Dir
	Binary string // xrun, in the directory
	Folder string // where programs run that say nothing else
}

var _ Engine = (*Slurm)(nil)

// patience is how long a command of the site may take.
const patience = 2 * time.Minute

// A CommandError is a command of the site that failed, with all that it said.
type CommandError struct {
	Command []string
	Output  string
	Err     error
	Late    bool // it did not answer, and may have done what it was to do
}

func (e *CommandError) Error() string {
	text := strings.TrimSpace(e.Output)
	if text == "" {
		text = e.Err.Error()
	}
	words := make([]string, len(e.Command))
	for i, word := range e.Command {
		words[i] = advice.Word(word)
	}
	return fmt.Sprintf("%s: %s", strings.Join(words, " "), text)
}

func (e *CommandError) Unwrap() error { return e.Err }

// Hint says what a person can do about it.
func (e *CommandError) Hint() string {
	said := e.Output
	switch {
	case errors.Is(e.Err, exec.ErrNotFound):
		return e.Command[0] + " is a program of Slurm: run xrun where your site lets jobs be submitted, such as a login node"
	case strings.Contains(said, "Invalid account"), strings.Contains(said, "accounting/QOS"), strings.Contains(said, "partition"):
		return "ask `sinfo` and `sacctmgr show assoc user=$USER` for what you may use, and say it in [cluster.NAME], or with --cluster partition=NAME, --cluster account=NAME"
	case strings.Contains(said, "time limit"):
		return "say a shorter time in [cluster.NAME], or with --cluster time=1h: jobs that need longer are submitted again"
	case strings.Contains(said, "Unable to contact"), strings.Contains(said, "Connection refused"), strings.Contains(said, "timed out"):
		return "the controller of Slurm does not answer: `scontrol ping` tells when it is back; nothing is lost meanwhile"
	}
	return "what it said is above; `sbatch --test-only SCRIPT` tries a script of the directory without submitting it"
}

func (s *Slurm) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	// What a person prefers to see of the queue would hide jobs here.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SQUEUE_") || strings.HasPrefix(v, "SCANCEL_") })
	if err := cmd.Run(); err != nil {
		late := ctx.Err() != nil
		if late {
			err = fmt.Errorf("no answer within %v", patience)
		}
		return out.String(), &CommandError{Command: args, Output: said.String(), Err: err, Late: late}
	}
	return out.String(), nil
}

// Submit implements Engine.
func (s *Slurm) Submit(ctx context.Context, of Submission) (string, error) {
	command := []string{s.Binary, "task", string(s.Dir), strconv.Itoa(of.Wave), strconv.Itoa(of.From)}
	script, err := s.script(of.Name, command)
	if err != nil {
		return "", err
	}
	array := fmt.Sprintf("0-%d", of.Count-1)
	if s.Config.AtOnce > 0 {
		array += "%" + strconv.Itoa(s.Config.AtOnce)
	}
	lead := s.Config.Lead
	if t := s.Config.Time; t > 0 && lead >= t {
		lead = t / 2
	}
	args := []string{"--array=" + array, fmt.Sprintf("--signal=B:USR1@%d", int(lead.Seconds())), "--requeue", "--open-mode=append",
		outputTo(s.Dir.output(), of.Name, "-%a")}
	return s.sbatch(ctx, of.Name, args, script)
}

// outputTo has a job print to a file. Slurm takes its name for a pattern in which % has a meaning; a backslash ends that for the whole name, so
// that the jobs of an array print to one file then. A job whose file cannot be made never begins.
func outputTo(folder, name, index string) string {
	if strings.Contains(folder, `\`) {
		return "--output=" + strings.ReplaceAll(filepath.Join(folder, name+".txt"), `\`, `\\`)
	}
	return "--output=" + filepath.Join(strings.ReplaceAll(folder, "%", "%%"), name+index+".txt")
}

// sbatch submits a script, and returns the number of the job.
func (s *Slurm) sbatch(ctx context.Context, name string, args []string, script string) (string, error) {
	c := s.Config
	all := append([]string{"sbatch", "--parsable", "--job-name=" + name, "--chdir=" + s.Folder}, args...)
	for _, option := range []struct{ name, value string }{{"partition", c.Partition}, {"account", c.Account}, {"qos", c.QOS}, {"gres", c.Gres},
		{"mem", c.Memory}, {"constraint", c.Constraint}} {
		if option.value != "" {
			all = append(all, "--"+option.name+"="+option.value)
		}
	}
	if c.Time > 0 {
		all = append(all, fmt.Sprintf("--time=%d", int((c.Time+time.Minute-1)/time.Minute)))
	}
	if c.Cpus > 0 {
		all = append(all, fmt.Sprintf("--cpus-per-task=%d", c.Cpus))
	}
	out, err := s.run(ctx, append(append(all, c.Sbatch...), script)...)
	if err != nil {
		return "", err
	}
	job, _, _ := strings.Cut(strings.TrimSpace(out), ";") // the number may have a cluster behind it
	if _, err := strconv.Atoi(job); err != nil {
		return "", fmt.Errorf("sbatch --parsable answered %q, which is no number of a job", strings.TrimSpace(out))
	}
	return job, nil
}

// script writes the script of a job. The shell becomes xrun, so that signals reach it. It is bash, as lines of setup usually expect, and a line that
// fails ends the job: what it was to set up is not there.
func (s *Slurm) script(name string, command []string) (string, error) {
	var b strings.Builder
	b.WriteString("#!/bin/bash\nset -e\n")
	for _, line := range s.Config.Setup {
		b.WriteString(line + "\n")
	}
	b.WriteString("set +e\nexec")
	for _, word := range command {
		b.WriteString(" " + advice.Word(word))
	}
	b.WriteString("\n")
	file := filepath.Join(s.Dir.jobs(), name+".sh")
	return file, whole.Write(file, 0o777, true, func(w io.Writer) error {
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// Jobs implements Engine. It asks squeue once, for all jobs of the user: of a number that is gone squeue says nothing but an error.
func (s *Slurm) Jobs(ctx context.Context, all []Submission) ([]Job, error) {
	wanted := map[string]bool{}
	for _, of := range all {
		wanted[of.Name] = true
	}
	out, err := s.run(ctx, "squeue", "--noheader", "--array", "--user="+strconv.Itoa(os.Getuid()), "--format=%j|%F|%K|%T|%N|%r") // the reason may have any text
	if err != nil {
		return nil, err
	}
	var jobs []Job
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 6)
		if len(f) != 6 || !wanted[f[0]] {
			continue
		}
		index, err := strconv.Atoi(f[2])
		if err != nil {
			continue
		}
		j := Job{Submission: f[0], Array: f[1], Index: index, Node: f[4], Reason: f[5], Held: strings.Contains(strings.ReplaceAll(f[5], "_", " "), "launch failed")}
		switch f[3] {
		case "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD":
		case "RUNNING", "COMPLETING", "STAGE_OUT", "STOPPED", "SUSPENDED", "SIGNALING", "RESIZING", "PREEMPTED":
			j.Running = true
		default: // it has ended
			continue
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// Words implements Engine.
func (s *Slurm) Words(of Submission, index int) string {
	for _, name := range []string{fmt.Sprintf("%s-%d.txt", of.Name, index), of.Name + ".txt"} {
		if text, err := os.ReadFile(filepath.Join(s.Dir.output(), name)); err == nil {
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			return strings.TrimSpace(lines[len(lines)-1])
		}
	}
	return ""
}

// Requeue implements Engine.
func (s *Slurm) Requeue(ctx context.Context, of Submission, index int) error {
	_, err := s.run(ctx, "scontrol", "requeue", fmt.Sprintf("%s_%d", of.Job, index))
	return err
}

// Release implements Engine.
func (s *Slurm) Release(ctx context.Context, of Submission, index int) error {
	_, err := s.run(ctx, "scontrol", "release", fmt.Sprintf("%s_%d", of.Job, index))
	return err
}

// Cancel implements Engine.
func (s *Slurm) Cancel(ctx context.Context, all []Submission, running bool) error {
	var errs []error
	for _, of := range all {
		args := []string{"scancel"}
		if !running {
			args = append(args, "--state=PENDING")
		}
		if of.Job != "" {
			args = append(args, of.Job)
		} else {
			args = append(args, "--name="+of.Name)
		}
		_, err := s.run(ctx, args...)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Limit implements Engine. Slurm counts from 0 and refuses an index of MaxArraySize.
func (s *Slurm) Limit(ctx context.Context) (int, error) {
	if s.Config.Array > 0 {
		return s.Config.Array, nil
	}
	out, err := s.run(ctx, "scontrol", "show", "config")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == "MaxArraySize" {
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n > 1 {
				return n - 1, nil
			}
		}
	}
	return 1000, nil
}

// Follow implements Engine.
func (s *Slurm) Follow(ctx context.Context, all []Submission, command []string) error {
	name := "xrun-" + strconv.FormatInt(time.Now().UnixNano(), 36) + "-collect"
	script, err := s.script(name, command)
	if err != nil {
		return err
	}
	var after []string
	for _, of := range all {
		after = append(after, of.Job)
	}
	_, err = s.sbatch(ctx, name, []string{"--dependency=afterany:" + strings.Join(after, ":"), outputTo(s.Dir.output(), name, "")}, script)
	return err
}

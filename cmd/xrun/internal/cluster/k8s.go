package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/sweeps"
)

// K8s is the engine that writes Indexed Jobs of Kubernetes for kubectl. It reaches no cluster itself: all that it knows of jobs is in their
// journals.
type K8s struct {
	Config sweeps.Cluster
	Dir    Dir
	Binary string    // xrun, in the directory
	Folder string    // where programs run that say nothing else
	Out    io.Writer // takes the manifests; nil if none is asked for
}

var _ Engine = (*K8s)(nil)

// Submit implements Engine: it writes the manifest.
func (k *K8s) Submit(_ context.Context, of Submission) (string, error) {
	if k.Out == nil {
		return "", &printError{}
	}
	c := k.Config
	if c.Image == "" || c.Volume == "" {
		return "", advice.Usage(errors.New("a job of Kubernetes needs an image and a volume"),
			"say them in [cluster.k8s], or with --cluster image=NAME --cluster volume=CLAIM; the volume has to be mounted here under the path that pods see, for instance with [cluster.k8s] directory")
	}
	_, err := io.WriteString(k.Out, k.manifest(of))
	return of.Name, err
}

// A printError is a job that only --print can submit.
type printError struct{}

func (*printError) Error() string { return "xrun does not submit to Kubernetes itself" }

// Hint says what a person can do about it.
func (*printError) Hint() string {
	return "the same command with --print writes a job for `kubectl apply -f -`; without --print it records what such jobs do"
}

// The limits of https://kubernetes.io/docs/concepts/workloads/controllers/job: an index for each pod, at most 100,000 of them.
const mostPods = 100_000

// manifest is an Indexed Job, batch/v1. A pod that fails is started again twice at its index (backoffLimitPerIndex, Kubernetes 1.33 or newer):
// it passes over what it has brought to an end.
func (k *K8s) manifest(of Submission) string {
	c := k.Config
	var b strings.Builder
	line := func(indent int, format string, args ...any) {
		fmt.Fprintf(&b, strings.Repeat("  ", indent)+format+"\n", args...)
	}
	line(0, "---")
	line(0, "apiVersion: batch/v1")
	line(0, "kind: Job")
	line(0, "metadata:")
	line(1, "name: %s", of.Name)
	if c.Namespace != "" {
		line(1, "namespace: %s", quoted(c.Namespace))
	}
	line(1, "labels: {app: xrun}")
	line(0, "spec:")
	line(1, "completionMode: Indexed")
	line(1, "completions: %d", of.Count)
	parallel := min(of.Count, c.Jobs)
	if c.AtOnce > 0 {
		parallel = min(parallel, c.AtOnce)
	}
	line(1, "parallelism: %d", parallel)
	line(1, "backoffLimitPerIndex: 2")
	line(1, "podReplacementPolicy: Failed")
	line(1, "template:")
	line(2, "metadata:")
	line(3, "labels: {app: xrun}")
	line(2, "spec:")
	line(3, "restartPolicy: Never")
	line(3, "terminationGracePeriodSeconds: 60")
	line(3, "containers:")
	line(3, "- name: xrun")
	line(4, "image: %s", quoted(c.Image))
	line(4, "workingDir: %s", quoted(k.Folder))
	words := make([]string, 0, 5)
	for _, word := range k.command(of) {
		words = append(words, quoted(word))
	}
	line(4, "command: [%s]", strings.Join(words, ", "))
	line(4, "env:") // caches of programs, which would go to a home that a pod has not
	line(4, "- {name: HOME, value: /tmp}")
	resources := map[string]string{}
	if c.Cpus > 0 {
		resources["cpu"] = strconv.Itoa(c.Cpus)
	}
	if c.Memory != "" {
		resources["memory"] = c.Memory
	}
	if c.GPUs > 0 {
		resources["nvidia.com/gpu"] = strconv.Itoa(c.GPUs)
	}
	if len(resources) > 0 {
		line(4, "resources:")
		for _, kind := range []string{"requests", "limits"} {
			line(5, "%s:", kind)
			for _, name := range []string{"cpu", "memory", "nvidia.com/gpu"} {
				if value := resources[name]; value != "" {
					line(6, "%s: %s", name, quoted(value))
				}
			}
		}
	}
	base := filepath.Dir(string(k.Dir))
	line(4, "volumeMounts:")
	line(4, "- {name: shared, mountPath: %s}", quoted(k.mount(base)))
	line(3, "volumes:")
	line(3, "- name: shared")
	line(4, "persistentVolumeClaim: {claimName: %s}", quoted(c.Volume))
	return b.String()
}

// mount is the folder under which pods see the volume: the one that was named, or that of the database.
func (k *K8s) mount(base string) string {
	if k.Config.Directory != "" {
		return base
	}
	return filepath.Dir(base)
}

// command is what a pod runs. Its index is in JOB_COMPLETION_INDEX.
func (k *K8s) command(of Submission) []string {
	return []string{k.Binary, "task", string(k.Dir), strconv.Itoa(of.Wave), strconv.Itoa(of.From)}
}

// quoted is a text of YAML in quotes.
func quoted(text string) string { return strconv.QuoteToASCII(text) }

// Jobs implements Engine. Nobody is asked: every job may run.
func (k *K8s) Jobs(_ context.Context, all []Submission) (jobs []Job, err error) {
	for _, s := range all {
		for i := range s.Count {
			jobs = append(jobs, Job{Submission: s.Name, Index: i, Reason: "kubectl get jobs -l app=xrun tells more"})
		}
	}
	return jobs, nil
}

// Requeue implements Engine.
func (k *K8s) Requeue(context.Context, Submission, int) error {
	return errors.New("its pod is started again by Kubernetes if it fails")
}

// Words implements Engine: kubectl logs has them.
func (k *K8s) Words(Submission, int) string { return "" }

// Release implements Engine: Kubernetes holds nothing.
func (k *K8s) Release(context.Context, Submission, int) error { return nil }

// Cancel implements Engine.
func (k *K8s) Cancel(_ context.Context, all []Submission, _ bool) error {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return fmt.Errorf("xrun ends no jobs of Kubernetes: kubectl delete job %s", strings.Join(names, " "))
}

// Limit implements Engine.
func (k *K8s) Limit(context.Context) (int, error) { return mostPods, nil }

// Follow implements Engine: nothing follows by itself.
func (k *K8s) Follow(context.Context, []Submission, []string) error { return nil }

// Command schema reads a manifest from standard input and holds it against the types that Kubernetes publishes: an unknown field, or a value of
// another type, is an error. It prints what the pods run, as JSON. It is a module of its own, so that nobody who builds xrun needs Kubernetes.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	var job batchv1.Job
	if err := yaml.UnmarshalStrict(text, &job); err != nil {
		fail(err)
	}
	spec := job.Spec
	switch {
	case job.APIVersion != "batch/v1" || job.Kind != "Job":
		fail(fmt.Errorf("%s %s is no Job of batch/v1", job.APIVersion, job.Kind))
	case spec.CompletionMode == nil || *spec.CompletionMode != batchv1.IndexedCompletion:
		fail(fmt.Errorf("the job is not indexed"))
	case spec.Completions == nil || spec.Parallelism == nil || spec.BackoffLimitPerIndex == nil:
		fail(fmt.Errorf("the job lacks completions, parallelism or backoffLimitPerIndex"))
	case spec.PodReplacementPolicy == nil || *spec.PodReplacementPolicy != batchv1.Failed:
		fail(fmt.Errorf("pods are replaced before they have ended"))
	case len(spec.Template.Spec.Containers) != 1 || spec.Template.Spec.RestartPolicy != "Never":
		fail(fmt.Errorf("a pod has not one container that is started once"))
	}
	c := spec.Template.Spec.Containers[0]
	gpus := c.Resources.Limits["nvidia.com/gpu"]
	err = json.NewEncoder(os.Stdout).Encode(map[string]any{"command": c.Command, "folder": c.WorkingDir, "completions": *spec.Completions, "parallelism": *spec.Parallelism,
		"memory": c.Resources.Limits.Memory().String(), "cpu": c.Resources.Limits.Cpu().String(), "gpus": gpus.String(), "image": c.Image,
		"mount": c.VolumeMounts[0].MountPath, "claim": spec.Template.Spec.Volumes[0].PersistentVolumeClaim.ClaimName})
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

//go:build unix

package host

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/go-plugin"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
	"github.com/xrun-dev/xrun/runner"
)

// wrong is a plugin that speaks the protocol without the SDK, and answers a step with what its
// component is called: a vector too short, too long or missing, fewer results than slots, or
// the answer to another question.
type wrong struct {
	pluginv1.UnimplementedPluginServer
	pluginv1.UnimplementedSessionsServer
	component string
}

func serveWrong() {
	w := &wrong{}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  protocol.Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{protocol.Version: {protocol.Name: &protocol.GRPC{Plugin: w, Sessions: w}}},
		GRPCServer:       plugin.DefaultGRPCServer,
	})
}

var wrongAnswers = []string{"short", "long", "empty", "fewer", "stale"}

func (w *wrong) Hello(context.Context, *pluginv1.HelloRequest) (*pluginv1.HelloReply, error) {
	return &pluginv1.HelloReply{Sdk: "none"}, nil
}

func (w *wrong) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.Manifest, error) {
	m := plugins.Manifest{Name: "wrong"}
	for _, name := range wrongAnswers {
		m.Components = append(m.Components, plugins.Component{Spec: plugins.Spec{Kind: plugins.KindOptimizer, Name: name}})
	}
	return protocol.ManifestToWire(m), nil
}

func (w *wrong) Open(_ context.Context, r *pluginv1.OpenRequest) (*pluginv1.OpenReply, error) {
	w.component = r.GetComponent()
	return &pluginv1.OpenReply{Gains: []float64{-1}}, nil
}

func (w *wrong) Run(_ context.Context, r *pluginv1.RunRequest) (*pluginv1.RunReply, error) {
	reply := &pluginv1.RunReply{Sequence: r.GetSequence(), Nanoseconds: 1 << 63}
	for _, task := range r.GetTasks() {
		result := &pluginv1.SlotResult{Parameters: task.GetParameters()}
		switch w.component {
		case "short":
			result.Parameters = result.Parameters[1:]
		case "long":
			result.Parameters = append(result.Parameters, 0)
		case "empty":
			result.Parameters = nil
		}
		reply.Results = append(reply.Results, result)
	}
	switch w.component {
	case "fewer":
		reply.Results = reply.Results[1:]
	case "stale":
		reply.Sequence--
	}
	return reply, nil
}

func TestWrongAnswersAreFaults(t *testing.T) {
	for _, name := range wrongAnswers {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, newHost(t, "serve-wrong", Options{}))
			spec := evilSpec("none", 2)
			for i := range spec.Slots {
				spec.Slots[i].Optimizer.Component = name
			}
			s, err := w.Open(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = s.Step(t.Context(), []int{0, 1}, runner.StepInputs{Rates: []float64{1, 1}})
			var fault *runner.Fault
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), "plugin builtin answered") {
				t.Errorf("Step gives %v, want a fault that says what was answered", err)
			}
		})
	}
}

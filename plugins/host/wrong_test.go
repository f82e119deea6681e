//go:build unix

package host

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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
	nonsense  string // what it does wrong in its first conversation
}

func serveWrong() {
	w := &wrong{}
	if len(os.Args) > 2 {
		w.nonsense = os.Args[2]
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  protocol.Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{protocol.Version: {protocol.Name: &protocol.GRPC{Plugin: w, Sessions: w}}},
		GRPCServer:       plugin.DefaultGRPCServer,
	})
}

var wrongAnswers = []string{"short", "long", "empty", "fewer", "stale", "huge"}

// wordy are components whose errors are texts of megabytes: in Open, in Run, in Save.
var wordy = []string{"wordy-open", "wordy-run", "wordy-save"}

// manyWords is what they say.
var manyWords = "it went wrong" + strings.Repeat("\x1b[2J x", 400_000) + "here"

func (w *wrong) Hello(context.Context, *pluginv1.HelloRequest) (*pluginv1.HelloReply, error) {
	switch w.nonsense {
	case "hello": // of many megabytes, not to be shown
		many := make([]string, 500)
		for i := range many {
			many[i] = strings.Repeat("\x1b[2J", 1000)
		}
		return &pluginv1.HelloReply{Sdk: strings.Repeat("\x00\x1b]0;", 1<<18), Features: many}, nil
	case "hello hangs":
		time.Sleep(time.Hour)
	case "hello error":
		return nil, status.Error(codes.Unimplemented, "what \x1b[31mis this?")
	case "canary":
		return &pluginv1.HelloReply{Features: []string{protocol.FeatureSharedMemory}}, nil
	}
	return &pluginv1.HelloReply{Sdk: "none"}, nil
}

func (w *wrong) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.Manifest, error) {
	switch w.nonsense {
	case "manifest":
		return &pluginv1.Manifest{Name: "\x1b[2J", Components: make([]*pluginv1.Component, 3)}, nil
	case "manifest dies":
		os.Exit(6)
	}
	m := plugins.Manifest{Name: "wrong"}
	for _, name := range append(append([]string{"gain"}, wordy...), wrongAnswers...) {
		m.Components = append(m.Components, plugins.Component{Spec: plugins.Spec{Kind: plugins.KindOptimizer, Name: name}})
	}
	return protocol.ManifestToWire(m), nil
}

// Attach is to other memory than the host's.
func (w *wrong) Attach(context.Context, *pluginv1.AttachRequest) (*pluginv1.AttachReply, error) {
	return &pluginv1.AttachReply{Canary: 1}, nil
}

func (w *wrong) Open(_ context.Context, r *pluginv1.OpenRequest) (*pluginv1.OpenReply, error) {
	w.component = r.GetComponent()
	switch w.component {
	case "gain":
		return &pluginv1.OpenReply{Gains: []float64{1, -1}}, nil
	case "wordy-open":
		return nil, status.Error(codes.Internal, manyWords)
	}
	return &pluginv1.OpenReply{Gains: []float64{0}}, nil
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
		case "huge":
			result.Parameters = make([]byte, 32<<20)
		case "wordy-run":
			result.Error = manyWords
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

// A gain that is no gain is an error of its slot, and not 1.
func TestAGainThatIsNoneIsRefused(t *testing.T) {
	w := newWorker(t, newHost(t, "serve-wrong", Options{}))
	spec := evilSpec("none", 2)
	for i := range spec.Slots {
		spec.Slots[i].Optimizer.Component = "gain"
	}
	_, err := w.Open(t.Context(), spec)
	var slot *runner.SlotError
	if !errors.As(err, &slot) || slot.Slot != 1 || !strings.Contains(err.Error(), "gain is -1") {
		t.Errorf("Open gives %v", err)
	}
}

func (w *wrong) Save(context.Context, *pluginv1.SaveRequest) (*pluginv1.SlotState, error) {
	if w.component == "wordy-save" {
		return nil, status.Error(codes.Internal, manyWords)
	}
	return &pluginv1.SlotState{Content: make([]byte, 64<<10)}, nil
}

// An error of a plugin is cut, whichever call it answers: its beginning and its end are kept.
func TestLongErrorsAreCut(t *testing.T) {
	for _, name := range wordy {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, newHost(t, "serve-wrong", Options{}))
			spec := evilSpec("none", 1)
			spec.Slots[0].Optimizer.Component = name
			s, err := w.Open(t.Context(), spec)
			if err == nil {
				var failed []*runner.SlotError
				_, failed, err = s.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}})
				if len(failed) == 1 {
					err = failed[0]
				} else if err == nil {
					_, err = s.Save(t.Context(), 0)
				}
			}
			var slot *runner.SlotError
			if !errors.As(err, &slot) || slot.Slot != 0 {
				t.Fatalf("the error is %.200v, want one of slot 0", err)
			}
			text := err.Error()
			if len(text) > protocol.MaxText+100 || strings.Contains(text, "\x1b") {
				t.Errorf("an error has %d bytes: %.200q", len(text), text)
			}
			if !strings.Contains(text, "it went wrong") || !strings.HasSuffix(text, "here") || !strings.Contains(text, " bytes left out ") {
				t.Errorf("the error is %.100q … %q", text, text[len(text)-50:])
			}
		})
	}
}

// A state that is larger than what is kept costs its trial a checkpoint, and the process goes on.
func TestAStateThatIsTooLarge(t *testing.T) {
	w := newWorker(t, newHost(t, "serve-wrong", Options{}))
	spec := evilSpec("none", 1)
	spec.Slots[0].Optimizer.Component = "short"
	s, err := w.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	pid := w.processes[BuiltinRef].leash.Pid()
	s.(*session).dim = 8 - 256<<10 // which makes the limit 8 KiB, so that the test need not send 256 MiB
	var slot *runner.SlotError
	if _, err := s.Save(t.Context(), 0); !errors.As(err, &slot) || !strings.Contains(err.Error(), "its state takes more than the 0.00819 MB that can be saved") {
		t.Errorf("Save gives %v", err)
	}
	if p := w.processes[BuiltinRef]; p == nil || p.leash.Pid() != pid || p.ended() {
		t.Error("the process has ended")
	}
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

// What a plugin says of itself is not trusted: nonsense is a fault, and what is only strange is
// made fit to be shown.
func TestNonsenseInTheFirstConversation(t *testing.T) {
	for _, c := range []struct{ nonsense, message string }{
		{"hello", ""},
		{"hello hangs", "plugin builtin does not answer Hello: did not answer within 2s and was stopped"},
		{"hello error", "plugin builtin does not answer Hello: what "},
		{"manifest", "plugin builtin describes itself wrongly: "},
		{"manifest dies", "plugin builtin does not describe itself: exited with status 6"},
		{"canary", "plugin builtin attached to other memory: canary 0x1, want 0x"},
	} {
		t.Run(c.nonsense, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, "serve-wrong", Options{CallTimeout: 2 * time.Second})
			h.options.Builtin = append(h.options.Builtin, c.nonsense)
			w := newWorker(t, h)
			spec := evilSpec("none", 1)
			spec.Slots[0].Optimizer.Component = "short"
			_, err := w.Open(t.Context(), spec)
			if c.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				d := w.processes[BuiltinRef].description
				if all := d.SDK + strings.Join(d.Features, ""); strings.ContainsAny(all, "\x00\x1b") || len(all) > 2*protocol.MaxText {
					t.Errorf("what the plugin says of itself is kept with control characters: %.80q", all)
				}
				return
			}
			var fault *runner.Fault
			if !errors.As(err, &fault) || !strings.HasPrefix(err.Error(), c.message) || strings.ContainsAny(err.Error(), "\x00\x1b") {
				t.Errorf("Open gives %v, want a fault with %q", err, c.message)
			}
		})
	}
}

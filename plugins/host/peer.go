package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	goplugin "github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
	"github.com/xrun-dev/xrun/runner"
)

// peer is a running plugin.
type peer struct {
	name        string
	timeout     time.Duration
	attached    *grpc.ClientConn // to one that was not started here; nil for others, which have what follows
	leash       *process.Leash
	client      *plugin.Client
	rpc         *protocol.Client
	lifeline    *os.File // closing it ends the plugin
	bell        *bell    // nil without shared memory
	arena       *arena   // its worker's; nil without shared memory
	description *Description
	memory      int64 // bytes that it may take, with the arena's; 0 where nothing limits it

	scratch string     // the only directory to write to, in a sandbox; else empty
	private privateDir // in which scratch is

	data     uint32        // the number of what was loaded last
	loaded   *plugins.Data // nil before the first
	session  uint32
	sequence uint64
}

// start runs a plugin and shakes hands with it. shared is its worker's memory, or nil; k keeps its
// process group. variables are NAME=value.
func (h *Host) start(ctx context.Context, src Source, shared *arena, k *process.Keeper, variables []string) (_ *peer, err error) {
	if src.Attached() {
		return h.attach(ctx, src)
	}
	p := &peer{name: src.Ref, timeout: h.options.CallTimeout, memory: h.memoryLimit()}
	if src.Builtin {
		p.name = "builtin"
	}
	began := time.Now()
	if err := src.unchanged(); err != nil {
		return nil, p.fault(-1, err)
	}
	dir, err := h.socketDir()
	if err != nil {
		return nil, fmt.Errorf("make a directory for the socket of plugin %s: %w", p.name, err)
	}
	defer dir.remove()
	defer func() {
		if p.leash != nil {
			p.leash.Free()
		}
		if err != nil {
			p.stop()
			if ctx.Err() != nil {
				err = context.Cause(ctx)
				return
			}
			err = p.fault(-1, err)
		}
	}()
	env, extra, theirs, attachment, err := p.inherit(shared, h.writesGradients(src))
	if err != nil {
		return nil, err
	}
	command := src.command
	if h.options.Sandbox != nil {
		if p.private, p.scratch, err = h.scratchDir(); err != nil {
			return nil, err
		}
		command = append(append(slices.Clone(h.options.Sandbox), src.Path), command...)
		env = append(env, "TMPDIR="+p.scratch)
	}
	printed := printer{p}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		SyncStdout:       printed, // of servers of go-plugin that are not of our SDK
		SyncStderr:       printed,
		HandshakeConfig:  protocol.Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{protocol.Version: {protocol.Name: &protocol.GRPC{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		SkipHostEnv:      true,
		AutoMTLS:         runtime.GOOS == "windows", // there the connection is a TCP port
		StartTimeout:     h.options.StartTimeout,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir.path},
		Logger:           hclog.NewNullLogger(), // its parser of plugins' log lines can be crashed by them
		GRPCDialOptions: []grpc.DialOption{grpc.WithIdleTimeout(0), grpc.WithUnaryInterceptor(deadline(p.timeout)),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(protocol.MaxReply))}, // go-plugin's own is 2 GiB
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (goplugin.Runner, error) {
			p.leash = process.NewLeash(command, slices.Concat(variables, env, cmd.Env), extra)
			if listen := h.options.Printed; listen != nil {
				p.leash.Say = func(line string, left int) { listen(p.name, line, left) }
			}
			p.leash.Until, p.leash.Memory, p.leash.Keeper = ctx, p.memory, k
			if !src.Builtin { // which starts nothing
				p.leash.Guard = h.options.Guard
			}
			if shared != nil && p.memory > 0 {
				p.leash.Memory = p.memory - shared.bytes()
			}
			return p.leash, nil
		},
	})
	silence := time.AfterFunc(h.options.NoticeAfter, func() {
		h.notice("plugin %s has not answered for %v; waiting up to %v; Ctrl-C stops", p.name, h.options.NoticeAfter, h.options.StartTimeout)
	})
	defer func() {
		if !silence.Stop() && err == nil {
			h.notice("plugin %s answered after %v", p.name, time.Since(began).Round(100*time.Millisecond))
		}
	}()
	connection, err := p.client.Client() // ends with ctx, as the process does
	for _, f := range theirs {
		f.Close()
	}
	if err != nil {
		return nil, p.startError(err)
	}
	raw, err := connection.Dispense(protocol.Name)
	if err != nil {
		return nil, err
	}
	p.rpc = raw.(*protocol.Client)
	if err := p.meet(ctx, h, src, shared, attachment); err != nil {
		return nil, err
	}
	if err := src.unchanged(); err != nil { // between the first look and the start
		return nil, err
	}
	if err := p.leash.Unlimited(); err != nil {
		h.options.Logger.Warn("plugin is not limited in what it takes", "plugin", p.name, "error", err)
	}
	h.options.Logger.Debug("plugin started", "plugin", p.name, "pid", p.leash.ID(), "shared_memory", p.arena != nil, "took", time.Since(began))
	return p, nil
}

// inherit prepares the descriptors of the process. env names them, extra are those that it inherits,
// theirs are those that we close once it runs.
func (p *peer) inherit(shared *arena, writable bool) (env []string, extra, theirs []*os.File, a *pluginv1.AttachRequest, err error) {
	if runtime.GOOS == "windows" {
		return nil, nil, nil, nil, nil
	}
	first := 3 // after stdin, stdout and stderr
	lifeline, ours, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, nil, err
	}
	p.lifeline = ours
	env = []string{fmt.Sprintf("%s=%d", protocol.EnvLifeline, first)}
	extra, theirs = []*os.File{lifeline}, []*os.File{lifeline}
	if shared == nil {
		return env, extra, theirs, nil, nil
	}
	b, commands, replies, err := newBell()
	if err != nil {
		lifeline.Close()
		return nil, nil, nil, nil, err
	}
	p.bell = b
	gradients := shared.gradientsReadOnly
	if writable {
		gradients = shared.gradientsFile
	}
	env = append(env, fmt.Sprintf("%s=5", protocol.EnvMemory))
	extra = append(extra, shared.controlFile, gradients, shared.parametersFile, commands, replies)
	theirs = append(theirs, commands, replies)
	return env, extra, theirs, &pluginv1.AttachRequest{
		ControlFd: int32(first + 1), GradientsFd: int32(first + 2), ParametersFd: int32(first + 3),
		CommandsFd: int32(first + 4), RepliesFd: int32(first + 5),
		ControlBytes: int64(len(shared.control)), SlabBytes: int64(len(shared.parameters)), GradientsWritable: writable,
	}, nil
}

// ErrDescription is the fault of a plugin that answers with an invalid manifest.
var ErrDescription = errors.New("describes itself wrongly")

// printer hands on to a peer's leash what its process prints over the connection.
type printer struct{ of *peer }

func (w printer) Write(text []byte) (int, error) { return w.of.leash.Write(text) }

// meet is the first conversation: features, manifest, shared memory.
func (p *peer) meet(ctx context.Context, h *Host, src Source, shared *arena, a *pluginv1.AttachRequest) error {
	hello, err := p.rpc.Hello(ctx, &pluginv1.HelloRequest{
		HostVersion: h.options.Version,
		Features:    []string{protocol.FeatureSharedMemory, protocol.FeatureState},
	})
	if err != nil {
		return fmt.Errorf("does not answer Hello: %w", p.broken(err))
	}
	wire, err := p.rpc.Describe(ctx, &pluginv1.DescribeRequest{})
	if err != nil {
		return fmt.Errorf("does not describe itself: %w", p.broken(err))
	}
	manifest, err := protocol.ManifestFromWire(wire)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDescription, err)
	}
	p.description = &Description{Source: src, Manifest: manifest, SDK: protocol.Clean(hello.GetSdk()), Features: protocol.Features(hello.GetFeatures())}
	if shared == nil || !slices.Contains(hello.GetFeatures(), protocol.FeatureSharedMemory) {
		return nil
	}
	reply, err := p.rpc.Attach(ctx, a)
	if err != nil {
		h.options.Logger.Warn("plugin cannot use shared memory, messages are used", "plugin", p.name, "error", plain(err))
		return nil
	}
	if reply.GetCanary() != shared.canary {
		return fmt.Errorf("attached to other memory: canary %#x, want %#x", reply.GetCanary(), shared.canary)
	}
	p.arena = shared
	return nil
}

// writesGradients reports whether the plugin supplies regularizers, which add to gradients, or
// objectives, which make them.
// A plugin that has not been described yet may.
func (h *Host) writesGradients(src Source) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.described[src.Path]
	return d == nil || slices.ContainsFunc(d.Components, func(c plugins.Component) bool { return c.Kind != plugins.KindOptimizer })
}

// otherVersion is how go-plugin reports that no version of the protocol is common to both ends.
var otherVersion = regexp.MustCompile(`^incompatible API version with plugin. Plugin version: (\d+)`)

// startError says why a plugin did not come up, better than go-plugin can: it saw the handshake only.
func (p *peer) startError(err error) error {
	if p.leash == nil || !p.leash.Started() {
		return fmt.Errorf("cannot be started: %w", err)
	}
	p.leash.Kill(context.Background()) // as go-plugin has done by now
	if p.leash.EndedByItself() {
		return fmt.Errorf("%s before it was ready", process.DescribeExit(p.leash.State()))
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	if strings.HasPrefix(text, "Unrecognized remote plugin message") {
		return errors.New("printed no handshake: is it a plugin of xrun?")
	}
	if found := otherVersion.FindStringSubmatch(text); found != nil {
		return fmt.Errorf("speaks version %s of the protocol, and this xrun version %d: another version of one of them may fit", found[1], protocol.Version)
	}
	return fmt.Errorf("did not start: %s", text)
}

// stop ends the process: by its lifeline if it listens, else by force. It waits one second for the
// process to end by itself, and three for go-plugin to notice.
func (p *peer) stop() {
	if p.scratch != "" {
		defer p.private.remove()
	}
	if p.attached != nil {
		p.attached.Close()
		return
	}
	if p.lifeline != nil {
		p.lifeline.Close()
	}
	if p.bell != nil {
		p.bell.close()
	}
	if p.leash == nil || !p.leash.Started() {
		return
	}
	p.leash.Within(time.Second)
	p.leash.Kill(context.Background()) // also what a leader that ended by itself left behind
	done := make(chan struct{})
	go func() {
		p.client.Kill() // frees go-plugin's goroutines; the process is gone
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
	}
	p.leash.Listen(time.Second)
}

// ended reports whether the process, or the connection to it, has ended.
func (p *peer) ended() bool {
	if p.attached != nil {
		return p.attached.GetState() == connectivity.Shutdown
	}
	return p.leash.Ended()
}

// kill ends the process, unless it was attached to.
func (p *peer) kill() {
	if p.attached == nil {
		p.leash.Kill(context.Background())
	}
}

// fault makes err into a Fault with what the process printed last.
func (p *peer) fault(slot int, err error) error {
	var already *runner.Fault
	if errors.As(err, &already) || errors.Is(err, context.Canceled) {
		return err
	}
	f := &runner.Fault{Plugin: p.name, Slot: slot, Err: err}
	if p.leash != nil {
		f.LastWords = p.leash.LastWords()
	}
	f.Err = p.limited(err, f.LastWords)
	return f
}

// ErrHang is in the fault of a process that did not answer in time.
var ErrHang = errors.New("did not answer in time")

// hang is an ErrHang with the time.
type hang time.Duration

func (h hang) Error() string {
	return fmt.Sprintf("did not answer within %v and was stopped", time.Duration(h))
}

func (h hang) Is(target error) bool { return target == ErrHang }

// whereLimit is how long a process that hangs may take to say where.
const whereLimit = 500 * time.Millisecond

// broken describes why a process did not answer as it should.
func (p *peer) broken(err error) error {
	switch {
	case p.attached != nil:
		return plain(err)
	case errors.Is(err, errDeadline), status.Code(err) == codes.DeadlineExceeded:
		p.leash.Where(whereLimit)
		return hang(p.timeout)
	case errors.Is(err, io.EOF):
		return p.leash.Ending()
	case status.Code(err) == codes.Unavailable:
		if p.leash.Within(time.Second) || p.leash.Ended() {
			return p.leash.Ending()
		}
	}
	return plain(err)
}

// plain removes gRPC's wrapping from an error's text.
func plain(err error) error {
	if s, ok := status.FromError(err); ok {
		return errors.New(protocol.Clean(s.Message()))
	}
	return err
}

// tooLarge reports whether a call failed because the answer is larger than the limit of its size.
func tooLarge(err error) bool {
	s, ok := status.FromError(err)
	return ok && s.Code() == codes.ResourceExhausted && strings.Contains(s.Message(), "received message larger than max")
}

// deadline bounds every call, so that a plugin that hangs does not hang xrun.
func deadline(timeout time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return invoke(ctx, method, req, reply, cc, opts...)
	}
}

// Package sdk serves components written in Go as an xrun plugin: one call to [Serve] in main.
//
// The process speaks gRPC with xrun for set-up and works on shared memory, rung by a pipe, for
// everything that happens at each step. Whatever the plugin prints goes to xrun's log of it.
package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
)

// Version is the version of this SDK, recorded with each run that used it.
const Version = "0.1.0"

// Serve runs the plugin until xrun is done with it, and does not return before. Run by hand, it
// says what the program is and exits; with the argument --debug it waits for xrun to attach to it.
func Serve(m plugins.Manifest) {
	if os.Getenv(protocol.Handshake.MagicCookieKey) != protocol.Handshake.MagicCookieValue {
		if slices.Contains(os.Args[1:], debugFlag) {
			if err := serveDebug(m, os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
		fmt.Fprintf(os.Stderr, "%s is a plugin of xrun. Name it in a sweep file:\n\n    [optimizers.NAME]\n    plugin = %q\n\nor have it wait for xrun, for instance under a debugger: %s %s\n", os.Args[0], os.Args[0], os.Args[0], debugFlag)
		os.Exit(1)
	}
	server := &server{manifest: m}
	server.sessions = map[uint32]*session{}
	ServeServices(server, server, func(ready func()) { server.ready = ready })
}

// ServeServices is [Serve] for other implementations of the services. If hello is not nil, it is given a
// function that their Hello has to call: from then on, output goes to the real standard error.
func ServeServices(p pluginv1.PluginServer, s pluginv1.SessionsServer, hello func(ready func())) {
	// Ctrl-C reaches the whole foreground group; xrun decides when its plugins end.
	signal.Ignore(os.Interrupt)
	watchLifeline()
	// go-plugin redirects these two into gRPC streams that lose a dying process's last words.
	stderr := os.Stderr
	if hello != nil {
		sayWhere(stderr)
		hello(func() { os.Stdout, os.Stderr = stderr, stderr })
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: protocol.Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{
			protocol.Version: {protocol.Name: &protocol.GRPC{Plugin: p, Sessions: s}},
		},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(protocol.MaxMessage), grpc.MaxSendMsgSize(protocol.MaxMessage))...)
		},
		Logger: hclog.NewNullLogger(),
	})
}

// watchLifeline ends the process when xrun is gone, however it went.
func watchLifeline() {
	fd, err := strconv.Atoi(os.Getenv(protocol.EnvLifeline))
	if err != nil {
		return // started by something older or by a debugger
	}
	pipe, parent := os.NewFile(uintptr(fd), "lifeline"), os.Getppid()
	go func() {
		// An error is no end: an emulator's kernel may give one for a read that a signal has interrupted, and go on to. Whoever has
		// started this process ends with xrun.
		for b := make([]byte, 64); ; {
			_, err := pipe.Read(b)
			if errors.Is(err, io.EOF) || err != nil && os.Getppid() != parent {
				os.Exit(0)
			}
			if err != nil {
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
}

// server answers the control plane.
type server struct {
	pluginv1.UnimplementedPluginServer
	pluginv1.UnimplementedSessionsServer
	manifest plugins.Manifest
	ready    func()
	sessionTable
}

func (s *server) Hello(context.Context, *pluginv1.HelloRequest) (*pluginv1.HelloReply, error) {
	s.ready()
	features := []string{protocol.FeatureState}
	if sharedMemory {
		features = append(features, protocol.FeatureSharedMemory)
	}
	return &pluginv1.HelloReply{Sdk: "go " + Version, Features: features}, nil
}

func (s *server) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.Manifest, error) {
	return protocol.ManifestToWire(s.manifest), nil
}

func (s *server) Attach(_ context.Context, r *pluginv1.AttachRequest) (*pluginv1.AttachReply, error) {
	m, err := attach(r)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "attach shared memory: %v", err)
	}
	magic, canary := protocol.Header(m.control)
	if magic != protocol.Magic {
		return nil, status.Errorf(codes.FailedPrecondition, "control region begins with %#x, want %#x", magic, uint64(protocol.Magic))
	}
	go m.serve(&s.sessionTable)
	return &pluginv1.AttachReply{Canary: canary}, nil
}

func (s *server) component(kind plugins.Kind, name string) (plugins.Component, bool) {
	for _, c := range s.manifest.Components {
		if c.Kind == kind && c.Name == name {
			return c, true
		}
	}
	return plugins.Component{}, false
}

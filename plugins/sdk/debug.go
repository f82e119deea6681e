package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
)

// debugFlag makes a plugin that is started by hand wait for xrun, until an interrupt.
const debugFlag = "--debug"

// serveDebug serves a process that xrun did not start: it prints the environment variable by which
// xrun attaches to it. All workers of a sweep share the process, so calls are made one at a time
// here, as the contract has it, and so that a debugger steps through one of them.
func serveDebug(m plugins.Manifest, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &server{manifest: m, ready: func() {}}
	s.sessions = map[uint32]*session{}
	address, closed := make(chan *plugin.ReattachConfig, 1), make(chan struct{})
	var one sync.Mutex
	go plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: protocol.Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{
			protocol.Version: {protocol.Name: &protocol.GRPC{Plugin: s, Sessions: s}},
		},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, grpc.MaxRecvMsgSize(protocol.MaxMessage), grpc.MaxSendMsgSize(protocol.MaxMessage),
				grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
					one.Lock()
					defer one.Unlock()
					return handle(ctx, req)
				}))...)
		},
		Logger: hclog.NewNullLogger(),
		Test:   &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: address, CloseCh: closed},
	})
	select {
	case at := <-address:
		// The fields are those of host.Reattachment.
		text, err := json.Marshal(map[string]any{m.Name: map[string]any{
			"Protocol": at.Protocol, "ProtocolVersion": at.ProtocolVersion, "Pid": at.Pid,
			"Addr": map[string]string{"Network": at.Addr.Network(), "String": at.Addr.String()},
		}})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "In the shell where you run xrun:\n\nexport XRUN_REATTACH='%s'\n\nCtrl-C ends this process.\n", text)
	case <-closed:
		return fmt.Errorf("%s cannot listen for xrun", m.Name)
	}
	<-closed
	return nil
}

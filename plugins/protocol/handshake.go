// Package protocol is what both ends of the wire between xrun and a plugin agree on: the
// handshake, the gRPC services (plugin.proto), the layout of shared memory, and the conversion
// between messages and the types of package plugins.
//
// It starts nothing and serves nothing: see plugins/host and plugins/sdk.
package protocol

//go:generate protoc --go_out=pluginv1 --go_opt=paths=source_relative --go-grpc_out=pluginv1 --go-grpc_opt=paths=source_relative plugin.proto

import (
	"context"
	_ "embed"
	"errors"
	"math"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
)

// Definition is plugin.proto, the contract with plugins in any language.
//
//go:embed plugin.proto
var Definition []byte

// Version is the major version of the protocol, negotiated by go-plugin.
const Version = 1

// Handshake identifies a plugin of xrun. The cookie lets a plugin that is run by hand
// say what it is. It protects nothing.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  Version,
	MagicCookieKey:   "XRUN_PLUGIN",
	MagicCookieValue: "d0c5f2a8-optimizers-and-regularizers",
}

// Features are negotiated in Hello.
const (
	FeatureSharedMemory = "shared_memory/1"
	FeatureState        = "state/1"
)

// Environment of a plugin process.
const (
	// EnvLifeline is the descriptor of a pipe that reads end-of-file when the host is gone;
	// a plugin then exits.
	EnvLifeline = "XRUN_LIFELINE_FD"
	// EnvMemory is how many descriptors follow the lifeline's: those that AttachRequest names.
	EnvMemory = "XRUN_MEMORY_FDS"
)

// MaxMessage is the size limit of what a plugin receives and sends by gRPC, which is none: it trusts xrun, and xrun
// limits what it takes itself. gRPC's own default is less than one gradient of half a million parameters.
const MaxMessage = math.MaxInt32

// MaxReply is the size limit, in bytes, of what xrun takes from a plugin in answer to most calls: descriptions,
// layouts, errors. It is gRPC's own default. [RunReplyLimit] and [StateLimit] are those of the calls with vectors.
const MaxReply = 4 << 20

// RunReplyLimit is the size limit, in bytes, of the answer to a Run of some tasks, of which each returns so many
// bytes of vectors and so many metrics. There is room for errors beside them, which are cut by whoever reads them.
func RunReplyLimit(tasks, vectors, metrics int) int {
	const framing = 64 // of a result: tags, lengths, the value
	return min(tasks*(vectors+8*metrics+framing)+MaxReply, MaxMessage)
}

// StateLimit is the size limit, in bytes, of a saved state of a component with so many parameters: 256 MiB, which a
// full matrix over five thousand parameters fits into, and 128 numbers for each parameter.
func StateLimit(dim int) int { return min(256<<20+128*8*dim, MaxMessage) }

// GRPC joins go-plugin and the services. A plugin fills in the servers, a host leaves them nil.
type GRPC struct {
	plugin.NetRPCUnsupportedPlugin
	Plugin   pluginv1.PluginServer
	Sessions pluginv1.SessionsServer
}

// Name is the key of the only entry in go-plugin's plugin set.
const Name = "xrun"

// Client is the host's end of the services.
type Client struct {
	pluginv1.PluginClient
	Sessions pluginv1.SessionsClient
}

// GRPCServer registers the services of a plugin.
func (g *GRPC) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if g.Plugin == nil || g.Sessions == nil {
		return errors.New("protocol: a plugin serves both services")
	}
	pluginv1.RegisterPluginServer(s, g.Plugin)
	pluginv1.RegisterSessionsServer(s, g.Sessions)
	return nil
}

// GRPCClient makes a *Client.
func (g *GRPC) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &Client{PluginClient: pluginv1.NewPluginClient(conn), Sessions: pluginv1.NewSessionsClient(conn)}, nil
}

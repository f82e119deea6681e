package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/xrun-dev/xrun/plugins/protocol"
)

// A Reattachment is a plugin that the user has started, most likely under a debugger, and that xrun
// uses instead of starting one: by messages, without deadlines, and without ending it.
type Reattachment struct {
	Protocol        string // "grpc"
	ProtocolVersion int
	Pid             int
	Addr            address
}

// address is where it listens.
type address struct {
	Network string // unix or tcp
	String  string
}

// reattached begins the identity of a plugin that was attached to. What follows it tells one such
// process from another. It is no digest: the code that the process runs is unknown.
const reattached = "reattached:"

// ParseReattach reads the value of XRUN_REATTACH: an object with a [Reattachment] for each plugin,
// by its name or by the path that a sweep file has for it.
func ParseReattach(text string) (map[string]Reattachment, error) {
	if text == "" {
		return nil, nil
	}
	var all map[string]Reattachment
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("XRUN_REATTACH is not what a plugin with --debug prints: %w", err)
	}
	for ref, r := range all {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("XRUN_REATTACH, plugin %s: %w", ref, err)
		}
	}
	return all, nil
}

// check accepts addresses on this machine only: the connection is not encrypted.
func (r Reattachment) check() error {
	switch {
	case r.Protocol != "grpc":
		return fmt.Errorf("speaks %q, want grpc", r.Protocol)
	case r.ProtocolVersion != protocol.Version:
		return fmt.Errorf("speaks version %d of the protocol, this xrun version %d: build it with xrun's own SDK", r.ProtocolVersion, protocol.Version)
	case r.Addr.Network == "unix" && filepath.IsAbs(r.Addr.String):
		return nil
	case r.Addr.Network == "tcp":
		host, _, err := net.SplitHostPort(r.Addr.String)
		if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsLoopback() {
			return nil
		}
	}
	return fmt.Errorf("listens at %s %q, want a unix socket's path or a loopback address", r.Addr.Network, r.Addr.String)
}

// source is the plugin as something that is found.
func (r Reattachment) source(ref string) Source {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", r.Pid, r.Addr.Network, r.Addr.String))
	return Source{Ref: ref, Path: fmt.Sprintf("attached by XRUN_REATTACH: process %d", r.Pid), Digest: reattached + hex.EncodeToString(sum[:8]), reattach: &r}
}

// Attached reports whether the plugin is one that xrun did not start.
func (s Source) Attached() bool { return s.reattach != nil }

// reattached finds a plugin among those that run already: by its reference, by the path that a sweep
// file has for it, or by the name in its path. The longest key that fits counts.
func (h *Host) reattached(ref string) (Source, bool) {
	best, found := "", false
	for key := range h.options.Reattach {
		if names(key, ref) && (!found || len(key) > len(best) || len(key) == len(best) && key < best) {
			best, found = key, true
		}
	}
	if !found {
		return Source{}, false
	}
	return h.options.Reattach[best].source(ref), true
}

// names reports whether a key of XRUN_REATTACH means a plugin.
func names(key, ref string) bool {
	if !strings.Contains(filepath.ToSlash(key), "/") {
		return ref == key || strings.TrimSuffix(strings.TrimPrefix(filepath.Base(ref), Prefix), ".exe") == key
	}
	path, err := filepath.Abs(ref)
	if err != nil || !strings.Contains(filepath.ToSlash(ref), "/") {
		return false
	}
	key = filepath.Clean(key)
	return path == key || filepath.IsLocal(key) && strings.HasSuffix(path, string(filepath.Separator)+key)
}

// firstSession is where the numbers of sessions begin in a process that several workers share.
func firstSession() uint32 { return rand.Uint32() }

// attach connects to a plugin that runs already. It does without go-plugin's client, which would end
// the plugin when it closes the connection.
func (h *Host) attach(ctx context.Context, src Source) (*peer, error) {
	p := &peer{name: src.Ref}
	r := *src.reattach
	target := "passthrough:///" + r.Addr.String
	connection, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, r.Addr.Network, address)
		}),
		grpc.WithIdleTimeout(0),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(protocol.MaxReply), grpc.MaxCallSendMsgSize(protocol.MaxMessage)))
	if err != nil {
		return nil, p.fault(-1, fmt.Errorf("cannot be attached to: %w", err))
	}
	p.attached = connection
	p.session = firstSession()
	client, err := (&protocol.GRPC{}).GRPCClient(ctx, nil, connection)
	if err == nil {
		p.rpc = client.(*protocol.Client)
		err = p.meet(ctx, h, src, nil, nil)
	}
	if err != nil {
		p.stop()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, p.fault(-1, fmt.Errorf("process %d cannot be attached to: %w; start it again, and export the XRUN_REATTACH that it prints", r.Pid, err))
	}
	h.options.Logger.Debug("plugin attached to", "plugin", p.name, "pid", r.Pid)
	return p, nil
}

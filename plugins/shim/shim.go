// Package shim stands between xrun and a plugin in Python: it speaks go-plugin and gRPC to the one
// side and frames of JSON to the other, so that an author needs nothing but Python. The steps of
// training do not pass it: the bell and the memory they use are handed through to the worker.
//
// It knows no component and no setting; see plugins/python for the other side.
package shim

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
	"github.com/xrun-dev/xrun/plugins/python"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

// Serve runs the Python plugin at path until xrun is done with it, and does not return before.
// Whatever ends the worker ends this process in the same way.
func Serve(path string) {
	runtime.LockOSThread() // the worker dies with the thread that started it
	w, err := start(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go w.watch()
	if err := w.ready(); err != nil {
		w.leave() // it says best itself why it ended
	}
	sdk.ServeServices(&server{worker: w}, &server{worker: w}, nil)
	w.requests.Close()
	w.leave()
}

// worker is the Python process, and the pipes to it.
type worker struct {
	cmd      *exec.Cmd
	mu       sync.Mutex // one conversation at a time
	requests *os.File
	replies  *bufio.Reader
	gone     chan struct{}
}

// bootstrap is the program of the interpreter: the module does the rest. Modules are looked for beside the
// plugin, and not where xrun happens to be started, as Python would with -c. Before that they are looked for in the
// directory of the module, which has nothing but it and the package xrun.
const bootstrap = `import sys
if sys.version_info < (3, 9): sys.exit("plugins of xrun want Python 3.9 or newer, and %s is %s; XRUN_PYTHON names another" % (sys.executable, sys.version.split()[0]))
sys.path[:] = [sys.argv[1]] + [p for p in sys.path if p not in ("", sys.argv[1])]
import xrun_plugin
xrun_plugin._main(sys.argv[2])`

func start(path string) (*worker, error) {
	if runtime.GOOS == "windows" {
		return nil, errors.New("plugins in Python need Unix: on Windows no pipes can be handed on")
	}
	script, ok := python.Script(path)
	if !ok {
		return nil, fmt.Errorf("%s is no Python plugin", path)
	}
	dir, err := python.Install()
	if err != nil {
		return nil, err
	}
	interpreter, chosen := python.Interpreter(script, os.Getenv)
	cmd := exec.Command(interpreter[0], append(interpreter[1:], "-B", "-u", "-c", bootstrap, dir, script)...)
	// What it prints is for the log, from before its first import on.
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = processAttributes()
	inherited := handedOn()
	theirRequests, requests, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	replies, theirReplies, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stacks, theirStacks, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = append(inherited, theirRequests, theirReplies, theirStacks)
	first := 3 + len(inherited)
	var own []string
	for fd := 3; fd < first+3; fd++ {
		own = append(own, strconv.Itoa(fd))
	}
	cmd.Env = append(os.Environ(), fmt.Sprintf("XRUN_CONTROL_FDS=%d,%d", first, first+1), "XRUN_OWN_FDS="+strings.Join(own, ","), fmt.Sprintf("XRUN_STACKS_FD=%d", first+2), python.EnvChosen+"="+chosen,
		"PYTHONPATH="+python.SearchPath(dir, os.Getenv("PYTHONPATH")))
	signal.Notify(make(chan os.Signal, 1), syscall.SIGQUIT) // it is for the worker, which says where it hangs
	go sayWhere(stacks, os.Stderr)
	err = cmd.Start()
	theirRequests.Close()
	theirReplies.Close()
	theirStacks.Close()
	for i, f := range inherited {
		if i > 0 { // the lifeline is watched here, too; an open end of the bell would hide the worker's death
			f.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("start the Python interpreter, %s: %w; XRUN_PYTHON names another", chosen, err)
	}
	return &worker{cmd: cmd, requests: requests, replies: bufio.NewReader(replies), gone: make(chan struct{})}, nil
}

// handedOn are the descriptors that the host has given this process, in their order: the lifeline and,
// with shared memory, its regions and the bell.
func handedOn() []*os.File {
	fd, err := strconv.Atoi(os.Getenv(protocol.EnvLifeline))
	if err != nil {
		return nil
	}
	files := []*os.File{os.NewFile(uintptr(fd), "lifeline")}
	n, _ := strconv.Atoi(os.Getenv(protocol.EnvMemory))
	for i := range n {
		files = append(files, os.NewFile(uintptr(fd+1+i), "memory"))
	}
	return files
}

// watch ends this process when the worker ends.
func (w *worker) watch() {
	w.cmd.Wait()
	close(w.gone)
	w.leave()
}

// leave waits for the worker and ends this process in the same way.
func (w *worker) leave() {
	<-w.gone
	process.ExitAs(w.cmd.ProcessState)
}

// ready waits until the plugin's file has run.
func (w *worker) ready() error {
	_, err := w.receive()
	return err
}

func (w *worker) receive() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(w.replies, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.LittleEndian.Uint32(size[:]))
	_, err := io.ReadFull(w.replies, body)
	return body, err
}

// call sends a request to the worker and returns its answer.
func (w *worker) call(method string, request, reply proto.Message) error {
	body, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(request)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	frame, err := json.Marshal(map[string]any{"method": method, "request": json.RawMessage(body)})
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if len(frame) > math.MaxUint32 {
		return status.Errorf(codes.ResourceExhausted, "%d bytes are too many for a message: Python plugins of this size need shared memory", len(frame))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.requests.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(frame))), frame...)); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	answer, err := w.receive()
	if err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	var got struct {
		OK      json.RawMessage
		Code    codes.Code
		Message string
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if got.OK == nil {
		return status.Error(got.Code, got.Message)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(got.OK, reply); err != nil {
		return status.Error(codes.Internal, errors.Join(errors.New("the answer of Python is not part of the protocol"), err).Error())
	}
	return nil
}

// server passes every call to the worker.
type server struct {
	pluginv1.UnimplementedPluginServer
	pluginv1.UnimplementedSessionsServer
	worker *worker
}

func (s *server) Hello(_ context.Context, r *pluginv1.HelloRequest) (*pluginv1.HelloReply, error) {
	reply := &pluginv1.HelloReply{}
	return reply, s.worker.call("Hello", r, reply)
}

func (s *server) Describe(_ context.Context, r *pluginv1.DescribeRequest) (*pluginv1.Manifest, error) {
	reply := &pluginv1.Manifest{}
	return reply, s.worker.call("Describe", r, reply)
}

func (s *server) Attach(_ context.Context, r *pluginv1.AttachRequest) (*pluginv1.AttachReply, error) {
	reply := &pluginv1.AttachReply{}
	return reply, s.worker.call("Attach", r, reply)
}

func (s *server) Open(_ context.Context, r *pluginv1.OpenRequest) (*pluginv1.OpenReply, error) {
	reply := &pluginv1.OpenReply{}
	return reply, s.worker.call("Open", r, reply)
}

func (s *server) Place(_ context.Context, r *pluginv1.PlaceRequest) (*pluginv1.PlaceReply, error) {
	reply := &pluginv1.PlaceReply{}
	return reply, s.worker.call("Place", r, reply)
}

func (s *server) Load(_ context.Context, r *pluginv1.LoadRequest) (*pluginv1.LoadReply, error) {
	reply := &pluginv1.LoadReply{}
	return reply, s.worker.call("Load", r, reply)
}

func (s *server) Run(_ context.Context, r *pluginv1.RunRequest) (*pluginv1.RunReply, error) {
	reply := &pluginv1.RunReply{}
	return reply, s.worker.call("Run", r, reply)
}

func (s *server) Save(_ context.Context, r *pluginv1.SaveRequest) (*pluginv1.SlotState, error) {
	reply := &pluginv1.SlotState{}
	return reply, s.worker.call("Save", r, reply)
}

func (s *server) Restore(_ context.Context, r *pluginv1.RestoreRequest) (*pluginv1.RestoreReply, error) {
	reply := &pluginv1.RestoreReply{}
	return reply, s.worker.call("Restore", r, reply)
}

func (s *server) Close(_ context.Context, r *pluginv1.CloseRequest) (*pluginv1.CloseReply, error) {
	reply := &pluginv1.CloseReply{}
	return reply, s.worker.call("Close", r, reply)
}

package serving

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/mlflow"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/recording"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/journal"
)

// Options say how to serve.
type Options struct {
	Place       recording.Place
	Open        func(ctx context.Context, path string) (*store.Store, error)
	Environment func(ctx context.Context) store.Environment // of this machine
	Listen      string                                      // HOST:PORT
	Token       string                                      // empty makes one where it is needed
	Hosts       []string                                    // further names of this machine
	Stdout      io.Writer
}

// DefaultListen is where MLflow's own server listens.
const DefaultListen = "127.0.0.1:5000"

// held is the name that one server of a database has.
const held = "mlflow"

// Serve answers clients of MLflow until the context is done.
func Serve(ctx context.Context, o Options) (err error) {
	if err := o.Place.Fetch(ctx); err != nil {
		return err
	}
	db, err := o.Open(ctx, o.Place.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	release, err := hold(db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return advice.Usage(fmt.Errorf("listen at %s: %w", o.Listen, err), "--listen 127.0.0.1:0 takes a free port")
	}
	defer listener.Close()
	local := isLoopback(listener.Addr())
	if !local && o.Token == "" {
		o.Token = rand.Text()
	}
	k, err := o.keeper(ctx, db, local)
	if err != nil {
		return err
	}
	defer k.journals.close()
	files := mlflow.Files{Folder: o.Place.At() + ".artifacts"}
	location := files.Address
	if !local {
		location = files.Proxied
	}
	if err := k.take(location); err != nil {
		return err
	}
	o.greet(listener.Addr(), local)
	var failures sync.Mutex
	var warned time.Time
	server := &mlflow.Server{Space: k.space, Files: files, Token: o.Token, Hosts: o.Hosts, Failed: func(err error) {
		failures.Lock()
		defer failures.Unlock()
		if time.Since(warned) > 10*time.Second { // clients ask again and again
			warned = time.Now()
			k.told("a client was sent away: %v", err)
		}
	}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	following, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.follow(following, cancel)
	}()
	err = mlflow.Serve(ctx, listener, server)
	stop()
	<-ended
	last := context.WithoutCancel(ctx)
	if n := k.finish(last); n > 0 {
		k.told("%d runs are not recorded: their journals stay in %s, and the next xrun serve takes them", n, k.journals.folder)
	}
	return errors.Join(err, o.Place.PutBack(last, db))
}

// hold keeps a second server away from the database.
func hold(db *store.Store) (release func() error, err error) {
	release, ok, err := db.TryHold(held)
	if err == nil && !ok {
		err = advice.Usage(errors.New("another process serves this database to clients of MLflow"), "use that one, or another --store")
	}
	return release, err
}

func (o Options) keeper(ctx context.Context, db *store.Store, local bool) (*keeper, error) {
	environment := store.Environment{}
	if local {
		environment = o.Environment(ctx)
	}
	var printing sync.Mutex
	return &keeper{db: db, runs: map[string]*kept{},
		journals:    journals{folder: recording.Folder(o.Place.At()), open: map[string]*os.File{}, torn: map[string]bool{}},
		environment: func(*journal.Begin) store.Environment { return environment },
		told: func(format string, args ...any) {
			printing.Lock()
			defer printing.Unlock()
			fmt.Fprintf(o.Stdout, "# "+format+"\n", args...) // a comment: a shell may read it all
		}}, nil
}

// take takes up what earlier servers have left in journals.
func (k *keeper) take(location func(string) string) error {
	runs, experiments, models, err := k.journals.readAll()
	if err != nil {
		return err
	}
	k.space = mlflow.NewSpace(k, location, experiments, runs)
	for _, m := range models {
		k.space.RestoreModel(m)
	}
	for _, r := range runs {
		k.Changed(r)
	}
	return nil
}

// greet says how to reach the server.
func (o Options) greet(at net.Addr, local bool) {
	host, port, _ := net.SplitHostPort(at.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	fmt.Fprintf(o.Stdout, "export MLFLOW_TRACKING_URI=http://%s\n", net.JoinHostPort(host, port))
	if o.Token != "" {
		fmt.Fprintf(o.Stdout, "export MLFLOW_TRACKING_TOKEN=%s\n", o.Token)
	}
	if !local {
		fmt.Fprintln(o.Stdout, "# the line is not encrypted: let a proxy do that, or a tunnel of ssh, where others listen")
	}
	fmt.Fprintf(o.Stdout, "# what programs log goes to %s; Ctrl-C ends this\n", filepath.ToSlash(o.Place.At()))
}

func isLoopback(at net.Addr) bool {
	tcp, ok := at.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// Import records a journal that a server has left; ok is false if the file is none, by its name. A run that its client has not ended is
// interrupted then, and the journal stays: its client may go on with the next server.
func Import(ctx context.Context, db *store.Store, path string, keep bool) (runs []recording.Run, ok bool, err error) {
	if !strings.HasSuffix(path, Suffix) {
		return nil, false, nil
	}
	if filepath.Base(path) == registryName {
		return nil, true, advice.Usage(fmt.Errorf("%s has the names of experiments, and no run", path), "xrun serve --mlflow reads it")
	}
	release, err := hold(db)
	if err != nil {
		return nil, true, err
	}
	defer func() { err = errors.Join(err, release()) }()
	r, err := readRun(path)
	if err == nil && r == nil {
		err = fmt.Errorf("%s is not a journal of a client of MLflow: it has no beginning", path)
	}
	if err != nil {
		return nil, true, err
	}
	k := &keeper{db: db, environment: recording.Elsewhere, told: func(string, ...any) {}}
	s := r.Snapshot()
	goesOn := !s.Over()
	if goesOn {
		s.Status, s.Ended = mlflow.Killed, time.Now().UnixMilli()
	}
	o := &kept{run: r}
	if err := k.record(ctx, o, s); err != nil {
		return nil, true, err
	}
	if !keep && !goesOn {
		err = os.Remove(path)
	}
	return o.ended.Runs(), true, err
}

// shortest is the least length of a token that somebody chooses.
const shortest = 16

// Token is the token that clients have to show, by the environment or a file; empty if there is none.
func Token(given, file string) (string, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", advice.Usage(err, "--token-file names a file with a token in its first line")
		}
		given, _, _ = strings.Cut(string(text), "\n")
		if given = strings.TrimSpace(given); given == "" {
			return "", advice.Usage(fmt.Errorf("%s is empty", file), "its first line is the token")
		}
	}
	if given != "" && (len(given) < shortest || strings.ContainsFunc(given, func(c rune) bool { return c <= ' ' || c > '~' })) {
		return "", advice.Usage(fmt.Errorf("the token has to have %d letters or more, without spaces", shortest), "without one, xrun makes it and prints it")
	}
	return given, nil
}

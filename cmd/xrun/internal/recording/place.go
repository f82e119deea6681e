package recording

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/xrun-dev/xrun/plugins/python"
	"github.com/xrun-dev/xrun/store"
)

// A Place is where a database of scripts lies. On a network file system, on which SQLite cannot be relied upon, the journals stay in their
// folder, the database is a local file that can be made again from them, and a whole copy of it is put back at the end.
type Place struct {
	Database string // that is written
	Home     string // where the whole copy goes; empty if Database is at home
	Network  string // the file system of Home
}

// networkOf names the network file system of a folder; tests change it.
var networkOf = store.NetworkFileSystem

// Find decides where the database at a path is written.
func Find(path string) (Place, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Place{}, err
	}
	network := networkOf(filepath.Dir(path))
	if network == "" {
		return Place{Database: path}, nil
	}
	local, err := localFolder()
	if err != nil {
		return Place{}, err
	}
	sum := sha256.Sum256([]byte(path))
	folder := filepath.Join(local, hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Place{}, err
	}
	return Place{Database: filepath.Join(folder, filepath.Base(path)), Home: path, Network: network}, nil
}

// localFolder is the user's folder for state, if that is local, else one among the temporary files.
func localFolder() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if home, err := os.UserHomeDir(); state == "" && err == nil {
		state = filepath.Join(home, ".local", "state")
	}
	if state != "" {
		folder := filepath.Join(state, "xrun")
		if os.MkdirAll(folder, 0o700) == nil && networkOf(folder) == "" {
			return folder, nil
		}
	}
	return python.Temporary()
}

// Fetch makes the local database from the copy at home, if there is none yet.
func (p Place) Fetch(ctx context.Context) error {
	if p.Home == "" {
		return nil
	}
	if _, err := os.Lstat(p.Database); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := store.OpenReadOnly(ctx, p.Home)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	err = db.Backup(ctx, p.Database)
	if _, exists := errors.AsType[*store.ExistsError](err); exists {
		err = nil // another recorder was faster
	}
	return errors.Join(err, db.Close())
}

// How long a process may take to put a copy back, before another one takes its lease for abandoned.
const lease = 2 * time.Minute

// PutBack puts a whole copy of the database to its place. Processes of several machines exclude each other by link(2), which network file
// systems do at once or not at all.
func (p Place) PutBack(ctx context.Context, db *store.Store) error {
	if p.Home == "" {
		return nil
	}
	release, err := p.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	part := p.Home + ".returning"
	if err := errors.Join(os.RemoveAll(part), os.RemoveAll(part+".artifacts")); err != nil {
		return err
	}
	if err := db.Backup(ctx, part); err != nil {
		return err
	}
	if files, err := os.ReadDir(part + ".artifacts"); err == nil {
		if err := os.MkdirAll(p.Home+".artifacts", 0o777); err != nil {
			return err
		}
		for _, f := range files {
			if err := os.Rename(filepath.Join(part+".artifacts", f.Name()), filepath.Join(p.Home+".artifacts", f.Name())); err != nil {
				return err
			}
		}
		if err := os.Remove(part + ".artifacts"); err != nil {
			return err
		}
	}
	return os.Rename(part, p.Home)
}

// hold takes the lease on the copy at home.
func (p Place) hold(ctx context.Context) (release func(), err error) {
	held := p.Home + ".lease"
	host, _ := os.Hostname()
	mine := fmt.Sprintf("%s.%s.%d", held, host, os.Getpid())
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(mine)
	for {
		if err := os.Link(mine, held); err == nil || linked(mine, held) {
			return func() { os.Remove(held) }, nil
		} else if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if info, err := os.Stat(held); err == nil && time.Since(info.ModTime()) > lease {
			os.Remove(held)
			continue
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// linked reports whether both names lead to one file: a link that is sent twice over a network says that it exists, of itself.
func linked(one, other string) bool {
	a, err := os.Stat(one)
	if err != nil {
		return false
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}

// At is the path by which people know the database.
func (p Place) At() string {
	if p.Home != "" {
		return p.Home
	}
	return p.Database
}

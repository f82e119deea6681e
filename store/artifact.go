package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/xrun-dev/xrun/runner"
)

// inlineLimit is up to what size an artifact is kept inside the database.
const inlineLimit = 64 << 10

// An Artifact is the parameters a run has kept, in the safetensors format.
type Artifact struct {
	Name    string // "best"
	Epoch   int
	Digest  string // SHA-256 of Content, hexadecimal
	Content []byte
}

// An artifact is one that is about to be recorded; its file, if it has one, is on disk already.
type artifact struct {
	digest  string
	epoch   int
	size    int
	content []byte // nil: in a file
}

func artifactFile(path, digest string) string {
	return filepath.Join(path+".artifacts", digest+".safetensors")
}

// keep prepares parameters for the database. A large one becomes a file that is complete and on
// disk before any row can name it.
func keep(path string, p *runner.Parameters) (*artifact, error) {
	sum := sha256.Sum256(p.Content)
	a := &artifact{digest: hex.EncodeToString(sum[:]), epoch: p.Epoch, size: len(p.Content)}
	if len(p.Content) <= inlineLimit {
		a.content = p.Content
		return a, nil
	}
	name := artifactFile(path, a.digest)
	if info, err := os.Stat(name); err == nil && info.Size() == int64(a.size) {
		return a, nil
	}
	if err := writeDurably(name, p.Content); err != nil {
		return nil, fmt.Errorf("keep parameters: %w", err)
	}
	return a, nil
}

// writeDurably writes a file that appears under its name only when it is complete.
func writeDurably(name string, content []byte) (err error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncDir(dir)
}

func (a *artifact) insert(tx *tx, run int64) error {
	const insert = `INSERT INTO artifact (run_id, name, digest, epoch, size, content) VALUES (?, 'best', ?, ?, ?, ?)`
	var content any
	if a.content != nil {
		content = a.content
	}
	_, err := tx.exec(insert, run, a.digest, a.epoch, a.size, content)
	return err
}

// ArtifactOf reads the parameters a run has kept, and checks them against their digest.
func (s *Store) ArtifactOf(ctx context.Context, runID int64) (Artifact, error) {
	const query = `SELECT name, epoch, digest, size, content FROM artifact WHERE run_id = ?`
	var a Artifact
	var size int
	err := s.reads.QueryRowContext(ctx, query, runID).Scan(&a.Name, &a.Epoch, &a.Digest, &size, &a.Content)
	if errors.Is(err, sql.ErrNoRows) {
		return a, &NotFoundError{What: "parameters of run", Name: strconv.FormatInt(runID, 10)}
	}
	if err != nil {
		return a, explain(s.path, "read parameters", err)
	}
	if a.Content == nil && size > 0 {
		a.Content, err = os.ReadFile(artifactFile(s.path, a.Digest))
		if errors.Is(err, fs.ErrNotExist) {
			return a, &NotFoundError{What: "file", Name: artifactFile(s.path, a.Digest)}
		}
		if err != nil {
			return a, fmt.Errorf("read parameters of run %d: %w", runID, err)
		}
	}
	if sum := sha256.Sum256(a.Content); hex.EncodeToString(sum[:]) != a.Digest {
		return a, fmt.Errorf("parameters of run %d are damaged: their SHA-256 is not %s", runID, a.Digest)
	}
	return a, nil
}

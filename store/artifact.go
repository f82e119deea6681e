package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/whole"
)

// inlineLimit is the largest size in bytes of an artifact inside the database; larger ones are files beside it.
const inlineLimit = 64 << 10

// The artifacts of a run.
const (
	artifactBest   = "best"   // the kept parameters, in the safetensors format
	artifactOutput = "output" // what its program printed
	artifactSource = "source" // the text of a program that no sweep started
)

// An Artifact is something that a run has kept.
type Artifact struct {
	Name    string
	Epoch   int
	Digest  string // SHA-256 of Content, hexadecimal
	Content []byte
}

// An artifact is about to be recorded. Its file, if it has one, is on disk already.
type artifact struct {
	name    string
	digest  string
	epoch   int
	size    int
	content []byte // nil: in a file
}

func artifactFile(path, name, digest string) string {
	extension := map[string]string{artifactBest: ".safetensors", artifactOutput: ".txt", artifactSource: ".source", artifactCheckpoint: ".checkpoint"}[name]
	return filepath.Join(path+".artifacts", digest+extension)
}

// keepAll prepares the artifacts of a run that ends.
func keepAll(path string, e runner.End) (all []*artifact, err error) {
	if e.Parameters != nil {
		a, err := keep(path, artifactBest, e.Kept.Epoch, e.Parameters)
		if err != nil {
			return nil, fmt.Errorf("keep parameters: %w", err)
		}
		all = append(all, a)
	}
	if len(e.Output) > 0 {
		a, err := keep(path, artifactOutput, e.Epochs, e.Output)
		if err != nil {
			return nil, fmt.Errorf("keep output: %w", err)
		}
		all = append(all, a)
	}
	if len(e.Source) > 0 {
		a, err := keep(path, artifactSource, e.Epochs, e.Source)
		if err != nil {
			return nil, fmt.Errorf("keep its source: %w", err)
		}
		all = append(all, a)
	}
	return all, nil
}

// keep prepares an artifact for the database. A large one becomes a file that is complete and on
// disk before any row can name it.
func keep(path, name string, epoch int, content []byte) (*artifact, error) {
	sum := sha256.Sum256(content)
	a := &artifact{name: name, digest: hex.EncodeToString(sum[:]), epoch: epoch, size: len(content)}
	if len(content) <= inlineLimit {
		a.content = content
		return a, nil
	}
	file := artifactFile(path, name, a.digest)
	if info, err := os.Stat(file); err == nil && info.Size() == int64(a.size) {
		return a, nil
	}
	return a, writeDurably(file, content)
}

// writeDurably writes a file that appears under its name only when it is complete.
func writeDurably(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return whole.Write(name, 0o600, true, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func (a *artifact) insert(tx *tx, run int64) error {
	const insert = `INSERT INTO artifact (run_id, name, digest, epoch, size, content) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (run_id, name) DO UPDATE SET digest = excluded.digest, epoch = excluded.epoch, size = excluded.size, content = excluded.content`
	var content any
	if a.content != nil {
		content = a.content
	}
	_, err := tx.exec(insert, run, a.name, a.digest, a.epoch, a.size, content)
	return err
}

// ArtifactOf reads the kept parameters of a run, and checks them against their digest.
func (s *Store) ArtifactOf(ctx context.Context, runID int64) (Artifact, error) {
	return s.artifact(ctx, runID, artifactBest, "parameters")
}

// OutputOf reads what the program of a run printed, and checks it against its digest.
func (s *Store) OutputOf(ctx context.Context, runID int64) (Artifact, error) {
	return s.artifact(ctx, runID, artifactOutput, "output")
}

// SourceOf reads the text of the script of a run that no sweep started, and checks it against its digest.
func (s *Store) SourceOf(ctx context.Context, runID int64) (Artifact, error) {
	return s.artifact(ctx, runID, artifactSource, "source")
}

// artifact reads an artifact of a run. what names it in errors.
func (s *Store) artifact(ctx context.Context, runID int64, name, what string) (Artifact, error) {
	// Earlier versions recorded parameters of runs that diverged, which keep nothing.
	const query = `SELECT a.name, a.epoch, a.digest, a.size, a.content FROM artifact a JOIN run r ON r.id = a.run_id
		WHERE a.run_id = ? AND a.name = ? AND (a.name <> 'best' OR r.kept_epoch IS NOT NULL)`
	var a Artifact
	var size int
	err := s.reads.QueryRowContext(ctx, query, runID, name).Scan(&a.Name, &a.Epoch, &a.Digest, &size, &a.Content)
	if errors.Is(err, sql.ErrNoRows) {
		return a, &notFoundError{What: what + " of run", Name: strconv.FormatInt(runID, 10)}
	}
	if err != nil {
		return a, explain(s.path, "read "+what, err)
	}
	if err := a.complete(s.path, size); err != nil {
		return a, fmt.Errorf("%s of run %d: %w", what, runID, err)
	}
	return a, nil
}

// complete reads content that is in a file, and checks it against the digest.
func (a *Artifact) complete(path string, size int) (err error) {
	if a.Content == nil && size > 0 {
		file := artifactFile(path, a.Name, a.Digest)
		a.Content, err = os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return &notFoundError{What: "file", Name: file}
		}
		if err != nil {
			return err
		}
	}
	if sum := sha256.Sum256(a.Content); hex.EncodeToString(sum[:]) != a.Digest {
		return fmt.Errorf("damaged, the SHA-256 is not %s", a.Digest)
	}
	return nil
}

package data

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"
)

// maxEntries limits the arrays of an archive.
const maxEntries = 10_000

// archiveNames are the names of features and target in an archive, the likeliest first.
var archiveNames = [][2]string{{"X", "y"}, {"x", "y"}, {"data", "target"}}

// namesOf lists the pairs of names for a part of the data; the training data has no part.
func namesOf(part string) [][2]string {
	suffixes := map[string][]string{"": {"_train"}, aboutTest: {"_test"}, aboutValidation: {"_val", "_valid", "_validation"}}[part]
	var own [][2]string
	for _, suffix := range suffixes {
		own = append(own, [2]string{"X" + suffix, "y" + suffix}, [2]string{"x" + suffix, "y" + suffix})
	}
	if part == "" {
		return slices.Concat(archiveNames, own)
	}
	return slices.Concat(own, archiveNames)
}

func readNPZ(file *os.File, from source, o Options) (*Set, error) {
	archive, err := openArchive(file, from)
	if err != nil {
		return nil, err
	}
	return readArchive(archive, from, o)
}

// readArchive reads the features and the target from an archive of arrays. Other arrays are left
// alone, so that one archive may hold training and test data.
func readArchive(archive *zip.Reader, from source, o Options) (*Set, error) {
	entries, names, err := entriesOf(archive, from)
	if err != nil {
		return nil, err
	}
	for _, pair := range namesOf(o.part) {
		x, y := entries[pair[0]], entries[pair[1]]
		if x == nil || y == nil {
			continue
		}
		if o.part == "" && o.Target != "" && o.Target != pair[1] {
			e := from.fail("leave it out", "there is no target %q: the features are %s and the target is %s", clip(o.Target), pair[0], pair[1])
			e.about = aboutTarget
			return nil, e
		}
		return readPair(from, o, pair, x, y)
	}
	var known []string
	for _, pair := range namesOf(o.part) {
		known = append(known, pair[0]+" and "+pair[1])
	}
	return nil, from.fail("features and target are called "+strings.Join(known, ", or "), "there is no pair of arrays for features and target; %s", arraysFound(names))
}

// entriesOf are the arrays of an archive.
func entriesOf(archive *zip.Reader, from source) (entries map[string]*zip.File, names []string, err error) {
	entries = map[string]*zip.File{}
	for _, f := range archive.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			continue
		}
		if entries[name] != nil {
			return nil, nil, from.fail("save it again", "there are two arrays %q", clip(name))
		}
		entries[name] = f
		names = append(names, name)
	}
	return entries, names, nil
}

func arraysFound(names []string) string {
	if len(names) == 0 {
		return "it has no arrays"
	}
	clipped := make([]string, len(names))
	for i, name := range names {
		clipped[i] = clip(name)
	}
	return "its arrays are " + shorten(clipped, 20)
}

func openArchive(file *os.File, from source) (*zip.Reader, error) {
	var content io.ReaderAt = file
	info, err := file.Stat()
	if err != nil {
		return nil, &Error{File: from.name, Message: err.Error(), cause: err}
	}
	size := info.Size()
	if from.compressed {
		r, err := from.content(file, sha256.New())
		if err != nil {
			return nil, err
		}
		all, err := io.ReadAll(r)
		if err != nil {
			return nil, &Error{File: from.name, Message: err.Error(), cause: err}
		}
		content, size = bytes.NewReader(all), int64(len(all))
	}
	return newArchive(content, size, from)
}

func newArchive(content io.ReaderAt, size int64, from source) (*zip.Reader, error) {
	archive, err := zip.NewReader(content, size)
	if err != nil {
		return nil, &Error{File: from.name, Message: "is no NPZ archive: " + err.Error(), cause: err}
	}
	if len(archive.File) > maxEntries {
		return nil, from.fail("", "there are more than %d arrays", maxEntries)
	}
	return archive, nil
}

// readPair reads two arrays. The digest is of their own contents, whatever else is in the archive,
// and however it is compressed.
func readPair(from source, o Options, names [2]string, entries ...*zip.File) (*Set, error) {
	sum := sha256.New()
	var arrays [2]array
	for i, entry := range entries {
		a, err := from.readEntry(names[i], entry, sum)
		if err != nil {
			return nil, err
		}
		arrays[i] = a
	}
	s, err := setOf(from, o, names[1], arrays[0], arrays[1])
	if err != nil {
		return nil, err
	}
	s.Digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

func (from source) readEntry(name string, entry *zip.File, sum hash.Hash) (array, error) {
	a, err := readEntry(entry, sum)
	if err != nil {
		err.File, err.Message = from.name, fmt.Sprintf("array %s: %s", name, err.Message)
		return a, err
	}
	if len(a.shape) == 0 {
		return a, from.fail("", "array %s is a single number", name)
	}
	return a, nil
}

func readEntry(entry *zip.File, sum hash.Hash) (array, *Error) {
	r, err := entry.Open()
	if err != nil {
		return array{}, &Error{Message: err.Error(), cause: err}
	}
	defer r.Close()
	return decodeNPY(io.TeeReader(&bounded{r: r, most: maxBytes}, sum))
}

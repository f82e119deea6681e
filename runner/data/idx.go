package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// idxName matches the file names of MNIST and similar sets, such as
// train-images-idx3-ubyte or t10k-labels.idx1-ubyte.
var idxName = regexp.MustCompile(`(?i)(images|labels)[-.]idx[1-9]`)

// openIDX reads images and, from the file beside it, their labels. The values of pixels are kept:
// 0 to 255 as a rule.
func openIDX(images *os.File, from source, o Options) (*Set, error) {
	if o.Target != "" && o.Target != labelTarget {
		e := from.fail(`leave it out, or write target = "label"`, "there is no target %q: the target is the label of an image", clip(o.Target))
		e.about = aboutTarget
		return nil, e
	}
	labels, err := openLabels(from)
	if err != nil {
		return nil, err
	}
	defer labels.Close()
	named, _ := sourceOf(labels.Name())
	return readIDX(images, from, labels, named, o)
}

// Files are the files that a data set of a name is read from: one, or images and their labels.
func Files(name string) []string {
	from, known := sourceOf(name)
	if !known || from.format != formatIDX {
		return []string{name}
	}
	labels, err := openLabels(from)
	if err != nil {
		return []string{name}
	}
	defer labels.Close()
	return []string{name, labels.Name()}
}

// openLabels finds the labels of images by their file's name, in which "images" is the last.
func openLabels(images source) (*os.File, error) {
	dir, base := filepath.Split(images.name)
	matches := idxName.FindAllStringSubmatchIndex(base, -1)
	last := matches[len(matches)-1]
	end, word := last[1], base[last[2]:last[3]]
	if strings.EqualFold(word, "labels") {
		return nil, images.fail("give the file of images: the labels are found beside it", "these are labels, not images")
	}
	labels := "labels"
	if word == strings.ToUpper(word) {
		labels = "LABELS"
	}
	name := base[:last[2]] + labels + base[last[3]:end-1] + "1" + base[end:]
	other := name + ".gz"
	if images.compressed {
		other = name[:len(name)-len(".gz")]
	}
	for _, name := range []string{name, other} {
		file, err := openPath(dir + name)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	e := images.fail("labels lie beside their images, under the same name but for these words", "there are no labels: neither %s nor %s exists", name, other)
	e.cause = fs.ErrNotExist
	return nil, e
}

func readIDX(images io.Reader, from source, labels io.Reader, named source, o Options) (*Set, error) {
	sum := sha256.New()
	x, err := decodeIDX(images, from, sum)
	if err != nil {
		return nil, err
	}
	y, err := decodeIDX(labels, named, sum)
	if err != nil {
		return nil, err
	}
	s, err := setOf(from, o, labelTarget, x, y)
	if err != nil {
		return nil, err
	}
	s.Digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// idxElements are the types of IDX by the third byte of a file (LeCun, Cortes, Burges: the MNIST
// database). All are big-endian.
var idxElements = map[byte]string{0x08: "u1", 0x09: "i1", 0x0b: "i2", 0x0c: "i4", 0x0d: "f4", 0x0e: "f8"}

// decodeIDX reads an array in the format IDX: two zeros, a type, the number of dimensions, their
// sizes in 32 bits each, and the numbers.
func decodeIDX(r io.Reader, from source, sum hash.Hash) (array, error) {
	content, err := from.content(r, sum)
	if err != nil {
		return array{}, err
	}
	var magic [4]byte
	if _, err := io.ReadFull(content, magic[:]); err != nil || magic[0] != 0 || magic[1] != 0 {
		hint := ""
		if magic[0] == 0x1f && magic[1] == 0x8b {
			hint = "it is compressed with gzip: its name must end in .gz"
		}
		return array{}, &Error{File: from.name, Message: "is not an IDX file: its first bytes differ", hint: hint, cause: err}
	}
	e, ok := elementOf(idxElements[magic[2]], binary.BigEndian)
	if !ok {
		return array{}, from.fail("", "numbers of the type 0x%02x are unknown", magic[2])
	}
	if magic[3] == 0 {
		return array{}, from.fail("", "the file has no dimensions")
	}
	sizes := make([]byte, 4*int(magic[3]))
	if _, err := io.ReadFull(content, sizes); err != nil {
		return array{}, &Error{File: from.name, Message: fmt.Sprintf("the content ends within the sizes of its %d dimensions", magic[3]), cause: err}
	}
	shape := make([]int, magic[3])
	for k := range shape {
		shape[k] = int(binary.BigEndian.Uint32(sizes[4*k:]))
	}
	a, wrong := readArray(content, e, shape, false)
	if wrong != nil {
		wrong.File = from.name
		return a, wrong
	}
	return a, nil
}

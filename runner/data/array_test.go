package data

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// npy writes an array of float64 as numpy does.
func npy(shape string, values ...float64) string {
	return npyOf(fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': %s, }", shape), values...)
}

func npyOf(header string, values ...float64) string {
	b := []byte("\x93NUMPY\x01\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)+1))
	b = append(append(b, header...), '\n')
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return string(b)
}

// npz writes pairs of a name and a content.
func npz(t testing.TB, entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		w, err := z.Create(entries[i] + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(entries[i+1]))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// idx writes an array of bytes.
func idx(values string, shape ...uint32) string {
	b := []byte{0, 0, 8, byte(len(shape))}
	for _, n := range shape {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return string(b) + values
}

// The files were written by numpy, in every type and byte order, both memory orders and all
// three versions of the format.
func TestArraysOfNumpyAreRead(t *testing.T) {
	files, _ := filepath.Glob("testdata/numpy_[fiuv]*.npy")
	if len(files) != 21 {
		t.Fatalf("%d files, want 21", len(files))
	}
	for _, file := range files {
		s, err := Open(file, Options{Target: "column:-1", Kind: Regression})
		if err != nil {
			t.Error(err)
			continue
		}
		if !slices.Equal(values(s), []float64{0, 1, 2, 0, 100, 5, 3, 3}) || !slices.Equal(s.Y, []float64{7, 1, 0, 1}) || s.Target != "column:2" {
			t.Errorf("%s: X is %v, %s is %v", file, values(s), s.Target, s.Y)
		}
		content, _ := os.ReadFile(file)
		if sum := sha256.Sum256(content); s.Digest != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: the digest is %s", file, s.Digest)
		}
	}
	s, err := Open("testdata/numpy_u1_one.npy", Options{Target: "column:1"})
	if err != nil || !slices.Equal(s.Classes, []string{"0", "1", "3", "5"}) || !slices.Equal(values(s), []float64{0, 7, 2, 1, 100, 0, 3, 1}) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestArchivesOfNumpyAreRead(t *testing.T) {
	s, err := Open("testdata/numpy_plain.npz", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(values(s), []float64{0, 1, 2, 0, 100, 5, 3, 3}) || !slices.Equal(s.Classes, []string{"0", "1", "7"}) || s.Target != "y" {
		t.Errorf("X is %v, the classes of %s are %q", values(s), s.Target, s.Classes)
	}
	s, err = Open("testdata/numpy_train.npz", Options{Test: "testdata/numpy_train.npz"})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float64, 24)
	for i := range want {
		want[i] = float64(i)
	}
	if s.Dim() != 6 || !slices.Equal(values(s), want) || !slices.Equal(s.Y, []float64{0, 1, 1, 0}) {
		t.Errorf("%d features, X is %v, y is %v", s.Dim(), values(s), s.Y)
	}
	if !slices.Equal(values(s.Test), want[:6]) || !slices.Equal(s.Test.Y, []float64{1}) || s.Test.Digest == s.Digest {
		t.Errorf("test rows are %v, %v", values(s.Test), s.Test.Y)
	}
}

func TestDigestOfAnArchiveIsOfItsTwoArrays(t *testing.T) {
	x, y := npy("(2, 1)", 3, 4), npy("(2,)", 0, 1)
	sum := sha256.Sum256([]byte(x + y))
	for name, content := range map[string]string{
		"a.npz": npz(t, "X", x, "y", y), "b.npz": npz(t, "z", y, "y", y, "X", x), "c.npz.gz": gzipped(t, npz(t, "data", x, "target", y)),
	} {
		s, err := Open(write(t, name, content), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if want := hex.EncodeToString(sum[:]); s.Digest != want {
			t.Errorf("%s: the digest is %s, want %s", name, s.Digest, want)
		}
	}
}

func TestImagesAreReadWithTheirLabels(t *testing.T) {
	images, labels := idx("\x00\xff\x01\x02\x03\x04", 3, 2, 1), idx("\x02\x09\x02", 3)
	sum := sha256.Sum256([]byte(images + labels))
	for _, names := range [][2]string{
		{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}, {"images.idx3-ubyte.gz", "labels.idx1-ubyte.gz"},
		{"my-images-t10k-images-idx3-ubyte.gz", "my-images-t10k-labels-idx1-ubyte"}, {"IMAGES-IDX3", "LABELS-IDX1.gz"},
		{"İİ-images-idx3", "İİ-labels-idx1"},
	} {
		dir := t.TempDir()
		for i, content := range []string{images, labels} {
			if strings.HasSuffix(names[i], ".gz") {
				content = gzipped(t, content)
			}
			if err := os.WriteFile(filepath.Join(dir, names[i]), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(filepath.Join(dir, names[0]), Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		if !slices.Equal(values(s), []float64{0, 255, 1, 2, 3, 4}) || s.Dim() != 2 || !slices.Equal(s.Classes, []string{"2", "9"}) || !slices.Equal(s.Y, []float64{0, 1, 0}) {
			t.Errorf("%s: %+v", names[0], s)
		}
		if s.Digest != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: the digest is %s", names[0], s.Digest)
		}
		if _, err := Open(filepath.Join(dir, names[1]), Options{}); err == nil || !strings.Contains(err.Error(), "these are labels") {
			t.Errorf("labels alone: %v", err)
		}
	}
	_, err := Open(write(t, "train-images-idx3-ubyte", images), Options{})
	if err == nil || !strings.Contains(err.Error(), "neither train-labels-idx1-ubyte nor train-labels-idx1-ubyte.gz exists") {
		t.Errorf("without labels: %v", err)
	}
}

func TestWhatIsWrongInArraysIsSaidWithItsPlace(t *testing.T) {
	good := npy("(2, 2)", 1, 2, 3, 4)
	nan := math.NaN()
	for name, c := range map[string]struct{ file, content, want, hint string }{
		"not npy":     {"a.npy", "1,2\n3,4\n5,6", ": is not an NPY array", ""},
		"version":     {"a.npy", "\x93NUMPY\x04\x00\x00\x00\x00\x00", ": has version 4 of the format NPY, but 1 to 3 can be read", ""},
		"long header": {"a.npy", "\x93NUMPY\x02\x00\xff\xff\xff\xff", ": the header has 4294967295 bytes, more than the limit of 16384", ""},
		"cut header":  {"a.npy", good[:40], ": the content ends after 40 of the 70 bytes of the header", ""},
		"cut off":     {"a.npy", good[:len(good)-9], ": the content ends after 2 of the 4 numbers of the shape (2, 2)", "cut off"},
		"goes on":     {"a.npy", good + "x", ": the content goes on after the 4 numbers of the shape (2, 2)", ""},
		"hostile":     {"a.npy", npy("(9999999999, 9999999999)"), ": the shape (9999999999, 9999999999) is larger than the limit", ""},
		"overflow":    {"a.npy", npy("(99999999999999999999,)"), ": the shape of the array is too large", ""},
		"one":         {"a.npy", npy("(2,)", 1, 2), ": the array has the shape (2,), but must have rows and columns", "numpy.savez"},
		"no rows":     {"a.npy", npy("(0, 2)"), ": there are no rows", ""},
		"only target": {"a.npy", npy("(2, 1)", 1, 2), ": there are no features", ""},
		"nan":         {"a.npy", npy("(2, 2)", 1, 2, nan, 4), ": the number at [1, 0] is NaN, not a finite number", "remove the row"},
		"fortran": {"a.npy", npyOf("{'descr':'<f8','fortran_order':True,'shape':(2,2)}", 1, 2, nan, 4),
			": the number at [0, 1] is NaN", ""},
		"integers": {"a.npy", npyOf("{'descr':'<i8','fortran_order':False,'shape':(1,2)}", 0, 1), ": the number at [0, 1] is too large an integer", "2⁵³"},
		"half":     {"a.npy", npyOf("{'descr':'<f2','fortran_order':False,'shape':(1,2)}"), `: the array has the type "<f2"; numbers of the types b1`, "astype"},
		"object":   {"a.npy", npyOf("{'descr':'|O','fortran_order':False,'shape':(1,2)}"), ": the array holds Python objects", "astype"},
		"key":      {"a.npy", npyOf("{'descr':'<f8','order':False,'shape':(1,2)}"), `: the header has the unknown key "order"`, ""},
		"lacking":  {"a.npy", npyOf("{'descr':'<f8','shape':(1,2)}"), ": the header has no descr, no fortran_order or no shape", ""},
		"no dict":  {"a.npy", npyOf("[1]"), `: the header has "[1]\n" where "{" is wanted`, ""},
		"target":   {"b.npy", good, `: there is no target "column:2"`, "there are 2 columns"},
		"no pair":  {"a.npz", npz(t, "features", good, "y", good), "; its arrays are features, y", "X and y, or x and y"},
		"no array": {"a.npz", npz(t), "; it has no arrays", ""},
		"no zip":   {"a.npz", good, ": is no NPZ archive", ""},
		"one-hot":  {"a.npz", npz(t, "X", good, "y", good), ": the target has the shape (2, 2)", "one-hot"},
		"lengths":  {"a.npz", npz(t, "X", good, "y", npy("(3,)", 1, 2, 3)), ": there are 2 rows of features, but 3 targets", ""},
		"number":   {"a.npz", npz(t, "X", good, "y", npy("()", 1)), ": array y is a single number", ""},
		"in array": {"a.npz", npz(t, "X", good[:len(good)-1], "y", good), ": array X: the content ends after 3 of the 4 numbers", ""},
		"names":    {"b.npz", npz(t, "X", good, "y", npy("(2,)", 0, 1)), `: there is no target "column:2": the features are X and the target is y`, "leave it out"},
	} {
		path := write(t, c.file, c.content)
		target := map[string]string{"a.npy": "column:0", "b.npy": "column:2", "b.npz": "column:2"}[c.file]
		_, err := Open(path, Options{Target: target})
		e := (*Error)(nil)
		if !errors.As(err, &e) {
			t.Errorf("%s: the error is %v, want an *Error", name, err)
			continue
		}
		if !strings.Contains(e.Error(), c.want) || !strings.Contains(e.Hint(), c.hint) || !strings.HasPrefix(e.Error(), path) {
			t.Errorf("%s: the error is %q, want %q; the hint %q", name, e.Error(), c.want, e.Hint())
		}
		if isTarget := strings.HasPrefix(c.file, "b"); (e.About() == aboutTarget) != isTarget {
			t.Errorf("%s: the error is about %q", name, e.About())
		}
	}
	for _, name := range []string{"object", "text", "struct"} {
		if _, err := Open("testdata/numpy_"+name+".npy", Options{Target: "column:0"}); err == nil || !strings.Contains(err.Error(), "types b1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A header that promises much costs no more memory than the content that follows it.
func TestHostileSizesAreNotBelieved(t *testing.T) {
	for name, read := range map[string]func() error{
		"npy": func() error {
			if _, e := decodeNPY(strings.NewReader(npy("(16384, 16384)", 1, 2))); e != nil {
				return e
			}
			return nil
		},
		"idx": func() error {
			_, err := decodeIDX(strings.NewReader(idx("\x01", 16384, 16384)), source{name: "d"}, sha256.New())
			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := read()
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: it was read", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, got)
		}
	}
}

func FuzzReadNPY(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.npy")
	for _, file := range files {
		content, _ := os.ReadFile(file)
		f.Add(content, "column:-1")
	}
	f.Add([]byte(npy("(2L, 2L)", 1, 2, 3, 4)), "column:0")
	f.Add([]byte(npyOf("{\"shape\":(),'fortran_order':True,'descr':'|b1'}")), "")
	f.Fuzz(func(t *testing.T, content []byte, target string) {
		s, err := readNPY(bytes.NewReader(content), source{name: "fuzz", format: formatNPY}, Options{Target: target, Kind: Classification})
		checkArrays(t, s, err)
	})
}

func FuzzReadNPZ(f *testing.F) {
	for _, file := range []string{"testdata/numpy_plain.npz", "testdata/numpy_train.npz"} {
		content, _ := os.ReadFile(file)
		f.Add(content)
	}
	f.Add([]byte(npz(f, "x", npy("(2, 1)", 1, 2), "y", npy("(2, 1)", 1, 2))))
	f.Fuzz(func(t *testing.T, content []byte) {
		from := source{name: "fuzz", format: formatNPZ}
		archive, err := newArchive(bytes.NewReader(content), int64(len(content)), from)
		if err != nil {
			checkArrays(t, nil, err)
			return
		}
		s, err := readArchive(archive, from, Options{Kind: Classification})
		checkArrays(t, s, err)
	})
}

func FuzzReadIDX(f *testing.F) {
	f.Add([]byte(idx("\x00\xff\x01\x02\x03\x04", 3, 2, 1)), []byte(idx("\x02\x09\x02", 3)))
	f.Add([]byte{0, 0, 0x0e, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8}, []byte{0, 0, 0x0b, 0})
	f.Add([]byte(idx("", 0xffffffff, 0xffffffff, 0xffffffff)), []byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, images, labels []byte) {
		s, err := readIDX(bytes.NewReader(images), source{name: "images", format: formatIDX}, bytes.NewReader(labels), source{name: "labels", format: formatIDX}, Options{Kind: Regression})
		checkArrays(t, s, err)
	})
}

func checkArrays(t *testing.T, s *Set, err error) {
	t.Helper()
	if err != nil {
		if e := (*Error)(nil); !errors.As(err, &e) || e.File == "" {
			t.Fatalf("the error %v is not an *Error with a file", err)
		}
		return
	}
	if s.X.Len() != s.Len()*s.Dim() || s.Len() == 0 || s.Dim() == 0 || slices.ContainsFunc(values(s), func(v float64) bool { return !isFinite(v) }) {
		t.Fatalf("%d rows of %d features have %d values", s.Len(), s.Dim(), s.X.Len())
	}
}

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xrun-dev/xrun/plugins/python"
)

// A file is part of an archive.
type file struct {
	name    string
	content []byte
	program bool
}

func (f file) mode() os.FileMode {
	if f.program {
		return 0o755
	}
	return 0o644
}

// archive writes the binary with the licence and the README: a .tar.gz, for Windows a .zip.
func (r *releasing) archive(p platform, program []byte) (name string, err error) {
	folder := fmt.Sprintf("xrun-%s-%s-%s", r.version, p.os, p.arch)
	files := []file{{folder + "/" + p.program(), program, true}}
	for _, text := range []string{"LICENSE", "README.md"} {
		content, err := os.ReadFile(filepath.Join(r.root, text))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		files = append(files, file{folder + "/" + text, content, false})
	}
	var b bytes.Buffer
	name = folder + ".tar.gz"
	if p.os == "windows" {
		name = folder + ".zip"
		err = r.zip(&b, files)
	} else {
		err = r.tar(&b, files)
	}
	if err != nil {
		return "", err
	}
	return name, os.WriteFile(filepath.Join(r.out, name), b.Bytes(), 0o644)
}

func (r *releasing) tar(w io.Writer, files []file) error {
	z := gzip.NewWriter(w) // whose header has no time and no name
	t := tar.NewWriter(z)
	for _, f := range files {
		if err := t.WriteHeader(&tar.Header{Name: f.name, Mode: int64(f.mode()), Size: int64(len(f.content)), ModTime: r.at, Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		if _, err := t.Write(f.content); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

func (r *releasing) zip(w io.Writer, files []file) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.at}
		h.SetMode(f.mode())
		to, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := to.Write(f.content); err != nil {
			return err
		}
	}
	return z.Close()
}

// wheel writes a wheel (PEP 427): pure Python around the binary, which is installed as a script.
func (r *releasing) wheel(p platform, program []byte) (name string, err error) {
	base := "xrun-" + r.version
	parts, err := python.Package(r.version)
	if err != nil {
		return "", err
	}
	var files []file
	for _, part := range parts {
		files = append(files, file{part.Name, part.Content, false})
	}
	files = append(files, file{base + ".data/scripts/" + p.program(), program, true})
	about, err := r.metadata()
	if err != nil {
		return "", err
	}
	licence, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return "", err
	}
	wheel := "Wheel-Version: 1.0\nGenerator: xrun\nRoot-Is-Purelib: false\n"
	for _, tag := range strings.Split(p.tags, ".") {
		wheel += "Tag: py3-none-" + tag + "\n"
	}
	info := base + ".dist-info/"
	files = append(files, file{info + "licenses/LICENSE", licence, false}, file{info + "METADATA", about, false}, file{info + "WHEEL", []byte(wheel), false},
		file{info + "entry_points.txt", python.EntryPoints, false})
	var record strings.Builder
	for _, f := range files {
		sum := sha256.Sum256(f.content)
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.content))
	}
	fmt.Fprintf(&record, "%sRECORD,,\n", info)
	files = append(files, file{info + "RECORD", []byte(record.String()), false})
	var b bytes.Buffer
	if err := r.zip(&b, files); err != nil {
		return "", err
	}
	name = fmt.Sprintf("%s-py3-none-%s.whl", base, p.tags)
	return name, os.WriteFile(filepath.Join(r.out, name), b.Bytes(), 0o644)
}

func (r *releasing) metadata() ([]byte, error) {
	readme, err := os.ReadFile(filepath.Join(r.root, "README.md"))
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `Metadata-Version: 2.4
Name: xrun
Version: %s
Summary: Which optimizer, which learning rate, which lambda, and how sure are we?
License-Expression: Apache-2.0
License-File: LICENSE
Project-URL: Source, https://github.com/xrun-dev/xrun
Classifier: Environment :: Console
Classifier: Intended Audience :: Science/Research
Classifier: Operating System :: MacOS
Classifier: Operating System :: Microsoft :: Windows
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Go
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Scientific/Engineering :: Artificial Intelligence
Classifier: Typing :: Typed
Requires-Python: >=3.9
Description-Content-Type: text/markdown

%s`, r.version, readme), nil
}

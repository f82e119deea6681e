// Command release makes what a release of xrun consists of: for each platform an archive with the binary, a wheel for Python
// that has it inside, and the checksums of all. It publishes nothing. Two runs on one commit give the same bytes.
//
//	go run ./cmd/release -o dist
//	go run ./cmd/release -o dist -version 1.2.0 -only linux/amd64
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A platform is a system with a processor.
type platform struct {
	os, arch string
	tags     string // of the wheel, as PEP 425 has them
}

// platforms are those that xrun is made for. The binaries are static, so those for Linux run with any C library. Go asks for
// macOS 12.
var platforms = []platform{
	{"linux", "amd64", "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64"},
	{"linux", "arm64", "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64"},
	{"darwin", "amd64", "macosx_12_0_x86_64"},
	{"darwin", "arm64", "macosx_12_0_arm64"},
	{"windows", "amd64", "win_amd64"},
}

func (p platform) program() string {
	if p.os == "windows" {
		return "xrun.exe"
	}
	return "xrun"
}

func main() {
	var r releasing
	flag.StringVar(&r.out, "o", "dist", "write to this `folder`")
	flag.StringVar(&r.version, "version", "", "the version, as PEP 440 has it; by default that of the source with the commit")
	only := flag.String("only", "", "make only this platform, such as linux/amd64")
	flag.Parse()
	if err := r.make(*only); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// releasing is what a release is made of.
type releasing struct {
	root, out string
	version   string
	at        time.Time // of the commit, which all files have
}

func (r *releasing) make(only string) error {
	if err := r.look(); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o777); err != nil {
		return err
	}
	var made []string
	for _, p := range platforms {
		if only != "" && only != p.os+"/"+p.arch {
			continue
		}
		program, err := r.build(p)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", p.os, p.arch, err)
		}
		archive, err := r.archive(p, program)
		if err != nil {
			return err
		}
		wheel, err := r.wheel(p, program)
		if err != nil {
			return err
		}
		made = append(made, archive, wheel)
		fmt.Println(filepath.Join(r.out, archive))
		fmt.Println(filepath.Join(r.out, wheel))
	}
	if made == nil {
		return fmt.Errorf("there is no platform %q", only)
	}
	return r.sums(made)
}

var sourceVersion = regexp.MustCompile(`(?m)^const release = "([0-9.]+)(-dev)?"$`)

// look finds the source, its version and the time of its commit.
func (r *releasing) look() error {
	root, err := output("", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	r.root = root
	seconds, err := output(root, "git", "log", "-1", "--format=%ct")
	if err != nil {
		return fmt.Errorf("files have the time of the commit: %w", err)
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	r.at = time.Unix(n-n%2, 0).UTC() // zip knows even seconds only
	if r.version != "" {
		return nil
	}
	source, err := os.ReadFile(filepath.Join(root, "cmd", "xrun", "version.go"))
	if err != nil {
		return err
	}
	found := sourceVersion.FindSubmatch(source)
	if found == nil {
		return fmt.Errorf("cmd/xrun/version.go has no version")
	}
	r.version = string(found[1])
	if len(found[2]) > 0 {
		commit, err := output(root, "git", "rev-parse", "--short=12", "HEAD")
		if err != nil {
			return err
		}
		r.version += ".dev" + r.at.Format("20060102150405") + "+g" + commit
	}
	return nil
}

// build makes the static binary for a platform.
func (r *releasing) build(p platform) ([]byte, error) {
	dir, err := os.MkdirTemp("", "xrun-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, p.program())
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.stamped="+r.version, "-o", path, "./cmd/xrun")
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOFLAGS=", "GOAMD64=v1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(path)
}

// sums writes the SHA-256 of files, in the form that sha256sum --check reads.
func (r *releasing) sums(files []string) error {
	slices.Sort(files)
	var text strings.Builder
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(r.out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(content), name)
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(text.String()), 0o644)
}

func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

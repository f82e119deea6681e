package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/plugins/python"
	"github.com/xrun-dev/xrun/runner/tests"
)

func releaseOf(t *testing.T) *releasing {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return &releasing{root: root, out: t.TempDir(), version: "1.2.3", at: time.Unix(1_800_000_000, 0).UTC()}
}

// here is the platform that this runs on.
const here = runtime.GOOS + "/" + runtime.GOARCH

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Of the same program two releases are the same to the byte, and each wheel is what an installer checks: names, tags, modes, and
// the digests of its record.
func TestReleasesAreTheSameToTheByte(t *testing.T) {
	for _, p := range platforms {
		var before [2][]byte
		for range 2 {
			r := releaseOf(t)
			archive, err := r.archive(p, []byte("program"))
			if err != nil {
				t.Fatal(err)
			}
			wheel, err := r.wheel(p, []byte("program"))
			if err != nil {
				t.Fatal(err)
			}
			now := [2][]byte{read(t, filepath.Join(r.out, archive)), read(t, filepath.Join(r.out, wheel))}
			if before[0] != nil && (!bytes.Equal(before[0], now[0]) || !bytes.Equal(before[1], now[1])) {
				t.Errorf("%s/%s: the second release has other bytes", p.os, p.arch)
			}
			before = now
			if want := "xrun-1.2.3-py3-none-" + p.tags + ".whl"; wheel != want {
				t.Errorf("the wheel is %s, want %s", wheel, want)
			}
		}
		inspect(t, p, "1.2.3", before[1])
	}
}

// inspect looks at a wheel as an installer does, and returns its program.
func inspect(t *testing.T, p platform, version string, wheel []byte) (program string) {
	t.Helper()
	content, names, programs := unzip(t, wheel)
	if len(programs) != 1 || programs[0] != "xrun-"+version+".data/scripts/"+p.program() {
		t.Fatalf("these can be run: %v", programs)
	}
	var recorded []string
	info := "xrun-" + version + ".dist-info/"
	for _, line := range strings.Split(strings.TrimSpace(content[info+"RECORD"]), "\n") {
		fields := strings.Split(line, ",")
		recorded = append(recorded, fields[0])
		sum := sha256.Sum256([]byte(content[fields[0]]))
		if want := fmt.Sprintf("%s,sha256=%s,%d", fields[0], base64.RawURLEncoding.EncodeToString(sum[:]), len(content[fields[0]])); line != want && fields[0] != info+"RECORD" {
			t.Errorf("the record has %s, want %s", line, want)
		}
	}
	if !slices.Equal(names, recorded) {
		t.Errorf("the wheel has %v, and its record %v", names, recorded)
	}
	parts, err := python.Package(version)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if content[part.Name] != string(part.Content) {
			t.Errorf("%s is another than that which the program carries", part.Name)
		}
	}
	if !strings.Contains(content["xrun/_binary.py"], fmt.Sprintf("\n__version__ = %q\n", version)) || !strings.Contains(content[info+"METADATA"], "\nVersion: "+version+"\n") {
		t.Error("the version is not stamped")
	}
	inspectEntryPoints(t, content, info)
	for _, tag := range strings.Split(p.tags, ".") {
		if !strings.Contains(content[info+"WHEEL"], "Tag: py3-none-"+tag+"\n") {
			t.Errorf("the wheel does not name its tag %s", tag)
		}
	}
	return content[programs[0]]
}

// inspectEntryPoints looks for what the entry points of a wheel name.
func inspectEntryPoints(t *testing.T, content map[string]string, info string) {
	t.Helper()
	var stores int
	for _, line := range strings.Split(content[info+"entry_points.txt"], "\n") {
		_, object, ok := strings.Cut(line, " = ")
		if !ok {
			continue
		}
		module, class, _ := strings.Cut(object, ":")
		if source := content[strings.ReplaceAll(module, ".", "/")+".py"]; !strings.Contains(source, "\nclass "+class+"(") {
			t.Errorf("the entry point %s names a class that the wheel does not have", line)
		}
		stores++
	}
	if stores == 0 {
		t.Error("the wheel has no entry points")
	}
}

// unzip reads an archive. programs are the names of those files that can be run.
func unzip(t *testing.T, archive []byte) (content map[string]string, names, programs []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	content = map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names, content[f.Name] = append(names, f.Name), string(all)
		if f.Mode()&0o111 != 0 {
			programs = append(programs, f.Name)
		}
	}
	return content, names, programs
}

// untar reads an archive as unzip does.
func untar(t *testing.T, archive []byte) (content map[string]string, programs []string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	content = map[string]string{}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return content, programs
		}
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		content[h.Name] = string(all)
		if h.Mode&0o111 != 0 {
			programs = append(programs, h.Name)
		}
	}
}

// inspectProgram looks at what a binary is made for: the format and the processor by its head, which systems read, and what
// the Go command has noted in it. One for Linux must need no loader of libraries.
func inspectProgram(t *testing.T, p platform, version, program string) {
	t.Helper()
	if !strings.Contains(program, version) {
		t.Errorf("the program for %s/%s does not have the version %s", p.os, p.arch, version)
	}
	r := strings.NewReader(program)
	switch p.os {
	case "linux":
		f, err := elf.NewFile(r)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[p.arch]; f.Machine != want || f.Class != elf.ELFCLASS64 {
			t.Errorf("the program for linux/%s is for %v", p.arch, f.Machine)
		}
		for _, part := range f.Progs {
			if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
				t.Errorf("the program for linux/%s is not static: it has a part %v", p.arch, part.Type)
			}
		}
	case "darwin":
		f, err := macho.NewFile(r)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]macho.Cpu{"amd64": macho.CpuAmd64, "arm64": macho.CpuArm64}[p.arch]; f.Cpu != want || f.Type != macho.TypeExec {
			t.Errorf("the program for darwin/%s is a %v for %v", p.arch, f.Type, f.Cpu)
		}
	case "windows":
		f, err := pe.NewFile(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != pe.IMAGE_FILE_MACHINE_AMD64 {
			t.Errorf("the program for windows/%s is for %#x", p.arch, f.Machine)
		}
	}
	about, err := buildinfo.Read(strings.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range about.Settings {
		settings[s.Key] = s.Value
	}
	for key, want := range map[string]string{"GOOS": p.os, "GOARCH": p.arch, "CGO_ENABLED": "0", "-trimpath": "true"} {
		if settings[key] != want {
			t.Errorf("the program for %s/%s has been built with %s=%s, want %s", p.os, p.arch, key, settings[key], want)
		}
	}
}

// checkout clones the last commit of this repository.
func checkout(t *testing.T) (root string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "xrun")
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git to check the commit out with")
	}
	if out, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", filepath.Join("..", ".."), root).CombinedOutput(); err != nil {
		t.Skipf("this is no repository that can be cloned: %v\n%s", err, out)
	}
	return root
}

// The command makes an archive and a wheel for each platform, and their checksums. Of a second checkout elsewhere, with nothing
// of what the first has compiled, it makes the same bytes. What it makes for other systems is inspected and not run.
func TestTwoReleasesOfACommitAreTheSame(t *testing.T) {
	if !tests.Long() {
		t.Skip("compiles xrun for five platforms, and once more from nothing, which takes minutes; -long runs it")
	}
	e2e.Depend()
	release := func(root string, env []string, args ...string) (made map[string][]byte) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "dist")
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "./cmd/release", "-o", out}, args...)...)
		cmd.Dir, cmd.Env = root, append(os.Environ(), env...)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		entries, err := os.ReadDir(out)
		if err != nil {
			t.Fatal(err)
		}
		made = map[string][]byte{}
		var sums strings.Builder
		for _, e := range entries {
			made[e.Name()] = read(t, filepath.Join(out, e.Name()))
			if e.Name() != "SHA256SUMS" {
				fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(made[e.Name()]), e.Name())
			}
		}
		if got := slices.Sorted(strings.Lines(string(made["SHA256SUMS"]))); !slices.Equal(got, slices.Sorted(strings.Lines(sums.String()))) {
			t.Errorf("the checksums are\n%s\nwant\n%s", made["SHA256SUMS"], sums.String())
		}
		return made
	}
	root, other := checkout(t), checkout(t)
	all := release(root, nil)
	t.Chdir(root)
	var r releasing
	if err := r.look(); err != nil {
		t.Fatal(err)
	}
	if len(all) != 2*len(platforms)+1 {
		t.Errorf("made are %v", slices.Sorted(maps.Keys(all)))
	}
	for _, p := range platforms {
		program := inspect(t, p, r.version, all["xrun-"+r.version+"-py3-none-"+p.tags+".whl"])
		inspectProgram(t, p, r.version, program)
		folder := fmt.Sprintf("xrun-%s-%s-%s", r.version, p.os, p.arch)
		var content map[string]string
		var programs []string
		if p.os == "windows" {
			content, _, programs = unzip(t, all[folder+".zip"])
		} else {
			content, programs = untar(t, all[folder+".tar.gz"])
		}
		path := folder + "/" + p.program()
		if !slices.Equal(programs, []string{path}) || content[path] != program || content[folder+"/LICENSE"] == "" || content[folder+"/README.md"] == "" {
			t.Errorf("the archive for %s/%s has %v, of which can be run %v, or its program is not that of the wheel", p.os, p.arch, slices.Sorted(maps.Keys(content)), programs)
		}
	}
	first := platforms[0]
	again := release(other, []string{"GOCACHE=" + t.TempDir()}, "-only", first.os+"/"+first.arch)
	if len(again) != 3 {
		t.Errorf("made for one platform are %v", slices.Sorted(maps.Keys(again)))
	}
	for name, content := range again {
		if name != "SHA256SUMS" && !bytes.Equal(content, all[name]) {
			t.Errorf("%s has other bytes in the second release of the commit", name)
		}
	}
}

// The wheel for Linux on arm64 has a program that runs there: in an emulator, which a namespace of its own knows as what runs such
// programs, as xrun starts itself.
func TestTheWheelForArmRunsInAnEmulator(t *testing.T) {
	tests.NeedExamples(t, "compiles xrun for arm64, which takes two minutes the first time")
	if here == "linux/arm64" {
		t.Skip("this is linux/arm64: TestTheWheelRuns runs the wheel")
	}
	e2e.Depend()
	emulator, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("there is no qemu-aarch64-static, which the package qemu-user-static has")
	}
	p := platforms[slices.IndexFunc(platforms, func(p platform) bool { return p.os+"/"+p.arch == "linux/arm64" })]
	r := releaseOf(t)
	built, err := r.build(p)
	if err != nil {
		t.Fatal(err)
	}
	wheel, err := r.wheel(p, built)
	if err != nil {
		t.Fatal(err)
	}
	program := inspect(t, p, r.version, read(t, filepath.Join(r.out, wheel)))
	inspectProgram(t, p, r.version, program)
	dir := t.TempDir()
	path := filepath.Join(dir, "xrun")
	if err := os.WriteFile(path, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), emulator, path, "version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "xrun 1.2.3 (") || !strings.HasSuffix(string(out), " linux/arm64)\n") {
		t.Errorf("it says %s: %v", out, err)
	}
	t.Run("sweep", func(t *testing.T) {
		// The head of an executable for arm64, and which of its bytes count. The kernel opens the emulator now (F).
		const enter = `mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && printf '%s' ':arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$0"':F' >/proc/sys/fs/binfmt_misc/register && exec "$@"`
		in := func(command ...string) ([]byte, error) {
			cmd := exec.CommandContext(t.Context(), "unshare", append([]string{"--user", "--map-root-user", "--mount", "sh", "-c", enter, emulator}, command...)...)
			cmd.Dir = dir
			return cmd.CombinedOutput()
		}
		if out, err := in("true"); err != nil {
			t.Skipf("a namespace cannot have an emulator of its own here, which Linux 6.7 allows: %v\n%s", err, out)
		}
		sweep := "seeds = 1\n[task]\ndataset = 'iris'\nmodel = 'softmax'\nepochs = 2\nbatch = 32\n[grid]\nlr = [0.1]\n[optimizers.sgd]\n"
		if err := os.WriteFile(filepath.Join(dir, "sweep.toml"), []byte(sweep), 0o644); err != nil {
			t.Fatal(err)
		}
		// On a busy machine starts of plugins are lost in the emulator, as errors that Linux does not have, sometimes many in a row.
		const most = 10
		var out []byte
		var err error
		lost := func() bool {
			return strings.Contains(string(out), "before it was ready") || strings.Contains(string(out), "does not answer Hello")
		}
		for try := range most {
			if out, err = in(path, "sweep", "sweep.toml"); !lost() {
				break
			}
			t.Logf("again: %s", out)
			time.Sleep(time.Duration(try) * time.Second)
		}
		if lost() {
			t.Skipf("the emulator has lost %d starts of a plugin, one after the other: this machine is too busy for it", most)
		}
		if err != nil || !strings.Contains(string(out), "sgd lr 0.1 λ 0 is best: val_loss ") {
			t.Errorf("it says\n%s\n%v", out, err)
		}
	})
}

// The wheel of this platform is installed into an empty environment, without Go and without an index, and runs.
func TestTheWheelRuns(t *testing.T) {
	tests.NeedExamples(t, "builds the binary anew and installs it with pip")
	e2e.Depend()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	r := releaseOf(t)
	i := slices.IndexFunc(platforms, func(p platform) bool { return p.os+"/"+p.arch == here })
	if i < 0 {
		t.Skipf("there is no wheel for %s", here)
	}
	program, err := r.build(platforms[i])
	if err != nil {
		t.Fatal(err)
	}
	wheel, err := r.wheel(platforms[i], program)
	if err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(t.TempDir(), "env")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=" + filepath.Join(env, "bin") + ":/usr/bin:/bin", "HOME=" + cmd.Dir}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	run(python, "-m", "venv", env)
	run(filepath.Join(env, "bin", "pip"), "install", "--quiet", "--no-index", filepath.Join(r.out, wheel))
	for _, command := range [][]string{{"xrun", "version"}, {"python", "-m", "xrun", "version"}} {
		if got := run(filepath.Join(env, "bin", command[0]), command[1:]...); !strings.HasPrefix(got, "xrun 1.2.3 (") {
			t.Errorf("%v says %s", command, got)
		}
	}
	const script = "import xrun; from xrun import plugin; print(xrun.__version__, xrun.binary(), plugin.optimizer.__name__)"
	if got, want := run(filepath.Join(env, "bin", "python"), "-c", script), "1.2.3 "+filepath.Join(env, "bin", "xrun")+" optimizer\n"; got != want {
		t.Errorf("Python says %q, want %q", got, want)
	}
	const function = `import xrun

def train(lr, seed, run):
    w = 10.0 + seed / 10
    for epoch in range(1, 6):
        w -= lr * w
        run.log({"val_loss": w * w}, step=epoch)

if __name__ == "__main__":
    result = xrun.sweep(train, grid={"lr": [0.1, 0.2, 0.5]}, seeds=3)
    print(result.compare().verdict)
    with xrun.init("mine", config={"lr": 0.5}) as run:
        train(0.5, 1, run)
    print(xrun.open().runs("mine")[0]["status"])
`
	file := filepath.Join(t.TempDir(), "function.py")
	if err := os.WriteFile(file, []byte(function), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := run(filepath.Join(env, "bin", "python"), file); !strings.Contains(got, "train lr 0.5 is best: val_loss 0.0996 ") || !strings.HasSuffix(got, "\nfinished\n") {
		t.Errorf("a function of one's own gives\n%s", got)
	}
	if got := run(filepath.Join(env, "bin", "pip"), "check"); !strings.HasPrefix(got, "No broken requirements") {
		t.Errorf("pip check says %s", got)
	}
}

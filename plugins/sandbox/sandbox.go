// Package sandbox restricts a process before it becomes a plugin. It takes away what a component does
// not need: the files of its user, all places to write to but a private one, the network, the sockets and the
// processes of its user.
//
// It is a profile of Linux's landlock with a filter of system calls by seccomp, and works on that system only. It does
// not hide that processes and files exist, and does not limit what a process takes.
package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins/content"
	"github.com/xrun-dev/xrun/plugins/python"
)

// A Profile lists what a process may still use. What does not exist is left out.
type Profile struct {
	Read    []string // files and directories that may be read and executed
	List    []string // directories whose names may be listed, without reading the files
	Write   []string // directories that may be written to as well
	Devices []string // devices that may be read, written and controlled
}

// system is what programs need of the operating system. Of /etc and /proc it is what describes the machine and its
// libraries: as root, a process could read passwords in the one and the environment of others in the other.
var system = []string{
	"/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/home/linuxbrew/.linuxbrew",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/alternatives",
	"/etc/localtime", "/etc/timezone", "/etc/locale.alias", "/etc/mime.types", "/etc/os-release",
	"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/OpenCL", "/etc/nix",
	"/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/filesystems", "/proc/devices", "/proc/driver",
	"/proc/sys/kernel", "/proc/sys/vm",
	"/sys/devices", "/sys/class", "/sys/bus", "/sys/module", "/sys/dev", "/sys/kernel/mm", "/sys/fs/cgroup",
}

// devices are those without memory, and those that compute; patterns, as of [filepath.Glob].
var devices = []string{
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
	"/dev/nvidia*", "/dev/dri", "/dev/kfd", "/dev/accel*", "/dev/dxg",
}

// For is the profile of the plugin at path, empty for a built-in one: the system, the program, the plugin's own
// directory or file, and where Python and its packages lie if it is written in Python. It may
// write where TMPDIR points, and where it makes its socket. It sets XRUN_PYTHON to the interpreter itself,
// because a script that looks for one would look in places that are closed.
func For(path string) (Profile, error) {
	p := Profile{Read: append(slices.Clone(system), "/proc/self/exe")}
	for _, pattern := range devices {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return p, err
		}
		p.Devices = append(p.Devices, found...)
	}
	for _, name := range []string{"TMPDIR", "PLUGIN_UNIX_SOCKET_DIR"} {
		if dir := os.Getenv(name); dir != "" {
			p.Write = append(p.Write, dir)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		if filepath.IsAbs(dir) {
			p.Read = append(p.Read, dir)
		}
	}
	if path == "" {
		return p, nil
	}
	script, ok := python.Script(path)
	if !ok {
		p.Read = append(p.Read, path)
		return p, nil
	}
	if err := p.addPython(path); err != nil {
		return p, err
	}
	module, err := python.Install()
	if err != nil {
		return p, err
	}
	command, chosen, err := trustedInterpreter(script)
	if err != nil {
		return p, err
	}
	interpreter, places, err := pythonPlaces(command)
	if err != nil {
		return p, err
	}
	p.Read = append(append(p.Read, module), places...)
	return p, errors.Join(os.Setenv("XRUN_PYTHON", interpreter), os.Setenv(python.EnvChosen, chosen))
}

// addPython adds the files of a plugin in Python: its directory, or a script and the modules that it imports. A link of
// theirs that leaves the directory leads to a file that is closed. To import modules, Python lists the directory, and
// with it landlock opens the names in those below.
func (p *Profile) addPython(path string) error {
	files, err := python.Files(path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		p.Read = append(p.Read, files.Base)
		return nil
	}
	for _, file := range files.Paths {
		if file != path {
			if real, err := filepath.EvalSymlinks(file); err != nil {
				return err
			} else if real != file {
				if _, inside, err := content.Inside(files.Base, file); err != nil || !inside {
					continue
				}
			}
		}
		p.Read = append(p.Read, file)
	}
	if len(files.Paths) > 1 {
		p.List = append(p.List, files.Base)
	}
	return nil
}

// trustedInterpreter is the interpreter of a script. It is run outside of the sandbox, to ask where its modules are, so
// that it must not be one that comes with the plugin.
func trustedInterpreter(script string) (command, chosen string, err error) {
	words, chosen := python.Interpreter(script, os.Getenv)
	command = words[0]
	if os.Getenv("XRUN_PYTHON") != "" || !strings.Contains(command, "/") { // the user's, or on the user's PATH
		return command, chosen, nil
	}
	roots := []string{"/usr", "/bin", "/opt", "/nix/store", "/home/linuxbrew/.linuxbrew"}
	if environment := os.Getenv("VIRTUAL_ENV"); filepath.IsAbs(environment) {
		roots = append(roots, environment)
	}
	for _, root := range roots {
		if rel, err := filepath.Rel(root, command); err == nil && filepath.IsAbs(command) && filepath.IsLocal(rel) {
			return command, chosen, nil
		}
	}
	return "", "", fmt.Errorf("the first line of %s names the interpreter %s, which is none of the system's: in a sandbox XRUN_PYTHON=%s is needed to say that you trust it", script, command, command)
}

// parts are the directories and files of an installation of Python that it needs to run. The directory that they lie in
// can be the user's own.
var parts = []string{"bin", "lib", "lib64", "lib32", "libexec", "share", "include", "ssl", "pyvenv.cfg"}

// pythonPlaces asks an interpreter for its own path and those of its modules.
func pythonPlaces(command string) (interpreter string, places []string, err error) {
	// The working directory comes first among the places of modules here, and is none of them.
	const question = "import sys; sys.path[:] = [p for p in sys.path if p]; import json; print(json.dumps([[sys.executable], [sys.prefix, sys.base_prefix], sys.path]))"
	out, err := exec.Command(command, "-c", question).Output()
	if err != nil {
		return "", nil, fmt.Errorf("ask the Python interpreter where its modules are: %w; XRUN_PYTHON names another", err)
	}
	var answer [3][]string
	if err := json.Unmarshal(out, &answer); err != nil || len(answer[0]) == 0 || answer[0][0] == "" {
		return "", nil, fmt.Errorf("the Python interpreter %s does not say where its modules are", command)
	}
	for _, prefix := range answer[1] {
		for _, part := range parts {
			places = append(places, filepath.Join(prefix, part))
		}
	}
	return answer[0][0], append(append(places, answer[0]...), answer[2]...), nil
}

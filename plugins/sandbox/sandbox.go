// Package sandbox restricts a process before it becomes a plugin. It takes away what a component does
// not need: the files of its user, all places to write to but a private one, and TCP.
//
// It is a profile of Linux's landlock and works on that system only. It does not hide that processes
// exist, does not limit what they take, and does not reach Multipath TCP, which landlock lets pass.
package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/xrun-dev/xrun/plugins/python"
)

// A Profile lists what a process may still use.
type Profile struct {
	Read  []string // files and directories that may be read and executed; those that do not exist are left out
	Write []string // directories that may be written to as well
}

// system are the directories of the operating system. Of the processes in /proc a plugin can look
// into those of its own sandbox only.
var system = []string{"/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix/store", "/proc", "/sys", "/run/systemd/resolve", "/System", "/dev"}

// For is the profile of the plugin at path, empty for a built-in one: the system, the program, the
// plugin's own directory, and where Python and its packages lie if it is written in Python. It may
// write where TMPDIR points, where it makes its socket, and to devices. It sets XRUN_PYTHON to the interpreter itself,
// because a script that looks for one would look in places that are closed.
func For(path string) (Profile, error) {
	p := Profile{Read: slices.Clone(system), Write: []string{"/dev/shm"}}
	self, err := os.Executable()
	if err != nil {
		return p, fmt.Errorf("find the xrun executable: %w", err)
	}
	p.Read = append(p.Read, self)
	for _, name := range []string{"TMPDIR", "PLUGIN_UNIX_SOCKET_DIR"} {
		if dir := os.Getenv(name); dir != "" {
			p.Write = append(p.Write, dir)
		}
	}
	if path == "" {
		return p, nil
	}
	dir := path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		dir = filepath.Dir(path)
	}
	p.Read = append(p.Read, dir)
	script, ok := python.Script(path)
	if !ok {
		return p, nil
	}
	module, err := python.Install()
	if err != nil {
		return p, err
	}
	interpreter, places, err := pythonPlaces(python.Interpreter(script, os.Getenv))
	if err != nil {
		return p, err
	}
	p.Read = append(append(p.Read, module), places...)
	return p, os.Setenv("XRUN_PYTHON", interpreter)
}

// pythonPlaces asks an interpreter for its own path and those of its modules.
func pythonPlaces(command []string) (interpreter string, places []string, err error) {
	const question = "import json, sys; print(json.dumps([sys.executable, sys.prefix, sys.base_prefix] + sys.path))"
	out, err := exec.Command(command[0], append(slices.Clone(command[1:]), "-c", question)...).Output()
	if err != nil {
		return "", nil, fmt.Errorf("ask the Python interpreter where its modules are: %w; XRUN_PYTHON names another", err)
	}
	var answer []string
	if err := json.Unmarshal(out, &answer); err != nil || len(answer) == 0 || answer[0] == "" {
		return "", nil, fmt.Errorf("the Python interpreter %s does not say where its modules are", command[0])
	}
	for _, place := range answer {
		if place != "" { // the working directory is not part of the plugin
			places = append(places, place)
		}
		if real, err := filepath.EvalSymlinks(place); err == nil && place != "" && real != place {
			places = append(places, real)
		}
	}
	return answer[0], places, nil
}

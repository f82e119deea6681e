package process

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// A StartError says why a program cannot be started, where the system's own message does not.
type StartError struct {
	Err     error // the system's
	Message string
	Help    string
}

func (e *StartError) Error() string { return e.Message }
func (e *StartError) Unwrap() error { return e.Err }

// Hint says what can be done about the error.
func (e *StartError) Hint() string { return e.Help }

// start starts a command. Its error is a [*StartError] where the reason can be told.
func start(cmd *exec.Cmd, guard []string) (*guarded, error) {
	name := cmd.Args[0]
	file := name
	if !filepath.IsAbs(file) && filepath.Base(file) != file {
		file = filepath.Join(cmd.Dir, file)
	}
	interpreter := interpreterOf(file)
	if strings.HasSuffix(interpreter, "\r") && runtime.GOOS != "windows" {
		return nil, &StartError{fs.ErrNotExist, fmt.Sprintf("the first line of %s names %q, which does not exist", name, firstWord(interpreter)),
			fmt.Sprintf(`its lines end as on Windows, with \r\n; sed -i 's/\r$//' %s mends that`, name)}
	}
	started, err := launch(cmd, guard)
	if err == nil {
		return started, nil
	}
	if info, stat := os.Stat(dirOf(cmd)); stat != nil || !info.IsDir() {
		return nil, &StartError{err, fmt.Sprintf("its folder %s is not there", dirOf(cmd)), ""}
	}
	info, stat := os.Stat(file)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		help := "install it, add its folder to PATH, or write its path"
		if info, err := os.Stat(filepath.Join(cmd.Dir, name)); err == nil && info.Mode().IsRegular() {
			help = fmt.Sprintf("the file beside the sweep file is ./%s", name)
		}
		return nil, &StartError{err, fmt.Sprintf("there is no program %s on PATH", name), help}
	case filepath.Base(name) == name:
		return nil, err
	case errors.Is(stat, fs.ErrNotExist):
		help := "relative paths begin at the folder of the sweep file"
		if filepath.IsAbs(name) {
			help = ""
		}
		return nil, &StartError{err, fmt.Sprintf("there is no file %s", file), help}
	case stat != nil:
		return nil, err
	case info.IsDir():
		return nil, &StartError{err, fmt.Sprintf("%s is a folder", name), ""}
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		return nil, &StartError{err, fmt.Sprintf("%s is not executable", name), fmt.Sprintf("chmod +x %s, or let the command begin with its interpreter, such as \"sh\" or \"python3\"", name)}
	case errors.Is(err, fs.ErrNotExist) && interpreter != "":
		return nil, &StartError{err, fmt.Sprintf("the first line of %s names %q, which does not exist", name, firstWord(interpreter)),
			"install it, change the line, or let the command begin with another interpreter"}
	case errors.Is(err, fs.ErrPermission) && interpreter != "":
		return nil, &StartError{err, fmt.Sprintf("the first line of %s names %q, which cannot be executed", name, firstWord(interpreter)),
			"change the line, or let the command begin with another interpreter"}
	case errors.Is(err, syscall.ENOEXEC):
		return nil, &StartError{err, fmt.Sprintf("%s is no program for this machine", name), "a script begins with a line such as #!/bin/sh, or the command begins with its interpreter"}
	}
	return nil, err
}

func dirOf(cmd *exec.Cmd) string {
	if cmd.Dir == "" {
		return "."
	}
	return cmd.Dir
}

// interpreterOf is what stands behind the #! of a script, with its arguments; empty for others.
func interpreterOf(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	const longest = 4096
	line, _ := bufio.NewReaderSize(f, longest).ReadSlice('\n')
	text, is := strings.CutPrefix(string(line), "#!")
	if !is {
		return ""
	}
	return strings.TrimLeft(strings.TrimSuffix(text, "\n"), " \t")
}

// firstWord is the interpreter without its arguments, or with the carriage return that ends the line.
func firstWord(line string) string {
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	switch {
	case len(words) == 0:
		return ""
	case strings.HasSuffix(line, "\r") && strings.HasSuffix(words[0], "env"): // it starts what follows
		return words[len(words)-1]
	}
	return words[0]
}

//go:build ignore

// Summary reads what `go test -json` prints. It prints a line for each package, all of what failed, and the slowest tests,
// and appends the skipped tests, with their reasons, to a file. A second file gets the failed tests, a package and a test a
// line, where each failure is that of a test: there is none for what does not build, panics, races or runs out of time.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

type test struct {
	name    string
	seconds float64
}

func main() {
	output := map[string][]string{}
	var slowest []test
	var skipped, failed []string
	blamed := map[string]bool{} // packages with a failed test
	broken := false
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			fmt.Println(in.Text())
			continue
		}
		pkg := strings.TrimPrefix(e.Package, "github.com/xrun-dev/xrun/")
		name := strings.TrimSpace(pkg + " " + e.Test)
		switch {
		case e.Action == "output":
			output[name] = append(output[name], e.Output)
			broken = broken || strings.HasPrefix(e.Output, "panic: ") || strings.Contains(e.Output, "DATA RACE")
		case e.Action == "build-output":
			fmt.Print(e.Output)
		case e.Action == "fail" && e.Test == "":
			fmt.Printf("FAIL %s %.1f s\n%s", pkg, e.Elapsed, strings.Join(output[name], ""))
			broken = broken || !blamed[pkg]
		case e.Action == "fail":
			fmt.Printf("--- FAIL: %s\n%s", name, strings.Join(output[name], ""))
			blamed[pkg] = true
			if !strings.Contains(e.Test, "/") {
				failed = append(failed, e.Package+" "+e.Test+"\n")
			}
		case e.Action == "pass" && e.Test == "":
			fmt.Printf("ok   %s %.1f s\n", pkg, e.Elapsed)
		case e.Action == "skip" && e.Test != "":
			reason := slices.DeleteFunc(output[name], func(line string) bool {
				line = strings.TrimSpace(line)
				return strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---")
			})
			skipped = append(skipped, name+": "+cmp.Or(strings.Join(strings.Fields(strings.Join(reason, " ")), " "), "no reason given")+"\n")
		}
		if e.Test != "" && e.Elapsed > 0 {
			slowest = append(slowest, test{name, e.Elapsed})
		}
	}
	slices.SortFunc(slowest, func(a, b test) int { return cmp.Compare(b.seconds, a.seconds) })
	fmt.Println("\nthe slowest tests, in seconds:")
	for _, t := range slowest[:min(20, len(slowest))] {
		fmt.Printf("%7.1f  %s\n", t.seconds, t.name)
	}
	if broken {
		failed = nil
	}
	for name, lines := range map[string][]string{os.Args[1]: skipped, os.Args[2]: failed} {
		if err := add(name, strings.Join(lines, "")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// add appends to a file.
func add(name, text string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

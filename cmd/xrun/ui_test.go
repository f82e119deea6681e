package main

import (
	"strings"
	"testing"
)

// Bad flags are refused before anything listens.
func TestFlagsOfThePage(t *testing.T) {
	t.Chdir(t.TempDir())
	for args, want := range map[string]string{
		"ui":                                "there is no result database",
		"ui --port 70000":                   "--port 70000 is not from 0 to 65535",
		"ui --port 1 --listen 127.0.0.1:1":  "--listen HOST:PORT has both",
		"ui --listen 127.0.0.1":             "for instance --listen 192.168.1.5:8080",
		"ui --tls-cert cert.pem":            "--tls-cert and --tls-key go together",
		"ui --tls-cert c.pem --tls-key k.p": "both files are in PEM",
		"ui --password short":               "fewer than eight letters",
		"ui a b":                            `unexpected argument "b"`,
		"ui --prt 1":                        "did you mean --port?",
	} {
		if code, _, errs := inProcess(t, strings.Fields(args)...); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("xrun %s ends with %d: %s", args, code, errs)
		}
	}
}

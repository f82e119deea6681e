package ui

import "testing"

func TestTheTunnelIsTyped(t *testing.T) {
	for connection, want := range map[string]string{
		"10.1.1.1 5000 10.2.2.2 22":    "ssh -L 81:127.0.0.1:81 me@10.2.2.2",
		"10.1.1.1 5000 10.2.2.2 2222":  "ssh -L 81:127.0.0.1:81 -p 2222 me@10.2.2.2",
		"fe80::1 5000 2001:db8::1 22":  "ssh -L 81:127.0.0.1:81 me@2001:db8::1",
		"something":                    "ssh -L 81:127.0.0.1:81 me@HOST",
		"10.1.1.1 5000 $(reboot) 22":   "ssh -L 81:127.0.0.1:81 'me@$(reboot)'",
		"10.1.1.1 5000 10.2.2.2 22;ls": "ssh -L 81:127.0.0.1:81 -p '22;ls' me@10.2.2.2",
	} {
		if got := tunnel(connection, "me", 81); got != want {
			t.Errorf("from %q it is %q, want %q", connection, got, want)
		}
	}
}

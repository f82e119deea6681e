package advice

import (
	"strings"

	"github.com/xrun-dev/xrun/plugins/shell"
)

// Word writes a text as one word of a shell.
func Word(text string) string { return shell.Word(text) }

// Command writes a command of xrun to be copied into a shell.
func Command(args ...string) string {
	words := []string{"xrun"}
	for _, arg := range args {
		words = append(words, Word(arg))
	}
	return strings.Join(words, " ")
}

package data

import (
	"embed"
	"fmt"
	"io"
)

//go:embed datasets/*.csv.gz
var files embed.FS

// builtin is a data set that ships with xrun. Its digest pins the uncompressed file.
type builtin struct {
	name, target string
	kind         Kind
	digest       string
}

var builtins = [...]builtin{
	{"breast_cancer", "diagnosis", Classification, "fefd0594fe431ad9205a996d0fb446ec2f093a41fbee00c6df7fcc29518b15c6"},
	{"diabetes", "progression", Regression, "10d35e5b3fe6855244175482756c09af0e0026de373e6199dac1b6b41c25d829"},
	{"digits", "digit", Classification, "74cbfad71146e9c4aa1265219dcc76df15c468ee44c1ac4632925c6bb50ad6fa"},
	{"iris", "species", Classification, "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355"},
	{"wine", "cultivar", Classification, "5cd9987598eb4af02787cca5ccaafbaa7f901d23dcafc569f0695b705bdd744f"},
}

// Names lists the built-in data sets.
func Names() []string {
	names := make([]string, len(builtins))
	for i, b := range builtins {
		names[i] = b.name
	}
	return names
}

func findBuiltin(name string) (builtin, bool) {
	for _, b := range builtins {
		if b.name == name {
			return b, true
		}
	}
	return builtin{}, false
}

func (b builtin) open(o Options) (*Set, error) {
	if o.Target == "" {
		o.Target = b.target
	}
	if o.Kind == "" {
		o.Kind = b.kind
	}
	file, err := files.Open("datasets/" + b.name + ".csv.gz")
	if err != nil {
		return nil, fmt.Errorf("open the built-in data set %s: %w", b.name, err)
	}
	defer file.Close()
	s, err := readTable(file.(io.ReadSeeker), source{name: b.name, format: formatCSV, compressed: true}, o)
	if err != nil {
		return nil, err
	}
	if s.Digest != b.digest {
		return nil, &Error{File: b.name, Message: fmt.Sprintf("this program's copy has the digest %s, not %s", s.Digest, b.digest)}
	}
	return s, nil
}

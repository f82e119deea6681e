package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// hostile are names that would be markup, scripts, or other words than they seem.
var hostile = []string{`</script><img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `' onmouseover='alert(1)`, `<!--<script>`, `]]></style><style>*{display:none}`,
	"\u202egnp.exe\u2066", "a\x00b\x1b[31mc\u2028d", `{{.Secret}}`, `javascript:alert(1)`}

// sample has an optimizer for each name.
func sample(names []string, lrs, lambdas, seeds, epochs int) *compare.Report {
	var all []runner.Result
	curves := map[int64][]runner.CurvePoint{}
	axes := map[runner.Key][]runner.Setting{}
	id := int64(0)
	for o, name := range names {
		for i := range lrs {
			for j := range lambdas {
				point := runner.Key(fmt.Sprint(o, " ", i, " ", j))
				axes[point] = []runner.Setting{{Path: hostile[0], Value: plugins.Text(hostile[(i+j)%len(hostile)])}}
				for seed := range seeds {
					id++
					v := 0.3 + 0.1*math.Abs(float64(i-lrs/2)) + 0.02*float64(j+o) + 0.01*float64((seed*7+o)%5)
					r := runner.Result{Trial: runner.Key(fmt.Sprint(point, seed)), Point: point, Optimizer: name, LR: math.Pow(10, -3+float64(i)/4), Seed: int64(seed),
						RunID: id, Status: runner.StatusFinished, Found: true, Epochs: epochs, Keeps: true, Kept: runner.Kept{Epoch: epochs, Value: v}}
					if j > 0 {
						r.Lambda, r.Regularizer = float64(j), hostile[1]
					}
					all = append(all, r)
					for epoch := range epochs {
						curves[id] = append(curves[id], runner.CurvePoint{Epoch: epoch, Value: v + math.Exp(-float64(epoch)/9)})
					}
				}
			}
		}
	}
	r := compare.Build(compare.Question{Sweep: hostile[0], Metric: hostile[1], Goal: stop.Min, Keep: runner.Keep{Metric: hostile[1], Goal: stop.Min, At: runner.AtBest}, Axes: axes}, all,
		[]runner.Setting{{Path: hostile[2], Value: plugins.Text(hostile[3])}})
	r.Curves = curves
	return r
}

func provenance() Provenance {
	all := strings.Join(hostile, "\n")
	return Provenance{Version: hostile[0], Runs: all, First: "then", Last: "now", Environments: hostile, Commits: hostile,
		Plugins: []Plugin{{hostile[0], hostile[1], hostile[2], hostile[3], hostile[4], 3}},
		Sweeps:  []Sweep{{Name: hostile[0], File: hostile[1], Digest: hostile[2], Created: "then", Notes: hostile[4], Tags: hostile[5], Text: all, Resolved: all, Overrides: hostile}}}
}

func written(t *testing.T, r *compare.Report, p Provenance) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, p, report.View{}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > Limit {
		t.Errorf("a page of %d bytes", b.Len())
	}
	return b.String()
}

// A name is text wherever it stands: no element, attribute or script of a page comes from one.
func TestHostileNamesStayText(t *testing.T) {
	text := written(t, sample(hostile, 5, 2, 3, 20), provenance())
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields("html head meta title style body header h1 h2 h3 p main section ul li table thead tbody tr th td div figure svg g path rect text dl dt dd code details summary pre bdi meter br script")
	attributes := strings.Fields("lang charset http-equiv content name class id value min max type xmlns viewbox viewBox role aria-label font-family font-size font-weight fill fill-opacity stroke stroke-opacity stroke-width stroke-dasharray transform d x y width height")
	scripts, images, svgs := 0, 0, 0
	for n := range root.Descendants() {
		switch n.Type {
		case html.CommentNode:
			t.Errorf("a comment: %q", n.Data)
		case html.ElementNode:
			if !slices.Contains(known, n.Data) {
				t.Errorf("an element %s", n.Data)
			}
			for _, a := range n.Attr {
				if !slices.Contains(attributes, a.Key) || strings.HasPrefix(a.Key, "on") {
					t.Errorf("an attribute %s of %s", a.Key, n.Data)
				}
			}
			switch n.Data {
			case "script":
				scripts++
			case "img":
				images++
			case "svg":
				svgs++
			}
		}
	}
	if scripts != 2 || images != 0 || svgs != 6 {
		t.Errorf("%d scripts, %d images and %d figures, want 2, 0 and 6", scripts, images, svgs)
	}
	for _, bad := range []string{"\u202e", "\u2066", "\x00", "\x1b", "\u2028"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has the character %q", bad)
		}
	}
	if !strings.Contains(text, "{{.Secret}}") {
		t.Error("a name that looks like a template is not shown as it is")
	}
}

// The policy lets the page's own script run, and nothing be loaded.
func TestPolicy(t *testing.T) {
	root, err := html.Parse(strings.NewReader(written(t, sample([]string{"a", "b"}, 3, 1, 3, 5), Provenance{})))
	if err != nil {
		t.Fatal(err)
	}
	policy, js, data := "", "", ""
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		of := func(key string) string {
			for _, a := range n.Attr {
				if a.Key == key {
					return a.Val
				}
			}
			return ""
		}
		switch {
		case n.Data == "meta" && of("http-equiv") == "Content-Security-Policy":
			policy = of("content")
		case n.Data == "script" && of("type") == "":
			js = n.FirstChild.Data
		case n.Data == "script":
			data = n.FirstChild.Data
		}
	}
	sum := sha256.Sum256([]byte(js))
	if want := "script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) || !strings.HasPrefix(policy, "default-src 'none';") {
		t.Errorf("the policy is %q, and the script wants %s", policy, want)
	}
	var twin struct {
		Format int `json:"xrun_compare"`
		Points []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(data), &twin); err != nil || twin.Format != 2 || len(twin.Points) != 6 {
		t.Errorf("the data of the page are %+v, %v", twin, err)
	}
}

// A page stays small however much there is, and says what it leaves out.
func TestPagesStaySmall(t *testing.T) {
	long := provenance()
	long.Sweeps[0].Text, long.Sweeps[0].Resolved = strings.Repeat("# a long comment\n", 20_000), strings.Repeat("<&>", 100_000)
	text := written(t, sample([]string{"a", "b", strings.Repeat("long", 300)}, 40, 20, 3, 10), long)
	for _, want := range []string{"The first ", " of 2400; xrun compare --all has the others.", "more bytes)", "xrun compare --json has"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q", want)
		}
	}
	written(t, sample([]string{"a", "b"}, 3, 1, 6, 20_000), Provenance{})
	empty := compare.Build(compare.Question{Sweep: "empty", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}, nil, nil)
	if text := written(t, empty, Provenance{}); !strings.Contains(text, "No trial of empty") {
		t.Errorf("the page of an empty sweep is %s", text)
	}
}

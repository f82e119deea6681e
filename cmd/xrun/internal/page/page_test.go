package page

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet/sheettest"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

var hostile = sheettest.Hostile

// sample has an optimizer for each name, and names of others wherever they can stand.
func sample(names []string, lrs, lambdas, seeds, epochs int) *compare.Report {
	return sheettest.Sweep{Arms: names, LRs: lrs, Lambdas: lambdas, Seeds: seeds, Epochs: epochs, Hostile: true}.Report()
}

func written(t *testing.T, r *compare.Report, p question.Provenance, script string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, p, report.View{}, sheet.Options{Command: hostile[0], Words: map[int64]string{1: hostile[1]}}, Hands{Script: script}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > Limit {
		t.Errorf("a page of %d bytes", b.Len())
	}
	return b.String()
}

// A name is text wherever it stands: no element, attribute or script of a page comes from one.
func TestHostileNamesStayText(t *testing.T) {
	text := written(t, sample(hostile, 5, 2, 3, 20), sheettest.Provenance(), "")
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields("html head meta title style body header h1 h2 h3 p main aside section ul li table thead tbody tfoot tr th td div figure svg g path rect text circle line use defs pattern dl dt dd code details summary pre bdi b i span small button a caption footer br script")
	attributes := strings.Fields("lang charset http-equiv content name class id type hidden data-page data-p data-cmd data-show data-shows data-facet aria-hidden aria-label aria-pressed role tabindex colspan href viewbox viewBox xmlns font-family font-size font-weight fill fill-opacity stroke stroke-opacity stroke-width stroke-dasharray transform d dx x y x1 x2 y1 y2 cx cy r width height patternunits patternUnits patterntransform patternTransform")
	for _, strange := range sheettest.Strange(text, root, known, attributes) {
		t.Errorf("the page has %s", strange)
	}
	count := map[string]int{}
	for n := range root.Descendants() {
		count[n.Data]++
	}
	if count["script"] != 2 || count["figure"] != 6 {
		t.Errorf("%d scripts and %d figures, want 2 and 6", count["script"], count["figure"])
	}
}

// What decides how sure one is has the colour of doubt and its name. The set of the best has its reasons, and an unstable point
// its sign explained.
func TestDoubtIsShown(t *testing.T) {
	r := sample([]string{"sgd", "adam"}, 5, 2, 3, 20)
	r.Points[4].Unstable, r.Points[4].Astray = true, 1
	text := written(t, r, sheettest.Provenance(), "")
	for _, words := range []string{`<tr class="doubt"><th>chance</th>`, `<tr><th>seeds, alike for all</th>`, `id="tied"><h2>What cannot be told from the best</h2>`, "expected SD",
		`<h3 id="noise">Noise against the mean</h3>`, "* unstable: its seeds differ", "1 of 3 astray"} {
		if !strings.Contains(text, words) {
			t.Errorf("the page lacks %s", words)
		}
	}
	if strings.Count(text, `<tr class="doubt"`) != 1 {
		t.Error("other shares have the colour of doubt")
	}
}

// parts are a page's policy, its script, its style and its data.
func parts(t *testing.T, text string) (policy, js, style, data string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
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
		case n.Data == "style":
			style = n.FirstChild.Data
		case n.Data == "script" && of("type") == "":
			js = n.FirstChild.Data
		case n.Data == "script" && of("id") == "data":
			data = n.FirstChild.Data
		}
	}
	return policy, js, style, data
}

// pageData is the data of a page.
type pageData struct {
	Answer struct {
		Format int               `json:"xrun_compare"`
		Points []json.RawMessage `json:"points"`
	} `json:"answer"`
	Points struct {
		Format  int                        `json:"xrun_ui"`
		Of      int                        `json:"of"`
		Columns map[string]json.RawMessage `json:"columns"`
	} `json:"points"`
	Curves struct {
		Points []json.RawMessage `json:"points"`
	} `json:"curves"`
	Deflated []byte `json:"deflated"`
}

func dataOf(t *testing.T, text string) (d pageData) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if d.Deflated != nil {
		whole, err := io.ReadAll(flate.NewReader(bytes.NewReader(d.Deflated)))
		if err != nil {
			t.Fatal(err)
		}
		return dataOf(t, string(whole))
	}
	return d
}

// The policy lets the page's own script and style work, and nothing be loaded.
func TestPolicy(t *testing.T) {
	for _, script := range []string{"", "document.title = '<x>';"} {
		text := written(t, sample([]string{"a", "b"}, 3, 1, 3, 5), question.Provenance{}, script)
		policy, js, style, data := parts(t, text)
		for name, of := range map[string]string{"script": js, "style": style} {
			sum := sha256.Sum256([]byte(of))
			if want := name + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) || !strings.HasPrefix(policy, "default-src 'none';") {
				t.Errorf("the policy is %q, and the %s wants %s", policy, name, want)
			}
		}
		if script != "" { // it is run by the one that unpacks it
			_, code, _ := strings.Cut(text, `id="code">`)
			code, _, _ = strings.Cut(code, "</script>")
			var packed struct{ Deflated []byte }
			if err := json.Unmarshal([]byte(code), &packed); err != nil {
				t.Fatal(err)
			}
			whole, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed.Deflated)))
			sum := sha256.Sum256(whole)
			if err != nil || string(whole) != script || !strings.Contains(policy, "' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
				t.Errorf("the policy is %q, and the script %q, %v", policy, whole, err)
			}
		}
		if strings.Contains(text, "unsafe-inline") || strings.Contains(text, "<nav") != (script != "") {
			t.Errorf("the script is %q", js)
		}
		d := dataOf(t, data)
		if d.Answer.Format != 2 || len(d.Answer.Points) != 0 || d.Points.Format != 1 || d.Points.Of != 6 || len(d.Curves.Points) != 6 {
			t.Errorf("the data of the page are %+v", d)
		}
	}
}

// A page stays small however much there is, and says what it leaves out.
func TestPagesStaySmall(t *testing.T) {
	long := sheettest.Provenance()
	long.Sweeps[0].Text, long.Sweeps[0].Resolved = strings.Repeat("# a long comment\n", 20_000), strings.Repeat("<&>", 100_000)
	text := written(t, sample([]string{"a", "b", strings.Repeat("long", 300)}, 40, 20, 3, 10), long, "")
	for _, want := range []string{" of 2400 points shown; xrun compare --all has the others", "more bytes)"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q", want)
		}
	}
	written(t, sample([]string{"a", "b"}, 3, 1, 6, 20_000), question.Provenance{}, "")
	empty := compare.Build(compare.Question{Sweep: "empty", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}, nil, nil)
	if text := written(t, empty, question.Provenance{}, ""); !strings.Contains(text, "No trial of empty") {
		t.Errorf("the page of an empty sweep is %s", text)
	}
}

// A page of 10,000 runs has nine of ten points with their seeds' values, and the curves of the best, beside a script as long as that of
// a page. It says what is left out.
func TestTenThousandRuns(t *testing.T) {
	r := sample([]string{"sgd", "adam", "rmsprop", "lion"}, 25, 20, 5, 50)
	random := rand.New(rand.NewPCG(1, 2))
	r.Metric, r.Sweep = "val_loss", "large"
	for i := range r.Points { // keys as long and as random as those of trials, and values as random
		s := &r.Points[i]
		sum := sha256.Sum256([]byte(s.Point))
		s.Point, s.Axes = runner.Key(fmt.Sprintf("%x", sum[:16])), nil
		if s.Regularizer != "" {
			s.Regularizer = "l2"
		}
		for k := range s.Seeds {
			s.Seeds[k].Value += 0.1 * random.Float64()
		}
		for _, of := range []*stats.Interval{&s.Interval, &s.VersusBase} {
			of.Value, of.Low, of.High = of.Value+0.01*random.Float64(), of.Low-0.1*random.Float64(), of.High+0.1*random.Float64()
		}
	}
	for run, curve := range r.Curves {
		for k := range curve {
			r.Curves[run][k].Value += 0.1 * random.Float64()
		}
	}
	var script strings.Builder // as long as that of a page, and as hard to deflate
	for script.Len() < 150_000 {
		fmt.Fprintf(&script, "let v%x=%x;", random.IntN(1000), random.IntN(1000))
	}
	text := written(t, r, question.Provenance{}, script.String())
	_, _, _, data := parts(t, text)
	d := dataOf(t, data)
	var seeds [][][]any
	if err := json.Unmarshal(d.Points.Columns["seeds"], &seeds); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kB, %d of %d points, %d curves", len(text)/1000, len(seeds), d.Points.Of, len(d.Curves.Points))
	if d.Points.Of != 2000 || len(seeds) < 1800 || len(seeds[0]) != 5 || len(d.Curves.Points) < 24 {
		t.Errorf("the page has %d of %d points and %d curves", len(seeds), d.Points.Of, len(d.Curves.Points))
	}
	if js, cut, err := twin(r, sheet.Beside{}, 40_000); err != nil || len(js) > 40_000 || !strings.Contains(cut, "of 2000 points; xrun compare --json has all") {
		t.Errorf("in 40 kB %d bytes of data: %q, %v", len(js), cut, err)
	}
	if js, cut, err := twin(r, sheet.Beside{}, 10); err != nil || js != "{}" || cut == "" {
		t.Errorf("in 10 bytes %q: %q, %v", js, cut, err)
	}
	if len(seeds) < d.Points.Of && !strings.Contains(text, "the data in this page are of the first") {
		t.Error("nothing says that data are left out")
	}
}

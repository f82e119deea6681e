package sheet

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet/sheettest"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

var hostile = sheettest.Hostile

// page is the sheet of a report, read.
func page(t *testing.T, d Data) (text string, root *html.Node) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, d); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), root
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// words are a node's text, without breaks that print keeps.
func words(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return printed(b.String())
}

// printed is a text of a page as a terminal has it.
func printed(text string) string {
	return strings.NewReplacer("\u00a0", " ", "−", "-").Replace(text)
}

func find(root *html.Node, match func(*html.Node) bool) (all []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && match(n) {
			all = append(all, n)
		}
	}
	return all
}

func classed(n *html.Node, class string) bool {
	return slices.Contains(strings.Fields(attribute(n, "class")), class)
}

// The sentence is the terminal's, word for word, and so are the notes, the values of arms and the rows of the table.
func TestWordsAreTheTerminals(t *testing.T) {
	for name, g := range map[string]sheettest.Sweep{
		"two arms":  {Arms: []string{"sgd", "adam"}, LRs: 5, Lambdas: 3, Seeds: 5},
		"one arm":   {Arms: []string{"adam"}, LRs: 4, Lambdas: 2, Seeds: 3},
		"one seed":  {Arms: []string{"sgd", "adam"}, LRs: 4, Lambdas: 2, Seeds: 1},
		"two seeds": {Arms: []string{"sgd", "adam", "rmsprop"}, LRs: 4, Lambdas: 2, Seeds: 2},
		"a rate":    {Arms: []string{"sgd", "adam"}, LRs: 4, Lambdas: 2, Seeds: 4, Goal: stop.Max, Metric: "val_accuracy"},
		"a line":    {Arms: []string{"sgd", "adam"}, LRs: 6, Lambdas: 1, Seeds: 4},
		"sets":      {Arms: []string{"sgd", "adam"}, LRs: 3, Lambdas: 2, Seeds: 3, Sets: 3},
		"open": {Arms: []string{"sgd", "adam"}, LRs: 3, Lambdas: 2, Seeds: 4, Change: func(r *runner.Result) {
			if r.Seed > 1 {
				r.Status, r.RunID, r.Keeps, r.Found = "", 0, false, false
			}
		}},
		"diverged": {Arms: []string{"sgd", "adam"}, LRs: 4, Lambdas: 2, Seeds: 2, Change: func(r *runner.Result) {
			if r.LR == 1 {
				r.Status, r.Keeps = runner.StatusDiverged, false
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.Report()
			d := Of(r, Options{Command: "xrun compare made"})
			text, root := page(t, d)
			var said []string
			for _, n := range find(root, func(n *html.Node) bool { return classed(n, "answer") || classed(n, "second") }) {
				said = append(said, words(n))
			}
			whole := strings.Join(strings.Fields(strings.Join(said, " ")), " ")
			for _, of := range append([]*compare.Report{r}, r.Problems...) {
				if want := strings.Join(strings.Fields(of.Verdict()), " "); !strings.Contains(whole, want) {
					t.Errorf("the sentence is %q, want %q", whole, want)
				}
			}
			shown := printed(strings.NewReplacer("&#43;", "+", "&lt;", "<", "&#39;", "'", "&#34;", `"`, "&gt;", ">", "&amp;", "&").Replace(text))
			for _, n := range r.Notes() {
				// the first letter may be a capital
				if !strings.Contains(shown, n.Text[1:]) {
					t.Errorf("the note %q is missing", n.Text)
				}
			}
			for _, sub := range r.Each() {
				for i, a := range sub.Arms {
					if a.Chosen < 0 {
						continue
					}
					for _, column := range report.ArmTable(sub) {
						if (strings.HasPrefix(column.Head, "vs ") || column.Head == "p" || column.Head == "wins") && len(sub.Arms) > 1 && !strings.Contains(spaced(shown), spaced(column.Cells[i])) {
							t.Errorf("the %s of %s, %q, is missing", column.Head, a.Name, column.Cells[i])
						}
					}
				}
			}
			if _, err := json.Marshal(d); err != nil {
				t.Errorf("the data cannot be written: %v", err)
			}
		})
	}
}

// spaced has a space before %, as a page has.
func spaced(text string) string { return regexp.MustCompile(`(\d)%`).ReplaceAllString(text, "$1 %") }

// Every point of a small sweep stands in a map and in the table under its key, and cells have the report's numbers.
func TestEveryPointIsThere(t *testing.T) {
	r := sheettest.Sweep{Arms: []string{"sgd", "adam", "rmsprop"}, LRs: 5, Lambdas: 4, Seeds: 3}.Report()
	_, root := page(t, Of(r, Options{Points: 100}))
	for i := range r.Points {
		s := &r.Points[i]
		nodes := find(root, func(n *html.Node) bool { return attribute(n, "data-p") == string(s.Point) })
		cells, rows := 0, 0
		for _, n := range nodes {
			switch {
			case attribute(n, "role") == "gridcell":
				cells++
				label := printed(attribute(n, "aria-label"))
				if !strings.HasPrefix(label, r.Name(*s)+": val_loss "+stats.Uncertain(s.Interval)) {
					t.Errorf("the label of %s is %q", r.Name(*s), label)
				}
				if !slices.Contains(strings.FieldsFunc(label, func(r rune) bool { return r == ' ' || r == ',' }), digits(s.Interval.Value, 3)) {
					t.Errorf("the label of %s lacks the number that is shown: %q", r.Name(*s), label)
				}
				if got := words(n); !strings.Contains(got, digits(s.Interval.Value, 3)) {
					t.Errorf("the cell of %s shows %q", r.Name(*s), got)
				}
				if strings.Contains(label, ", best") != (i == 0 || func() bool { _, ok := r.ArmOf(i); return ok }()) {
					t.Errorf("%s, #%d: %q", r.Name(*s), i+1, label)
				}
				if strings.Contains(label, "cannot be told") != s.Tied {
					t.Errorf("%s, tied %v: %q", r.Name(*s), s.Tied, label)
				}
			case n.Data == "tr":
				rows++
			}
		}
		// λ = 0 has no penalty and one regularizer here: each point is on one map
		if cells != 1 || rows < 1 {
			t.Errorf("%s has %d cells and %d rows", r.Name(*s), cells, rows)
		}
	}
	starts := find(root, func(n *html.Node) bool { return attribute(n, "role") == "gridcell" && attribute(n, "tabindex") == "0" })
	if len(starts) != 1 || !strings.Contains(attribute(starts[0], "aria-label"), "best") {
		t.Errorf("the keyboard comes to %d cells", len(starts))
	}
}

// The states of points have their signs, which the legend explains.
func TestStatesHaveSigns(t *testing.T) {
	n := 0
	r := sheettest.Sweep{Arms: []string{"sgd", "adam"}, LRs: 4, Lambdas: 3, Seeds: 3, Change: func(r *runner.Result) {
		n++
		switch {
		case r.Optimizer == "adam" && r.LR == 1:
			r.Status, r.Keeps = runner.StatusDiverged, false
		case r.Optimizer == "sgd" && r.LR == 1 && r.Seed == 2:
			r.Status, r.Keeps = runner.StatusFailed, false
		case r.Optimizer == "sgd" && r.LR < 2e-3 && r.Lambda == 0 && r.Seed == 2:
			r.Status, r.Keeps = runner.StatusPruned, false
		case r.Optimizer == "adam" && r.LR < 2e-3 && r.Seed > 0:
			if r.Status = runner.StatusRunning; r.Seed == 2 {
				r.Status, r.RunID = "", 0
			}
			r.Keeps, r.Found = false, false
		}
	}}.Report()
	text, root := page(t, Of(r, Options{Words: map[int64]string{}, Live: &Live{Done: 1, All: 2}}))
	for class, want := range map[string]int{"div": 3, "fl": 3 + 1, "not": 3, "pr": 1 + 1} {
		if got := len(find(root, func(n *html.Node) bool { return classed(n, class) })); got != want {
			t.Errorf("%d elements of the class %s, want %d", got, class, want)
		}
	}
	if got := len(find(root, func(n *html.Node) bool { return classed(n, "pulse") })); got != 3+1 {
		t.Errorf("%d seeds breathe, want 3 and that of the legend", got)
	}
	for _, words := range []string{"So far,", "best so far", "failed: 1 of 3 seeds", "diverged: 3 of 3 seeds", "1 of 3 seeds", "pruned", "9 × diverged", "3 × failed", "xrun show"} {
		if !strings.Contains(text, words) {
			t.Errorf("nothing says %q", words)
		}
	}
	if strings.Contains(text, `data-cmd="xrun confirm`) {
		t.Error("a sweep that trains offers to confirm")
	}
}

// Long axes are merged by their best, and many maps are listed; both is said. The best stays.
func TestManyAreMergedAndListed(t *testing.T) {
	r := sheettest.Sweep{Arms: []string{"sgd", "adam"}, LRs: 70, Lambdas: 3, Seeds: 2}.Report()
	m := mapsOf(r, MapQuestion{}, mostCells)
	if n := len(m.Facets[0].Columns.Ticks); n > mostTicks || n < mostTicks/2 {
		t.Errorf("70 values became %d", n)
	}
	if !slices.ContainsFunc(m.Notes, func(s string) bool { return strings.HasPrefix(s, "lr has 70 values") }) {
		t.Errorf("the notes are %q", m.Notes)
	}
	best := false
	for _, row := range m.Facets[0].Cells {
		for _, c := range row {
			best = best || c.Best && c.Point == r.Points[0].Point
		}
	}
	if !best {
		t.Error("the best is not on the map")
	}
	var arms []string
	for i := range 12 {
		arms = append(arms, fmt.Sprint("arm", i))
	}
	m = mapsOf(sheettest.Sweep{Arms: arms, LRs: 3, Lambdas: 2, Seeds: 2}.Report(), MapQuestion{}, mostCells)
	if len(m.Facets) != mostFacets || len(m.Listed) != 3 || !strings.HasPrefix(m.Notes[0], "9 of 12 maps shown") {
		t.Errorf("%d facets, %d listed, %q", len(m.Facets), len(m.Listed), m.Notes)
	}
	a := Of(sheettest.Sweep{Arms: arms, LRs: 3, Lambdas: 2, Seeds: 2}.Report(), Options{}).Parts[0].Arms
	seen := map[int]int{}
	for _, row := range a.Rows {
		seen[row.Hue]++
	}
	if seen[-1] != 1 || seen[0] != 1 || seen[hues-1] != 1 || seen[hues] != 5 {
		t.Errorf("arms by hue: %v", seen)
	}
}

// 10,000 runs make a sheet that a page can send at once.
func TestTenThousandRunsStaySmall(t *testing.T) {
	for name, g := range map[string]sheettest.Sweep{
		"points": {Arms: []string{"sgd", "adam", "rmsprop", "muon", "lion", "adagrad", "nadam", "sam"}, LRs: 25, Lambdas: 10, Seeds: 5},
		"seeds":  {Arms: []string{"sgd", "adam"}, LRs: 5, Lambdas: 5, Seeds: 200},
		"axes":   {Arms: []string{"sgd"}, LRs: 100, Lambdas: 50, Seeds: 2},
	} {
		text, _ := page(t, Of(g.Report(), Options{}))
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(text))
		w.Write([]byte(Style()))
		w.Close()
		t.Logf("%s: %d kB, %d kB compressed with the style", name, len(text)/1000, b.Len()/1000)
		if b.Len() > 100_000 {
			t.Errorf("%s: the sheet of 10,000 runs takes %d bytes compressed", name, b.Len())
		}
	}
}

// A name is text wherever it stands: no element, attribute or script of a sheet comes from one, and nothing has a style attribute.
func TestHostileNamesStayText(t *testing.T) {
	axes := map[runner.Key][]runner.Setting{}
	all, sets := sheettest.Sweep{Arms: hostile, LRs: 3, Lambdas: 2, Seeds: 3, Sets: 2}.Results()
	for i := range all {
		r := &all[i]
		axes[r.Point] = []runner.Setting{{Path: hostile[0], Value: plugins.Text(hostile[i/3%len(hostile)])}}
		if r.Lambda > 0 {
			r.Regularizer = hostile[i%len(hostile)]
		}
		if r.LR == 1 {
			r.Status, r.Keeps = runner.StatusFailed, false
		}
	}
	for point := range sets {
		sets[point] = hostile[len(sets[point])%2+strings.Index("01", sets[point][3:])]
	}
	said := map[int64]string{}
	for i := range all {
		said[all[i].RunID] = hostile[i%len(hostile)]
	}
	q := compare.Question{Sweep: hostile[0], Metric: hostile[1], Goal: stop.Min, Keep: runner.Keep{Metric: hostile[1], Goal: stop.Min, At: runner.AtBest}, Axes: axes, Arguments: hostile[:2],
		Several: compare.Problems{Of: sets, Noun: hostile[2]}}
	text := strings.Join(hostile, "\n")
	live := &Live{Done: 1, All: 2, Running: 9, Stage: text, Elapsed: text, Left: text, Note: text, Bars: []Bar{{Name: text, Parts: []Step{{Name: text, All: 3, Running: 1}}}},
		Training: []Training{{Point: runner.Key(text), Name: text, Value: text, Before: text}}}
	from := sheettest.Provenance()
	from.First, from.Last = text, text
	for _, q := range []compare.Question{q, func() compare.Question { q.Several = compare.Problems{}; return q }()} {
		r := compare.Build(q, all, []runner.Setting{{Path: "task.dataset", Value: plugins.Text(hostile[3])}})
		r.Checks = []compare.CheckResult{{Name: text, Where: text, Facts: text}}
		out, root := page(t, Of(r, Options{Command: text, Live: live, Words: said, Provenance: from}))
		known := strings.Fields("html head body section div small h1 h2 p b bdi span ul li i button details summary table caption thead tbody tfoot tr th td svg g rect text path line circle use defs pattern title footer")
		attributes := strings.Fields("class id type aria-hidden aria-label aria-live aria-pressed role tabindex data-p data-cmd data-show data-shows data-facet hidden colspan width height x y x1 x2 y1 y2 cx cy r d dx transform href patternunits patterntransform patternUnits patternTransform")
		for _, strange := range sheettest.Strange(out, root, known, attributes) {
			t.Errorf("the sheet has %s", strange)
		}
		for n := range root.Descendants() {
			if href := attribute(n, "href"); href != "" && !regexp.MustCompile(`^#[a-z]{2}$`).MatchString(href) {
				t.Errorf("a link to %q", href)
			}
		}
	}
}

// What a chart says by its drawing, it says in words and in a table too.
func TestChartsHaveWords(t *testing.T) {
	_, root := page(t, Of(sheettest.Sweep{Arms: []string{"sgd", "adam"}, LRs: 5, Lambdas: 3, Seeds: 4}.Report(), Options{}))
	for _, n := range find(root, func(n *html.Node) bool { return n.Data == "svg" }) {
		hidden, inner := attribute(n, "aria-hidden") == "true", n.Parent.Data == "g" || n.Parent.Data == "svg"
		if role := attribute(n, "role"); !hidden && !inner && (role != "grid" && role != "img" || attribute(n, "aria-label") == "") {
			t.Errorf("a drawing of the class %q says nothing", attribute(n, "class"))
		}
	}
	for _, id := range []string{"arms", "maps", "matters"} {
		section := find(root, func(n *html.Node) bool { return attribute(n, "id") == id })
		if len(section) != 1 || len(find(section[0], func(n *html.Node) bool { return n.Data == "details" })) == 0 {
			t.Errorf("the section %s has no table behind it", id)
		}
	}
	grids := find(root, func(n *html.Node) bool { return attribute(n, "role") == "grid" })
	for _, g := range grids {
		if label := printed(attribute(g, "aria-label")); !regexp.MustCompile(`best 0\.\d+ ± 0\.\d+ at lr \S+, λ \S+$`).MatchString(label) {
			t.Errorf("a map says %q", label)
		}
		for _, th := range find(root, func(n *html.Node) bool { return n.Data == "th" }) {
			if words(th) == "" {
				t.Error("a head of a column says nothing")
			}
		}
		for _, row := range find(g, func(n *html.Node) bool { return attribute(n, "role") == "gridcell" }) {
			if attribute(row.Parent, "role") != "row" {
				t.Error("a cell is in no row")
			}
		}
	}
	if len(grids) != 2 {
		t.Errorf("%d maps, want 2", len(grids))
	}
}

// tokens are the colours of a theme in the style sheet.
func tokens(t *testing.T, start string) map[string]string {
	t.Helper()
	at := strings.Index(css, start)
	if at < 0 {
		t.Fatalf("the style has no %s", start)
	}
	block := css[at:]
	block = block[:strings.Index(block, "}")]
	of := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+):(#[0-9a-f]{6})`).FindAllStringSubmatch(block, -1) {
		of[m[1]] = m[2]
	}
	return of
}

// Text is readable on paper in both themes, by WCAG 2: 4.5 to 1. The two ways to the dark theme are the same.
func TestContrast(t *testing.T) {
	light, dark, asked := tokens(t, ":root{"), tokens(t, ":root:not([data-theme=light])"), tokens(t, ":root[data-theme=dark]")
	for name, of := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, token := range strings.Fields("ink muted faint doubt you base arm0 arm1 arm2 arm3 arm4 arm5") {
			if c := contrast(of[token], of["paper"]); !(c >= 4.5) {
				t.Errorf("%s: %s %s on paper has %.2f", name, token, of[token], c)
			}
		}
	}
	if fmt.Sprint(dark) != fmt.Sprint(asked) {
		t.Errorf("the dark theme is %v where the system asks for it, and %v where a person does", dark, asked)
	}
}

// Lightness falls steadily along the colours of maps in light, and rises to the best in dark, also as people see it who lack one kind
// of cones. Digits are readable on every colour.
func TestColorsOfMaps(t *testing.T) {
	// Machado, Oliveira and Fernandes 2009, severity 1, on linear light.
	visions := map[string][3][3]float64{
		"all":    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
		"protan": {{.152286, 1.052583, -.204868}, {.114503, .786281, .099216}, {-.003882, -.048116, 1.051998}},
		"deutan": {{.367322, .860646, -.227968}, {.280085, .672501, .047413}, {-.011820, .042940, .968881}},
		"tritan": {{1.255528, -.076749, -.178779}, {-.078411, .930809, .147602}, {.004733, .691367, .303900}},
	}
	for theme, ramp := range map[string][][3]float64{"light": lightRamp, "dark": darkRamp} {
		for vision, m := range visions {
			last := math.NaN()
			for i := range Levels {
				c := rampAt(ramp, float64(i)/(Levels-1))
				var seen shade
				for k, row := range m {
					for j, x := range row {
						seen[k] += x * min(1, max(0, c[j]))
					}
				}
				y := luminance(seen.hex())
				if i > 0 && (y > last) != (theme == "light") {
					t.Errorf("%s, %s: luminance goes from %.4f to %.4f at %d", theme, vision, last, y, i)
				}
				last = y
				if hex := c.hex(); vision == "all" && contrast(hex, map[string]string{"#000": "#000000", "#fff": "#ffffff"}[inkOn(hex)]) < 4.5 {
					t.Errorf("%s: digits on %s have too little contrast", theme, hex)
				}
			}
		}
	}
}

// One colour is the best's, and the last one begins at the stated quantile. More is better of a rate.
func TestPaletteIsClipped(t *testing.T) {
	for _, goal := range []stop.Goal{stop.Min, stop.Max} {
		r := sheettest.Sweep{Arms: []string{"sgd", "adam"}, LRs: 8, Lambdas: 3, Seeds: 2, Goal: goal}.Report()
		p := paletteOf(r, "mean")
		if p.best != r.Points[0].Interval.Value || p.level(p.best) != 0 || p.level(p.clip) != Levels-1 {
			t.Errorf("%s: the best is %v, the clip %v", goal, p.best, p.clip)
		}
		beyond := 0
		for _, s := range r.Points {
			if (s.Interval.Value > p.clip) == (goal == stop.Min) && s.Interval.Value != p.clip {
				beyond++
			}
		}
		if p.beyond != beyond || beyond == 0 || beyond > len(r.Points)/4+1 {
			t.Errorf("%s: %d of %d points beyond, want %d", goal, p.beyond, len(r.Points), beyond)
		}
	}
	r := sheettest.Sweep{Arms: []string{"sgd"}, LRs: 4, Lambdas: 2, Seeds: 2, Change: func(r *runner.Result) { r.Kept.Value = 0.5 }}.Report()
	if m := mapsOf(r, MapQuestion{}, mostCells); m.Clip != "All values are equal." {
		t.Errorf("equal values: %q", m.Clip)
	}
	// What a map can show besides.
	for _, show := range Shows {
		if m := mapsOf(sheettest.Sweep{Arms: []string{"sgd", "adam"}, LRs: 4, Lambdas: 2, Seeds: 3}.Report(), MapQuestion{Show: show}, mostCells); m.Show != show || !slices.ContainsFunc(m.Facets, func(f Facet) bool {
			return slices.ContainsFunc(f.Cells, func(row []Cell) bool { return slices.ContainsFunc(row, func(c Cell) bool { return c.Text != "" }) })
		}) {
			t.Errorf("a map of %s is %+v", show, m)
		}
	}
}

// Columns hold what objects would, page by page.
func TestPointsInColumns(t *testing.T) {
	r := sheettest.Sweep{Arms: []string{"sgd", "adam"}, LRs: 4, Lambdas: 3, Seeds: 3}.Report()
	p := PointsOf(r, 5, 7, false, true)
	if p.Of != len(r.Points) || p.From != 5 || len(p.Columns.Key) != 7 || len(p.Columns.Seeds) != 7 || p.Columns.Rank[0] != 6 {
		t.Errorf("the page is %d from %d of %d", len(p.Columns.Key), p.From, p.Of)
	}
	if got, want := p.Columns.Text[0], stats.Uncertain(r.Points[5].Interval); got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
	if exact := PointsOf(r, 0, 1, true, false); float64(exact.Columns.Mean[0]) != r.Points[0].Interval.Value || float64(PointsOf(r, 0, 1, false, false).Columns.Mean[0]) == r.Points[0].Interval.Value {
		t.Errorf("the exact value is %v", exact.Columns.Mean[0])
	}
	if got := every(1000, 100); len(got) > 101 || got[0] != 0 || got[len(got)-1] != 999 {
		t.Errorf("1,000 values thinned are %d", len(got))
	}
	if got := every(5, 100); len(got) != 5 {
		t.Errorf("5 values thinned are %d", len(got))
	}
}

// A curve that is thinned keeps its ends, and the ends and extremes of every piece.
func TestThinning(t *testing.T) {
	for _, n := range []int{0, 1, 2, 499, 500, 501, 1000, 12_345, 1_000_000} {
		const mostValues = 500
		values := make([]float64, n)
		for i := range values {
			values[i] = math.Sin(float64(i)*0.37) * float64(i%97)
		}
		if n > 600 {
			values[n/3], values[n/2], values[n/5] = 1e6, -1e6, math.NaN()
		}
		some := thinned(values, mostValues)
		if len(some) > mostValues || n <= mostValues && len(some) != n || !slices.IsSorted(some) || len(slices.Compact(slices.Clone(some))) != len(some) {
			t.Errorf("of %d there are %d", n, len(some))
		}
		if n > 600 && (some[0] != 0 || some[len(some)-1] != n-1 || !slices.Contains(some, n/3) || !slices.Contains(some, n/2)) {
			t.Errorf("of %d an end or a peak is lost", n)
		}
	}
}

// An empty store has two commands and nothing else; a sweep without results says so.
func TestNothingYet(t *testing.T) {
	var b bytes.Buffer
	if err := WriteEmpty(&b); err != nil || !strings.Contains(b.String(), "No sweep is in this store yet.") || strings.Count(b.String(), "data-cmd") != 2 {
		t.Errorf("the page of an empty store is %s, %v", b.String(), err)
	}
	empty := compare.Build(compare.Question{Sweep: "empty", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}, nil, nil)
	if text, _ := page(t, Of(empty, Options{})); !strings.Contains(text, "No trial of empty has a val_loss yet.") || strings.Contains(text, "NaN") {
		t.Errorf("the page of an empty sweep is %s", text)
	}
}

// BenchmarkTenThousandRuns is the time from a report to its page.
func BenchmarkTenThousandRuns(b *testing.B) {
	r := sheettest.Sweep{Arms: []string{"sgd", "adam", "rmsprop", "muon", "lion", "adagrad", "nadam", "sam"}, LRs: 25, Lambdas: 10, Seeds: 5}.Report()
	for b.Loop() {
		if err := Write(io.Discard, Of(r, Options{})); err != nil {
			b.Fatal(err)
		}
	}
}

// An answer without points has empty lists, which a reader may go through like others.
func TestNoPointsAreEmptyLists(t *testing.T) {
	r := sheettest.Sweep{Arms: []string{"sgd", "adam"}, LRs: 3, Lambdas: 2, Seeds: 2}.Report()
	answer, err := json.Marshal(PointsOf(r, 100, 10, false, true))
	if err != nil || strings.Contains(string(answer), "null") {
		t.Errorf("%s, %v", answer, err)
	}
}

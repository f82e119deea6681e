package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// asked is the report that xrun compare prints.
func asked(t *testing.T, path, sweep string, q question.Question) *compare.Report {
	t.Helper()
	db, err := store.OpenReadOnly(t.Context(), path)
	try(t, err)
	defer db.Close()
	r, err := question.Answer(t.Context(), db, []string{sweep}, q)
	try(t, err)
	return r
}

// decoded is JSON without regard for its order.
func decoded(t *testing.T, text []byte) (fields map[string]any) {
	t.Helper()
	try(t, json.Unmarshal(text, &fields))
	return fields
}

// The answer is what compare --json prints, but for the points.
func TestTheAnswerIsThatOfCompare(t *testing.T) {
	mixed := grid{name: "mixed", lrs: 4, lambdas: 3, seeds: 3, epochs: 5, failed: 2, diverged: 2, left: 4}
	path := filled(t, small, mixed)
	v := serve(t, Options{Store: path})
	for sweep, queries := range map[string]map[string]question.Question{
		"small": {"": {}, "&where=lr+%3C+0.5": {Where: "lr < 0.5"}, "&baseline=optimizer+%3D%3D+'adam'&test=welch&stat=mean": {Baseline: "optimizer == 'adam'", Test: "welch", Stat: "mean"}, "&metric=train_loss&at=last": {Metric: "train_loss", At: "last"},
			"&target=0.3": {Target: 0.3, HasTarget: true}, "&equal=1+%25&by=optimizer": {Equal: "1 %", By: "optimizer"}},
		"mixed": {"": {}},
	} {
		for query, q := range queries {
			r := asked(t, path, sweep, q)
			var b bytes.Buffer
			try(t, report.JSON(&b, r, false))
			want, got := decoded(t, b.Bytes()), decoded(t, []byte(v.get("/api/v1/answer?sweep="+sweep+query).body))
			beside, _ := got["ui"].(map[string]any)
			if of := got["points_of"]; of != float64(len(r.Points)) || beside["heading"] != r.Heading() || beside["same"] != report.SameLine(r) {
				t.Errorf("%s%s: of %v points, beside it %v", sweep, query, of, beside)
			}
			if points := got["points"]; fmt.Sprint(points) != "[]" {
				t.Errorf("%s%s has points: %v", sweep, query, points)
			}
			delete(got, "ui")
			delete(got, "points_of")
			delete(got, "points")
			delete(want, "points")
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s%s is\n%v, want\n%v", sweep, query, got, want)
			}
		}
	}
	var answer struct {
		UI struct {
			Command  string
			Failures []Failure
			Next     []string
			Live     *Live
		}
	}
	v.read(&answer, "/api/v1/answer?sweep=mixed&where=lr+%3E+0")
	if f := answer.UI.Failures; len(f) != 1 || f[0].Count != 2 || f[0].Reason != "plugin crashed" || !strings.HasSuffix(f[0].Words, "the last words of it") || len(f[0].Runs) != 2 || f[0].Command != fmt.Sprintf("xrun show %d", f[0].Runs[0]) {
		t.Errorf("the failures are %+v", f)
	}
	if answer.UI.Command != "xrun compare mixed --where 'lr > 0'" || answer.UI.Live != nil {
		t.Errorf("the command is %s, live %v", answer.UI.Command, answer.UI.Live)
	}
}

type pointsAnswer struct {
	Of, From int
	Columns  struct {
		Key, Name, Text, State, Optimizer, Arm []string
		Rank, N, Tied                          []int
		LR, Lambda, Mean, Low, High            []*float64
		VersusText                             []string `json:"versus_text"`
		Seeds                                  [][][]any
		Columns                                map[string]struct {
			Text  []string
			Value []*float64
		}
	}
}

func TestPointsComeInColumnsAndPages(t *testing.T) {
	path := filled(t, grid{name: "small", lrs: 4, lambdas: 3, seeds: 3, epochs: 5, failed: 3, diverged: 2, left: 4})
	v := serve(t, Options{Store: path})
	r := asked(t, path, "small", question.Question{Columns: "last(train_loss)", Sort: "-lr"})
	var all, page pointsAnswer
	v.read(&all, "/api/v1/points?cols=last(train_loss)&sort=-lr&exact=1&seeds=1")
	order := r.Listed(0)
	if all.Of != len(r.Points) || len(all.Columns.Key) != len(r.Points) {
		t.Fatalf("there are %d of %d points, want %d", len(all.Columns.Key), all.Of, len(r.Points))
	}
	value := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	same := func(a *float64, b float64) bool {
		return math.Float64bits(value(a)) == math.Float64bits(b) || a == nil && math.IsNaN(b)
	}
	for k, i := range order {
		p, c := r.Points[i], all.Columns
		if c.Key[k] != string(p.Point) || c.Rank[k] != i+1 || c.Name[k] != r.Name(p) || c.Text[k] != stats.Uncertain(p.Interval) || c.N[k] != p.Interval.N || c.Optimizer[k] != p.Optimizer || c.VersusText[k] != report.Versus(r, i) {
			t.Errorf("point %d is %s %d %s %s %q", k, c.Key[k], c.Rank[k], c.Name[k], c.Text[k], c.VersusText[k])
		}
		if !same(c.LR[k], p.LR) || !same(c.Mean[k], p.Interval.Value) || !same(c.Low[k], p.Interval.Low) || !same(c.High[k], p.Interval.High) {
			t.Errorf("point %d has %v %v", k, value(c.LR[k]), value(c.Mean[k]))
		}
		if len(c.Seeds[k]) != 3 || c.Columns["last(train_loss)"].Text[k] != r.Columns[0].Cells[i].String() {
			t.Errorf("point %d has the seeds %v and %v", k, c.Seeds[k], c.Columns)
		}
	}
	if states := slices.Compact(slices.Sorted(slices.Values(all.Columns.State))); !slices.Equal(states, []string{"", "diverged", "failed", "missing"}) {
		t.Errorf("the states are %q", states)
	}
	// Pages join to the whole, and numbers are those that are shown.
	var keys []string
	for from := 0; from < all.Of; from += 7 {
		page = pointsAnswer{}
		v.read(&page, fmt.Sprintf("/api/v1/points?cols=last(train_loss)&sort=-lr&limit=7&from=%d", from))
		for k := range page.Columns.Key {
			if m := page.Columns.Mean[k]; m != nil && *m != stats.Shown(*all.Columns.Mean[from+k]) {
				t.Errorf("point %d has %v, want %v", from+k, *m, stats.Shown(*all.Columns.Mean[from+k]))
			}
		}
		keys = append(keys, page.Columns.Key...)
	}
	if !slices.Equal(keys, all.Columns.Key) {
		t.Error("the pages are not the whole")
	}
	v.read(&page, "/api/v1/points?from=1000")
	v.read(&page, "/api/v1/points?where=lr+%3E+100")
	if page.Of != 0 {
		t.Errorf("without a hit there are %d points", page.Of)
	}
}

func TestMapsAreThoseOfFigures(t *testing.T) {
	path := filled(t, small)
	v := serve(t, Options{Store: path})
	r := asked(t, path, "small", question.Question{})
	for query, axes := range map[string][2]string{"": {"", ""}, "&columns=optimizer&rows=lr": {"optimizer", "lr"}} {
		var got struct {
			Maps []struct {
				Title         string
				Columns, Rows struct {
					Name      string
					Text      []string
					ZeroApart bool `json:"zero_apart"`
				}
				Cells  [][]string
				Values [][]*float64
				Best   string
			}
			Clip struct {
				Value  float64
				Beyond int
			}
		}
		v.read(&got, "/api/v1/maps?exact=1"+query)
		want := r.Maps(axes[0], axes[1])
		if len(got.Maps) != len(want) {
			t.Fatalf("%s: %d maps, want %d", query, len(got.Maps), len(want))
		}
		for i, m := range want {
			g := got.Maps[i]
			if g.Title != m.Title || g.Columns.Name != m.Columns.Name || g.Rows.ZeroApart != m.Rows.ZeroApart() || g.Best != string(r.Points[m.Best].Point) {
				t.Errorf("%s: map %d is %+v", query, i, g)
			}
			for row := range m.Cells {
				for column, at := range m.Cells[row] {
					if key := g.Cells[row][column]; at < 0 && key != "" || at >= 0 && (key != string(r.Points[at].Point) || *g.Values[row][column] != r.Points[at].Interval.Value) {
						t.Errorf("%s: map %d has %s at %d, %d", query, i, key, row, column)
					}
				}
			}
		}
		if end, beyond, _ := r.Clip(); got.Clip.Value != end || got.Clip.Beyond != beyond || beyond != 6 { // a quarter of 24 points
			t.Errorf("the clip is %+v, want %v and %d", got.Clip, end, beyond)
		}
	}
}

// What the page draws and what the server draws have the same numbers and colours, whatever is shown. Each problem has its own
// colours, which end where it says.
func TestMapsAreThoseOfTheSheet(t *testing.T) {
	v := serve(t, Options{Store: filled(t, grid{name: "small", lrs: 4, lambdas: 3, seeds: 3, epochs: 5, diverged: 2, failed: 3}, grid{name: "other", dataset: "wine", lrs: 6, lambdas: 2, seeds: 3, epochs: 5})})
	for _, question := range []string{"&sweep=small", "&sweep=small&sweep=other"} {
		for _, show := range sheet.Shows {
			var got struct {
				Clip *sheet.Ends
				Maps []struct {
					Problem     string
					Cells, Text [][]string
					Level       [][]int
					Clip        sheet.Ends
				}
			}
			v.read(&got, "/api/v1/maps?show="+show+question)
			r := v.get("/api/v1/sheet?show=" + show + question)
			if r.code != http.StatusOK {
				t.Fatalf("a sheet of %s is answered with %d: %s", show, r.code, r.body)
			}
			cells, says := 0, map[string]string{}
			for _, m := range got.Maps {
				says[m.Problem] = m.Clip.Says
				if !strings.Contains(r.body, strings.ReplaceAll(strings.ReplaceAll(m.Clip.Says, " %", "\u00a0%"), "p =", "p\u00a0=")[:20]) {
					t.Errorf("%s%s: the sheet does not say %q", show, question, m.Clip.Says)
				}
				for i, row := range m.Cells {
					for k, key := range row {
						at := strings.Index(r.body, fmt.Sprintf(`role="gridcell" data-p="%s"`, key))
						if key == "" || at < 0 {
							t.Fatalf("%s%s: the sheet has no cell %q", show, question, key)
						}
						cell := r.body[strings.LastIndex(r.body[:at], "<g class="):]
						cell = cell[:strings.Index(cell, "</g>")]
						level, text := m.Level[i][k], m.Text[i][k]
						if level >= 0 != (text != "") || level >= 0 && (!strings.Contains(cell, fmt.Sprintf(`"cell q%d"`, level)) || !strings.Contains(cell, ">"+html.EscapeString(text)+"</text>")) || level < 0 && strings.Contains(cell, `"cell q`) {
							t.Errorf("%s%s: the cell has level %d and %q, the sheet %s", show, question, level, text, cell)
						}
						if level >= 0 {
							cells++
						}
					}
				}
			}
			if cells == 0 {
				t.Errorf("%s%s: no cell has a colour", show, question)
			}
			if one := question == "&sweep=small"; one && got.Clip == nil || !one && (got.Clip != nil || len(says) != 2 || show == "mean" && says["digits"] == says["wine"]) {
				t.Errorf("%s%s: the ends are %v, of each %q", show, question, got.Clip, says)
			}
		}
	}
	for _, path := range []string{"sheet", "maps"} {
		if r := v.get("/api/v1/" + path + "?show=x"); r.code != http.StatusBadRequest || !strings.Contains(r.body, "it is one of mean, half, epochs, spread, p") {
			t.Errorf("%s of nothing is answered with %d: %s", path, r.code, r.body)
		}
	}
	if r := v.get("/?show=x"); r.code != http.StatusUnprocessableEntity || !strings.Contains(r.body, "show is") {
		t.Errorf("a page of nothing is answered with %d", r.code)
	}
}

func TestCurvesHaveBandsSeedsAndStops(t *testing.T) {
	path := filled(t, grid{name: "small", lrs: 2, lambdas: 2, seeds: 3, epochs: 1200, diverged: 1})
	v := serve(t, Options{Store: path})
	r := asked(t, path, "small", question.Question{Curves: -1})
	type curves struct {
		Points []struct {
			Key   string
			Bands []struct {
				Metric    string
				Epoch     []int
				X         []*float64
				Mean, Low []*float64
				Of        int
			}
			Seeds []struct {
				Metric string
				Seed   int64
				Value  []*float64
				Of     int
			}
			Stops []struct{ Status, Reason string }
		}
		YScale struct{ Log bool } `json:"y_scale"`
	}
	var got curves
	v.read(&got, fmt.Sprintf("/api/v1/curves?exact=1&point=%s&metric=val_loss&metric=train_loss", r.Points[0].Point))
	if len(got.Points) != 1 || len(got.Points[0].Bands) != 2 || len(got.Points[0].Seeds) != 6 || got.Points[0].Bands[1].Metric != "train_loss" {
		t.Fatalf("the curves are %+v", got.Points)
	}
	want := r.Bands(r.Points[0])
	b := got.Points[0].Bands[0]
	if b.Of != len(want) || len(b.Epoch) > mostValues || b.Epoch[0] != 0 || b.Epoch[len(b.Epoch)-1] != 1200 {
		t.Errorf("the band has %d of %d values", len(b.Epoch), b.Of)
	}
	for i, epoch := range b.Epoch {
		if *b.Mean[i] != want[epoch].Value || *b.Low[i] != want[epoch].Low {
			t.Errorf("after epoch %d the band is %v", epoch, *b.Mean[i])
		}
	}
	// Those of each arm without a point, and why they stop.
	got = curves{}
	v.read(&got, "/api/v1/curves?x=seconds")
	if len(got.Points) != 2 {
		t.Errorf("there are curves of %d points, want those of two arms", len(got.Points))
	}
	for _, p := range r.Points {
		if p.Count(runner.StatusDiverged) > 0 {
			got = curves{}
			v.read(&got, "/api/v1/curves?point="+string(p.Point))
			if s := got.Points[0].Stops; len(s) != 1 || s[0].Status != "diverged" || s[0].Reason != "loss is NaN" {
				t.Errorf("the stops are %+v", s)
			}
		}
	}
}

// Every part of the interface answers, also about what is missing, and its errors have a hint where the command line's have.
func TestEveryPartAnswers(t *testing.T) {
	path := filled(t, small, grid{name: "other", lrs: 2, lambdas: 2, seeds: 2, epochs: 3})
	v := serve(t, Options{Store: path, Arguments: []string{"--store", "my.db"}})
	key := string(asked(t, path, "small", question.Question{}).Points[0].Point)
	for _, c := range []struct {
		path string
		code int
		want string
	}{
		{"/api/v1/sweeps", 200, `"title":"other"`}, {"/api/v1/sweeps?where=name+%3D%3D+'small'&lead=1", 200, `"of":1,`}, {"/api/v1/sweeps?where=nme+%3D%3D+'small'", 400, "did you mean `name`?"},
		{"/api/v1/sweeps?where=done+%3E+50+and+created+%3E+'2020-01-01'", 200, `"name":"small"`}, {"/api/v1/sweeps?where=live", 200, `"sweeps":[]`},
		{"/api/v1/answer?sweep=small&sweep=other", 200, `"sweep":"small + other"`}, {"/api/v1/answer?sweep=none", 404, `there is no sweep`}, {"/api/v1/answer?sweep=small&where=lr+<", 400, "the expression ends"}, {"/api/v1/answer?sweep=small&metric=nothing", 422, "recorded are train_loss, val_loss"},
		{"/api/v1/answer?sweep=small&metric=nothing&goal=min", 422, "recorded are train_loss, val_loss"}, {"/api/v1/answer?sweep=small&test=nothing", 400, "it is one of"}, {"/api/v1/answer?sweep=small&whre=lr", 400, "did you mean where?"},
		{"/api/v1/sheet?sweep=small", 200, "is best</b>: val_loss"}, {"/api/v1/maps?sweep=small&columns=nothing", 400, "nothing"}, {"/api/v1/maps?sweep=small&show=x", 400, "spread"},
		{"/api/v1/point?sweep=small&point=" + key, 200, `"where":"optimizer == 'adam' and`}, {"/api/v1/point?sweep=small&point=x", 422, "has no point"}, {"/api/v1/point?sweep=small&point=none", 422, "has no point"},
		{"/api/v1/run?id=1", 200, `"commands":{"best":"xrun best --run 1`}, {"/api/v1/run?id=99999", 404, "error"}, {"/api/v1/run", 404, "error"}, {"/api/v1/diff?a=1&b=2", 200, `"conclusion"`}, {"/api/v1/diff?a=1", 400, "between two runs"},
		{"/api/v1/sensitivity?sweep=small", 200, `"basin_text"`}, {"/api/v1/parallel?sweep=small", 200, `"axes"`}, {"/api/v1/ranking?sweep=small", 422, "--by NAMES"}, {"/api/v1/ranking?sweep=small&by=optimizer,lr", 200, `"critical_difference"`},
		{"/api/v1/profile?sweep=small", 200, `"score"`}, {"/api/v1/complete?sweep=small&expr=", 200, `"text":"optimizer"`}, {"/api/v1/complete?sweep=small&expr=optimizer+%3D%3D+", 200, `"text":"'adam'"`}, {"/api/v1/complete?sweep=small&expr=lr+%3C+0.1+a", 200, `"text":"and"`},
		{"/api/v1/complete?sweep=small&expr=optimizr+%3D%3D+1", 200, "did you mean `optimizer`?"}, {"/api/v1/complete?sweep=small&expr=x&caret=7", 400, "from 0 to 1"},
		{"/api/v1/complete?among=sweeps&expr=", 200, `{"text":"name","kind":"name","help":"a text"}`}, {"/api/v1/complete?among=sweeps&expr=name+%3D%3D+", 200, `"words":[{"text":"'other'","kind":"value","help":"of name"},{"text":"'small'",`},
		{"/api/v1/complete?among=sweeps&expr=name+~+'sm", 200, `"words":[{"text":"'small'",`}, {"/api/v1/complete?among=sweeps&expr=live+a", 200, `"text":"and"`}, {"/api/v1/complete?among=sweeps&expr=fail", 200, `"from":0,"of":2,"to":4,"words":[{"text":"failed",`},
		{"/api/v1/complete?among=sweeps&expr=lr+%3C+1", 200, `"message":`}, {"/api/v1/complete?among=sweeps&sweep=small", 400, "leave sweep out"}, {"/api/v1/complete?among=runs", 400, "it is points or sweeps"},
		{"/api/v1/sql", 200, `"views"`}, {"/api/v1/sql?q=SELECT+1,'a',2.5,NULL,x'00'", 200, `"rows":[[1,"a",2.5,null,"AA=="]]`}, {"/api/v1/sql?q=SELECT+:x&param=x%3D5", 200, `[[5]]`}, {"/api/v1/sql?q=SELECT+nix+FROM+runs", 400, "no such column"},
		{"/api/v1/sql?q=SELECT+1e999,-1e999", 200, `["+Inf","-Inf"]`},
		{"/api/v1/export?sweep=small&format=csv", 200, "rank,optimizer,"}, {"/api/v1/export?sweep=small&format=md", 200, "| adam"}, {"/api/v1/export?sweep=small&format=tex", 200, `\toprule`}, {"/api/v1/export?sweep=small&format=json", 200, `"xrun_compare": 2`},
		{"/api/v1/export?sweep=small&format=jsonl", 200, `"run_id":1,`}, {"/api/v1/export?sweep=small&format=runs-csv&where=seed+%3D%3D+0", 200, "val_loss"}, {"/api/v1/export?sweep=small&format=csv&top=1", 400, "md and tex"}, {"/api/v1/point?sweep=small", 400, "point is missing"}, {"/api/v1/export?sweep=small&format=x", 400, "it is one of csv"}, {"/api/v1/export?sweep=small&sweep=other&format=jsonl", 400, "one sweep"},
		{"/api/v1/refine?sweep=small", 422, "missing table [task]"}, {"/api/v1/refine?sweep=small&sweep=other", 400, "one sweep"}, {"/api/v1/curves?sweep=small&seeds=0", 200, `"seeds":[]`}, {"/api/v1/curves?sweep=small&seeds=x", 400, "it is 0 or 1"}, {"/api/v1/points?sweep=small", 200, `"seconds":[`}, {"/api/v1/answer?sweep=small", 200, `"hues":{`}, {"/api/v1/answer?sweep=small", 200, `"clip":0.`},
		{"/api/v1/jobs", 200, `"jobs":[]`}, {"/api/v1/act?do=stop", 403, "cannot act"}, {"/api/v1/nothing", 404, "xrun help ui-api"}, {"/nothing", 404, "error"},
		{"/", 200, `data-sweep="other"`}, {"/s/small", 200, `data-p="` + key + `"`}, {"/s/1", 200, `data-sweep="small"`}, {"/s/none", 404, "there is no sweep"}, {"/s/small?where=lr+<", 422, "the expression ends"},
	} {
		r := v.get(c.path)
		if r.code != c.code || !strings.Contains(r.body, c.want) {
			t.Errorf("%s is answered with %d, want %d and %q in\n%.1500s", c.path, r.code, c.code, c.want, r.body)
		}
		if strings.HasPrefix(c.path, "/api/") && c.code >= 400 && decoded(t, []byte(r.body))["error"] == "" {
			t.Errorf("%s has no error: %s", c.path, r.body)
		}
		if c.code == 200 && r.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s is not compressed", c.path)
		}
		if plain := v.get(c.path, "Accept-Encoding: gzip;q=0, identity"); plain.code != c.code || plain.header.Get("Content-Encoding") != "" || !strings.Contains(plain.body, c.want) {
			t.Errorf("without compression %s is answered with %d, %v", c.path, plain.code, plain.header)
		}
	}
	if body := v.get("/api/v1/run?id=1").body; !strings.Contains(body, "xrun show 1 --store my.db") {
		t.Errorf("commands leave the database out: %s", body)
	}
}

// Names of others are text on the page, and no markup.
func TestHostileNamesAreText(t *testing.T) {
	const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	path := filled(t, grid{name: evil, lrs: 2, lambdas: 1, seeds: 2, epochs: 2, failed: 1})
	v := serve(t, Options{Store: path})
	for _, at := range []string{"/", "/s/" + url.PathEscape(evil), "/api/v1/sheet", "/s/" + url.PathEscape(evil+"x"), "/?where=" + url.QueryEscape(evil)} {
		r := v.get(at)
		if strings.Contains(r.body, "<script>") || strings.Contains(r.body, "<img") || !strings.Contains(r.body, "&lt;script&gt;") {
			t.Errorf("%s is answered with %d: %s", at, r.code, r.body)
		}
	}
	if r := v.get("/api/v1/sweeps"); r.header.Get("Content-Type") != "application/json; charset=utf-8" || r.code != 200 {
		t.Errorf("sweeps are answered with %d, %v", r.code, r.header)
	}
	if h := v.get("/api/v1/export?format=md").header.Get("Content-Disposition"); strings.ContainsAny(h, "\r\n") || !strings.HasPrefix(h, "attachment; filename") {
		t.Errorf("the file is %q", h)
	}
}

// The page holds the answer, and the fragment for updates is what stands in it.
func TestThePageHoldsTheSheet(t *testing.T) {
	path := filled(t, small)
	v := serve(t, Options{Store: path, Version: "1.2.3"})
	body := v.get("/?where=lr+<+1").body
	for _, want := range []string{`<body data-page="overview"`, `<header id="top">`, "written by xrun 1.2.3", `<h1 class="answer">`, `role="gridcell"`, `data-cmd="xrun compare small --where &#39;lr &lt; 1&#39;`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s: %s", want, body)
		}
	}
	if fragment := v.get("/api/v1/sheet?where=lr+<+1").body; !strings.Contains(body, `<main id="view">`+fragment+`</main>`) {
		t.Errorf("the fragment is %s", fragment)
	}
	if r := v.get("/api/v1/sheet?show=spread"); r.code != 200 || !strings.Contains(r.body, "standard deviation of val_loss") {
		t.Errorf("of spreads it is %d: %s", r.code, r.body)
	}
	if r := v.get("/api/v1/sheet?rows=nothing"); r.code != 400 {
		t.Errorf("of no axis it is %d", r.code)
	}
}

func TestAnEmptyDatabaseSaysWhatToDo(t *testing.T) {
	v := serve(t, Options{Store: filled(t)})
	if r := v.get("/"); r.code != 200 || !strings.Contains(r.body, `data-cmd="xrun init"`) {
		t.Errorf("the page is answered with %d: %s", r.code, r.body)
	}
	if r := v.get("/api/v1/answer"); r.code != http.StatusNotFound {
		t.Errorf("the answer is answered with %d", r.code)
	}
	if _, err := New(context.Background(), Options{Store: filled(t) + ".missing"}); err == nil {
		t.Error("a missing database is served")
	}
}

// Many ask for everything at once: reports are shared, made once, and not changed.
func TestRequestsAtOnce(t *testing.T) {
	path := filled(t, small)
	v := serve(t, Options{Store: path})
	key := string(asked(t, path, "small", question.Question{}).Points[0].Point)
	want := v.get("/api/v1/answer").body
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for k := range 12 {
				at := []string{"/", "/api/v1/answer", "/api/v1/points?seeds=1", "/api/v1/maps", "/api/v1/curves", "/api/v1/point?point=" + key, "/api/v1/profile", "/api/v1/sensitivity", "/api/v1/parallel", "/api/v1/answer?where=lr+<+0.5", "/api/v1/complete?expr=l", "/api/v1/sql?q=SELECT+1"}[(i+k)%12]
				if r := v.get(at); r.code != http.StatusOK || at == "/api/v1/answer" && r.body != want {
					t.Errorf("%s is answered with %d", at, r.code)
				}
			}
		})
	}
	all.Wait()
	if n, r := v.ready.size, v.ready; n > mostReady || len(r.turns) != 0 || len(r.kept) == 0 {
		t.Errorf("%d bytes of answers are kept, and %d have a turn", n, len(r.turns))
	}
	if n := len(v.reports.kept); n == 0 || n > mostReports || len(v.reports.made) != 0 {
		t.Errorf("%d reports are kept, %d are being made", n, len(v.reports.made))
	}
}

func TestReportsAreForgotten(t *testing.T) {
	c := newReports()
	for i := range 40 {
		c.keep(&answer{key: fmt.Sprint(i), weight: 5000})
	}
	if len(c.kept) != 4 || c.kept[3].key != "39" {
		t.Errorf("%d are kept", len(c.kept))
	}
	c.keep(&answer{key: "large", weight: 1_000_000})
	if len(c.kept) != 1 || c.kept[0].key != "large" {
		t.Errorf("beside a large one %d are kept", len(c.kept)-1)
	}
}

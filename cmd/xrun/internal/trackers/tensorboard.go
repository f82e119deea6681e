package trackers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/store/tfrecord"
)

var _ = add(Tracker{
	Name: "tensorboard", Title: tensorBoardTitle, From: "DIR",
	About: `All event files below DIR are read, and become one sweep with the name of DIR. A run is a folder with a session of the HParams plugin, whose
settings it has, together with its sub-folders. Without one, a folder with scalars is a run: parts of its path such as lr=0.1 or seed_3 are its
settings, and what remains of the path is the setting run. Folders called train, validation, val, valid, eval, dev and test are parts of
the run above them: train/epoch_loss is loss, validation/epoch_loss is val_loss, test/loss is test_loss. What PyTorch's add_hparams
puts into a folder of its own belongs to the run above it.

Runs are compared by the first metric of the HParams experiment. A session that ended with a failure is a failed run. One that says
nothing of its end is running if it has values of the last minutes, else finished. Runs without HParams are finished. A run whose files have
grown is taken anew by the next import. Where a program began again at an earlier step, in a new file, the later values count.`,
	Open: openTensorBoard,
})

const tensorBoardTitle = "TensorBoard"

// quiet is how long a run is without news before nobody takes it for one that is still running.
const quiet = 5 * time.Minute

// recent reports whether a run had news just now.
func recent(last time.Time) bool {
	since := time.Since(last)
	return !last.IsZero() && since < quiet && since > -quiet
}

// maxRunValues limits the memory that the values of a run take to about 1.5 GB.
const maxRunValues = 20_000_000

// tensorBoard is a folder of event files.
type tensorBoard struct {
	dir, name string
	runs      []*boardRun
	metric    string
	left      map[string]int
	notice    func(string)
	noticed   int
	shared    map[string]string // one copy of each tag
}

// A boardFolder is a folder with event files.
type boardFolder struct {
	path        string // from the folder that is read, with slashes; . is itself
	files       []boardFile
	tags        []string // of scalars, sorted
	one         bool     // no tag has two values
	session     session
	first, last float64 // times of events, in seconds since 1970; 0 without any
}

type boardFile struct {
	name  string
	whole int64 // length of its whole records
}

// A boardRun is a run: a folder, and others that are parts of it.
type boardRun struct {
	path    string
	parts   []*boardFolder
	session *session // nil without HParams
	run     Run
}

func openTensorBoard(ctx context.Context, from string, o Options) (Source, error) {
	info, err := os.Stat(from)
	if err != nil {
		return nil, cannotOpen(err)
	}
	if !info.IsDir() {
		return nil, advice.Usage(fmt.Errorf("%s is no folder", from), "give the folder that TensorBoard is given as --logdir")
	}
	absolute, err := filepath.Abs(from)
	if err != nil {
		return nil, err
	}
	b := &tensorBoard{dir: from, name: filepath.Base(absolute), left: map[string]int{}, notice: o.Notice, shared: map[string]string{}}
	folders, err := b.find(ctx)
	if err != nil {
		return nil, err
	}
	if len(folders) == 0 {
		return nil, unreadable(from, tensorBoardTitle, "no file below it is called events.out.tfevents…")
	}
	for _, f := range folders {
		if err := b.scan(ctx, f); err != nil {
			return nil, err
		}
	}
	b.arrange(folders)
	if len(b.runs) == 0 {
		return nil, unreadable(from, tensorBoardTitle, "its event files have no scalars")
	}
	return b, nil
}

// Close implements Source.
func (b *tensorBoard) Close() error { return nil }

// warn says what cannot be read, a few times.
func (b *tensorBoard) warn(text string) {
	const most = 10
	if b.noticed++; b.noticed <= most {
		b.notice(text)
	} else if b.noticed == most+1 {
		b.notice("more like these are only counted")
	}
}

// find lists the folders with event files, by their paths. Links are followed; a folder counts once.
func (b *tensorBoard) find(ctx context.Context) (folders []*boardFolder, err error) {
	type place struct{ path, real string }
	seen := map[string]bool{}
	visit := func(at place) (links []place, err error) {
		waiting := []place{at}
		for len(waiting) > 0 {
			at := waiting[len(waiting)-1]
			waiting = waiting[:len(waiting)-1]
			if seen[at.real] {
				continue
			}
			seen[at.real] = true
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			entries, err := os.ReadDir(filepath.Join(b.dir, at.path))
			if err != nil {
				b.warn(fmt.Sprintf("not read: %v", err))
				b.left["folders that cannot be read"]++
			}
			f := &boardFolder{path: filepath.ToSlash(at.path)}
			for _, entry := range entries {
				path := filepath.Join(at.path, entry.Name())
				linked := entry.Type()&os.ModeSymlink != 0
				isDir, isFile := entry.IsDir(), entry.Type().IsRegular()
				if linked {
					info, err := os.Stat(filepath.Join(b.dir, path))
					isDir, isFile = err == nil && info.IsDir(), err == nil && info.Mode().IsRegular()
				}
				switch {
				case isDir && linked:
					if real, err := filepath.EvalSymlinks(filepath.Join(b.dir, path)); err == nil {
						links = append(links, place{path, real})
					}
				case isDir:
					waiting = append(waiting, place{path, filepath.Join(at.real, entry.Name())})
				case isFile && strings.Contains(entry.Name(), "tfevents"):
					f.files = append(f.files, boardFile{name: entry.Name()})
				}
			}
			if len(f.files) > 0 {
				folders = append(folders, f)
			}
		}
		return links, nil
	}
	real, err := filepath.EvalSymlinks(b.dir)
	if err != nil {
		return nil, cannotOpen(err)
	}
	for links := []place{{".", real}}; len(links) > 0; { // what is no link first, so that it has its own path
		var next []place
		for _, at := range links {
			found, err := visit(at)
			if err != nil {
				return nil, err
			}
			next = append(next, found...)
		}
		links = next
	}
	slices.SortFunc(folders, func(a, b *boardFolder) int { return strings.Compare(a.path, b.path) })
	return folders, nil
}

// events calls a function with the events of a file, up to what is damaged or incomplete.
func (b *tensorBoard) events(ctx context.Context, f *boardFolder, file boardFile, each func(*event) error) (whole int64, err error) {
	path := filepath.Join(b.dir, filepath.FromSlash(f.path), file.name)
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	var from io.Reader = in
	if file.whole > 0 {
		from = io.LimitReader(in, file.whole)
	}
	r := tfrecord.NewReader(from)
	var e event
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return r.Whole(), ctx.Err()
		}
		record, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF): // the last record is being written
			return r.Whole(), nil
		case errors.Is(err, tfrecord.ErrLong):
			err = each(nil)
		case err != nil:
			return r.Whole(), err
		case readEvent(record, &e) != nil:
			err = each(nil)
		default:
			err = each(&e)
		}
		if err != nil {
			return r.Whole(), err
		}
	}
}

// kinds are the plugins of tags. The first value of a tag says it for the others.
type kinds map[string]string

// scalar is the number in a value. If there is none, other names what the value holds.
func (k kinds) scalar(v *summaryValue) (x float64, other string, ok bool) {
	if v.plugin != "" && k[v.tag] == "" {
		k[v.tag] = v.plugin
	}
	if v.simple {
		return v.value, "", true
	}
	switch plugin := k[v.tag]; plugin {
	case "scalars":
		x, ok = tensorNumber(v.tensor)
		return x, "scalars that are no number", ok
	case "images", "text":
		return 0, map[string]string{"images": "images", "text": "texts"}[plugin], false
	case "audio":
		return 0, "sounds", false
	case "histograms", "distributions":
		return 0, "histograms", false
	case "graph_keras_model", "graphs", "graph_run_metadata":
		return 0, "graphs", false
	}
	return 0, cmp.Or(v.other, "values of other kinds"), false
}

// scan reads the files of a folder, except for their values.
func (b *tensorBoard) scan(ctx context.Context, f *boardFolder) error {
	known := kinds{}
	counts := map[string]int{}
	for i := range f.files {
		whole, err := b.events(ctx, f, f.files[i], func(e *event) error {
			if e == nil {
				b.left["records that cannot be read"]++
				return nil
			}
			if e.wall > 0 && e.wall < 1e11 {
				if f.first == 0 || e.wall < f.first {
					f.first = e.wall
				}
				if len(e.values) > 0 { // a file begins with its own time
					f.last = max(f.last, e.wall)
				}
			}
			b.left["graphs"] += e.graphs
			for j := range e.values {
				v := &e.values[j]
				if v.plugin == "hparams" || strings.HasPrefix(v.tag, "_hparams_/") {
					if v.plugin == "hparams" && f.session.read(v.content) != nil {
						b.left["records that cannot be read"]++
					}
					continue
				}
				if _, other, ok := known.scalar(v); !ok {
					b.left[other]++
					continue
				}
				if counts[v.tag] == 0 {
					if b.shared[v.tag] == "" {
						b.shared[v.tag] = v.tag
					}
				}
				counts[v.tag]++
			}
			return nil
		})
		f.files[i].whole = whole
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			b.warn(fmt.Sprintf("%s: at byte %d: %v; what follows is not read", filepath.Join(b.dir, filepath.FromSlash(f.path), f.files[i].name), whole, err))
			b.left["files with damage"]++
		}
	}
	f.files = slices.DeleteFunc(f.files, func(file boardFile) bool { return file.whole == 0 })
	f.one = true
	for _, tag := range sortedKeys(counts) {
		f.tags = append(f.tags, b.shared[tag])
		f.one = f.one && counts[tag] == 1
	}
	return nil
}

// roles are the folders that are parts of a run, with what begins the names of their metrics.
var roles = map[string]string{"train": "", "training": "", "validation": "val_", "val": "val_", "valid": "val_", "eval": "val_", "dev": "val_", "test": "test_"}

// above is the folder above one.
func above(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return "."
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// arrange makes runs of folders.
func (b *tensorBoard) arrange(folders []*boardFolder) {
	at := map[string]*boardFolder{}
	children := map[string][]*boardFolder{} // with a session
	for _, f := range folders {
		at[f.path] = f
		if f.session.began && f.path != "." {
			children[above(f.path)] = append(children[above(f.path)], f)
		}
	}
	runs := map[string]*boardRun{}
	root := func(path string) *boardRun {
		if runs[path] == nil {
			runs[path] = &boardRun{path: path}
			b.runs = append(b.runs, runs[path])
		}
		return runs[path]
	}
	// add_hparams of PyTorch writes the session into a folder below the run, with one value of each metric.
	beside := func(f *boardFolder) bool {
		over := at[above(f.path)]
		return f.path != "." && f.one && over != nil && len(over.tags) > 0 && !over.session.began && len(children[over.path]) == 1
	}
	for _, f := range folders {
		if f.session.began {
			path := f.path
			if beside(f) {
				path = above(path)
			}
			root(path).session = &f.session
		}
	}
	sessions := maps.Clone(runs)
	for _, f := range folders {
		if len(f.tags) == 0 && !f.session.began {
			continue
		}
		path := f.path
		for up := f.path; ; up = above(up) {
			if sessions[up] != nil {
				path = up
				break
			}
			if up == "." {
				if _, isRole := roles[base(path)]; isRole && path != "." || b.alone(f, at) {
					path = above(path)
				}
				break
			}
		}
		r := root(path)
		r.parts = append(r.parts, f)
	}
	b.runs = slices.DeleteFunc(b.runs, func(r *boardRun) bool { return len(r.parts) == 0 })
	whole := b.wholeSettings()
	for _, r := range b.runs {
		b.complete(r, whole)
	}
	slices.SortFunc(b.runs, func(a, b *boardRun) int {
		return cmp.Or(a.run.Start.Compare(b.run.Start), strings.Compare(a.path, b.path))
	})
	b.metric = b.declared(folders)
	open, live := 0, 0
	for i, r := range b.runs {
		r.run.at = int64(i)
		switch ended := r.session != nil && r.session.ended; {
		case r.run.Status == runner.StatusRunning:
			open++
		case !ended && recent(r.run.End):
			live++
		}
		r.session = nil // what it says is in the run
	}
	for _, f := range folders {
		f.session = session{began: f.session.began}
	}
	if live > 0 {
		b.notice(fmt.Sprintf("runs with values of the last %d minutes that nothing says the end of: %d; they count as finished, and the same command takes anew what has grown", int(quiet.Minutes()), live))
	}
	if open > 0 {
		b.notice(fmt.Sprintf("sessions without an end, with values of the last %d minutes: %d; they count as running", int(quiet.Minutes()), open))
	}
}

// alone reports whether add_scalars of PyTorch made the folder, for one line of a chart: the folder is called TAG_LINE.
func (b *tensorBoard) alone(f *boardFolder, at map[string]*boardFolder) bool {
	return f.path != "." && at[above(f.path)] != nil && len(f.tags) == 1 && strings.HasPrefix(base(f.path), strings.ReplaceAll(f.tags[0], "/", "_")+"_")
}

// wholeSettings are the settings of sessions whose numbers all are integers: the plugin has real numbers only.
func (b *tensorBoard) wholeSettings() map[string]bool {
	whole := map[string]bool{}
	for _, r := range b.runs {
		if r.session == nil {
			continue
		}
		for name, h := range r.session.settings {
			x := math.Float64frombits(h.bits)
			is := h.kind == valueNumber && x == math.Trunc(x) && math.Abs(x) < 1<<53 && (x != 0 || !math.Signbit(x))
			if before, seen := whole[name]; h.kind == valueNumber {
				whole[name] = is && (before || !seen)
			}
		}
	}
	return whole
}

// complete fills in what is known of a run.
func (b *tensorBoard) complete(r *boardRun, whole map[string]bool) {
	run := &r.run
	run.ID, run.Name = Shown(r.path), base(r.path)
	if r.path == "." {
		run.Name = b.name
	}
	run.Name = Shown(run.Name)
	var first, last float64
	bytes := int64(0)
	for _, f := range r.parts {
		if first == 0 || f.first > 0 && f.first < first {
			first = f.first
		}
		last = max(last, f.last)
		for _, file := range f.files {
			bytes += file.whole
		}
	}
	run.Revision = fmt.Sprintf("%d bytes", bytes)
	run.Status = runner.StatusFinished
	if s := r.session; s == nil {
		run.Settings = pathSettings(r.path)
	} else {
		first = cmp.Or(sane(s.start), first)
		if s.ended {
			last = cmp.Or(sane(s.end), last)
		}
		switch {
		case s.ended && s.status == statusFailure:
			run.Status, run.Reason = runner.StatusFailed, "its session ended with a failure"
		case s.ended && s.status == statusRunning, !s.ended && recent(fromSeconds(last)):
			run.Status = runner.StatusRunning
		}
		for _, name := range sortedKeys(s.settings) {
			if v, ok := s.settings[name].value(whole[name]); ok {
				run.Settings = append(run.Settings, runner.Setting{Path: Shown(name), Value: v})
			}
		}
	}
	run.Start, run.End = fromSeconds(first), fromSeconds(last)
}

// sane is a time that can be one.
func sane(seconds float64) float64 {
	if seconds > 0 && seconds < 1e11 {
		return seconds
	}
	return 0
}

// fromSeconds is a time since 1970; zero for 0.
func fromSeconds(x float64) time.Time {
	if sane(x) == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(math.Round(x * 1e6)))
}

// value is a setting. Numbers that are integers in all runs are integers.
func (h hparam) value(whole bool) (v plugins.Value, ok bool) {
	switch h.kind {
	case valueText:
		if len(h.text) > longestText {
			h.text = h.text[:longestText]
		}
		return plugins.Text(strings.ToValidUTF8(h.text, "\uFFFD")), h.text != ""
	case valueFlag:
		return plugins.Flag(h.bits != 0), true
	}
	x := math.Float64frombits(h.bits)
	if whole {
		return plugins.Integer(int64(x)), true
	}
	return plugins.Real(x), x == x
}

// pathSettings are the settings that a path has: key=value, and seed_3. What remains is the setting run.
func pathSettings(path string) (settings []runner.Setting) {
	var rest []string
	for _, part := range strings.Split(path, "/") {
		var kept []string
		for _, word := range strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(",;& ", r) }) {
			found, remains := assignments(word)
			settings = append(settings, found...)
			if remains != "" {
				kept = append(kept, remains)
			}
		}
		if len(kept) > 0 {
			rest = append(rest, strings.Join(kept, ","))
		}
	}
	settings = slices.DeleteFunc(settings, func(s runner.Setting) bool { return s.Path == "run" })
	if len(rest) > 0 {
		settings = append(settings, runner.Setting{Path: "run", Value: plugins.Text(Shown(strings.Join(rest, "/")))})
	}
	return settings
}

// assignments are the settings in a word such as lr=0.1_batch_size=32 or adam_seed_3, and what else it has.
func assignments(word string) (settings []runner.Setting, rest string) {
	set := func(name, value string) {
		if v, ok := imported.FromText(strings.ToValidUTF8(value, "\uFFFD")); ok {
			settings = append(settings, runner.Setting{Path: Shown(name), Value: v})
		}
	}
	pieces := strings.Split(word, "=")
	if len(pieces) > 1 && pieces[0] != "" {
		name := pieces[0]
		for i, piece := range pieces[1:] {
			value, next := piece, ""
			if i+2 < len(pieces) {
				// The name of the next setting follows the first line that a letter follows.
				for j := 0; j+1 < len(piece); j++ {
					if piece[j] == '_' && (piece[j+1]|0x20 >= 'a' && piece[j+1]|0x20 <= 'z') {
						value, next = piece[:j], piece[j+1:]
						break
					}
				}
				if next == "" { // it is no list of settings
					set(name, strings.Join(pieces[i+1:], "="))
					return settings, ""
				}
			}
			set(name, value)
			name = next
		}
		return settings, ""
	}
	const seed = "seed"
	for _, before := range []string{"", "_", "-"} {
		i := strings.LastIndex(word, before+seed)
		if i < 0 || before == "" && i > 0 {
			continue
		}
		digits := strings.TrimLeft(word[i+len(before)+len(seed):], "_-")
		if n, err := strconv.ParseUint(digits, 10, 53); err == nil {
			return []runner.Setting{{Path: seed, Value: plugins.Integer(int64(n))}}, word[:i]
		}
	}
	return nil, word
}

// A boardTag is a tag of a folder.
type boardTag struct {
	folder *boardFolder
	tag    string
}

// metrics are the names of a run's metrics, by their tags.
func (b *tensorBoard) metrics(r *boardRun) map[boardTag]string {
	names := map[boardTag]string{}
	used := map[string]bool{}
	for _, f := range r.parts {
		for _, tag := range f.tags {
			name, full := b.metricName(r, f, tag)
			if used[name] {
				name = full
			}
			for used[name] {
				name += "'"
			}
			used[name], names[boardTag{f, tag}] = true, name
		}
	}
	return names
}

// metricName is the name of a tag, and the one that it has if something else has that.
func (b *tensorBoard) metricName(r *boardRun, f *boardFolder, tag string) (name, full string) {
	in := below(r.path, f.path)
	if f.path == r.path || f.session.began {
		return Shown(tag), Shown(cmp.Or(base(in), ".") + "/" + tag)
	}
	full = Shown(in + "/" + tag)
	if before, ok := roles[in]; ok {
		return Shown(before + strings.TrimPrefix(tag, "epoch_")), full
	}
	if len(f.tags) == 1 && strings.HasPrefix(base(in), strings.ReplaceAll(tag, "/", "_")+"_") {
		return Shown(in), full
	}
	return full, full
}

// below is the path of a folder from one above it.
func below(root, path string) string {
	switch {
	case root == path:
		return ""
	case root == ".":
		return path
	}
	return strings.TrimPrefix(path, root+"/")
}

// declared is the first metric by which the HParams plugin compares and that a run has; empty without one.
func (b *tensorBoard) declared(folders []*boardFolder) string {
	asked := map[sessionMetric]bool{}
	for _, f := range folders {
		for _, m := range f.session.metrics {
			if asked[m] {
				continue
			}
			asked[m] = true
			for _, r := range b.runs {
				for at, name := range b.metrics(r) {
					in := below(r.path, at.folder.path)
					if at.tag == m.tag && (in == m.group || at.folder.session.began && m.group == "") {
						return name
					}
				}
			}
		}
	}
	return ""
}

// Experiments implements Source.
func (b *tensorBoard) Experiments(context.Context) ([]Experiment, error) {
	first := b.runs[0]
	e := Experiment{ID: b.name, Name: Shown(b.name), Identity: fmt.Sprintf("%q %d", first.path, first.run.Start.UnixMicro()), Metric: b.metric}
	for _, what := range sortedKeys(b.left) {
		e.Left = append(e.Left, Left{what, b.left[what]})
	}
	return []Experiment{e}, nil
}

// Runs implements Source.
func (b *tensorBoard) Runs(_ context.Context, _ Experiment, each func(*Run) error) error {
	for _, r := range b.runs {
		run := r.run
		run.Metrics = slices.Sorted(maps.Values(b.metrics(r)))
		if err := each(&run); err != nil {
			return err
		}
	}
	return nil
}

// Values implements Source.
func (b *tensorBoard) Values(ctx context.Context, _ Experiment, run *Run) (map[string][]imported.Logged, error) {
	r := b.runs[run.at]
	names := b.metrics(r)
	values := map[string][]imported.Logged{}
	n := 0
	for _, f := range r.parts {
		known := kinds{}
		for _, file := range f.files {
			begun := map[string]bool{} // metrics that the file has a value of
			forget := func(name string, from int64) {
				values[name] = slices.DeleteFunc(values[name], func(v imported.Logged) bool { return v.Step >= from })
			}
			_, err := b.events(ctx, f, file, func(e *event) error {
				if e == nil {
					return nil
				}
				if e.starts {
					for _, tag := range f.tags {
						forget(names[boardTag{f, tag}], e.step)
					}
				}
				for i := range e.values {
					v := &e.values[i]
					if v.plugin == "hparams" || strings.HasPrefix(v.tag, "_hparams_/") {
						continue
					}
					if name, found := names[boardTag{f, v.tag}]; found {
						if x, _, ok := known.scalar(v); ok {
							if !begun[name] {
								begun[name] = true
								forget(name, e.step)
							}
							values[name] = append(values[name], imported.Logged{Step: e.step, At: int64(sane(e.wall) * 1e6), Value: x})
							n++
						}
					} else {
						known.scalar(v) // it may name the plugin of the tag
					}
				}
				if n > maxRunValues {
					return fmt.Errorf("the run has more than %d values", maxRunValues)
				}
				return nil
			})
			if err != nil {
				return nil, damaged(filepath.Join(b.dir, filepath.FromSlash(f.path), file.name), "its values", err)
			}
		}
	}
	return values, nil
}

package trackers

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/imported"
)

var _ = add(Tracker{
	Name: "wandb", Title: "W&B", From: "FOLDER|ENTITY/PROJECT", Script: true,
	About: `FOLDER is a folder wandb, one of its folders offline-run-… or run-…, or a file run-….wandb. These files are read by xrun itself, also those of
runs that were never synced. ENTITY/PROJECT is read from the server, by the Python package wandb, with the account that it is logged in to.
A project becomes a sweep. The runs of a W&B sweep are apart from it, as PROJECT/SWEEP: they are one search, and other runs of the project are
not of it. The group and the job type of a run are settings, group and job_type, as they tell runs apart. Steps are those of wandb.log. What is
in the summary alone is a value at the last step. A run without an end is taken for running. Only numbers are taken: how many tables, media and
texts are not is said.`,
	Open: openWandb,
})

const wandbTitle = "W&B"

//go:embed scripts/wandb.py
var wandbScript string

// project is how the command line names a project of the server.
var project = regexp.MustCompile(`^[^/\\\s:.][^/\\\s:]*/[^/\\\s:]+$`)

func openWandb(ctx context.Context, from string, o Options) (Source, error) {
	_, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) && project.MatchString(from) && !strings.HasSuffix(from, wandbEnding) {
		return ask(ctx, o, wandbTitle, wandbScript, from)
	}
	if err != nil {
		return nil, advice.Usage(err, "a folder wandb is where the training script ran; a project of the server is ENTITY/PROJECT")
	}
	runs, err := wandbFiles(from)
	if err != nil {
		return nil, err
	}
	s, err := newShelf()
	if err != nil {
		return nil, err
	}
	w := &wandbFolder{shelf: s, from: from}
	if err := w.survey(ctx, runs, o.Notice); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return w, nil
}

const wandbEnding = ".wandb"

// wandbFiles lists the files of runs, by their paths below a folder, or the file itself.
func wandbFiles(from string) (files []string, err error) {
	info, err := os.Stat(from)
	if err != nil {
		return nil, cannotOpen(err)
	}
	if !info.IsDir() {
		return []string{from}, nil
	}
	if files, err = wandbFilesIn(from); err != nil || len(files) > 0 {
		return files, err
	}
	if inner := filepath.Join(from, "wandb"); isFolder(inner) { // where the script ran
		from = inner
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return nil, cannotOpen(err)
	}
	for _, entry := range entries {
		folder := filepath.Join(from, entry.Name())
		if !strings.HasPrefix(entry.Name(), "run-") && !strings.HasPrefix(entry.Name(), "offline-run-") || !isFolder(folder) {
			continue
		}
		of, err := wandbFilesIn(folder)
		if err != nil {
			return nil, err
		}
		files = append(files, of...)
	}
	if len(files) == 0 {
		return nil, unreadable(from, wandbTitle, "there is no folder run-… or offline-run-… with a file "+wandbEnding)
	}
	return files, nil
}

func wandbFilesIn(folder string) (files []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, cannotOpen(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), wandbEnding) && !entry.IsDir() {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	return files, nil
}

// readWandb calls a function with the records of a file, up to where it can be read.
func readWandb(path string, each func(record []byte) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() { // to open one of another kind may wait forever
		return errOther
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return records(f, func(record []byte) error {
		err := each(record)
		if errors.Is(err, errNoMessage) {
			at, _ := f.Seek(0, io.SeekCurrent)
			return &cutError{at, err.Error() + ", before"}
		}
		return err
	})
}

// A wandbRun is what the records of a run's files say, but the values.
type wandbRun struct {
	shelvedRun
	entity, project, sweep string
	group, job             string
	notes                  string
	tags                   []string
	config                 map[string]map[string][]byte // by the first level, and by path; a path has zero bytes between its levels
	metrics                map[string]bool              // of the history
	summary                map[string]bool              // numbers of the summary
	left                   map[string]int
	last                   float64 // time that is known
	begun                  bool    // it has a record of a run
	ended, preempted       bool
	code                   int
}

// wandbFolder is a folder of files. Their values stay in them.
type wandbFolder struct {
	*shelf
	from string
}

// survey reads all files but the values. Files of one run, which was resumed, are one run.
func (w *wandbFolder) survey(ctx context.Context, files []string, notice func(string)) error {
	const mostNotices = 5
	noticed, other := 0, 0
	tell := func(text string) {
		if noticed++; noticed <= mostNotices {
			notice(text)
		}
	}
	resumed, err := w.resumed(ctx, files)
	if err != nil {
		return err
	}
	for _, group := range resumed {
		run := &wandbRun{config: map[string]map[string][]byte{}, metrics: map[string]bool{}, summary: map[string]bool{}, left: map[string]int{}}
		var readable []string
		for _, path := range group {
			if err := ctx.Err(); err != nil {
				return err
			}
			run.ended, run.preempted = false, false
			err := readWandb(path, run.record)
			var end *cutError
			switch {
			case errors.Is(err, errOther) && len(files) == 1:
				return unreadable(path, wandbTitle, err.Error())
			case errors.Is(err, errOther):
				other++
				tell(fmt.Sprintf("%s is left out: %v", path, err))
				continue
			case errors.As(err, &end):
				tell(fmt.Sprintf("%s is read up to a place that cannot be read: %v", path, end))
			case err != nil:
				return damaged(path, "its records", err)
			}
			readable = append(readable, path)
		}
		if !run.begun {
			if len(readable) > 0 {
				tell(readable[0] + " is left out: it has no record of a run")
			}
			continue
		}
		switch err := w.take(run, readable); {
		case errors.Is(err, errAgain):
			tell(fmt.Sprintf("%s is left out: another file has the run %s", readable[0], Shown(run.ID)))
		case err != nil:
			return err
		}
	}
	if noticed > mostNotices {
		notice(fmt.Sprintf("… and %d more files", noticed-mostNotices))
	}
	if len(w.experiments) == 0 {
		return unreadable(w.from, wandbTitle, "no file has a record of a run")
	}
	w.sort()
	return nil
}

// resumed puts files of one run together, by the run's name in the name of the file, in the order of their folders' times.
func (w *wandbFolder) resumed(ctx context.Context, files []string) (groups [][]string, err error) {
	slices.SortStableFunc(files, func(a, b string) int { return strings.Compare(began(a), began(b)) })
	at := map[string]int{} // by the file's name
	for _, path := range files {
		name := filepath.Base(path)
		if i, ok := at[name]; ok && len(groups[i]) > 0 {
			same, err := sameWandbRun(groups[i][0], path)
			if err != nil {
				return nil, err
			}
			if same {
				groups[i] = append(groups[i], path)
				continue
			}
		}
		at[name] = len(groups)
		groups = append(groups, []string{path})
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// began is the part of a folder's name that says when the run began.
func began(path string) string {
	return strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "offline-")
}

// sameWandbRun reports whether two files are of one run of one project.
func sameWandbRun(a, b string) (bool, error) {
	var ids [2]string
	for i, path := range []string{a, b} {
		run := wandbRun{config: map[string]map[string][]byte{}}
		done := errors.New("known")
		err := readWandb(path, func(record []byte) error {
			err := fields(record, func(field protowire.Number, _ uint64, text []byte) error {
				if field == recordRun {
					return run.begin(text)
				}
				return nil
			})
			if err == nil && run.begun {
				err = done
			}
			return err
		})
		var end *cutError
		if err != nil && !errors.Is(err, done) && !errors.Is(err, errOther) && !errors.As(err, &end) {
			return false, damaged(path, "its records", err)
		}
		ids[i] = fmt.Sprintf("%q %q %q", run.ID, run.experimentID(), path)
		if run.begun {
			ids[i] = fmt.Sprintf("%q %q", run.ID, run.experimentID())
		}
	}
	return ids[0] == ids[1], nil
}

// experimentID is the project with its entity, and the W&B sweep if the run is one of its.
func (r *wandbRun) experimentID() string {
	id := r.entity + "/" + r.project
	if r.sweep != "" {
		id += "/" + r.sweep
	}
	return id
}

// experimentName is the name of the sweep.
func (r *wandbRun) experimentName() string {
	if r.sweep != "" {
		return Shown(r.project + "/" + r.sweep)
	}
	return Shown(r.project)
}

// take puts a run onto the shelf.
func (w *wandbFolder) take(run *wandbRun, files []string) error {
	id := run.experimentID()
	e := w.experiment(id, func() Experiment { return Experiment{Name: run.experimentName(), Identity: id} })
	switch {
	case run.ended && run.code == 0:
		run.Status = runner.StatusFinished
	case run.ended && run.preempted:
		run.Status, run.Reason = runner.StatusFailed, fmt.Sprintf("it was preempted, with exit code %d", run.code)
	case run.ended:
		run.Status, run.Reason = runner.StatusFailed, fmt.Sprintf("it ended with exit code %d", run.code)
	default:
		run.Status = runner.StatusRunning
	}
	run.Of, run.End, run.Note = id, max(run.End, run.last), wandbNote(run.tags, run.notes)
	config := nested(run.config)
	for _, more := range []struct{ name, text string }{{"group", run.group}, {"job_type", run.job}} {
		if more.text != "" {
			if config[more.name] != nil {
				more.name = "wandb." + more.name
			}
			config[more.name] = more.text
		}
	}
	var err error
	if run.Config, err = json.Marshal(config); err != nil {
		return err
	}
	for name := range run.summary {
		run.metrics[name] = true
	}
	for what, n := range run.left {
		e.left[what] += n
	}
	return w.put(e, run.shelvedRun, sortedKeys(run.metrics), files)
}

func wandbNote(tags []string, notes string) string {
	var parts []string
	if len(tags) > 0 {
		parts = append(parts, "tags: "+strings.Join(tags, ", "))
	}
	if notes != "" {
		parts = append(parts, notes)
	}
	return strings.Join(parts, "\n")
}

// nested makes a tree of values by their paths.
func nested(config map[string]map[string][]byte) map[string]any {
	flat, tree := map[string][]byte{}, map[string]any{}
	for _, of := range config {
		maps.Copy(flat, of)
	}
	for _, path := range sortedKeys(flat) {
		d := json.NewDecoder(bytes.NewReader(finite(flat[path])))
		d.UseNumber()
		var value any
		if err := d.Decode(&value); err != nil {
			value = string(flat[path])
		}
		at, keys := tree, strings.Split(path, levels)
		for _, key := range keys[:len(keys)-1] {
			inner, ok := at[key].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[key] = inner
			}
			at = inner
		}
		at[keys[len(keys)-1]] = value
	}
	return tree
}

// levels is between the levels of a path.
const levels = "\x00"

// The fields of wandb/proto/wandb_internal.proto that are read.
const (
	recordHistory    = 2
	recordSummary    = 3
	recordOutput     = 4
	recordConfig     = 5
	recordStats      = 7
	recordArtifact   = 8
	recordRun        = 17
	recordExit       = 18
	recordPreempting = 23
)

// record takes what a record says, but its values.
func (r *wandbRun) record(record []byte) error {
	return fields(record, func(field protowire.Number, _ uint64, text []byte) error {
		switch field {
		case recordRun:
			return r.begin(text)
		case recordConfig:
			return r.configure(text)
		case recordHistory:
			row, err := readRow(text)
			if err != nil {
				return err
			}
			r.last = max(r.last, row.time)
			for _, v := range row.values {
				r.metrics[v.name] = true
			}
			for what, n := range row.left {
				r.left[what] += n
			}
		case recordSummary:
			return eachSummary(text, func(name string, _ float64, removed bool) {
				if removed {
					delete(r.summary, name)
				} else {
					r.summary[name] = true
				}
			})
		case recordStats:
			r.left["measurements of the machine"]++
			return r.stamp(text, 2)
		case recordOutput:
			return r.stamp(text, 2)
		case recordArtifact:
			r.left["artifacts"]++
		case recordPreempting:
			r.preempted = true
		case recordExit:
			r.ended, r.code = true, 0
			return fields(text, func(field protowire.Number, number uint64, _ []byte) error {
				switch field {
				case 1:
					r.code = exitCode(number)
				case 2:
					r.End = max(r.End, r.Start+float64(exitCode(number)))
				}
				return nil
			})
		}
		return nil
	})
}

// stamp takes the time of a record that has one in a field.
func (r *wandbRun) stamp(message []byte, at protowire.Number) error {
	return fields(message, func(field protowire.Number, _ uint64, text []byte) error {
		if field != at || text == nil {
			return nil
		}
		t, err := timestamp(text)
		r.last = max(r.last, t)
		return err
	})
}

// begin takes the record of a run. Later ones of the run say what has changed.
func (r *wandbRun) begin(message []byte) error {
	first := !r.begun
	r.begun = true
	var tags []string
	err := fields(message, func(field protowire.Number, _ uint64, text []byte) (err error) {
		into := map[protowire.Number]*string{1: &r.ID, 2: &r.entity, 3: &r.project, 6: &r.group, 7: &r.job, 8: &r.Name, 9: &r.notes, 12: &r.sweep}[field]
		switch {
		case into != nil && text != nil:
			*into = strings.ToValidUTF8(string(text), "�")
		case field == 4:
			err = r.configure(text)
		case field == 10:
			tags = append(tags, strings.ToValidUTF8(string(text), "�"))
		case field == 17:
			var start float64
			if start, err = timestamp(text); first {
				r.Start = start
			}
		}
		return err
	})
	if r.tags = tags; r.project == "" {
		r.project = "uncategorized" // as W&B has it
	}
	return err
}

// configure takes a change of the configuration.
func (r *wandbRun) configure(message []byte) error {
	return fields(message, func(field protowire.Number, _ uint64, text []byte) error {
		if field != 1 && field != 2 {
			return nil
		}
		item, err := readItem(text)
		if err != nil || len(item.path) == 0 || item.path[0] == "_wandb" || item.path[0] == "wandb_version" {
			return err
		}
		first, path := item.path[0], strings.Join(item.path, levels)
		if delete(r.config[first], path); len(item.path) == 1 {
			delete(r.config, first) // with all that is below it
		}
		if field == 1 {
			if r.config[first] == nil {
				r.config[first] = map[string][]byte{}
			}
			r.config[first][path] = slices.Clone(item.json)
		}
		return nil
	})
}

// An item is a key with its value in JSON, as records of histories, configurations and summaries have them.
type item struct {
	path []string
	json []byte
}

func readItem(message []byte) (it item, err error) {
	err = fields(message, func(field protowire.Number, _ uint64, text []byte) error {
		switch field {
		case 1:
			it.path = []string{strings.ToValidUTF8(string(text), "�")}
		case 2:
			it.path = append(it.path, strings.ToValidUTF8(string(text), "�"))
		case 16:
			it.json = text
		}
		return nil
	})
	if it.path == nil {
		it.path = []string{""}
	}
	return it, err
}

// A row is what wandb.log has logged at once.
type row struct {
	step   int64
	time   float64
	values []logged
	left   map[string]int
}

type logged struct {
	name  string
	value float64
}

const (
	leftMedia = "tables, media and histograms"
	leftTexts = "logged values that are no numbers"
)

// internal reports whether a key is W&B's own.
func internal(key string) bool {
	return key == "_step" || key == "_runtime" || key == "_timestamp" || key == "_wandb"
}

// readRow reads a record of the history.
func readRow(message []byte) (r row, err error) {
	var items []item
	err = fields(message, func(field protowire.Number, _ uint64, text []byte) error {
		switch field {
		case 1:
			it, err := readItem(text)
			items = append(items, it)
			return err
		case 2:
			return fields(text, func(field protowire.Number, number uint64, _ []byte) error {
				if field == 1 {
					r.step = int64(number)
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	count := func(what string) {
		if r.left == nil {
			r.left = map[string]int{}
		}
		r.left[what]++
	}
	media := mediaOf(items)
	for range media {
		count(leftMedia)
	}
	for _, it := range items {
		switch key := it.path[0]; {
		case key == "_step" && len(it.path) == 1:
			if n, err := strconv.ParseInt(string(it.json), 10, 64); err == nil {
				r.step = n
			}
		case key == "_timestamp" && len(it.path) == 1:
			r.time, _ = number(it.json)
		case internal(key) || within(media, it.path):
		default:
			each(it, func(name string, x float64, ok, isMedia bool) {
				switch {
				case isMedia:
					count(leftMedia)
				case !ok:
					count(leftTexts)
				default:
					r.values = append(r.values, logged{name, x})
				}
			})
		}
	}
	return r, nil
}

// mediaOf are the paths of tables, images and the like: they say of which type they are.
func mediaOf(items []item) (paths map[string]bool) {
	for _, it := range items {
		if n := len(it.path); n > 1 && it.path[n-1] == "_type" {
			if paths == nil {
				paths = map[string]bool{}
			}
			paths[strings.Join(it.path[:n-1], levels)] = true
		}
	}
	return paths
}

// within reports whether a path is below one of media.
func within(media map[string]bool, path []string) bool {
	if len(media) == 0 {
		return false
	}
	for n := 1; n < len(path); n++ {
		if media[strings.Join(path[:n], levels)] {
			return true
		}
	}
	return false
}

// each calls a function with the numbers of an item, by their names. Earlier versions of W&B write nested values as one text.
func each(it item, take func(name string, x float64, ok, isMedia bool)) {
	name := strings.Join(it.path, ".")
	if x, ok := number(it.json); ok || !bytes.HasPrefix(bytes.TrimSpace(it.json), []byte("{")) {
		take(Shown(name), x, ok, false)
		return
	}
	d := json.NewDecoder(bytes.NewReader(finite(it.json)))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil {
		take(name, 0, false, false)
		return
	}
	object, _ := tree.(map[string]any)
	if object["_type"] != nil {
		take(name, 0, false, true)
		return
	}
	_ = flatten(name, tree, func(name string, value any) error {
		text, isText := value.(string)
		if n, ok := value.(json.Number); ok {
			text, isText = n.String(), true
		}
		x, ok := number([]byte(text))
		take(Shown(name), x, ok && isText, false)
		return nil
	})
}

// number reads a value of JSON that is a number, or NaN or an infinity as W&B writes them.
func number(text []byte) (float64, bool) {
	switch s := string(bytes.Trim(text, `" `)); s {
	case "NaN", "Infinity", "-Infinity", "+Inf", "-Inf":
		x, err := strconv.ParseFloat(s, 64)
		return x, err == nil
	}
	if len(text) == 0 || text[0] != '-' && (text[0] < '0' || text[0] > '9') || bytes.ContainsAny(text, "_xXpP") {
		return 0, false
	}
	x, err := strconv.ParseFloat(string(text), 64)
	return x, err == nil || errors.Is(err, strconv.ErrRange)
}

// eachSummary calls a function with the numbers of a summary.
func eachSummary(message []byte, take func(name string, x float64, removed bool)) error {
	var items, removed []item
	err := fields(message, func(field protowire.Number, _ uint64, text []byte) error {
		if field != 1 && field != 2 {
			return nil
		}
		it, err := readItem(text)
		if field == 1 {
			items = append(items, it)
		} else {
			removed = append(removed, it)
		}
		return err
	})
	media := mediaOf(items)
	for _, it := range items {
		if internal(it.path[0]) || within(media, it.path) {
			continue
		}
		each(it, func(name string, x float64, ok, _ bool) { take(name, x, !ok) })
	}
	for _, it := range removed {
		take(Shown(strings.Join(it.path, ".")), 0, true)
	}
	return err
}

// Values implements Source.
func (w *wandbFolder) Values(ctx context.Context, of Experiment, run *Run) (map[string][]imported.Logged, error) {
	e, err := w.find(of)
	if err != nil {
		return nil, err
	}
	values, summary := map[string][]imported.Logged{}, map[string]float64{}
	var last imported.Logged
	for _, path := range e.runs[run.at].files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := readWandb(path, func(record []byte) error {
			return fields(record, func(field protowire.Number, _ uint64, text []byte) error {
				switch field {
				case recordHistory:
					row, err := readRow(text)
					at := imported.Logged{Step: row.step, At: microseconds(row.time)}
					if at.Step >= last.Step {
						last = at
					}
					for _, v := range row.values {
						at.Value = v.value
						values[v.name] = append(values[v.name], at)
					}
					return err
				case recordSummary:
					return eachSummary(text, func(name string, x float64, removed bool) {
						if removed {
							delete(summary, name)
						} else {
							summary[name] = x
						}
					})
				}
				return nil
			})
		})
		var end *cutError
		if err != nil && !errors.As(err, &end) { // the survey has said where it is cut off
			return nil, damaged(path, "its records", err)
		}
	}
	for name, x := range summary {
		if values[name] == nil {
			last.Value = x
			values[name] = []imported.Logged{last}
		}
	}
	return values, nil
}

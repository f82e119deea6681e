package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/recording"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// About is what is kept of how a sweep was submitted, so that another process goes on with it.
type About struct {
	Folder  string   `json:"folder"`  // where the command ran
	Command []string `json:"command"` // its arguments
	Store   string   `json:"store"`
	Since   int      `json:"since"` // the first wave of the command: what it trains again counts from there on
}

// Options say how a session joins a cluster.
type Options struct {
	On      string // the name of the cluster
	Detach  bool
	Print   io.Writer // takes the job, which is not submitted; nil to submit it
	Store   string    // the path of the database, as people know it
	Command []string  // the arguments of this command
	Collect string    // the directory whose jobs are to be taken up, and no others; empty for none
}

// A Member is a session whose training happens on a cluster.
type Member struct {
	Dir   Dir
	Place recording.Place // of the database: a local one is written where a network file system has the one that people know

	options Options
	session *training.Session
	config  sweeps.Cluster
	lease   *Lease
	since   int // the first wave of the command
}

// ErrDetached is the error of training that goes on without this process.
var ErrDetached = errors.New("the jobs go on by themselves")

// FileOf is the path of the user's own file of clusters.
func FileOf(getenv func(string) string) string {
	folder := getenv("XDG_CONFIG_HOME")
	if folder == "" {
		folder = filepath.Join(getenv("HOME"), ".config")
	}
	return filepath.Join(folder, "xrun", "clusters.toml")
}

// Changes adds to the changes of a sweep file what the user's own file of clusters has, and flags KEY=VALUE for one of them.
func Changes(changes sweeps.Changes, on string, flags []string, getenv func(string) string) (sweeps.Changes, error) {
	if on == "" {
		if len(flags) > 0 {
			return changes, advice.Usage(errors.New("--cluster without --on"), "--on slurm submits the sweep to Slurm")
		}
		return changes, nil
	}
	path := FileOf(getenv)
	text, err := os.ReadFile(path)
	if err == nil {
		changes.Clusters = &sweeps.ClusterFile{Path: path, Text: text}
	} else if !errors.Is(err, os.ErrNotExist) {
		return changes, err
	}
	for _, flag := range flags {
		key, value, ok := strings.Cut(flag, "=")
		if !ok {
			return changes, advice.Usage(fmt.Errorf("--cluster %q is not KEY=VALUE", flag), "for instance --cluster partition=gpu; xrun help sweep-file lists the keys of [cluster.NAME]")
		}
		if _, problems := document.Parse(document.New("", []byte("v = "+value))); len(problems) > 0 {
			value = fmt.Sprintf("%q", value)
		}
		changes.Cluster = append(changes.Cluster, "cluster."+on+"."+strings.TrimSpace(key)+" = "+value)
	}
	return changes, nil
}

// Join makes a session train a sweep on a cluster, alone among all processes.
func Join(ctx context.Context, s *training.Session, spec *sweeps.Spec, o Options) (*Member, error) {
	config, ok := spec.Clusters[o.On]
	if !ok {
		names := make([]string, 0, len(spec.Clusters))
		for name := range spec.Clusters {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, advice.Usage(fmt.Errorf("--on %s: there is no [cluster.%s] in %s or in the user's file of clusters", o.On, o.On, spec.File), "there are "+strings.Join(names, ", "))
	}
	if o.Print != nil && config.Engine != sweeps.EngineK8s {
		return nil, advice.Usage(fmt.Errorf("--print is for Kubernetes, and the engine of %s is %s", o.On, config.Engine), "without --print the sweep is submitted")
	}
	place, err := recording.Find(o.Store)
	if err == nil {
		err = place.Fetch(ctx)
	}
	if err != nil {
		return nil, err
	}
	base := config.Directory
	if base == "" {
		base = place.At() + ".cluster"
	}
	if base, err = filepath.Abs(base); err != nil {
		return nil, err
	}
	m := &Member{Dir: Dir(filepath.Join(base, folderOf(spec.Name)+"-"+training.Digest(spec)[:12])), Place: place, options: o, session: s, config: config}
	if o.Collect != "" && !same(string(m.Dir), o.Collect) {
		return nil, advice.Usage(fmt.Errorf("the jobs of %s are of another sweep than %s is now: the file, or something that it names, has changed since they were submitted", o.Collect, spec.File),
			"with what they were submitted with in its place again, the same command records what they have done; "+advice.Command("sweep", spec.File, "--on", o.On)+" trains the sweep as it is now")
	}
	if err := m.Dir.Make(); err != nil {
		return nil, fmt.Errorf("make a directory for the jobs: %w", err)
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	say := func(text string) { fmt.Fprintln(s.Stderr, text) }
	if o.Detach { // it may hold a job of the cluster, which must not wait
		m.lease, err = m.Dir.Hold()
	} else {
		m.lease, err = m.Dir.Wait(ctx, say)
	}
	if err != nil {
		return nil, err
	}
	if err := m.about(folder); err != nil {
		return nil, errors.Join(err, m.lease.Release())
	}
	s.Elsewhere = m.elsewhere
	return m, nil
}

// about notes how the sweep was submitted. One that is collected goes on with what it was.
func (m *Member) about(folder string) error {
	about := About{Folder: folder, Command: m.options.Command, Store: m.Place.At()}
	if m.options.Collect != "" {
		before, err := readAbout(string(m.Dir))
		if err != nil {
			return err
		}
		about.Since = before.Since
	} else {
		wave, err := m.Dir.nextWave()
		if err != nil {
			return err
		}
		about.Since = wave
	}
	m.since = about.Since
	return m.Dir.putJSON(m.Dir.in(aboutFile), about)
}

func readAbout(dir string) (about About, err error) {
	text, err := os.ReadFile(filepath.Join(dir, aboutFile))
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	return about, err
}

// longestName is how much of the name of a sweep goes into that of its directory, in bytes: file systems take 255 for a name, and its digest
// follows.
const longestName = 100

// folderOf is the name of a sweep as that of a folder.
func folderOf(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\ :*?"<>|'$%`, r) {
			return '_'
		}
		return r
	}, name)
	if len(name) > longestName {
		name = strings.ToValidUTF8(name[:longestName], "")
	}
	return name
}

// same reports whether two paths are of one file.
func same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// Leave gives the directory to other processes, and puts the database where people know it. A nil Member has nothing to leave.
func (m *Member) Leave(ctx context.Context, db *store.Store) (err error) {
	if m == nil {
		return nil
	}
	if db != nil {
		err = m.Place.PutBack(context.WithoutCancel(ctx), db)
	}
	return errors.Join(err, m.lease.Release())
}

// elsewhere makes the executor of a stage.
func (m *Member) elsewhere(_ context.Context, j training.Job) (runner.Executor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	binary, err := m.Dir.Copy([]string{self}, 0o777)
	if err != nil {
		return nil, fmt.Errorf("copy xrun to where all machines see it: %w", err)
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for _, text := range doubts(j.Spec, m.config) {
		j.Say(text)
	}
	for _, key := range j.Fresh {
		if m.options.Collect != "" {
			break // they began anew when they were submitted
		}
		if err := m.Dir.refresh(key); err != nil {
			return nil, err
		}
	}
	layer := &Layer{Dir: m.Dir, Find: func(ref string) (string, bool, error) {
		src, err := m.session.Host.Find(ref)
		return src.Path, src.Builtin || ref == host.BuiltinRef, err
	}}
	collector := NewCollector(m.Dir, j.Recorder)
	collector.Observe = j.Observe
	workers := m.session.Workers
	if workers == 0 {
		workers = j.Spec.Run.Workers
	}
	checkpoint := j.Spec.Run.Checkpoint
	if checkpoint == (runner.Checkpointing{}) {
		checkpoint.Every = 1 << 40 // at the end of a job's time alone: without one, training that needs longer never ends
	}
	x := &Executor{
		Dir: m.Dir, Engine: m.engine(binary, folder), Anew: m.options.Print != nil, Config: m.config, Collector: collector, Lay: layer.Lay,
		Work: Work{Workers: workers, Division: j.Spec.Run.Division, Limits: training.LimitsOf(j.Spec), Checkpoint: checkpoint, PluginTimeout: int64(j.Spec.Run.PluginTimeout),
			PluginMemory: j.Spec.Run.PluginMemory, Version: m.session.Version},
		Fresh: j.Fresh, Since: m.since, Pace: j.Pace, Tries: max(3, j.Spec.Run.Retries+1), Drain: j.Drain, Leave: j.Hangup, Detach: m.options.Detach || m.options.Print != nil, Say: j.Say, Held: m.lease.Check,
	}
	if m.config.Engine == sweeps.EngineK8s {
		x.Leave = func() bool { return true } // xrun cannot end its jobs
	}
	if j.Pruning != nil {
		rule := j.Pruning.Rule
		x.Rule, collector.Monitor = &rule, rule.Monitor
	}
	if m.options.Detach {
		x.Follow = append([]string{binary}, "collect", "--detach", string(m.Dir))
	}
	return x, nil
}

func (m *Member) engine(binary, folder string) Engine {
	if m.config.Engine == sweeps.EngineK8s {
		return &K8s{Config: m.config, Dir: m.Dir, Binary: binary, Folder: folder, Out: m.options.Print}
	}
	return &Slurm{Config: m.config, Dir: m.Dir, Binary: binary, Folder: folder}
}

// refresh forgets what is left of a trial, so that it begins anew.
func (d Dir) refresh(key runner.Key) error {
	if err := os.Remove(checkpointFile(d, key)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	folder := filepath.Join(d.Trials(), string(key))
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.%d", folder, n)
		if _, err := os.Lstat(aside); err == nil {
			continue
		}
		if err := os.Rename(folder, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
}

// RunTask trains a task, as a job of an engine.
func RunTask(ctx context.Context, s *training.Session, dir string, wave, from int) error {
	name, err := TaskName(wave, from)
	if err != nil {
		return advice.Usage(err, "xrun sweep --on submits jobs that call this")
	}
	d := Dir(dir)
	t, err := d.Task(name)
	if err != nil {
		return err
	}
	s.Host.SetCallTimeout(time.Duration(t.Work.PluginTimeout))
	s.Host.SetPluginMemory(t.Work.PluginMemory)
	options, programs := s.Options(len(t.Trials) > 0 && t.Trials[0].Task.Command != nil)
	defer programs.Close()
	warned(func() {
		programs.Warn()
		s.Interrupt.Drain("the time of the job runs out")
	})
	job := ""
	if array := os.Getenv("SLURM_ARRAY_JOB_ID"); array != "" {
		job = array + "_" + os.Getenv("SLURM_ARRAY_TASK_ID")
	}
	options.Workers = workersHere(t)
	if options.Shares, err = sharesHere(ctx, t.Work.Division); err != nil {
		return err
	}
	if options.Shares != nil {
		options.Workers = training.AtOnce(options.Shares, t.Work.Workers)
	}
	return d.Train(ctx, name, Node{Job: job, Options: options, Environment: training.Environment(ctx, s.Version), Drain: func() { s.Interrupt.Drain("all jobs of the sweep are to end") }})
}

// workersHere is how many cohorts or programs train at once on this machine, of which the job may have a part only.
func workersHere(t Task) int {
	if t.Work.Workers > 0 {
		return t.Work.Workers
	}
	return coresHere()
}

// coresHere is how many cores the job has.
func coresHere() int {
	if n, err := strconv.Atoi(os.Getenv("SLURM_CPUS_ON_NODE")); err == nil && n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0) // of a pod with a limit Go takes that
}

// sharesHere divides what the job has. Slurm tells it in CUDA_VISIBLE_DEVICES which GPUs it was given: others of the machine are not its own, even
// if it can see them.
func sharesHere(ctx context.Context, d sweeps.Division) ([]runner.Share, error) {
	if _, told := os.LookupEnv("CUDA_VISIBLE_DEVICES"); !told && !d.GPUs.IsZero() && os.Getenv("SLURM_JOB_ID") != "" {
		return nil, advice.Usage(fmt.Errorf("[run] gpus = %s, but Slurm has given the job no GPU", d.GPUs), howToAskForGPUs)
	}
	return training.Shares(ctx, d, coresHere())
}

const howToAskForGPUs = `gres = "gpu:1" in [cluster.NAME], or --cluster gres=gpu:1, asks Slurm for one, and gpus = 1 Kubernetes`

// doubts are what may not be meant of a sweep's jobs.
func doubts(spec *sweeps.Spec, config sweeps.Cluster) (texts []string) {
	if d := spec.Run.Division; !d.GPUs.IsZero() && !asksForGPUs(config) {
		texts = append(texts, fmt.Sprintf("warning: [run] gpus = %s, but the jobs ask for no GPU: %s", d.GPUs, howToAskForGPUs))
	}
	if c := spec.Task.Command; c != nil && config.Time > 0 && !c.Uses(runner.PlaceholderDir) {
		texts = append(texts, fmt.Sprintf("note: %s has no {dir}, where it could save its state: a trial whose job ends after %v begins again", c.Name, config.Time))
	}
	return texts
}

// asksForGPUs reports whether jobs ask for GPUs.
func asksForGPUs(c sweeps.Cluster) bool {
	return c.GPUs > 0 || strings.Contains(c.Gres+strings.Join(c.Sbatch, " "), "gpu")
}

// Has reports whether sweeps of a database were submitted to a cluster.
func Has(database string) bool {
	entries, err := os.ReadDir(database + ".cluster")
	return err == nil && len(entries) > 0
}

// Find finds the sweep whose jobs were left to a cluster, that of a directory or the only one beside a database, and its directory.
func Find(args []string, database string, detach bool) (about About, dir string, err error) {
	if len(args) > 0 {
		dir, err = filepath.Abs(args[0])
	} else {
		dir, err = onlyOne(database)
	}
	if err != nil {
		return about, dir, err
	}
	about, err = readAbout(dir)
	if err == nil && (len(about.Command) == 0 || about.Command[0] != "sweep") {
		err = fmt.Errorf("%s has no command of a sweep", aboutFile)
	}
	if err != nil {
		return about, dir, advice.Usage(fmt.Errorf("%s is no directory of a sweep's jobs: %w", dir, err), "xrun sweep --detach prints it")
	}
	about.Command = slices.DeleteFunc(about.Command, func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		return arg != name && (name == "detach" || name == "print")
	})
	var more []string // before all others: behind a -- they would be files
	if pin := "--store=" + about.Store; about.Store != "" && !slices.Contains(about.Command, pin) {
		more = append(more, pin) // XRUN_STORE may be another one here
	}
	if detach {
		more = append(more, "--detach")
	}
	about.Command = slices.Insert(about.Command, 1, more...)
	return about, dir, nil
}

// onlyOne is the only directory of a sweep's jobs beside a database.
func onlyOne(database string) (string, error) {
	base, err := filepath.Abs(database + ".cluster")
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(base)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var all []string
	for _, e := range entries {
		dir := filepath.Join(base, e.Name())
		if _, err := os.Stat(filepath.Join(dir, aboutFile)); err == nil {
			all = append(all, dir)
		}
	}
	switch len(all) {
	case 0:
		return "", advice.Usage(fmt.Errorf("no sweep was left to a cluster beside %s", database), "give the directory of the sweep's jobs, which xrun sweep --detach prints")
	case 1:
		return all[0], nil
	}
	return "", advice.Usage(fmt.Errorf("%d sweeps were left to a cluster beside %s", len(all), database), "give one of: "+strings.Join(all, ", "))
}

// Enter goes to where the command ran.
func (a About) Enter() error {
	if err := os.Chdir(a.Folder); err != nil {
		return advice.Usage(fmt.Errorf("go to where the sweep was submitted: %w", err), "the sweep file is looked for there; put the folder back, or run "+advice.Command("sweep", "SWEEP.toml", "--on", "NAME")+" where the file is now")
	}
	return nil
}

// aboutFile is the name of the file that says how a sweep was submitted.
const aboutFile = "sweep.json"

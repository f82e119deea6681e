package sweeps

import (
	"fmt"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/sweeps/document"
)

// A Cluster is a table [cluster.NAME]: how the jobs of a sweep are submitted. No result depends on it.
type Cluster struct {
	Engine     string // slurm or k8s
	Partition  string
	Account    string
	QOS        string
	Time       time.Duration // the most that a job takes; 0 leaves it to the site
	Gres       string
	Cpus       int // 0 leaves it to the site
	Memory     string
	Constraint string
	Setup      []string      // lines of the shell before xrun
	Sbatch     []string      // further arguments of sbatch
	Array      int           // the most jobs of an array; 0 asks the site
	AtOnce     int           // the most jobs of an array that run at once; 0 is no limit
	Jobs       int           // the most jobs that are queued or run
	Length     time.Duration // of a job, aimed at
	Poll       time.Duration
	Lead       time.Duration
	Silence    time.Duration
	Grace      time.Duration
	Directory  string // empty: beside the database

	// Of Kubernetes.
	Image     string
	Volume    string // the claim of the volume that has the directory
	Namespace string
	GPUs      int
}

// The engines of clusters.
const (
	EngineSlurm = "slurm"
	EngineK8s   = "k8s"
)

var clusterTable = &table{
	title: "[cluster.NAME]", heading: "[cluster.NAME]",
	meaning: "How `xrun sweep --on NAME` submits jobs; NAME is the user's own, and `--on slurm` and `--on k8s` need no table. The user's file `clusters.toml` may have such tables, too: a key of the sweep file goes before, and `--cluster KEY=VALUE` before that. No result depends on it.",
	chooser: "engine",
	keys: []key{
		choice("engine", []string{EngineSlurm, EngineK8s}, "What queues the jobs: Slurm, or an Indexed Job of Kubernetes. A cluster that is called k8s is one of Kubernetes.", `engine = "k8s"`),
		text("image", "", "The image of the pods. It needs nothing for models of xrun's own; for programs, what these need.", `image = "python:3.12"`).optional("required").forEngine(EngineK8s),
		text("volume", "", "The claim of the volume that all pods and this machine see, under the same path.", `volume = "shared"`).optional("required").forEngine(EngineK8s),
		text("namespace", "", "The namespace of the job.", `namespace = "ml"`).optional("that of kubectl").forEngine(EngineK8s),
		integer("gpus", 0, "GPUs of a pod (nvidia.com/gpu).", "gpus = 1").atLeast(1).optional("none").forEngine(EngineK8s),
		text("partition", "", "The partition of Slurm.", `partition = "gpu"`).optional("the site's").forEngine(EngineSlurm),
		text("account", "", "The account that pays.", `account = "ml-group"`).optional("the site's").forEngine(EngineSlurm),
		text("qos", "", "The quality of service.", `qos = "short"`).optional("the site's").forEngine(EngineSlurm),
		text("time", "", "The most that a job takes. Training that needs longer is saved before the end, and submitted again.", `time = "4h"`).as(aTime).optional("the site's").forEngine(EngineSlurm),
		text("gres", "", "Generic resources of a job, such as GPUs.", `gres = "gpu:1"`).optional("none").forEngine(EngineSlurm),
		integer("cpus", 0, "Cores of a job.", "cpus = 8").atLeast(1).optional("the site's"),
		text("mem", "", "Memory of a job, as Slurm and Kubernetes both write it: 16G.", `mem = "16G"`).optional("the site's"),
		text("constraint", "", "Features that a machine has to have.", `constraint = "avx512"`).optional("none").forEngine(EngineSlurm),
		text("setup", "", "Lines of bash that a job runs before xrun. One that fails ends the job.", `setup = ["module load python"]`).as("a line").or(listOf("lines", textSchema)).optional("none").forEngine(EngineSlurm),
		text("sbatch", "", "Further arguments of sbatch, as they are.", `sbatch = ["--exclude=n7"]`).as("an argument").or(listOf("arguments", textSchema)).optional("none").forEngine(EngineSlurm),
		integer("array", 0, "The most jobs of an array.", "array = 500").atLeast(1).optional("what the site allows").forEngine(EngineSlurm),
		integer("at_once", 0, "The most jobs of an array that run at once.", "at_once = 20").atLeast(1).optional("no limit"),
		integer("jobs", 1000, "The most jobs that are queued or run. What is left is submitted when some have ended.", "jobs = 200").atLeast(1),
		text("length", "5m", "How long a job is to train, if it is known how long trials take: it gets so many of them.", `length = "20m"`).as(aTime),
		text("poll", "15s", "The time between two questions to the engine.", `poll = "1m"`).as(aTime),
		text("lead", "2m", "How long before the end of its time a job is told to save what it trains; half of the time if that is shorter.", `lead = "5m"`).as(aTime).forEngine(EngineSlurm),
		text("silence", "5m", "How long a job that is said to run may write nothing, not even that it lives, before it is run again.", `silence = "10m"`).as(aTime),
		text("grace", "1m", "How long the journal of a job that has ended without a word may take to be seen, before its trials are submitted again.", `grace = "2m"`).as(aTime),
		text("directory", "", "A folder that all machines see, for what jobs need and write.", `directory = "/shared/me/xrun"`).as("the path of a folder").optional("beside the database"),
	},
}

// clusters reads the tables of clusters.
func (d *decoder) clusters(e *document.Entry) {
	all := d.section(e, "[cluster]")
	for _, e := range all.node.Entries {
		if !document.Showable(e.Name) || strings.ContainsAny(e.Name, " /\\") {
			d.report(e.At, document.Problem{Message: fmt.Sprintf("%q is no name of a cluster", document.Clip(e.Name)), Help: "it is typed behind --on: letters, digits, - and _"})
			continue
		}
		s := d.section(e, "[cluster."+e.Name+"]").of(clusterTable).choose()
		if e.Name == EngineK8s && s.node.Find("engine") == nil {
			s.chosen = EngineK8s
		}
		s.only()
		if d.spec.Clusters == nil {
			d.spec.Clusters = map[string]Cluster{}
		}
		d.spec.Clusters[e.Name] = s.cluster()
	}
	for _, name := range []string{EngineSlurm, EngineK8s} { // need no table
		if _, ok := d.spec.Clusters[name]; ok {
			continue
		}
		if d.spec.Clusters == nil {
			d.spec.Clusters = map[string]Cluster{}
		}
		s := d.section(nil, "").of(clusterTable)
		s.chosen = name
		d.spec.Clusters[name] = s.cluster()
	}
}

func (s section) cluster() Cluster {
	lines := func(key string) (all []string) {
		for _, n := range s.texts(key) {
			all = append(all, n.Text)
		}
		return all
	}
	c := Cluster{Engine: s.chosen, Poll: s.duration("poll"), Silence: s.duration("silence"), Grace: s.duration("grace"), Cpus: s.integer("cpus"), Memory: s.textOr("mem", ""), Jobs: s.integer("jobs"), AtOnce: s.integer("at_once"), Length: s.duration("length"),
		Directory: s.textOr("directory", "")}
	s.choice("engine") // a wrong one is reported
	if c.Engine == EngineK8s {
		c.Image, c.Volume, c.Namespace, c.GPUs = s.textOr("image", ""), s.textOr("volume", ""), s.textOr("namespace", ""), s.integer("gpus")
		return c
	}
	c.Partition, c.Account, c.QOS, c.Time, c.Gres = s.textOr("partition", ""), s.textOr("account", ""), s.textOr("qos", ""), s.duration("time"), s.textOr("gres", "")
	c.Constraint, c.Setup, c.Sbatch, c.Array = s.textOr("constraint", ""), lines("setup"), lines("sbatch"), s.integer("array")
	c.Lead = s.duration("lead")
	return c
}

// forEngine says which engine a key belongs to.
func (k key) forEngine(engine string) key {
	k.of = []string{engine}
	return k
}

// A ClusterFile is the user's own file of clusters.
type ClusterFile struct {
	Path string
	Text []byte
}

// graft gives a sweep file the tables of clusters that the user's own file has, key by key where the sweep file has none.
func (d *decoder) graft(root *document.Node, file *ClusterFile) {
	if file == nil {
		return
	}
	own, problems := d.Include(document.New(file.Path, file.Text))
	d.problems = append(d.problems, problems...)
	if own == nil {
		return
	}
	for _, e := range own.Entries {
		if e.Name != "cluster" || e.Value.Kind != document.Table {
			d.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` in a file of clusters", document.Clip(e.Name)), Help: "it has tables [cluster.NAME] alone"})
			continue
		}
		have := root.Find("cluster")
		if have == nil {
			root.Add(e.Name, e.At, e.Value)
			continue
		}
		for _, cluster := range e.Value.Entries {
			mine := have.Value.Find(cluster.Name)
			if mine == nil {
				have.Value.Add(cluster.Name, cluster.At, cluster.Value)
				continue
			}
			for _, key := range cluster.Value.Entries {
				if mine.Value.Find(key.Name) == nil {
					mine.Value.Add(key.Name, key.At, key.Value)
				}
			}
		}
	}
}

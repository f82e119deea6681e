package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/store"
)

// The tags that identify runs on the server.
const (
	tagToken    = "xrun.run_token" // identifies the attempt in every database
	tagComplete = "xrun.complete"  // the hash of the exported points, and their metrics
)

// An MLflowResult counts what an export did.
type MLflowResult struct {
	Made, Continued, Skipped int // runs
	Points                   int64
	Cut                      int // values of params that were too long, and are cut
}

// A RefusedError lists what the server refuses. Sending it again would not help. The rest is exported.
type RefusedError struct {
	Count int
	First error
}

func (e *RefusedError) Error() string {
	if e.Count == 1 {
		return fmt.Sprintf("all but one thing is exported: %v", e.First)
	}
	return fmt.Sprintf("all but %d things are exported; the first of them: %v", e.Count, e.First)
}

func (e *RefusedError) Unwrap() error { return e.First }

// Hint says what to do.
func (*RefusedError) Hint() string {
	return "the server's log may say more; --metric chooses metrics, and the same command tries again what is missing"
}

// mlflowExport is the state of one export.
type mlflowExport struct {
	*Source
	server *MLflowServer
	reader *store.Reader
	known  map[string]map[string]mlflowKnown // by experiment, by token
	ids    map[string]string                 // of experiments
	width  int                               // index of mlflowValues
	MLflowResult

	lacking    RefusedError
	failedRuns int // in a row, with errors of the server that did not pass

	// Of one run:
	runID   int64
	refused map[string]bool // names that the server refuses
	renamed mlflowTags
}

// maxFailedRuns is how many runs in a row the server may fail at before an export ends: the fault is not the runs'.
const maxFailedRuns = 3

// note counts something that is not exported.
func (e *mlflowExport) note(err error) {
	if e.lacking.Count++; e.lacking.Count == 1 {
		e.lacking.First = fmt.Errorf("run %d, %w", e.runID, err)
	}
}

// mlflowKnown is a run on the server.
type mlflowKnown struct{ id, complete string }

// MLflow writes every run to a server, as a run of the experiment of that name; an empty name means the name of the
// run's sweep. A complete run on the server stays as it is, and an incomplete one is completed. So the same call
// continues an export that broke off, or whose runs have grown since.
func (s *Source) MLflow(ctx context.Context, server MLflowServer, experiment string) (MLflowResult, error) {
	if err := server.Open(); err != nil {
		return MLflowResult{}, err
	}
	reader, err := s.Store.Reader(ctx)
	if err != nil {
		return MLflowResult{}, err
	}
	e := &mlflowExport{Source: s, server: &server, reader: reader, known: map[string]map[string]mlflowKnown{}, ids: map[string]string{}}
	err = s.each(ctx, func(r *store.Run, settings []plugins.Value) error {
		name := experiment
		if name == "" {
			name = r.Sweep
		}
		e.runID, e.refused, e.renamed = r.ID, map[string]bool{}, nil
		err := e.find(ctx, name)
		if err == nil {
			err = e.run(ctx, r, name, cut(s.label(r, settings), mlflowKey))
		}
		return e.goOn(err)
	})
	if err == nil && e.lacking.Count > 0 {
		err = &e.lacking
	}
	return e.MLflowResult, err
}

// goOn notes an error that is of one run only.
func (e *mlflowExport) goOn(err error) error {
	switch {
	case err == nil:
		e.failedRuns = 0
		return nil
	case refusesForGood(err):
		e.note(err)
		return nil
	}
	if _, answers := errors.AsType[*serverError](err); answers && passing(err) && e.failedRuns+1 < maxFailedRuns {
		e.failedRuns++
		e.note(err)
		return nil
	}
	return err
}

// find makes an experiment unless it exists, and reads which of our runs it has.
func (e *mlflowExport) find(ctx context.Context, name string) error {
	if e.known[name] != nil {
		return nil
	}
	id, err := e.experiment(ctx, mlflowExperiment(name))
	if err != nil {
		return err
	}
	known := map[string]mlflowKnown{}
	type answer struct {
		Runs []struct {
			Info struct {
				RunID string `json:"run_id"`
			} `json:"info"`
			Data struct {
				Tags []mlflowTagJSON `json:"tags"`
			} `json:"data"`
		} `json:"runs"`
		Next string `json:"next_page_token"`
	}
	for token := ""; ; {
		request := map[string]any{"experiment_ids": []string{id}, "max_results": 1000, "run_view_type": "ACTIVE_ONLY"}
		if token != "" {
			request["page_token"] = token
		}
		var page answer
		if err := e.server.Post(ctx, "runs/search", request, &page); err != nil {
			return fmt.Errorf("look for runs of experiment %q: %w", name, err)
		}
		for _, run := range page.Runs {
			found := mlflowKnown{id: run.Info.RunID}
			ours := ""
			for _, tag := range run.Data.Tags {
				switch tag.Key {
				case tagToken:
					ours = tag.Value
				case tagComplete:
					found.complete = tag.Value
				}
			}
			if ours != "" {
				known[ours] = found
			}
		}
		if page.Next == "" || page.Next == token || len(page.Runs) == 0 {
			break
		}
		token = page.Next
	}
	e.ids[name], e.known[name] = id, known
	return nil
}

// mlflowExperiment is the name of an experiment: whole if servers take it, or else its beginning with a digest of the
// whole.
func mlflowExperiment(name string) string {
	if len(name) <= mlflowKey {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return cut(name, mlflowKey-9) + " " + hex.EncodeToString(sum[:4])
}

func (e *mlflowExport) experiment(ctx context.Context, name string) (string, error) {
	type answer struct {
		Experiment struct {
			ID    string `json:"experiment_id"`
			Stage string `json:"lifecycle_stage"`
		} `json:"experiment"`
	}
	for range 2 {
		var found answer
		err := e.server.Get(ctx, "experiments/get-by-name", url.Values{"experiment_name": {name}}, &found)
		if err == nil && found.Experiment.Stage == "deleted" {
			return "", &deletedExperimentError{name}
		}
		if err == nil {
			return found.Experiment.ID, nil
		}
		if !hasCode(err, "RESOURCE_DOES_NOT_EXIST") {
			return "", fmt.Errorf("look for experiment %q: %w", name, err)
		}
		var made struct {
			ID string `json:"experiment_id"`
		}
		err = e.server.Post(ctx, "experiments/create", map[string]any{"name": name}, &made)
		if err == nil {
			return made.ID, nil
		}
		if !hasCode(err, "RESOURCE_ALREADY_EXISTS") { // another client made it, or a request whose answer was lost
			return "", fmt.Errorf("make experiment %q: %w", name, err)
		}
	}
	return "", fmt.Errorf("the server both has and lacks the experiment %q", name)
}

type deletedExperimentError struct{ name string }

func (e *deletedExperimentError) Error() string {
	return fmt.Sprintf("the experiment %q of the MLflow server is deleted", e.name)
}

// Hint says what to do.
func (e *deletedExperimentError) Hint() string {
	return "restore it there, or choose another with --experiment"
}

// run exports one run.
func (e *mlflowExport) run(ctx context.Context, r *store.Run, experiment, name string) error {
	tally, err := e.reader.Tally(ctx, r.ID)
	if err != nil {
		return err
	}
	whole := e.complete(tally)
	known, there := e.known[experiment][tally.Token]
	if there && tally.Ended && known.complete == whole {
		e.Skipped++
		return nil
	}
	was := map[string]map[int64]bool{}
	if there {
		e.Continued++
	} else {
		if known.id, err = e.create(ctx, r, name, tally.Token, e.ids[experiment]); err != nil {
			return fmt.Errorf("make run %d: %w", r.ID, err)
		}
		e.known[experiment][tally.Token] = known
		e.Made++
	}
	if err := e.params(ctx, r, known.id); err != nil {
		return fmt.Errorf("settings of run %d: %w", r.ID, err)
	}
	if there {
		if was, err = e.history(ctx, r.ID, known.id); err != nil {
			return fmt.Errorf("history of run %d: %w", r.ID, err)
		}
	}
	if err := e.points(ctx, r, known.id, was); err != nil {
		return fmt.Errorf("values of run %d: %w", r.ID, err)
	}
	if err := e.finish(ctx, r, known.id, whole, tally.Ended); err != nil {
		return fmt.Errorf("end run %d: %w", r.ID, err)
	}
	return nil
}

// complete is the value of tagComplete for a complete run.
func (e *mlflowExport) complete(t store.Tally) string {
	which := "all"
	if len(e.Metrics) > 0 {
		sorted := slices.Clone(e.Metrics)
		slices.Sort(sorted)
		which = strings.Join(sorted, ",")
	}
	return cut(t.Hash+" "+which, mlflowTag)
}

// create makes a run. A request whose answer was lost may have made it, so create looks for the run before it tries
// again.
func (e *mlflowExport) create(ctx context.Context, r *store.Run, name, token, experiment string) (id string, err error) {
	tags := []mlflowTagJSON{{tagToken, token}, {"mlflow.runName", name}, {"mlflow.source.name", "xrun"}, {"mlflow.source.type", "LOCAL"},
		{"xrun.trial_key", string(r.Trial)}, {"xrun.attempt", strconv.Itoa(r.Attempt)}, {"xrun.sweep", cut(r.Sweep, mlflowTag)}}
	request := map[string]any{"experiment_id": experiment, "run_name": name, "start_time": r.StartedAt.UnixMilli(), "tags": tags}
	var made struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	tries := 0
	err = e.server.retry(ctx, func() error {
		if tries++; tries > 1 {
			var found struct {
				Runs []struct {
					Info struct {
						RunID string `json:"run_id"`
					} `json:"info"`
				} `json:"runs"`
			}
			search := map[string]any{"experiment_ids": []string{experiment}, "max_results": 1, "filter": fmt.Sprintf("tags.`%s` = '%s'", tagToken, token)}
			if err := e.server.Post(ctx, "runs/search", search, &found); err != nil {
				return err
			}
			if len(found.Runs) > 0 {
				made.Run.Info.RunID = found.Runs[0].Info.RunID
				return nil
			}
		}
		body, err := json.Marshal(request)
		if err != nil {
			return err
		}
		return e.server.once(ctx, http.MethodPost, "runs/create", body, &made)
	})
	if err == nil && made.Run.Info.RunID == "" {
		err = errors.New("the server has made it without an id")
	}
	return made.Run.Info.RunID, err
}

// history reads which steps of which metrics the server has.
func (e *mlflowExport) history(ctx context.Context, run int64, id string) (map[string]map[int64]bool, error) {
	was := map[string]map[int64]bool{}
	names, err := e.names(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		steps := map[int64]bool{}
		for token := ""; ; {
			query := url.Values{"run_id": {id}, "run_uuid": {id}, "metric_key": {name}, "max_results": {"10000"}}
			if token != "" {
				query.Set("page_token", token)
			}
			var page struct {
				Metrics []struct {
					Step MLflowInteger `json:"step"` // left out where it is 0
				} `json:"metrics"`
				Next string `json:"next_page_token"`
			}
			if err := e.server.Get(ctx, "metrics/get-history", query, &page); err != nil && !hasCode(err, "RESOURCE_DOES_NOT_EXIST") {
				return nil, err
			}
			for _, m := range page.Metrics {
				steps[int64(m.Step)] = true
			}
			if page.Next == "" || page.Next == token || len(page.Metrics) == 0 {
				break
			}
			token = page.Next
		}
		was[name] = steps
	}
	return was, nil
}

package ui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/refining"
)

// getRefine answers with the sweep file after a sweep. It writes nothing. Without a [Control] it starts no plugin either: the
// file is then checked as far as that goes without.
func (s *Server) getRefine(q *request) error {
	if len(q.values["sweep"]) > 1 {
		return advice.Usage(errors.New("one sweep at a time"), "")
	}
	if err := q.find(); err != nil {
		return err
	}
	sweep, where := q.sweeps[0], q.text("where")
	args := []string{"refine", sweep.Title}
	if where != "" {
		args = append(args, "--where", where)
	}
	command := advice.Command(append(args, s.o.Arguments...)...)
	ctx, cancel := context.WithTimeout(q.Context(), answerTime)
	defer cancel()
	o := refining.Options{Sweep: itoa(sweep.ID), Where: where, Points: refining.Points, Version: s.o.Version}
	if s.o.Control != nil {
		o.Host = s.o.Control.Host
	}
	refined, err := refining.Of(ctx, q.db.Store, o)
	if starts := (*refining.StartError)(nil); errors.As(err, &starts) {
		return &forbiddenError{err, command + " does; xrun ui --control lets this page"}
	}
	if err != nil {
		return err
	}
	note := fmt.Sprintf("Refines %s around %s: %s.", sweep.Title, refined.Best, strings.Join(refined.Said, "; "))
	if refined.Unchecked {
		note += fmt.Sprintf(" The file is not checked, since that starts its plugins (%s): %s checks it.", strings.Join(refined.Left, ", "), command)
	}
	return q.json(struct {
		Format  int    `json:"xrun_ui"`
		File    string `json:"file"`    // its text
		Name    string `json:"name"`    // of the file
		Command string `json:"command"` // that writes it
		Note    string `json:"note"`    // what it changes
		Checked bool   `json:"checked"`
	}{format, string(refined.Text), filepath.Base(refined.To), command, note, !refined.Unchecked})
}

// A forbiddenError refuses what only a page with a [Control] may do.
type forbiddenError struct {
	error
	hint string
}

// Hint is what a person can do.
func (e *forbiddenError) Hint() string { return e.hint }

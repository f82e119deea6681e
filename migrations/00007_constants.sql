-- A value alone does not say whether anything was learned: 0.97 of the rows may be of one class. What a constant predictor
-- scores on the rows of a run is known when the run trains, and is kept with it, so that comparisons need no data.

-- +goose Up

CREATE TABLE constant (
    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    metric TEXT    NOT NULL,
    value  REAL    NOT NULL, -- of a predictor that knows the targets of the training rows only; no row where there is no value
    PRIMARY KEY (run_id, metric)
) STRICT, WITHOUT ROWID;

CREATE VIEW constants AS
SELECT c.run_id AS run_id, c.metric AS metric, c.value AS value
  FROM constant c
  JOIN present_run r ON r.id = c.run_id;

PRAGMA user_version = 7;

-- λ is not one number: conventions scale it differently. What a run's penalty came to is kept by
-- its parts, so that runs under different conventions can be compared. Optima that a reference
-- solver has found are kept by what they are the optimum of. Events show when they happened and
-- what was decided on.

-- +goose Up

CREATE TABLE coefficient (
    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    part   TEXT    NOT NULL, -- l1: Σ|θ|, l2: ½Σθ², group: Σ√p‖θ_g‖, huber
    value  REAL    NOT NULL,
    PRIMARY KEY (run_id, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE optimum (
    key        TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of the problem, hexadecimal
    value      REAL    NOT NULL,             -- the least J
    violation  REAL    NOT NULL,             -- of the optimality conditions, where it was found
    problem    TEXT    NOT NULL,             -- for people
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW coefficients AS
SELECT c.run_id AS run_id, c.part AS part, c.value AS value
  FROM coefficient c;

DROP VIEW events;
CREATE VIEW events AS
SELECT e.run_id AS run_id, e.at AS at, e.kind AS kind, e.message AS message, e.epoch AS epoch, e.detail AS detail
  FROM event e;

PRAGMA user_version = 2;

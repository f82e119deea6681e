-- The first schema: sweeps, trials, runs and what they produced.
--
-- Times are microseconds since 1970 in UTC, durations nanoseconds. Tables are for xrun alone and
-- change between versions; the views at the end are the contract for everybody else.

-- +goose Up

-- A sweep file as it was run. Two files that resolve to the same specification are one sweep.
CREATE TABLE sweep (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    digest     TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    notes      TEXT    NOT NULL,
    file       TEXT    NOT NULL, -- the path as given
    text       BLOB    NOT NULL, -- the file as written
    resolved   TEXT    NOT NULL, -- the complete specification
    metric     TEXT    NOT NULL,
    goal       TEXT    NOT NULL, -- min or max
    at         TEXT    NOT NULL, -- best, last or epoch:N
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sweep_tag (
    sweep_id INTEGER NOT NULL REFERENCES sweep (id) ON DELETE CASCADE,
    tag      TEXT    NOT NULL,
    PRIMARY KEY (sweep_id, tag)
) STRICT, WITHOUT ROWID;

-- A trial is its content: one row however many sweeps ask for it.
CREATE TABLE trial (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT    NOT NULL UNIQUE,
    point_key   TEXT    NOT NULL, -- the key but for the seed: equal for replicates
    optimizer   TEXT    NOT NULL, -- component
    regularizer TEXT,             -- component; NULL without a penalty
    lr          REAL    NOT NULL,
    lambda      REAL    NOT NULL,
    seed        INTEGER NOT NULL
) STRICT;

-- Which trials a sweep asks for, in which order, and what it calls their components.
CREATE TABLE member (
    sweep_id          INTEGER NOT NULL REFERENCES sweep (id) ON DELETE CASCADE,
    trial_id          INTEGER NOT NULL REFERENCES trial (id),
    position          INTEGER NOT NULL,
    optimizer_label   TEXT    NOT NULL,
    regularizer_label TEXT,
    PRIMARY KEY (sweep_id, trial_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX member_trial ON member (trial_id);

CREATE TABLE setting_path (
    id   INTEGER PRIMARY KEY,
    path TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE setting (
    trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
    path_id  INTEGER NOT NULL REFERENCES setting_path (id),
    type     INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5), -- real, integer, flag, choice, text
    value    ANY     NOT NULL,
    PRIMARY KEY (trial_id, path_id)
) STRICT, WITHOUT ROWID;

-- A process that writes. It holds a kernel lock named after its uuid for as long as it lives.
CREATE TABLE owner (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid       TEXT    NOT NULL UNIQUE,
    host       TEXT    NOT NULL,
    pid        INTEGER NOT NULL,
    command    TEXT    NOT NULL,
    version    TEXT    NOT NULL, -- of xrun
    started_at INTEGER NOT NULL,
    closed_at  INTEGER,
    clean      INTEGER NOT NULL DEFAULT 0 -- 1: it closed the file itself
) STRICT;

CREATE INDEX owner_open ON owner (id) WHERE closed_at IS NULL;

CREATE TABLE environment (
    id           INTEGER PRIMARY KEY,
    digest       TEXT    NOT NULL UNIQUE, -- of the columns below
    host         TEXT    NOT NULL,
    cpu          TEXT    NOT NULL,
    cores        INTEGER NOT NULL,
    os           TEXT    NOT NULL,
    arch         TEXT    NOT NULL,
    go_version   TEXT    NOT NULL,
    blas         TEXT    NOT NULL,
    xrun_version TEXT    NOT NULL,
    git_commit   TEXT    NOT NULL,
    git_dirty    INTEGER NOT NULL
) STRICT;

-- A run is one attempt at a trial.
CREATE TABLE run (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    token          TEXT    NOT NULL UNIQUE, -- random: names the attempt across files
    trial_id       INTEGER NOT NULL REFERENCES trial (id),
    sweep_id       INTEGER NOT NULL REFERENCES sweep (id),
    attempt        INTEGER NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN
        ('running', 'finished', 'stopped', 'pruned', 'diverged', 'failed', 'interrupted')),
    reason         TEXT    NOT NULL DEFAULT '',
    error          TEXT    NOT NULL DEFAULT '',
    owner_id       INTEGER NOT NULL REFERENCES owner (id),
    environment_id INTEGER NOT NULL REFERENCES environment (id),
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    epochs         INTEGER NOT NULL DEFAULT 0,
    best_epoch     INTEGER NOT NULL DEFAULT 0,
    steps          INTEGER NOT NULL DEFAULT 0,
    gradient_evals INTEGER NOT NULL DEFAULT 0,
    wall_ns        INTEGER NOT NULL DEFAULT 0,
    plugin_ns      INTEGER NOT NULL DEFAULT 0,
    transport_ns   INTEGER NOT NULL DEFAULT 0,
    points         INTEGER NOT NULL DEFAULT 0, -- how many it has
    hash           INTEGER NOT NULL DEFAULT 0  -- over all of them, in any order
) STRICT;

CREATE INDEX run_trial ON run (trial_id);
CREATE INDEX run_sweep ON run (sweep_id);
CREATE INDEX run_running ON run (owner_id) WHERE status = 'running';

CREATE TABLE metric (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
) STRICT;

-- Up to eight metrics that are recorded together share a row of point. Against a row for each
-- value this takes half the bytes and a third of the time.
CREATE TABLE metric_set (
    id    INTEGER PRIMARY KEY,
    names TEXT    NOT NULL UNIQUE -- JSON array, in the order of the slots
) STRICT;

CREATE TABLE metric_slot (
    set_id    INTEGER NOT NULL REFERENCES metric_set (id),
    slot      INTEGER NOT NULL CHECK (slot BETWEEN 0 AND 7),
    metric_id INTEGER NOT NULL REFERENCES metric (id),
    PRIMARY KEY (set_id, slot)
) STRICT, WITHOUT ROWID;

-- special keeps what a REAL column cannot: for each NaN and each -0.0 nine bytes, the slot and the
-- big-endian bits of the value. The column of a NaN is NULL, that of a -0.0 is 0.0.
-- No foreign keys here: they would cost a look-up for every row.
CREATE TABLE point (
    run_id  INTEGER NOT NULL,
    step    INTEGER NOT NULL, -- epoch; 0 is before training
    set_id  INTEGER NOT NULL,
    special BLOB,
    v0 REAL, v1 REAL, v2 REAL, v3 REAL, v4 REAL, v5 REAL, v6 REAL, v7 REAL,
    PRIMARY KEY (run_id, step, set_id)
) STRICT, WITHOUT ROWID;

-- NULL is NaN. min and max pass over NaN; mean does not.
CREATE TABLE summary (
    run_id    INTEGER NOT NULL,
    metric_id INTEGER NOT NULL,
    first     REAL,
    last      REAL,
    min       REAL,
    min_step  INTEGER NOT NULL,
    max       REAL,
    max_step  INTEGER NOT NULL,
    mean      REAL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (run_id, metric_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id      INTEGER PRIMARY KEY,
    run_id  INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    epoch   INTEGER NOT NULL,
    message TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;

CREATE INDEX event_run ON event (run_id);

CREATE TABLE plugin (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    version  TEXT    NOT NULL,
    digest   TEXT    NOT NULL,
    protocol TEXT    NOT NULL,
    features TEXT    NOT NULL, -- JSON array
    UNIQUE (name, version, digest, protocol, features)
) STRICT;

CREATE TABLE run_plugin (
    run_id    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    role      TEXT    NOT NULL,
    plugin_id INTEGER NOT NULL REFERENCES plugin (id),
    PRIMARY KEY (run_id, role, plugin_id)
) STRICT, WITHOUT ROWID;

-- Small files are kept here, large ones beside the database under their digest.
CREATE TABLE artifact (
    run_id  INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    name    TEXT    NOT NULL,
    digest  TEXT    NOT NULL, -- SHA-256, hexadecimal
    epoch   INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    content BLOB,             -- NULL: in the folder beside the database
    PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;

CREATE VIEW runs AS
SELECT r.id AS run_id, t.key AS trial_key, s.name AS sweep,
       coalesce(m.optimizer_label, t.optimizer) AS optimizer,
       coalesce(m.regularizer_label, t.regularizer) AS regularizer,
       t.lr AS lr, t.lambda AS lambda, t.seed AS seed, r.status AS status, r.reason AS reason,
       r.epochs AS epochs, r.steps AS steps, r.started_at AS started_at, r.ended_at AS ended_at,
       r.wall_ns / 1e9 AS wall_seconds, r.error AS error
  FROM run r
  JOIN trial t ON t.id = r.trial_id
  JOIN sweep s ON s.id = r.sweep_id
  LEFT JOIN member m ON m.sweep_id = r.sweep_id AND m.trial_id = r.trial_id;

-- A flag is 0 or 1.
CREATE VIEW settings AS
SELECT t.key AS trial_key, p.path AS path, s.value AS value
  FROM setting s
  JOIN trial t ON t.id = s.trial_id
  JOIN setting_path p ON p.id = s.path_id;

-- NaN is NULL, an infinity is REAL infinity, -0.0 is 0.0.
CREATE VIEW curves AS
SELECT p.run_id AS run_id, m.name AS metric, p.step AS step,
       CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
                   WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END AS value
  FROM point p
  JOIN metric_slot s ON s.set_id = p.set_id
  JOIN metric m ON m.id = s.metric_id;

CREATE VIEW best AS
SELECT u.run_id AS run_id, m.name AS metric, u.first AS first, u.last AS last,
       u.min AS min, u.min_step AS min_step, u.max AS max, u.max_step AS max_step,
       u.mean AS mean, u.count AS count
  FROM summary u
  JOIN metric m ON m.id = u.metric_id;

CREATE VIEW plugins_used AS
SELECT r.run_id AS run_id, r.role AS role, p.name AS name, p.version AS version, p.digest AS digest
  FROM run_plugin r
  JOIN plugin p ON p.id = r.plugin_id;

CREATE VIEW events AS
SELECT e.run_id AS run_id, e.at AS at, e.kind AS kind, e.message AS message
  FROM event e;

PRAGMA user_version = 1;

-- A long run that was cut off goes on from its last checkpoint instead of beginning again. Runs and
-- sweeps can be deleted, and restored until the space is given back. A failure that would come
-- again is told from one that can pass. What the command line changed in a sweep file is kept.

-- +goose Up

-- All there is to a run between two epochs, until it ends with a result. Large ones lie beside the
-- database under their digest.
CREATE TABLE checkpoint (
    run_id  INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    epoch   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    digest  TEXT    NOT NULL, -- SHA-256, hexadecimal
    size    INTEGER NOT NULL,
    content BLOB              -- NULL: in the folder beside the database
) STRICT;

ALTER TABLE run ADD COLUMN deleted_at INTEGER;                 -- NULL: it is there
ALTER TABLE run ADD COLUMN lasting INTEGER NOT NULL DEFAULT 0; -- 1: a failure that would come again
ALTER TABLE sweep ADD COLUMN deleted_at INTEGER;
ALTER TABLE sweep ADD COLUMN overrides TEXT NOT NULL DEFAULT ''; -- JSON array of KEY=VALUE, as given

CREATE INDEX run_deleted ON run (id) WHERE deleted_at IS NOT NULL;

-- The views show what is not deleted.
DROP VIEW runs;
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
  LEFT JOIN member m ON m.sweep_id = r.sweep_id AND m.trial_id = r.trial_id
 WHERE r.deleted_at IS NULL;

DROP VIEW curves;
CREATE VIEW curves AS
SELECT p.run_id AS run_id, m.name AS metric, p.step AS step,
       CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
                   WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END AS value
  FROM point p
  JOIN metric_slot s ON s.set_id = p.set_id
  JOIN metric m ON m.id = s.metric_id
 WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.id = p.run_id AND r.deleted_at IS NOT NULL);

DROP VIEW best;
CREATE VIEW best AS
SELECT u.run_id AS run_id, m.name AS metric, u.first AS first, u.last AS last,
       u.min AS min, u.min_step AS min_step, u.max AS max, u.max_step AS max_step,
       u.mean AS mean, u.count AS count
  FROM summary u
  JOIN metric m ON m.id = u.metric_id
 WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.id = u.run_id AND r.deleted_at IS NOT NULL);

DROP VIEW plugins_used;
CREATE VIEW plugins_used AS
SELECT u.run_id AS run_id, u.role AS role, p.name AS name, p.version AS version, p.digest AS digest
  FROM run_plugin u
  JOIN plugin p ON p.id = u.plugin_id
  JOIN run r ON r.id = u.run_id
 WHERE r.deleted_at IS NULL;

DROP VIEW events;
CREATE VIEW events AS
SELECT e.run_id AS run_id, e.at AS at, e.kind AS kind, e.message AS message, e.epoch AS epoch, e.detail AS detail
  FROM event e
  JOIN run r ON r.id = e.run_id
 WHERE r.deleted_at IS NULL;

DROP VIEW coefficients;
CREATE VIEW coefficients AS
SELECT c.run_id AS run_id, c.part AS part, c.value AS value
  FROM coefficient c
  JOIN run r ON r.id = c.run_id
 WHERE r.deleted_at IS NULL;

-- For xrun itself: what is not deleted, with all that a run has.
CREATE VIEW present_run AS SELECT * FROM run WHERE deleted_at IS NULL;

PRAGMA user_version = 3;

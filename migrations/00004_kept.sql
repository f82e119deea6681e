-- The kept epoch of a run is the epoch whose parameters are kept. The value of a run is its sweep's metric there. Keys
-- of trials have versions: version 1 does not include what is kept.

-- +goose Up

ALTER TABLE trial ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE trial ADD COLUMN arithmetic INTEGER NOT NULL DEFAULT 0; -- revision; it may differ between trials of one point
ALTER TABLE run ADD COLUMN kept_epoch INTEGER; -- NULL: the run keeps nothing and has no value
ALTER TABLE run ADD COLUMN value REAL;         -- of the sweep's metric after kept_epoch; NULL is NaN

-- Only runs with a result keep an epoch: the epoch of their parameters. A program keeps its parameters itself, so the
-- sweep chooses the epoch.
UPDATE run SET kept_epoch = coalesce(
        (SELECT a.epoch FROM artifact a WHERE a.run_id = run.id AND a.name = 'best'),
        (SELECT CASE WHEN w.at = 'last' THEN run.epochs
                     WHEN w.at GLOB 'epoch:*' THEN (SELECT p.step FROM point p JOIN metric_slot s ON s.set_id = p.set_id
                          WHERE p.run_id = run.id AND s.metric_id = k.id AND p.step = CAST(substr(w.at, 7) AS INTEGER))
                     WHEN w.goal = 'max' THEN CASE WHEN u.max IS NOT NULL THEN u.max_step END
                     ELSE CASE WHEN u.min IS NOT NULL THEN u.min_step END END
           FROM sweep w JOIN metric k ON k.name = w.metric JOIN summary u ON u.metric_id = k.id AND u.run_id = run.id
          WHERE w.id = run.sweep_id))
 WHERE status IN ('finished', 'stopped');

UPDATE run SET value = (
        SELECT CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
                           WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END
          FROM sweep w JOIN metric k ON k.name = w.metric JOIN metric_slot s ON s.metric_id = k.id
          JOIN point p ON p.run_id = run.id AND p.step = run.kept_epoch AND p.set_id = s.set_id
         WHERE w.id = run.sweep_id)
 WHERE kept_epoch IS NOT NULL;

-- The convention seed of a built-in regularizer is now named after its formula.
UPDATE setting SET value = 'mean_squares'
 WHERE value = 'seed' AND path_id IN (SELECT id FROM setting_path WHERE path = 'regularizer.convention')
   AND trial_id IN (SELECT i.trial_id FROM setting i JOIN setting_path n ON n.id = i.path_id
                     WHERE n.path = 'regularizer.identity' AND i.value LIKE 'builtin:%');

-- What a sweep is to another one: its best points under fresh seeds, or its grid made finer.
ALTER TABLE sweep ADD COLUMN relation TEXT NOT NULL DEFAULT ''; -- confirm or refine; empty without of_sweep
ALTER TABLE sweep ADD COLUMN of_sweep INTEGER REFERENCES sweep (id) ON DELETE SET NULL;

UPDATE sweep SET relation = 'confirm',
       of_sweep = (SELECT max(o.id) FROM sweep o WHERE o.name = substr(sweep.name, 1, length(sweep.name) - length('-confirm')))
 WHERE name GLOB '*-confirm' AND overrides <> ''
   AND EXISTS (SELECT 1 FROM json_each(sweep.overrides) j WHERE j.value = 'name="' || sweep.name || '"');

UPDATE sweep SET relation = 'refine',
       of_sweep = (SELECT max(o.id) FROM sweep o WHERE o.name = substr(sweep.name, 1, length(sweep.name) - length('-refined')))
 WHERE name GLOB '*-refined'
   AND EXISTS (SELECT 1 FROM sweep o WHERE o.name = substr(sweep.name, 1, length(sweep.name) - length('-refined')));

DROP VIEW present_run;
ALTER TABLE run DROP COLUMN best_epoch;
CREATE VIEW present_run AS SELECT * FROM run WHERE deleted_at IS NULL;

DROP VIEW runs;
CREATE VIEW runs AS
SELECT r.id AS run_id, t.key AS trial_key, s.name AS sweep,
       coalesce(m.optimizer_label, t.optimizer) AS optimizer,
       coalesce(m.regularizer_label, t.regularizer) AS regularizer,
       t.lr AS lr, t.lambda AS lambda, t.seed AS seed, r.status AS status, r.reason AS reason,
       r.epochs AS epochs, r.steps AS steps, r.started_at AS started_at, r.ended_at AS ended_at,
       r.wall_ns / 1e9 AS wall_seconds, r.error AS error,
       s.metric AS metric, r.value AS value, r.kept_epoch AS kept_epoch
  FROM run r
  JOIN trial t ON t.id = r.trial_id
  JOIN sweep s ON s.id = r.sweep_id
  LEFT JOIN member m ON m.sweep_id = r.sweep_id AND m.trial_id = r.trial_id
 WHERE r.deleted_at IS NULL;

PRAGMA user_version = 4;

-- Sweeps may add seeds to their points in stages. What was decided after a stage follows from the results, so a sweep never
-- reads it here: it is for people, and says when.

-- +goose Up

CREATE TABLE sweep_event (
    id        INTEGER PRIMARY KEY,
    sweep_id  INTEGER NOT NULL REFERENCES sweep (id) ON DELETE CASCADE,
    at        INTEGER NOT NULL, -- microseconds since 1970, UTC
    stage     INTEGER NOT NULL, -- from 1
    kind      TEXT    NOT NULL, -- stage, given-up or over
    point_key TEXT    NOT NULL, -- of the point that was given up, else empty
    message   TEXT    NOT NULL,
    UNIQUE (sweep_id, stage, kind, point_key, message)
) STRICT;

CREATE VIEW sweep_events AS
SELECT w.name AS sweep, e.at AS at, e.stage AS stage, e.kind AS kind, e.point_key AS point_key, e.message AS message
  FROM sweep_event e
  JOIN sweep w ON w.id = e.sweep_id
 WHERE w.deleted_at IS NULL;

PRAGMA user_version = 6;

-- Every run, trial, sweep and optimum has a seal: a digest over all that it says, by which xrun db check finds what was
-- changed. store/README.md has its encoding.

-- +goose Up

ALTER TABLE run ADD COLUMN seal BLOB;                            -- SHA-256; NULL while it runs
ALTER TABLE run ADD COLUMN seal_kind INTEGER NOT NULL DEFAULT 0; -- 0: none, 1: made at its end, 2: made by this migration
ALTER TABLE trial ADD COLUMN seal BLOB;
ALTER TABLE sweep ADD COLUMN seal BLOB;
ALTER TABLE optimum ADD COLUMN seal BLOB;

-- What a migration leaves to the program. SQL has no SHA-256, so the program seals what is there, in one transaction
-- with the end of this row.
CREATE TABLE pending (
    step TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO pending (step) VALUES ('seal');

DROP VIEW present_run;
CREATE VIEW present_run AS SELECT * FROM run WHERE deleted_at IS NULL;

PRAGMA user_version = 5;

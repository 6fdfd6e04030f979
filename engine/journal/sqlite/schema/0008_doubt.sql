-- Events that may be echoes of a call under way: whether they are shows when
-- it is answered. Until then they begin no run. hooks is JSON: the runs they
-- would begin, and what such an event can tell.
CREATE TABLE doubt (
  event  INTEGER PRIMARY KEY REFERENCES event (seq),
  run    INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hooks  BLOB NOT NULL
);
CREATE INDEX doubt_step ON doubt (run, number);

-- The decisions of persons about held runs, in the order in which they were made.
CREATE TABLE resolution (
  run        INTEGER NOT NULL,
  step       INTEGER NOT NULL, -- the number of the step with the uncertain call
  resolution TEXT NOT NULL,
  decider    TEXT NOT NULL,    -- empty: unknown
  at         INTEGER NOT NULL
);
CREATE INDEX resolution_run ON resolution (run);

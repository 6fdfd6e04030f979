-- How long the call of a step waited for rate limits, in nanoseconds; part of took.
ALTER TABLE step ADD COLUMN waited INTEGER NOT NULL DEFAULT 0;

-- The rule by which a hook makes the keys of its lanes, and the number of that
-- rule, which is incremented when a reload changes it. Runs of one rule end, or
-- wait, before those of another start.
ALTER TABLE hook ADD COLUMN lane TEXT;
ALTER TABLE hook ADD COLUMN rule INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN rule INTEGER NOT NULL DEFAULT 0;

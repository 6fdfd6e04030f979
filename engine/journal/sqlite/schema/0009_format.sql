-- The replay format of each version: the rules of the language and the
-- libraries under which its runs made their records. Versions stored before
-- this step are of the first.
ALTER TABLE version ADD COLUMN format INTEGER NOT NULL DEFAULT 1;

-- Earlier programs could begin a part before the one before it was full and had
-- its filter, and write a filter that lacks an id of its part. Without filters,
-- the next start makes those of all parts from their ids.
DELETE FROM sieve;

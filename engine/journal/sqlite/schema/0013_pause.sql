-- Why a run is paused: 0 it is not, 1 a flood, 2 a restore. A run of state -2 was
-- waiting when it was paused, and has no place in its lane; one of state -1 has.
ALTER TABLE run ADD COLUMN pause INTEGER NOT NULL DEFAULT 0;
UPDATE run SET pause = 1 WHERE state = -1;

-- When the file was restored from a backup; NULL: never.
ALTER TABLE store ADD COLUMN restored INTEGER;

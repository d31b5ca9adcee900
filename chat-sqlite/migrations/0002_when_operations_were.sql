-- When an operation was carried out, so that its name need not be kept for ever. Of those that are there it is known only
-- that they are no newer than the file.
ALTER TABLE operation ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE operation SET at = (SELECT ifnull(max(last_at), 0) FROM room);

-- The command that told of a change, for whoever lost its answer and asks whether it happened.

ALTER TABLE history ADD COLUMN command uuid;

-- Finds the versions whose files are in a folder. Only the beginning, as PostgreSQL's indexes refuse long texts.
CREATE INDEX model_version_by_place ON model_version (substr(coalesce(storage_location, source), 1, 256));

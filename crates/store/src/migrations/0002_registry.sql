-- The model registry and its audit trail. Registered models have an integer key inside (`model`) and a name
-- outside, which a rename changes in one row.

CREATE TABLE registered_model (
    id {lasting_id},
    name {text} NOT NULL UNIQUE,
    description {text},
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    -- The number of the newest version ever made: numbers are never used again.
    last_version BIGINT NOT NULL
);
CREATE INDEX registered_model_by_change ON registered_model (updated_ms, name);

CREATE TABLE registered_model_tag (
    model BIGINT NOT NULL REFERENCES registered_model (id),
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (model, key)
) {clustered};
CREATE INDEX registered_model_tag_by_key ON registered_model_tag (key, substr(value, 1, 64), model);

-- `stage` is 0 None, 1 Staging, 2 Production, 3 Archived; `status` is MLflow's ModelVersionStatus.
CREATE TABLE model_version (
    id {id},
    model BIGINT NOT NULL REFERENCES registered_model (id),
    version BIGINT NOT NULL,
    description {text},
    user_id {text},
    stage BIGINT NOT NULL,
    source {text} NOT NULL,
    -- Where the files are, when `source` names them indirectly.
    storage_location {text},
    run {text},
    run_link {text} NOT NULL,
    status BIGINT NOT NULL,
    status_message {text},
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    UNIQUE (model, version)
);
-- Finds the newest version of each stage.
CREATE INDEX model_version_by_stage ON model_version (model, stage, version);
CREATE INDEX model_version_by_change ON model_version (updated_ms DESC);
CREATE INDEX model_version_by_run ON model_version (run);

CREATE TABLE model_version_tag (
    id BIGINT NOT NULL REFERENCES model_version (id),
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (id, key)
) {clustered};
CREATE INDEX model_version_tag_by_key ON model_version_tag (key, substr(value, 1, 64), id);

CREATE TABLE model_alias (
    model BIGINT NOT NULL REFERENCES registered_model (id),
    alias {text} NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (model, alias)
) {clustered};
CREATE INDEX model_alias_by_version ON model_alias (model, version);

-- An alias with a row here moves only to versions that have passed each of the checks.
CREATE TABLE alias_check (
    model BIGINT NOT NULL REFERENCES registered_model (id),
    alias {text} NOT NULL,
    name {text} NOT NULL,
    PRIMARY KEY (model, alias, name)
) {clustered};

-- The newest outcome of each check of a version; earlier ones are in the audit trail.
CREATE TABLE version_check (
    id BIGINT NOT NULL REFERENCES model_version (id),
    name {text} NOT NULL,
    passed BIGINT NOT NULL,
    details {text} NOT NULL,
    run {text} NOT NULL,
    checked_ms BIGINT NOT NULL,
    PRIMARY KEY (id, name)
) {clustered};

-- One row for each change that others care about, written in the transaction of the change and never altered:
-- the audit trail, and what webhooks are sent from. `subject` is the registered model's id, which a new model
-- of the same name does not share; the other columns are as they were then.
CREATE TABLE event (
    id {lasting_id},
    at_ms BIGINT NOT NULL,
    actor {text} NOT NULL,
    action BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    name {text} NOT NULL,
    prompt BIGINT NOT NULL,
    version BIGINT,
    key {text},
    old {text},
    new {text},
    run {text},
    reason {text}
);
CREATE INDEX event_by_name ON event (name, id);
CREATE INDEX event_by_subject ON event (subject, id);

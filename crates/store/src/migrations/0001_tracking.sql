-- Experiments, runs, metrics, datasets and logged models. `lifecycle` is 1 in use, 2 deleted.
--
-- Runs have an integer key inside (`run`) and a 32-digit one outside (`uuid`). Tables that belong to a run
-- are clustered by it, so that reading a run touches few pages. They carry no foreign key: an operation
-- finds its run first, in the same transaction, and runs are removed by one function only.

CREATE TABLE experiment (
    id {lasting_id},
    name {text} NOT NULL UNIQUE,
    artifact_location {text} NOT NULL,
    lifecycle BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
CREATE INDEX experiment_by_creation ON experiment (created_ms DESC, id);

CREATE TABLE experiment_tag (
    experiment BIGINT NOT NULL REFERENCES experiment (id),
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (experiment, key)
) {clustered};

CREATE TABLE run (
    id {id},
    uuid {text} NOT NULL UNIQUE,
    experiment BIGINT NOT NULL REFERENCES experiment (id),
    name {text} NOT NULL,
    user_id {text} NOT NULL,
    status BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT,
    deleted_ms BIGINT,
    lifecycle BIGINT NOT NULL,
    artifact_uri {text} NOT NULL
);
-- The default order of a search, and of every page of it.
CREATE INDEX run_by_start ON run (experiment, lifecycle, start_ms DESC, uuid);

CREATE TABLE param (
    run BIGINT NOT NULL,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (run, key)
) {clustered};
-- Finds the runs of a rare value. Values may be longer than an index entry, so their head stands for them.
CREATE INDEX param_by_value ON param (key, substr(value, 1, 64), run);

CREATE TABLE run_tag (
    run BIGINT NOT NULL,
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (run, key)
) {clustered};
CREATE INDEX run_tag_by_value ON run_tag (key, substr(value, 1, 64), run);

-- Names of metrics, once each; points and summaries carry the number.
CREATE TABLE metric_name (
    id {id},
    name {text} NOT NULL UNIQUE
);

-- One series of a run: its latest point, which is the greatest (step, ms, value) as in MLflow, and its
-- extremes. A NaN is value 0 with `nan` 1, competes as 0 for the latest place, and has no extremes.
CREATE TABLE metric (
    run BIGINT NOT NULL,
    name BIGINT NOT NULL,
    experiment BIGINT NOT NULL,
    step BIGINT NOT NULL,
    ms BIGINT NOT NULL,
    value {real} NOT NULL,
    nan BIGINT NOT NULL,
    points BIGINT NOT NULL,
    min_value {real},
    max_value {real},
    PRIMARY KEY (run, name)
) {clustered};
-- The order of a search by a metric.
CREATE INDEX metric_by_value ON metric (experiment, name, nan, value, run);

-- Every point; the key is the whole row, so an identical point logged again changes nothing. The order is
-- that of a metric's history.
CREATE TABLE metric_point (
    run BIGINT NOT NULL,
    name BIGINT NOT NULL,
    ms BIGINT NOT NULL,
    step BIGINT NOT NULL,
    value {real} NOT NULL,
    nan BIGINT NOT NULL,
    PRIMARY KEY (run, name, ms, step, value, nan)
) {clustered};

CREATE TABLE dataset (
    id {id},
    experiment BIGINT NOT NULL REFERENCES experiment (id),
    name {text} NOT NULL,
    digest {text} NOT NULL,
    source_type {text} NOT NULL,
    source {text} NOT NULL,
    schema {text},
    profile {text},
    UNIQUE (experiment, name, digest)
);

CREATE TABLE run_dataset (
    id {id},
    run BIGINT NOT NULL,
    dataset BIGINT NOT NULL REFERENCES dataset (id),
    UNIQUE (run, dataset)
);
CREATE INDEX run_dataset_by_dataset ON run_dataset (dataset, run);

CREATE TABLE run_dataset_tag (
    input BIGINT NOT NULL REFERENCES run_dataset (id),
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (input, key)
) {clustered};

CREATE TABLE logged_model (
    id {id},
    uuid {text} NOT NULL UNIQUE,
    experiment BIGINT NOT NULL REFERENCES experiment (id),
    name {text} NOT NULL,
    artifact_uri {text} NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    status BIGINT NOT NULL,
    lifecycle BIGINT NOT NULL,
    model_type {text} NOT NULL,
    source_run {text} NOT NULL
);
CREATE INDEX logged_model_by_creation ON logged_model (experiment, lifecycle, created_ms DESC, uuid);
CREATE INDEX logged_model_by_name ON logged_model (experiment, name);
CREATE INDEX logged_model_by_run ON logged_model (source_run);

CREATE TABLE logged_model_param (
    model BIGINT NOT NULL REFERENCES logged_model (id),
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (model, key)
) {clustered};

CREATE TABLE logged_model_tag (
    model BIGINT NOT NULL REFERENCES logged_model (id),
    key {text} NOT NULL,
    value {text} NOT NULL,
    PRIMARY KEY (model, key)
) {clustered};

-- Every point that names a model; the key is the whole row, as for the points of runs.
CREATE TABLE logged_model_metric (
    model BIGINT NOT NULL REFERENCES logged_model (id),
    name BIGINT NOT NULL,
    ms BIGINT NOT NULL,
    step BIGINT NOT NULL,
    run {text} NOT NULL,
    value {real} NOT NULL,
    nan BIGINT NOT NULL,
    dataset_name {text} NOT NULL,
    dataset_digest {text} NOT NULL,
    PRIMARY KEY (model, name, ms, step, run, dataset_name, dataset_digest, value, nan)
) {clustered};

-- Which models a run read (`output` 0) or made (`output` 1). The model's id is kept as sent: MLflow does not
-- ask that it exists.
CREATE TABLE run_model (
    run BIGINT NOT NULL,
    output BIGINT NOT NULL,
    model {text} NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (run, output, model)
) {clustered};

"""The tables of the experiment log store, one script for each schema version.

Times are whole milliseconds since 1970 (UTC). A script that was released is never edited: a change is a
new script at the end.
"""

from __future__ import annotations

APPLICATION_ID = 0x70697865
"""SQLite's application id of the store: the letters ``pixe``."""

_FIRST = """
CREATE TABLE experiment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    description TEXT NOT NULL DEFAULT '',
    notes TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL,
    creator TEXT NOT NULL,
    base_experiment_id INTEGER REFERENCES experiment (id),
    created INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    exit_code INTEGER,
    error TEXT,
    deleted INTEGER
);
CREATE UNIQUE INDEX experiment_name ON experiment (name) WHERE deleted IS NULL;

CREATE TABLE parameter (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('null', 'bool', 'int', 'float', 'str', 'list', 'dict')),
    value TEXT NOT NULL,
    PRIMARY KEY (experiment_id, name)
) WITHOUT ROWID;

CREATE TABLE tag (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (experiment_id, name)
) WITHOUT ROWID;

CREATE TABLE attached_dataset (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    alias TEXT NOT NULL,
    uid TEXT NOT NULL,
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    attached INTEGER NOT NULL,
    UNIQUE (experiment_id, alias)
);

CREATE TABLE log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    sha256 TEXT,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (experiment_id, name)
);
CREATE INDEX log_content ON log (sha256) WHERE sha256 IS NOT NULL;

-- a phase is what stands before the last slash of a metric's name; points up to the step `folded` are in
-- the statistics of its series
CREATE TABLE phase (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    folded INTEGER NOT NULL,
    UNIQUE (experiment_id, name)
);

CREATE TABLE series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    phase_id INTEGER NOT NULL REFERENCES phase (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (experiment_id, name)
);
CREATE INDEX series_phase ON series (phase_id);

-- the values of one step lie side by side, so that logging them writes one page and not one a metric
-- flag: 0 a finite value; 1 NaN, 2 plus infinity, 3 minus infinity, each with a value of NULL
CREATE TABLE point (
    phase_id INTEGER NOT NULL,
    step INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    time INTEGER NOT NULL,
    value REAL,
    flag INTEGER NOT NULL,
    PRIMARY KEY (phase_id, step, series_id)
) WITHOUT ROWID;

-- of the points up to the phase's folded step; extremes are of finite values
CREATE TABLE series_stat (
    series_id INTEGER PRIMARY KEY REFERENCES series (id) ON DELETE CASCADE,
    count INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    last_value REAL,
    last_flag INTEGER NOT NULL,
    min_value REAL,
    min_step INTEGER,
    max_value REAL,
    max_step INTEGER
);

CREATE TABLE artifact (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    filename TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (experiment_id, name, version)
);
CREATE INDEX artifact_content ON artifact (sha256);

CREATE TABLE evaluation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    partition TEXT NOT NULL,
    classes TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (experiment_id, partition)
);

-- truth: index in the evaluation's classes, -1 where it is not known; probabilities: little-endian float32
CREATE TABLE evaluation_row (
    evaluation_id INTEGER NOT NULL REFERENCES evaluation (id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL,
    truth INTEGER NOT NULL,
    probabilities BLOB NOT NULL,
    PRIMARY KEY (evaluation_id, image_id)
) WITHOUT ROWID;

-- progress: 0 an ordinary line; 1 a progress line, which a later one may replace; 2 the next line replaces it
CREATE TABLE telemetry_line (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    time INTEGER NOT NULL,
    stream TEXT NOT NULL,
    text TEXT NOT NULL,
    progress INTEGER NOT NULL,
    PRIMARY KEY (experiment_id, number)
) WITHOUT ROWID;

-- number: of the first line of the chapter
CREATE TABLE telemetry_chapter (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (experiment_id, number)
) WITHOUT ROWID;

CREATE TABLE worker (
    uid TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    lock TEXT NOT NULL,
    log TEXT NOT NULL,
    environment TEXT NOT NULL,
    registered INTEGER NOT NULL,
    heartbeat INTEGER NOT NULL,
    retired INTEGER
) WITHOUT ROWID;

CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    payload TEXT NOT NULL,
    environment TEXT NOT NULL,
    state TEXT NOT NULL,
    worker TEXT REFERENCES worker (uid),
    stop_requested INTEGER NOT NULL DEFAULT 0,
    log_offset INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    claimed INTEGER,
    ended INTEGER,
    exit_code INTEGER,
    error TEXT
);
CREATE INDEX job_state ON job (state, environment, id);
CREATE INDEX job_experiment ON job (experiment_id, id);
CREATE UNIQUE INDEX job_attempt ON job (experiment_id, attempt) WHERE kind = 'train';
CREATE UNIQUE INDEX job_current ON job (experiment_id) WHERE kind = 'train' AND state IN ('WAITING', 'RUNNING');
"""

MIGRATIONS = (_FIRST,)
"""Scripts from schema version 0 to 1, from 1 to 2, and so on."""

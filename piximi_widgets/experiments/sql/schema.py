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

# The base of an experiment may be a published model. What a folder holds is told once, under the SHA-256 of its list of
# files, so that artifacts, their copies in other experiments and published models share it.
_SECOND = """
CREATE TABLE model (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 60),
    description TEXT NOT NULL DEFAULT '',
    created INTEGER NOT NULL
);

-- experiment_id: NULL once it was purged, or when it lies in another store
CREATE TABLE model_version (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    framework TEXT NOT NULL,
    labels TEXT NOT NULL,
    creator TEXT NOT NULL,
    created INTEGER NOT NULL,
    experiment_id INTEGER REFERENCES experiment (id) ON DELETE SET NULL,
    experiment_uid TEXT NOT NULL,
    experiment_name TEXT NOT NULL,
    datasets TEXT NOT NULL,
    parameters TEXT NOT NULL,
    UNIQUE (model_id, number)
);
CREATE INDEX model_version_experiment ON model_version (experiment_id) WHERE experiment_id IS NOT NULL;

CREATE TABLE model_file (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model_version_id INTEGER NOT NULL REFERENCES model_version (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('file', 'folder')),
    filename TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    UNIQUE (model_version_id, name)
);
CREATE INDEX model_file_content ON model_file (sha256);

-- folder: the SHA-256 of the folder's list of files (folders.py); path: with slashes, below the folder, and at the end
-- of that of an empty folder, which has the content of an empty file
CREATE TABLE folder_file (
    folder TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (folder, path)
) WITHOUT ROWID;
CREATE INDEX folder_file_content ON folder_file (sha256);

ALTER TABLE artifact ADD COLUMN kind TEXT NOT NULL DEFAULT 'file' CHECK (kind IN ('file', 'folder'));
ALTER TABLE experiment ADD COLUMN base_model_version_id INTEGER REFERENCES model_version (id) ON DELETE SET NULL;

-- metrics: JSON object of numbers; shapes: JSON list, for boxes, polygons and masks
ALTER TABLE evaluation_row ADD COLUMN metrics TEXT;
ALTER TABLE evaluation_row ADD COLUMN shapes TEXT;

-- what the machine did: for example cpu (percent of all cores), memory (bytes), gpu0 (percent)
CREATE TABLE system_sample (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    time INTEGER NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (experiment_id, time, name)
) WITHOUT ROWID;

-- some hundred points of a series, thinned (curves.py): a block holds what lies from its first step to the next
-- block's, the first one also what lies before; points: NULL until it is made again, after a point was corrected
CREATE TABLE series_block (
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    first_step INTEGER NOT NULL,
    count INTEGER NOT NULL,
    points BLOB,
    PRIMARY KEY (series_id, first_step)
) WITHOUT ROWID;
CREATE INDEX series_block_stale ON series_block (series_id, first_step) WHERE points IS NULL;
INSERT INTO series_block SELECT series_id, -9223372036854775808, count, NULL FROM series_stat;

-- points that were written at a step up to the folded one, which who follows would not look at again
CREATE TABLE point_correction (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    step INTEGER NOT NULL
);
CREATE INDEX point_correction_series ON point_correction (series_id);

-- last_number: of the version published last, so that the number of a deleted one is not given again
ALTER TABLE model ADD COLUMN last_number INTEGER NOT NULL DEFAULT 0;
-- trained_on: JSON list of the uids of the dataset versions that the weights have seen, those of its bases too
ALTER TABLE model_version ADD COLUMN trained_on TEXT NOT NULL DEFAULT '[]';

-- an experiment that came in an archive: its uid there, and by uid and name what it was based on there (JSON)
CREATE TABLE origin (
    experiment_id INTEGER PRIMARY KEY REFERENCES experiment (id) ON DELETE CASCADE,
    uid TEXT NOT NULL,
    imported INTEGER NOT NULL,
    base_uid TEXT,
    bases TEXT NOT NULL
);
CREATE INDEX origin_base ON origin (base_uid) WHERE base_uid IS NOT NULL;

-- a dataset version of the project that an imported experiment comes from; content: compressed CSV
CREATE TABLE kept_dataset (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    uid TEXT NOT NULL,
    record TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (experiment_id, uid)
);

-- last_number: of the version of an artifact stored last, so that the number of a deleted one is not given again
CREATE TABLE artifact_number (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    last_number INTEGER NOT NULL,
    PRIMARY KEY (experiment_id, name)
) WITHOUT ROWID;
INSERT INTO artifact_number SELECT experiment_id, name, max(version) FROM artifact GROUP BY experiment_id, name;

-- who has said start() for a training of a person's own; lock: a file below the store's folder, held while it lives
CREATE TABLE started (
    experiment_id INTEGER PRIMARY KEY REFERENCES experiment (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    lock TEXT NOT NULL
);

-- parent_id: of which this one was made with changed parameters; nothing is taken over from there, unlike from a base
ALTER TABLE experiment ADD COLUMN parent_id INTEGER REFERENCES experiment (id) ON DELETE SET NULL;
CREATE INDEX experiment_parent ON experiment (parent_id) WHERE parent_id IS NOT NULL;
"""

MIGRATIONS = (_FIRST, _SECOND)
"""Scripts from schema version 0 to 1, from 1 to 2, and so on."""

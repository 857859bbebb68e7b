"""The tables of ``project.db`` and the folder around it."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import NotAProjectError, ProjectError
from ..storage import Database

APPLICATION_ID = 0x50585750  # "PXWP"
DATABASE_NAME = "project.db"
IMAGES_FOLDER = "images"
CACHE_FOLDER = "cache"

# What operating systems and notebooks leave in a folder that a person would still call empty.
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints", ".directory"}
_OURS = {*_LITTER, IMAGES_FOLDER, CACHE_FOLDER}

# Frequently read columns of `image` come first: SQLite then never follows a row's overflow pages for them.
# A change refers to its operation when the transaction ends, since what an operation says about itself is
# only known after its changes, and nothing in the journal can be altered later.
_VERSION_1 = """
CREATE TABLE project (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE category (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    position INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX category_name ON category (name) WHERE removed = 0;

CREATE TABLE image (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    category_id INTEGER NOT NULL DEFAULT 0,
    partition INTEGER NOT NULL DEFAULT 0,
    excluded INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    parent_id INTEGER REFERENCES image (id),
    kind TEXT NOT NULL DEFAULT 'image',
    region TEXT,
    height INTEGER NOT NULL,
    width INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    planes INTEGER NOT NULL,
    dtype TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT,
    block TEXT,
    block_index INTEGER,
    origin TEXT,
    size INTEGER,
    mtime_ns INTEGER,
    pixel_hash BLOB,
    metadata TEXT
);
CREATE UNIQUE INDEX image_source ON image (COALESCE(origin, path)) WHERE removed = 0;
CREATE INDEX image_parent ON image (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE operation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    author TEXT NOT NULL,
    source TEXT NOT NULL,
    action TEXT NOT NULL,
    reversible INTEGER NOT NULL,
    reverts INTEGER REFERENCES operation (id),
    client_uid TEXT,
    client_sequence INTEGER,
    detail TEXT NOT NULL
);
CREATE UNIQUE INDEX operation_client ON operation (client_uid, client_sequence) WHERE client_uid IS NOT NULL;
CREATE INDEX operation_author ON operation (author, id) WHERE reversible = 1;

CREATE TABLE change (
    operation_id INTEGER NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
    target TEXT NOT NULL CHECK (target IN ('image', 'category')),
    target_id INTEGER NOT NULL,
    field TEXT NOT NULL,
    "before",
    "after",
    PRIMARY KEY (operation_id, target, target_id, field)
) WITHOUT ROWID;

CREATE TRIGGER operation_is_final BEFORE UPDATE ON operation
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER operation_stays BEFORE DELETE ON operation
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER change_is_final BEFORE UPDATE ON change
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER change_stays BEFORE DELETE ON change
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TABLE prediction_set (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_uid TEXT NOT NULL UNIQUE,
    classes TEXT NOT NULL,
    categories TEXT NOT NULL,
    stored INTEGER NOT NULL
);
CREATE TABLE prediction (
    set_id INTEGER NOT NULL REFERENCES prediction_set (id),
    image_id INTEGER NOT NULL REFERENCES image (id),
    class INTEGER NOT NULL,
    confidence REAL NOT NULL,
    probabilities BLOB NOT NULL,
    PRIMARY KEY (set_id, image_id)
) WITHOUT ROWID;

CREATE TABLE dataset_version (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,
    author TEXT NOT NULL,
    revision INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    classes TEXT NOT NULL,
    categories TEXT NOT NULL,
    images INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE TRIGGER dataset_version_is_final BEFORE UPDATE ON dataset_version
BEGIN SELECT RAISE(ABORT, 'a dataset version never changes'); END;
CREATE TRIGGER dataset_version_stays BEFORE DELETE ON dataset_version
BEGIN SELECT RAISE(ABORT, 'a dataset version never changes'); END;

INSERT INTO project (key, value) VALUES ('seed', lower(hex(randomblob(16))));
"""

# `reading` says how the files are to be read where they do not say so themselves, and `file` holds the further
# files of an image whose channels or planes lie in files of their own; the first one is the image's own path.
_VERSION_2 = """
ALTER TABLE image ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image ADD COLUMN fixed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN reading TEXT;
ALTER TABLE image ADD COLUMN channel_names TEXT;
ALTER TABLE image ADD COLUMN pixel_size TEXT;

CREATE TABLE file (
    image_id INTEGER NOT NULL REFERENCES image (id),
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    origin TEXT,
    size INTEGER,
    mtime_ns INTEGER,
    PRIMARY KEY (image_id, position)
) WITHOUT ROWID;
CREATE INDEX file_source ON file (COALESCE(origin, path));
CREATE INDEX image_pixels ON image (pixel_hash) WHERE pixel_hash IS NOT NULL AND removed = 0;

ALTER TABLE operation ADD COLUMN base INTEGER;
"""

# `key` is what labels with a category in the labeler, and `refused` the category of the prediction that a person
# has said no to.
_VERSION_3 = """
ALTER TABLE category ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _VERSION_3)


def open_folder(path: Path, mode: str) -> Database:
    """Open or make a project folder and its database, and touch nothing that is not a project.

    Parameters
    ----------
    path : Path
        The folder, absolute.
    mode : {"a", "r", "r+", "x"}

    Returns
    -------
    Database

    Raises
    ------
    NotAProjectError
        If the folder holds other things, or there is none where one must be.
    ProjectError
        If the mode is unknown, or a project is there already and ``mode`` is ``"x"``.
    """
    if mode not in ("a", "r", "r+", "x"):
        raise ProjectError(
            f'The mode is {mode!r}; it must be "a" (open or create), "r" (read-only), "r+" (must exist) or'
            ' "x" (must not exist).'
        )
    # Imported here: it puts copies of what is described above in its place.
    from .safety.backups import advice, refuse_lost

    refuse_lost(path)
    try:
        exists = (path / DATABASE_NAME).is_file()
    except OSError as error:
        raise ProjectError(
            f"The project {path} cannot be reached: {error.strerror}. Check its name and the folder's rights."
        ) from error
    if exists and mode == "x":
        raise ProjectError(f'There is a project at {path} already; open it with mode "a" or "r+".')
    if not exists:
        if mode in ("r", "r+"):
            raise NotAProjectError(f'There is no project at {path}. mode="a" makes a new one.')
        _make_folder(path)
    database = Database(
        path / DATABASE_NAME,
        application_id=APPLICATION_ID,
        migrations=MIGRATIONS,
        what="project",
        synchronous="FULL",
        read_only=mode == "r",
        foreign=NotAProjectError,
        advice=advice,
    )
    if not exists and mode == "a":
        # Below the working folder as one would type it: a notebook that is sent to others names no machine's folders.
        print(
            f"Created the project {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}"
        )
    return database


def _make_folder(path: Path) -> None:
    if path.exists():
        if not path.is_dir():
            raise NotAProjectError(f"{path} is a file, not a project folder; it was left as it is.")
        # Another process may be creating the same project right now.
        strangers = sorted(
            name
            for name in os.listdir(path)
            if name not in _OURS and not name.startswith((DATABASE_NAME, ".probe-"))
        )
        if strangers and not (path / DATABASE_NAME).is_file():
            raise NotAProjectError(
                f"{path} holds other files ({', '.join(strangers[:3])}{' …' if len(strangers) > 3 else ''}) and is"
                " no project; it was left as it is. Name an empty or a new folder."
            )
    try:
        for folder in (path, path / IMAGES_FOLDER, path / CACHE_FOLDER):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"The project {path} cannot be created: {error.strerror}. Choose another place."
        ) from error

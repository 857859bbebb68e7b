"""Checkpoint files: whole or not there, few, and only written by the attempt that is the current one."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.engine.jobs.checkpoints import Checkpoint, Checkpoints, Position, decode, encode
from piximi_widgets.errors import StaleAttemptError
from piximi_widgets.experiments import ExperimentStore


def checkpoint(epoch: int = 1, part: int = 0) -> Checkpoint:
    arrays = {
        "model/0000": np.arange(6, dtype=np.float32).reshape(2, 3) * epoch,
        "model/0001": np.array(7, np.int64),
        "file": np.zeros((0, 4), np.float16),
    }
    return Checkpoint(Position(part, 0, epoch, 10, 40, 44, "ab"), arrays, {"rate": 0.1, "best": None})


@pytest.fixture
def store(tmp_path):
    with ExperimentStore(f"sqlite:///{tmp_path / 'experiments.db'}") as store:
        yield store


@pytest.fixture
def checkpoints(store):
    return Checkpoints(store.create_experiment("run"))


def test_what_is_written_comes_back(checkpoints):
    checkpoints.write(checkpoint())
    found = checkpoints.newest(part=0)
    assert found.position == checkpoint().position
    assert found.position.epochs_done == 11
    assert found.values == {"rate": 0.1, "best": None}
    assert list(found.arrays) == ["model/0000", "model/0001", "file"]
    for name, array in checkpoint().arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_the_newest_two_are_kept(checkpoints):
    for epoch in range(1, 6):
        checkpoints.write(checkpoint(epoch))
    assert len(list(checkpoints.folder.iterdir())) == 2
    assert checkpoints.newest(part=0).position.epoch == 5


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_one_falls_back_to_the_one_before(checkpoints, damage):
    checkpoints.write(checkpoint(3))
    newest = checkpoints.write(checkpoint(4))
    data = newest.read_bytes()
    flipped = bytearray(data)
    flipped[-60] ^= 1
    newest.write_bytes({"cut": data[:-1], "flipped": bytes(flipped), "empty": b"", "other": b"PK"}[damage])
    assert checkpoints.newest(part=0).position.epoch == 3


def test_any_flipped_bit_is_noticed():
    data = encode(checkpoint())
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(data), 200):
        changed = bytearray(data)
        changed[place] ^= 1 << int(generator.integers(8))
        with pytest.raises(ValueError, match="damaged"):
            decode(bytes(changed))


def test_objects_that_would_need_pickle_are_refused():
    hostile = Checkpoint(checkpoint().position, {"model/0000": np.array([print], dtype=object)}, {})
    with pytest.raises(ValueError, match="Object arrays"):
        encode(hostile)


def test_only_those_of_the_part_are_found(checkpoints):
    checkpoints.write(checkpoint(part=0))
    assert checkpoints.newest(part=1) is None
    checkpoints.write(checkpoint(part=1))
    assert checkpoints.newest(part=1) is not None


def test_clear_leaves_nothing_and_may_be_repeated(checkpoints):
    checkpoints.write(checkpoint())
    (checkpoints.folder / "00000002.4711").write_bytes(b"half of one, of a process that was killed")
    checkpoints.clear()
    checkpoints.clear()
    assert not checkpoints.folder.exists()
    assert checkpoints.newest(part=0) is None


def test_a_killed_writers_leftover_goes_with_the_next_one(checkpoints):
    checkpoints.write(checkpoint())
    (checkpoints.folder / "00000002.4711").write_bytes(b"half of one")
    (checkpoints.folder / ".00000002.4711.xyz.part").write_bytes(b"half of one")
    checkpoints.write(checkpoint(2))
    assert len(list(checkpoints.folder.iterdir())) == 2


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_short_epochs_share_one(store):
    clock = Clock()
    checkpoints = Checkpoints(store.create_experiment("run"), clock)
    assert checkpoints.is_due, "the first epoch has one"
    checkpoints.write(checkpoint())
    clock.now += 0.2
    assert not checkpoints.is_due
    clock.now += 0.06
    assert checkpoints.is_due


def test_a_slow_disk_takes_a_twentieth_of_the_time(store, monkeypatch):
    clock = Clock()
    checkpoints = Checkpoints(store.create_experiment("run"), clock)

    def slow(path, data):
        path.write_bytes(data)
        clock.now += 1.0

    monkeypatch.setattr("piximi_widgets.engine.jobs.checkpoints.write_atomically", slow)
    checkpoints.write(checkpoint())
    clock.now += 19.9
    assert not checkpoints.is_due
    clock.now += 0.2
    assert checkpoints.is_due


@pytest.fixture
def taken_over(store):
    """Checkpoints of a worker on another host that was silent for long, after somebody else went on with its job."""
    experiment = store.create_experiment("run")
    job = store.enqueue(experiment, "train", {"dataset": "x"}, "python")
    worker = store.register_worker(
        "a", host="elsewhere", lock="workers/a.lock", log="workers/a.log", environment="python"
    )
    claimed = store.claim(worker, "python", 0)
    stale = Checkpoints(claimed.experiment)
    stale.write(checkpoint(1))
    with store.database.write() as connection:
        connection.execute("UPDATE worker SET heartbeat = 0")
    assert experiment.status == "INTERRUPTED"
    store.enqueue(experiment, "train", {"dataset": "x"}, "python", after_attempt=job.attempt)
    return stale


def test_a_worker_that_lost_its_attempt_writes_none(taken_over):
    before = {file: file.read_bytes() for file in taken_over.folder.iterdir()}
    with pytest.raises(StaleAttemptError):
        taken_over.write(checkpoint(2))
    assert {file: file.read_bytes() for file in taken_over.folder.iterdir()} == before


def test_a_worker_that_lost_its_attempt_removes_none(taken_over):
    with pytest.raises(StaleAttemptError):
        taken_over.clear()
    assert taken_over.newest(part=0).position.epoch == 1

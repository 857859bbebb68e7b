"""However many processes look at work without a worker, one worker is started."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from piximi_widgets.engine import launcher
from piximi_widgets.engine.starting import take_start

from .conftest import Place

LOOKER = """
import sys, time
from piximi_widgets.engine import launcher
from piximi_widgets.experiments import ExperimentStore
launcher._PATIENCE_SECONDS = 0.0
store = ExperimentStore(sys.argv[1])
print("there", flush=True)
sys.stdin.readline()
for _ in range(60):
    launcher.attend(store)
    time.sleep(0.05)
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def lookers(place: Place):
    command = [sys.executable, "-c", LOOKER, place.store.url]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    yield started
    for looker in started:
        looker.kill()
        looker.communicate()
    for worker in place.store.live_workers():
        psutil.Process(worker.pid).kill()


def test_of_three_kernels_that_look_at_once_one_starts_a_worker(place: Place, lookers):
    experiment = place.store.create_experiment("seen by all")
    place.store.enqueue(experiment, "predict", {"ids": []}, launcher.environment(place.dataset.path))
    for looker in lookers:
        assert looker.stdout.readline() == "there\n"
    for looker in lookers:
        looker.stdin.write("go\n")
        looker.stdin.flush()
    for looker in lookers:
        assert looker.stdout.readline() == "done\n"
    with place.store.database.read() as connection:
        ((registered,),) = connection.execute("SELECT count(*) FROM worker").fetchall()
    children = [child for looker in lookers for child in psutil.Process(looker.pid).children()]
    assert (registered, len(children)) == (1, 1)


def test_the_right_to_start_one_is_one_environments_and_comes_back(place: Place):
    store = place.store
    first = take_start(store, "here")
    assert first is not None
    assert take_start(store, "here") is None
    other = take_start(store, "elsewhere")
    assert other is not None
    first.release()
    again = take_start(store, "here")
    assert again is not None
    for lock in (again, other):
        lock.release()


def test_a_worker_that_is_known_gives_it_back(place: Place):
    wanted = launcher.environment(place.dataset.path)
    launcher.warm(place.store, place.dataset.path)
    try:
        assert take_start(place.store, wanted) is None
        deadline = time.monotonic() + 60
        while not (workers := place.store.live_workers(wanted)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        psutil.Process(workers[0].pid).kill()
        while (lock := take_start(place.store, wanted)) is None:
            assert time.monotonic() < deadline, "it was never given back"
            time.sleep(0.02)
        lock.release()
    finally:
        for worker in place.store.live_workers():
            psutil.Process(worker.pid).kill()

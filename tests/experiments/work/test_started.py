"""``start()`` of a person's own training: RUNNING while its process lives, and no longer."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore, Status

_START = """
import os, sys
from piximi_widgets.experiments import ExperimentStore
experiment = ExperimentStore(sys.argv[1])["first"]
experiment.start()
experiment.log_metrics({"loss": 0.5})
print("started", flush=True)
sys.stdin.readline()
if sys.argv[2] == "finish":
    experiment.finish()
os._exit(9)
"""


def begin(store, how: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_START), store.url, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "started\n"
    return process


def test_a_process_that_vanishes_leaves_it_interrupted(store, experiment, query):
    process = begin(store, "vanish")
    assert experiment.status is Status.RUNNING
    process.communicate("\n")
    assert experiment.status is Status.INTERRUPTED
    assert "vanished" in experiment.error
    assert experiment.ended is not None
    assert experiment.metrics_array("loss")[1].tolist() == [0.5]
    assert query("SELECT count(*) FROM started") == [(0,)]


def test_one_that_finishes_keeps_what_it_says(store, experiment):
    begin(store, "finish").communicate("\n")
    assert experiment.status is Status.SUCCESS
    assert not list((store.folder / "workers").glob("start-*"))


def test_it_stays_running_when_the_store_is_closed_and_opened_again(store, experiment):
    experiment.start()
    store.close()
    with ExperimentStore(store.url) as again:
        assert again["first"].status is Status.RUNNING
        again["first"].finish("FAILED", error="caf\udce9")
        assert again["first"].status is Status.FAILED
        assert again["first"].error == "caf\\udce9"


def test_starting_twice_in_one_process_is_one_training(store, experiment):
    experiment.start()
    experiment.start()
    assert experiment.status is Status.RUNNING
    assert len(list((store.folder / "workers").glob("start-*"))) == 1
    experiment.finish()
    assert experiment.status is Status.SUCCESS


def test_it_is_not_deleted_while_it_runs(experiment):
    experiment.start()
    with pytest.raises(StoreError, match="finish"):
        experiment.delete()
    assert not experiment.is_deleted
    experiment.finish()
    experiment.delete()
    assert experiment.is_deleted


def test_one_whose_process_vanished_can_be_deleted(store, experiment):
    begin(store, "vanish").communicate("\n")
    experiment.delete()
    assert experiment.is_deleted
    assert experiment.status is Status.INTERRUPTED

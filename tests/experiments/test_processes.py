"""Several processes on one store: nothing is lost, doubled or given out twice."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import pytest

from piximi_widgets.experiments import JobState, Status

_PREAMBLE = """
import sys, time
from pathlib import Path
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.storage import FileLock
store = ExperimentStore(sys.argv[1])
uid = sys.argv[2]

def register():
    (store.folder / "workers").mkdir(exist_ok=True)
    lock = FileLock(store.folder / "workers" / f"{uid}.lock")
    assert lock.acquire()
    return lock, store.register_worker(
        uid, lock=f"workers/{uid}.lock", log=f"workers/{uid}.log", environment="here"
    )
"""


def start(store, uid: str, script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PREAMBLE + textwrap.dedent(script), store.url, uid],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def test_eight_processes_write_at_once_without_an_error(store, experiment):
    script = """
    sys.stdin.readline()
    mine = store["first"]
    for step in range(1, 26):
        mine.log_metrics({f"{uid}/loss": step, f"{uid}/accuracy": -step}, step=step)
        mine.log_metrics({"shared": 1.0})
        if step % 10 == 0:
            mine.log(f"{uid} table", {"step": step})
            mine.telemetry.append(f"{uid} {step}")
            mine.artifacts.store("config", uid.encode())
    """
    processes = [start(store, f"p{number}", script) for number in range(8)]
    outputs = [process.communicate("go\n", timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, outputs
    for number in range(8):
        assert experiment.metrics_array(f"p{number}/loss")[1].tolist() == list(range(1, 26))
    assert experiment.metrics_array("shared")[0].tolist() == list(range(1, 201))
    assert [line.number for line in experiment.telemetry.lines()] == list(range(1, 17))
    assert [experiment.get_log(f"p{number} table").data for number in range(8)] == [{"step": 20}] * 8
    assert [version.version for version in experiment.artifacts["config"].versions] == list(range(1, 17))
    report = store.check(deep=True)
    assert report.ok, report


def test_exactly_one_process_wins_each_job(store):
    processes = [
        start(
            store,
            f"w{number}",
            """
            lock, worker = register()
            print("ready", flush=True)
            sys.stdin.readline()
            won = []
            for _ in range(40):
                job = store.claim(worker, "here", 0)
                if job is not None:
                    won.append(job.id)
            print(*won, flush=True)
            sys.stdin.readline()
            """,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    jobs = [store.enqueue(store.create_experiment(f"e{n}"), "train", {}, "here").id for n in range(12)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [int(job) for process in processes for job in process.stdout.readline().split()]
    assert sorted(won) == jobs
    assert all(job.state is JobState.RUNNING for job in store.jobs())
    for process in processes:
        process.communicate("end\n", timeout=60)


def test_a_killed_worker_is_noticed_and_its_output_kept(store, experiment):
    job = store.enqueue(experiment, "train", {}, "here")
    worker = start(
        store,
        "doomed",
        """
        lock, worker = register()
        job = store.claim(worker, "here", 0)
        log = (store.folder / worker.log).open("wb", buffering=0)
        log.write(b"told\\n")
        job.append_output(["told"], 5)
        job.experiment.log_metrics({"loss": 0.5})
        log.write(b"not told yet\\nand un")
        print("ready", flush=True)
        time.sleep(600)
        """,
    )
    try:
        assert worker.stdout.readline() == "ready\n"
        assert experiment.status is Status.RUNNING
        worker.send_signal(signal.SIGKILL)
        worker.wait(30)
    finally:
        worker.kill()
    assert experiment.status is Status.INTERRUPTED
    assert job.refresh().state is JobState.LOST
    assert [line.text for line in experiment.telemetry.lines()] == ["told", "not told yet", "and un"]
    assert experiment.metrics_array("loss")[1].tolist() == [0.5]


def kill_while_logging(store, seconds: float, name: str) -> None:
    """What a process was told to be kept is there after SIGKILL, once, and the store is sound."""
    experiment = store.create_experiment(name)
    writer = start(
        store,
        name,
        """
        mine = store[uid]
        step = 0
        while True:
            step += 1
            mine.log_metrics({f"m{index}": step + index / 16 for index in range(10)}, step=step)
            sys.stdout.write(f"m{step}\\n")
            if step % 3 == 0:
                mine.artifacts.store("file", f"{uid} {step}".encode() * 1000)
                sys.stdout.write(f"a{step}\\n")
                mine.telemetry.append(f"line {step}")
                sys.stdout.write(f"t{step}\\n")
            sys.stdout.flush()
        """,
    )
    try:
        first = writer.stdout.readline()
        time.sleep(seconds)
    finally:
        writer.send_signal(signal.SIGKILL)
    # By the same reader: communicate() would pass over what it has read beyond the first line.
    told = (first + writer.stdout.read()).split("\n")[:-1]
    writer.wait(30)
    last = {kind: max((int(line[1:]) for line in told if line[0] == kind), default=0) for kind in "mat"}
    for index in range(10):
        steps, values = experiment.metrics_array(f"m{index}")
        # what one round has committed may not have been said yet
        assert len(steps) - last["m"] in (0, 1)
        assert steps.tolist() == list(range(1, len(steps) + 1))
        assert values.tolist() == [step + index / 16 for step in steps.tolist()]
    versions = experiment.artifacts["file"].versions if "file" in experiment.artifacts else []
    assert len(versions) - last["a"] // 3 in (0, 1)
    for number, version in enumerate(versions, 1):
        assert version.path.read_bytes() == f"{name} {3 * number}".encode() * 1000
    lines = [line.text for line in experiment.telemetry.lines()]
    assert len(lines) - last["t"] // 3 in (0, 1)
    assert lines == [f"line {3 * number}" for number in range(1, len(lines) + 1)]
    report = store.check(deep=True)
    assert report.ok, report
    connection = sqlite3.connect(store.database.path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


@pytest.mark.parametrize("seed", range(5))
def test_sigkill_loses_nothing_that_was_acknowledged(store, seed):
    kill_while_logging(store, random.Random(seed).uniform(0.0, 0.4), f"killed {seed}")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_sigkill_at_many_random_points(store):
    generator = random.Random(7)
    for number in range(200):
        kill_while_logging(store, generator.uniform(0.0, 0.5), f"killed {number}")

"""Following: every point, line, log and file once, from whatever process, until the experiment ends."""

from __future__ import annotations

import _thread
import json
import math
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import Event, ExperimentStore, MetricPoint, Status
from piximi_widgets.experiments.metrics.writing import fold_all
from piximi_widgets.experiments.watching.following import _Follower


def points(events):
    return [(event.name, *event.data) for event in events if event.kind == "metric"]


def kinds(events):
    return [event.kind for event in events]


def fold_now(store, experiment):
    with store.database.write() as connection:
        fold_all(connection, experiment.id)


def test_what_is_there_already_comes_first(store, experiment, tmp_path):
    experiment.log_metrics({"train/loss": 0.5, "train/accuracy": math.nan}, step=1)
    experiment.telemetry.append("--#-- Train")
    experiment.telemetry.append("hello", stream="stderr")
    experiment.log("table", {"a": 1})
    (tmp_path / "note.txt").write_text("four")
    experiment.artifacts.store("note", tmp_path / "note.txt")
    experiment.add_evaluations("test", [7], [0], [[0.5, 0.5]], ["a", "b"])
    experiment.parameters = {"epochs": 3}
    experiment.start()
    experiment.finish()
    events = list(ExperimentStore(store.url)["first"].follow())
    assert all(isinstance(event, Event) for event in events)
    assert all(experiment.created <= event.time <= datetime.now(UTC) for event in events)
    found = {(event.kind, event.name): event.data for event in events}
    assert repr(points(events)) == repr([("train/loss", 1, 0.5), ("train/accuracy", 1, math.nan)])
    assert isinstance(found["metric", "train/loss"], MetricPoint)
    assert (found["line", "Train"].text, found["line", "Train"].stream) == ("hello", "stderr")
    assert found["log", "table"] == {"a": 1}
    assert found["log", "labelmap"] == {}
    assert found["log", "parameters"] == {"epochs": 3}
    assert {name: found["artifact", "note"][name] for name in ("version", "filename", "size")} == {
        "version": 1,
        "filename": "note.txt",
        "size": 4,
    }
    assert found["evaluation", "test"] == {"images": 1}
    assert events[-1].data is Status.SUCCESS
    assert len(events) == 9


def test_from_now_on_leaves_out_what_was_there(experiment):
    experiment.log_metrics({"loss": 1.0}, step=1)
    experiment.telemetry.append("old")
    events = experiment.follow(timeout=0, from_start=False)
    experiment.log_metrics({"loss": 2.0}, step=2)
    experiment.telemetry.append("new")
    found = list(events)
    assert points(found) == [("loss", 2, 2.0)]
    assert [event.data.text for event in found if event.kind == "line"] == ["new"]
    assert set(kinds(found)) == {"metric", "line"}


def test_a_follower_sees_what_comes_and_ends_with_the_experiment(store, experiment):
    experiment.start()
    events = []

    def collect():
        with ExperimentStore(store.url) as other:
            events.extend(other["first"].follow(timeout=30))

    thread = threading.Thread(target=collect)
    thread.start()
    for step in range(1, 6):
        experiment.log_metrics({"loss": float(step)}, step=step)
        time.sleep(0.05)
    experiment.finish("FAILED", error="no luck")
    begun = time.monotonic()
    thread.join(20)
    assert time.monotonic() - begun < 5
    assert points(events) == [("loss", step, float(step)) for step in range(1, 6)]
    assert [event.data for event in events if event.kind == "status"] == [Status.RUNNING, Status.FAILED]


def test_corrections_of_folded_and_of_waiting_steps_are_events(store, experiment):
    experiment.log_metrics({"loss": 1.0, "other": 1.0}, step=1)
    experiment.log_metrics({"loss": 2.0, "other": 2.0}, step=9)
    fold_now(store, experiment)
    experiment.log_metrics({"loss": 10.0}, step=10)
    events = experiment.follow(timeout=0, from_start=False)
    time.sleep(0.002)
    experiment.log_metrics({"loss": 1.5}, step=1)
    experiment.log_metrics({"loss": 5.5}, step=5)
    experiment.log_metrics({"loss": 10.5}, step=10)
    fold_now(store, experiment)
    assert sorted(points(events)) == [("loss", 1, 1.5), ("loss", 5, 5.5), ("loss", 10, 10.5)]


_calls = st.lists(
    st.one_of(
        st.tuples(st.just("log"), st.none() | st.integers(-3, 20), st.sampled_from(["a", "b", "p/a"])),
        st.tuples(st.just("fold")),
        st.tuples(st.just("look")),
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    with ExperimentStore(tmp_path_factory.mktemp("follow") / "follow.db") as store:
        yield store


@settings(max_examples=80, deadline=None)
@given(_calls)
def test_each_look_brings_what_was_logged_since_the_last_one(shared_store, calls):
    from piximi_widgets.experiments.watching.following import _Follower

    experiment = shared_store.create_experiment("model", if_exists="rename")
    follower = _Follower(experiment)
    expected: dict[tuple[str, int], float] = {}
    for number, (kind, *values) in enumerate([*calls, ("look",)]):
        if kind == "log":
            step, name = values
            # every value is another one, so that a written one always differs
            experiment.log_metrics({name: number}, step=step)
            if step is None:
                step = int(experiment.metrics_array(name)[0][-1])
            expected[name, step] = float(number)
        elif kind == "fold":
            fold_now(shared_store, experiment)
        else:
            found, _ = follower.look()
            seen = [(one[2], one[3].step, one[3].value) for one in found if one[1] == "metric"]
            assert sorted(seen) == sorted((*key, value) for key, value in expected.items())
            expected = {}


def test_two_writing_processes_lose_and_double_nothing(store, experiment):
    script = """
    import random, sys, time
    from piximi_widgets.experiments import ExperimentStore
    mine, number = ExperimentStore(sys.argv[1])["first"], int(sys.argv[2])
    random.seed(number)
    steps = list(range(number, 800, 2))
    random.shuffle(steps)
    sys.stdin.readline()
    for step in steps:
        mine.log_metrics({"shared": step + 0.5, f"own{number}": -step}, step=step)
        if step % 40 < 2:
            mine.telemetry.append(f"{number} {step}")
    """
    experiment.start()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), store.url, str(number)],
            stdin=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    follow = """
    import json, sys
    from piximi_widgets.experiments import ExperimentStore
    for event in ExperimentStore(sys.argv[1])["first"].follow(timeout=60):
        text = event.data.text if event.kind == "line" else event.data
        print(json.dumps([event.kind, event.name, text]))
    """
    reader = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(follow), store.url],
        stdout=subprocess.PIPE,
        text=True,
    )
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(60) for writer in writers] == [0, 0]
    for writer in writers:
        writer.stdin.close()
    experiment.finish()
    output, _ = reader.communicate(timeout=60)
    events = [json.loads(line) for line in output.splitlines()]
    got = [(name, *data) for kind, name, data in events if kind == "metric"]
    wanted = [("shared", step, step + 0.5) for step in range(800)]
    wanted += [(f"own{step % 2}", step, -float(step)) for step in range(800)]
    assert sorted(got) == sorted(wanted)
    lines = [data for kind, _, data in events if kind == "line"]
    assert sorted(lines) == sorted(f"{step % 2} {step}" for step in range(800) if step % 40 < 2)
    assert events[-1] == ["status", "status", "SUCCESS"]


def test_a_progress_line_that_was_replaced_comes_again_under_its_number(experiment):
    experiment.telemetry.append("start")
    experiment.telemetry.progress("1 of 2")
    follower = experiment.follow(timeout=0.5)
    seen = []
    for event in follower:
        if event.kind == "line":
            seen.append((event.data.number, event.data.text))
            if event.data.text == "1 of 2":
                experiment.telemetry.progress("2 of 2")
                experiment.telemetry.append("end")
    assert seen == [(1, "start"), (2, "1 of 2"), (2, "2 of 2"), (3, "end")]


def test_a_changed_log_comes_again_and_an_unchanged_one_does_not(experiment):
    seen = []
    for event in experiment.follow(timeout=0.6):
        if event.kind == "log" and event.name == "table":
            seen.append(event.data)
        if event.kind == "status":
            experiment.log("table", {"a": 1})
        elif seen == [{"a": 1}]:
            experiment.log("table", {"a": 2})
    assert seen == [{"a": 1}, {"a": 2}]


def test_a_worker_that_vanished_ends_it_as_interrupted(store, experiment, hire):
    worker, lock = hire("here")
    store.enqueue(experiment, "train", {}, "here")
    store.claim(worker, "here", 0)
    reader = ExperimentStore(store.url, read_only=True)
    statuses = []
    for event in reader["first"].follow(timeout=20):
        statuses.append(event.data)
        lock.release()
    ours = [event.data for event in experiment.follow(timeout=20) if event.kind == "status"]
    reader.close()
    assert statuses[-1] is Status.INTERRUPTED
    assert ours == [Status.INTERRUPTED]
    assert experiment.status is Status.INTERRUPTED


def test_a_timeout_ends_it_and_waiting_costs_next_to_nothing(experiment):
    events = experiment.follow(timeout=2.0)
    begun, busy = time.monotonic(), time.process_time()
    assert set(kinds(events)) == {"status", "log"}
    assert 1.9 < time.monotonic() - begun < 4
    assert time.process_time() - busy < 0.3


def test_ctrl_c_leaves_the_experiment_and_no_thread(experiment):
    experiment.start()
    # A program that was started in the background ignores Ctrl+C unless it is told not to.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.4, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(experiment.follow(timeout=20))
    finally:
        timer.join()
        signal.signal(signal.SIGINT, former)
    assert experiment.status is Status.RUNNING
    experiment.log_metrics({"loss": 1.0})
    assert points(experiment.follow(timeout=0)) == [("loss", 1, 1.0)]


@pytest.mark.parametrize("timeout", [-1, "3", math.nan])
def test_what_is_no_timeout_is_refused(experiment, timeout):
    with pytest.raises(StoreError, match="seconds"):
        experiment.follow(timeout)


def points_of(events):
    return [(name, point.step, point.value) for _, kind, name, point in events if kind == "metric"]


def test_a_line_alone_in_its_phase_is_followed_through_an_update(experiment):
    experiment.log("line", {"steps": list(range(100)), "values": [0.0] * 100})
    follower = _Follower(experiment)
    follower.look()
    experiment.get_log("line").update({"steps": list(range(50)), "values": [5.0] * 50})
    assert points_of(follower.look()[0]) == [("line", step, 5.0) for step in range(50)]
    assert points_of(follower.look()[0]) == []


def test_what_is_logged_after_all_logs_were_deleted_is_followed(experiment):
    experiment.log("line", {"steps": list(range(100)), "values": [0.0] * 100})
    follower = _Follower(experiment)
    follower.look()
    experiment.delete_logs()
    experiment.log("line", {"steps": list(range(50)), "values": [7.0] * 50})
    experiment.log("new", {"steps": [3, 4], "values": [8.0, 9.0]})
    assert sorted(points_of(follower.look()[0])) == [
        *(("line", step, 7.0) for step in range(50)),
        ("new", 3, 8.0),
        ("new", 4, 9.0),
    ]


def test_points_after_the_longest_line_of_a_phase_was_deleted_are_followed(store, experiment):
    experiment.log("long", {"steps": list(range(60)), "values": [0.0] * 60})
    experiment.log("short", {"steps": list(range(10)), "values": [0.0] * 10})
    follower = _Follower(experiment)
    follower.look()
    experiment.get_log("long").delete()
    experiment.log("short", {"steps": [10, 11], "values": [1.0, 2.0]})
    experiment.log("short", {"steps": [12, 13], "values": [3.0, 4.0]})
    assert points_of(follower.look()[0]) == [(("short", step, step - 9.0)) for step in (10, 11, 12, 13)]


def test_notes_of_corrections_are_pruned_and_nothing_is_missed(experiment, query):
    steps = list(range(5000))
    experiment.log("line", {"steps": steps, "values": [0.0] * 5000})
    experiment.log_metrics({"other": 1.0}, step=7)
    early, late = _Follower(experiment), _Follower(experiment)
    early.look()
    late.look()
    for value in (1.0, 2.0, 3.0):
        experiment.log("line", {"steps": steps, "values": [value] * 5000})
        assert points_of(early.look()[0]) == [("line", step, value) for step in steps]
    assert query("SELECT count(*) < 1100 FROM point_correction") == [(1,)]
    assert points_of(late.look()[0]) == [("line", step, 3.0) for step in steps]
    experiment.log("line", {"steps": [9, 10], "values": [4.0, 5.0]})
    assert points_of(early.look()[0]) == points_of(late.look()[0]) == [("line", 9, 4.0), ("line", 10, 5.0)]
    experiment.get_log("line").delete()
    assert query("SELECT count(*) < 3 FROM point_correction") == [(1,)]

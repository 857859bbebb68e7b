"""Printed output goes into the telemetry and still onto the screen."""

from __future__ import annotations

import io
import sqlite3
import sys
import threading

import pytest

from piximi_widgets.errors import ReadOnlyError
from piximi_widgets.experiments import ExperimentStore
from piximi_widgets.experiments.watching import capturing


def texts(experiment):
    return [(line.chapter, line.stream, line.text) for line in experiment.telemetry.lines()]


def test_what_is_printed_is_kept_and_shown(experiment, capsys):
    with experiment.telemetry.capture():
        print("--#-- Train")
        print("loss", 0.5)
        print("careful", file=sys.stderr)
        sys.stdout.write("no end")
    assert texts(experiment) == [
        ("Train", "stdout", "loss 0.5"),
        ("Train", "stderr", "careful"),
        ("Train", "stdout", "no end"),
    ]
    shown = capsys.readouterr()
    assert shown.out == "--#-- Train\nloss 0.5\nno end"
    assert shown.err == "careful\n"


def test_a_line_is_kept_when_print_returns(experiment, query):
    with experiment.telemetry.capture():
        print("first")
        assert query("SELECT text FROM telemetry_line") == [("first",)]


def test_the_streams_are_put_back_also_after_an_error(experiment):
    before = sys.stdout, sys.stderr

    def fail():
        print("one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), experiment.telemetry.capture():
        fail()
    assert (sys.stdout, sys.stderr) == before
    print("two")
    assert [line[2] for line in texts(experiment)] == ["one"]


def test_a_progress_bar_is_one_line(experiment):
    from tqdm import tqdm

    with experiment.telemetry.capture():
        print("before")
        for _ in tqdm(range(50), mininterval=0, ascii=True):
            pass
        print("after")
    lines = texts(experiment)
    assert len(lines) == 3
    assert [line[2] for line in lines if line[1] == "stdout"] == ["before", "after"]
    (bar,) = [line[2] for line in lines if line[1] == "stderr"]
    assert bar.startswith("100%")
    assert "50/50" in bar


def test_the_lines_of_threads_stay_whole(experiment):
    def say(name):
        for index in range(20):
            sys.stdout.write(f"{name} {index}\n")

    with experiment.telemetry.capture():
        threads = [threading.Thread(target=say, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [line[2] for line in texts(experiment)]
    for name in "ab":
        assert [text for text in found if text[0] == name] == [f"{name} {index}" for index in range(20)]


def test_a_stream_that_somebody_put_before_ours_stays(experiment, capsys):
    before = sys.stdout
    theirs = io.StringIO()
    try:
        with experiment.telemetry.capture():
            sys.stdout, ours = theirs, sys.stdout
        assert sys.stdout is theirs
        print("later", file=ours)
        assert capsys.readouterr().out == "later\n"
        assert texts(experiment) == []
    finally:
        sys.stdout = before


def test_a_store_that_is_gone_ends_the_capture_and_not_the_training(store, experiment, capsys):
    with experiment.telemetry.capture():
        print("kept")
        store.close()
        with pytest.warns(UserWarning, match="no longer goes into the telemetry"):
            print("lost")
        print("shown")
    assert capsys.readouterr().out == "kept\nlost\nshown\n"


def test_a_read_only_store_refuses_at_once(store, experiment):
    with ExperimentStore(store.url, read_only=True) as reader, pytest.raises(ReadOnlyError):
        reader["first"].telemetry.capture().__enter__()
    assert experiment.telemetry.lines() == []


def test_text_without_utf8_is_printed_and_kept_as_an_escape(experiment, monkeypatch):
    class Screen(io.StringIO):
        encoding = "utf-8"

    monkeypatch.setattr(sys, "stdout", Screen())
    with experiment.telemetry.capture():
        print("caf\udce9.tif")
    assert sys.stdout.getvalue() == "caf\udce9.tif\n"
    assert texts(experiment) == [("", "stdout", "caf\\udce9.tif")]


@pytest.mark.parametrize("error", [sqlite3.OperationalError("database is locked"), "purged"])
def test_print_goes_on_where_the_store_does_not(experiment, monkeypatch, capsys, error):
    with experiment.telemetry.capture():
        if error == "purged":
            experiment.delete()
            experiment.purge()
        else:

            def fail(*_, **__):
                raise error

            monkeypatch.setattr("piximi_widgets.experiments.watching.telemetry.append_lines", fail)
        with pytest.warns(UserWarning, match="no longer goes into the telemetry"):
            print("hello")
        print("again")
    assert capsys.readouterr().out == "hello\nagain\n"


def test_dots_without_an_end_of_line_are_put_together_once(experiment, monkeypatch, capsys):
    joined = []
    split = capturing._split
    monkeypatch.setattr(capturing, "_split", lambda text: joined.append(text) or split(text))
    with experiment.telemetry.capture():
        for _ in range(5000):
            print(".", end="")
        print()
    assert joined == ["." * 5000 + "\n"]
    assert texts(experiment) == [("", "stdout", "." * 5000)]


def test_an_end_of_line_may_come_in_two_parts(experiment, capsys):
    with experiment.telemetry.capture():
        for part in ("one\r", "\n", "two\r", "three\n"):
            sys.stdout.write(part)
    assert [text for *_, text in texts(experiment)] == ["one", "three"]

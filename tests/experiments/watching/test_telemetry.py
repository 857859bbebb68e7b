"""Telemetry: numbered lines in chapters; a terminal would show the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piximi_widgets.errors import LogError
from piximi_widgets.experiments import split_output


def texts(experiment):
    return [line.text for line in experiment.telemetry.lines()]


def test_lines_have_number_time_stream_and_chapter(experiment, query):
    telemetry = experiment.telemetry
    telemetry.append("before")
    telemetry.start_chapter("Train")
    telemetry.append(["one", "two\nthree"], stream="stderr")
    telemetry.append("--#-- Evaluate \nfour")
    lines = telemetry.lines()
    assert [(line.number, line.stream, line.chapter, line.text) for line in lines] == [
        (1, "output", "", "before"),
        (2, "stderr", "Train", "one"),
        (3, "stderr", "Train", "two"),
        (4, "stderr", "Train", "three"),
        (5, "output", "Evaluate", "four"),
    ]
    assert all(line.time >= experiment.created for line in lines)
    assert telemetry.lines(after=3)[0] == lines[3]
    assert len(telemetry) == 5
    assert query("SELECT count(*) FROM telemetry_line") == [(5,)]


def test_a_chapter_needs_a_name(experiment):
    with pytest.raises(LogError):
        experiment.telemetry.start_chapter(" ")


def test_a_line_that_ends_with_a_return_is_replaced_also_by_a_later_call(experiment):
    experiment.telemetry.append(["start", "10%\r"])
    experiment.telemetry.append("20%\r")
    assert texts(experiment) == ["start", "20%"]
    experiment.telemetry.append(["100%", "end"])
    lines = experiment.telemetry.lines()
    assert [(line.number, line.text) for line in lines] == [(1, "start"), (2, "100%"), (3, "end")]


def test_a_line_that_starts_with_a_return_replaces_only_progress(experiment):
    experiment.telemetry.append(["start", "\r10%", "\r20%"])
    experiment.telemetry.append("\r30%")
    assert texts(experiment) == ["start", "30%"]
    experiment.telemetry.append(["end", "\rnew"])
    assert texts(experiment) == ["start", "30%", "end", "new"]


def test_inside_a_line_the_last_stretch_is_shown(experiment):
    experiment.telemetry.append("\r10%\r20%\r30%")
    assert texts(experiment) == ["30%"]


def test_an_empty_line_ends_progress_and_an_ordinary_one_stays(experiment):
    experiment.telemetry.append(["10%\r"])
    experiment.telemetry.append(["", "next", "", "last"])
    assert texts(experiment) == ["10%", "next", "", "last"]


def test_streams_and_chapters_do_not_replace_each_other(experiment):
    experiment.telemetry.append("10%\r", stream="stderr")
    experiment.telemetry.append("loss 0.3", stream="stdout")
    experiment.telemetry.append("20%\r", stream="stderr")
    experiment.telemetry.start_chapter("Next")
    experiment.telemetry.append("30%\r", stream="stderr")
    assert texts(experiment) == ["10%", "loss 0.3", "20%", "30%"]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"epoch\n\r10%|#\r20%|##\r100%|###\ndone\n", ["epoch", "100%|###", "done"]),
        (b"1/3\r2/3\r3/3\r\nnext\n", ["3/3", "next"]),
        ("Zellen: ü\n".encode(), ["Zellen: ü"]),
        (b"bad \xff byte\n", ["bad \N{REPLACEMENT CHARACTER} byte"]),
        (b"no end", ["no end"]),
        (b"\n\nx", ["", "", "x"]),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_output_shows_the_same_however_it_is_cut(store, data, shown, chunk):
    experiment = store.create_experiment("output")
    rest = b""
    for start in range(0, len(data), chunk):
        rest += data[start : start + chunk]
        lines, consumed = split_output(rest)
        experiment.telemetry.append(lines)
        rest = rest[consumed:]
    lines, consumed = split_output(rest, final=True)
    experiment.telemetry.append(lines)
    assert consumed == len(rest)
    assert texts(experiment) == shown


@given(st.binary(max_size=60).map(lambda data: data.replace(b"x", b"\n").replace(b"y", b"\r")))
def test_no_byte_is_lost_or_read_twice(data):
    lines, consumed = split_output(data)
    assert b"\n" not in data[consumed:]
    assert b"\r" not in data[consumed:]
    everything, all_bytes = split_output(data, final=True)
    assert all_bytes == len(data)
    assert everything[: len(lines)] == lines
    assert len(everything) - len(lines) == (consumed < len(data))


def test_progress_replaces_its_own_line_and_no_other(experiment):
    telemetry = experiment.telemetry
    telemetry.append("start")
    telemetry.progress("10%")
    telemetry.progress("20%")
    assert texts(experiment) == ["start", "20%"]
    telemetry.append("a word")
    telemetry.progress("30%")
    telemetry.progress("")
    telemetry.progress("40%")
    assert texts(experiment) == ["start", "20%", "a word", "40%"]


@pytest.mark.parametrize("text", ["a\nb", "a\rb", 3, None, "--#-- Chapter"])
def test_progress_is_one_line(experiment, text):
    with pytest.raises(LogError, match="one line"):
        experiment.telemetry.progress(text)
    assert texts(experiment) == []


def test_the_exit_code_is_known_once_it_has_ended(experiment):
    assert experiment.telemetry.exit_code is None
    experiment.start()
    experiment.finish("FAILED", exit_code=-9)
    assert experiment.telemetry.exit_code == -9


def test_a_chapter_without_a_line_is_kept_when_the_next_one_begins(experiment):
    experiment.telemetry.start_chapter("A")
    experiment.telemetry.start_chapter("B")
    experiment.telemetry.append(["--#-- C", "--#-- D", "x"])
    assert [(line.chapter, line.text) for line in experiment.telemetry.lines()] == [
        ("A", ""),
        ("B", ""),
        ("C", ""),
        ("D", "x"),
    ]


def test_what_is_no_text_is_refused(experiment):
    with pytest.raises(LogError, match="string"):
        experiment.telemetry.append([1, 2])
    experiment.telemetry.append("caf\udce9")
    assert [line.text for line in experiment.telemetry.lines()] == ["caf\\udce9"]

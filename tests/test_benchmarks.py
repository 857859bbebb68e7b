"""The benchmarks' runner; the benchmarks themselves are run by hand."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest

from tests.benchmarks import __main__ as runner


@pytest.mark.parametrize("name", runner.names())
def test_each_benchmark_has_a_title_and_can_be_run(name: str):
    module = importlib.import_module(f"tests.benchmarks.{name}")
    assert isinstance(module.TITLE, str)
    assert isinstance(module.run, Callable)


def test_scanning_is_measured_against_every_peer_and_budget():
    """Small enough for every run; the numbers themselves mean nothing then."""
    rows = importlib.import_module("tests.benchmarks.scan").run(pngs=30, tiffs=5, rounds=1)
    units = {row["label"]: row["unit"] for row in rows}
    assert {"add_images, 30 PNG", "Pillow loop, PNG", "tifffile loop, 16-bit TIFF"} <= set(units)
    assert all(row["value"] > 0 for row in rows)


def test_a_large_project_is_measured_from_opening_to_its_dataset_version():
    rows = importlib.import_module("tests.benchmarks.large_project").run(
        images=200, pngs=10, tiff_images=80, tiffs=4
    )
    budgets = [row["label"] for row in rows if "budget" in row["note"]]
    assert any(label.startswith("open") for label in budgets)
    assert sum("thumbnails anywhere" in label for label in budgets) == 2
    assert sum("memory" in label for label in budgets) == 3
    assert all(row["value"] > 0 for row in rows if row["unit"] != "MB")


def test_the_names_are_listed(capsys: pytest.CaptureFixture[str]):
    assert runner.main(["--list"]) == 0
    assert "import_time" in capsys.readouterr().out.split()


def test_an_unknown_name_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        runner.main(["import_tiem"])
    assert "import_time" in capsys.readouterr().err


def test_a_table_aligns_its_columns_and_keeps_three_digits():
    rows = [
        {"label": "short", "value": 0.123456, "unit": "s"},
        {"label": "much longer", "value": 12345.6, "unit": "images/s", "note": "warm"},
        {"label": "count", "value": 7, "unit": ""},
    ]
    assert runner.table(rows).splitlines() == [
        "  short         0.123 s",
        "  much longer  12,346 images/s  warm",
        "  count             7",
    ]


def test_one_failing_benchmark_does_not_hide_the_next(monkeypatch, capsys):
    class Broken:
        TITLE = "A broken one"

        @staticmethod
        def run():
            raise RuntimeError("no such peer")

    class Sound:
        TITLE = "A sound one"

        @staticmethod
        def run():
            return [{"label": "answer", "value": 42}]

    monkeypatch.setattr(runner, "names", lambda: ["broken", "sound"])
    modules = {"tests.benchmarks.broken": Broken, "tests.benchmarks.sound": Sound}
    monkeypatch.setattr(runner.importlib, "import_module", modules.__getitem__)
    assert runner.main([]) == 1
    shown = capsys.readouterr().out
    assert "no such peer" in shown
    assert "answer" in shown

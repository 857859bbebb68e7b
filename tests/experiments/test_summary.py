"""What an experiment shows in a notebook that no kernel runs."""

from __future__ import annotations

import base64
import io
import math
import re
import subprocess
import sys

import numpy as np
from PIL import Image

from piximi_widgets.experiments.summary import curves_png


def test_header_parameters_and_curves_are_shown_and_escaped(store):
    experiment = store.create_experiment(
        "<b>bold</b>", description="<script>alert(1)</script>", parameters={"<i>": "<u>"}, tags=["<t>"]
    )
    experiment.log_metrics({"loss": 0.5, "accuracy": math.nan}, step=1, phase="train")
    experiment.log_metrics({"loss": math.inf, "accuracy": 0.5}, step=2, phase="train")
    experiment.artifacts.store("a&b", b"")
    experiment.start()
    experiment.finish("FAILED", error="<Error>")
    html = experiment._repr_html_()
    assert "<script" not in html
    for tag in ("<b>", "<i>", "<u>", "<t>", "<Error>"):
        assert tag not in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "a&amp;b" in html
    assert "FAILED" in html
    picture = base64.b64decode(re.search(r"base64,([^']+)'", html)[1])
    assert Image.open(io.BytesIO(picture)).width > 300


def test_parent_and_children_are_shown(store):
    parent = store.create_experiment("<i>run", parameters={"a": 1})
    child = store.create_experiment("<i>run", parameters={"a": 2}, if_exists="reuse")
    assert "Parent</th><td style='text-align:left'>&lt;i&gt;run, with other parameters" in child._repr_html_()
    assert "Children</th><td style='text-align:left'>&lt;i&gt;run 2<" in parent._repr_html_()
    for text in (parent._repr_html_(), store.create_experiment("other")._repr_html_()):
        assert "Parent" not in text
    assert "Children" not in child._repr_html_()


def test_a_large_experiment_stays_small(store):
    experiment = store.create_experiment("large", parameters={f"p{n}": "x" * 10_000 for n in range(500)})
    experiment.describe("y" * 1_000_000)
    experiment.log("train/loss", np.random.default_rng(0).random(20_000))
    experiment.start()
    experiment.finish("FAILED", error="z" * 1_000_000)
    assert len(experiment._repr_html_()) < 200_000


def test_a_store_shows_its_newest_experiments_escaped(store):
    store.create_experiment("older", tags=["<t>"]).log("val/loss", [0.5, 0.25, 0.75])
    newer = store.create_experiment("<b>newer")
    newer.start()
    newer.finish("FAILED")
    newer.log("batch/loss", [1.0])
    html = store._repr_html_()
    assert html.index("&lt;b&gt;newer") < html.index("older")
    for shown in ("2 experiments", "FAILED", "0.25", "best val/loss", "&lt;t&gt;"):
        assert shown in html
    for hidden in ("<b>", "<t>", "<script", "batch/loss"):
        assert hidden not in html


def test_a_large_store_stays_small(store):
    with store.database.write() as connection:
        connection.executemany(
            "INSERT INTO experiment (uid, name, status, creator, created) VALUES (?, ?, 'WAITING', 'x', 0)",
            [(f"u{number}", f"experiment number {number:04}") for number in range(1000)],
        )
    html = store._repr_html_()
    assert "1000 experiments, the newest 50 of them" in html
    assert "number 0999" in html
    assert "number 0949" not in html
    assert len(html) < 50_000


def test_a_store_without_experiments_says_so(store):
    html = store._repr_html_()
    assert "0 experiments" in html
    assert "<table" not in html


def test_there_is_no_picture_without_curves(experiment):
    assert curves_png(experiment) is None
    experiment.log_metrics({"batch/loss": 1})
    assert curves_png(experiment) is None
    assert "<img" not in experiment._repr_html_()
    experiment.log_metrics({"$weird_metric$": 1})
    assert curves_png(experiment)[:4] == b"\x89PNG"


def test_the_room_loads_neither_pandas_nor_matplotlib_nor_tensorflow(tmp_path):
    script = """
import sys
from piximi_widgets.experiments import ExperimentStore
experiment = ExperimentStore(sys.argv[1]).create_experiment("x")
experiment.log_metrics({"loss": 1.0})
experiment.metrics_array("loss")
print(*({"pandas", "matplotlib", "tensorflow", "keras", "IPython"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "x.db")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"

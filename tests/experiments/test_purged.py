"""A handle on an experiment that was purged: every write says so, and none leaves anything."""

from __future__ import annotations

import pytest

from piximi_widgets.errors import ExperimentNotFoundError

WRITES = {
    "metrics with names that were logged before": lambda e: e.log_metrics({"loss": 2.0}, step=2),
    "the next step": lambda e: e.log_metrics({"loss": 2.0}),
    "new metrics": lambda e: e.log_metrics({"accuracy": 2.0}),
    "a table": lambda e: e.log("table", {"a": 1}),
    "a line": lambda e: e.log("loss", [1.0, 2.0]),
    "notes": lambda e: setattr(e, "notes", "text"),
    "no parameters": lambda e: setattr(e, "parameters", {}),
    "parameters": lambda e: setattr(e, "parameters", {"a": 1}),
    "tags": lambda e: setattr(e, "tags", ["a"]),
    "start": lambda e: e.start(),
    "finish": lambda e: e.finish(),
    "rename": lambda e: e.rename("other"),
    "describe": lambda e: e.describe("other"),
    "telemetry": lambda e: e.telemetry.append("line"),
    "artifact": lambda e: e.artifacts.store("model", b"1"),
    "delete_logs": lambda e: e.delete_logs(),
    "delete": lambda e: e.delete(),
    "evaluations": lambda e: e.add_evaluations("val", [1], [0], [[1.0]], ["a"]),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_says_that_it_was_purged(store, experiment, query, write):
    experiment.log_metrics({"loss": 1.0}, step=1)
    handle = store["first"]
    experiment.delete()
    experiment.purge()
    with pytest.raises(ExperimentNotFoundError, match="purged"):
        WRITES[write](handle)
    for table in ("experiment", "phase", "series", "point", "log", "parameter", "tag", "artifact", "started"):
        assert query(f"SELECT count(*) FROM {table}") == [(0,)]

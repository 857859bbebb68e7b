"""What is wrong with settings, in words for the person who made them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError


def sentences(error: ValidationError, details: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """One sentence for each field with a problem.

    Parameters
    ----------
    error : ValidationError
    details : mapping
        ``label`` and ``expects`` of every field there is.
    """
    problems: dict[str, str] = {}
    for item in error.errors(include_url=False, include_context=False):
        name = str(item["loc"][0]) if item["loc"] else "settings"
        # A union reports one error for each of its branches; the first names the field, and one sentence is enough.
        if name in problems:
            continue
        if name not in details:
            problems[name] = f"There is no setting of this name.{_hint(name, details)}"
            continue
        got = item["input"] if len(item["loc"]) == 1 else _whole_value(error, name)
        problems[name] = f"{details[name]['label']} must be {details[name]['expects']}; got {got!r:.60}."
    return problems


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else f" There are: {', '.join(known)}."


def _whole_value(error: ValidationError, name: str) -> Any:
    # Errors inside a tuple carry only the bad member; the "auto" branch of the same union carries the whole value.
    mine = [item for item in error.errors(include_url=False, include_context=False) if item["loc"][0] == name]
    whole = (item["input"] for item in mine if item["type"] in ("literal_error", "tuple_type"))
    return next(whole, mine[0]["input"])

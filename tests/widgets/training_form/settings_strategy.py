"""Random settings, drawn from what each field allows."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st

from piximi_widgets.engine.architectures import names
from piximi_widgets.engine.config import TrainingConfig

_WORDS = st.text("abcdefghijklmnopqrstuvwxyzäÄ0123456789_-. /\\:", min_size=1, max_size=40)
_SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "architecture": st.sampled_from(names()),
    "base_weights": st.one_of(
        st.sampled_from(["imagenet", "none"]), _WORDS.map(lambda name: f"/data/{name.strip()}.h5")
    ),
    "input_shape": st.one_of(
        st.just("auto"),
        st.tuples(st.integers(1, 2048), st.integers(1, 2048), st.one_of(st.just("auto"), st.integers(1, 64))),
    ),
    "channels": st.one_of(
        st.just("all"), st.lists(st.integers(0, 1023), min_size=1, max_size=8, unique=True).map(tuple)
    ),
    "plane": st.one_of(st.sampled_from(["middle", "max"]), st.integers(0, 65535)),
}


def _values(name: str) -> st.SearchStrategy[Any]:
    field = TrainingConfig.model_fields[name]
    if name in _SPECIAL:
        return _SPECIAL[name]
    if get_origin(field.annotation) is Literal:
        return st.sampled_from(get_args(field.annotation))
    if field.annotation is bool:
        return st.booleans()
    limits: dict[str, Any] = {}
    for rule in field.metadata:
        for key in ("ge", "gt", "le", "lt"):
            if hasattr(rule, key):
                limits[key] = getattr(rule, key)
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    if field.annotation is int:
        return st.integers(low, high)
    return st.floats(low, high, exclude_min="gt" in limits, exclude_max="lt" in limits)


def configs() -> st.SearchStrategy[TrainingConfig]:
    """Any settings; some left at their defaults, so that presets occur too."""
    return st.fixed_dictionaries(
        {}, optional={name: _values(name) for name in TrainingConfig.model_fields}
    ).map(lambda given: TrainingConfig(**given))

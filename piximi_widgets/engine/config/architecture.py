"""Which network is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pydantic import field_validator

from ..architectures import names
from .fields import Group, setting

_recorded = ContextVar("recorded", default=False)


@contextmanager
def recorded() -> Iterator[None]:
    """Within the block settings may name an architecture that is registered elsewhere."""
    token = _recorded.set(True)
    try:
        yield
    finally:
        _recorded.reset(token)


class ArchitectureSettings(Group):
    """The network, and what is known of its weights before the training."""

    architecture: str = setting(
        "small-resnet",
        group="Architecture",
        title="Architecture",
        expects="'simple-cnn', 'small-resnet', 'mobilenet', or the name of one that was registered",
        description="The network: small-resnet was more often right on all samples that both were tried on; simple-cnn, "
        "Piximi's, has two convolutions and one dense layer, and takes a third of the time; mobilenet was trained on "
        "photographs and learns from few images. Others come from pw.register_architecture.",
    )
    base_weights: str = setting(
        "imagenet",
        group="Architecture",
        title="Base weights",
        expects="'imagenet', 'none', or the path of a Keras weights file",
        description="What mobilenet knows before the training: imagenet is fetched once from keras' own address and "
        "checked by its hash; a path names such a file, for machines without a network; none begins at random.",
        only_with={"architecture": ("mobilenet",)},
        min_length=1,
        max_length=4096,
    )
    fine_tuned_blocks: int = setting(
        0,
        group="Architecture",
        title="Fine-tuned blocks",
        expects="a whole number from 0 to 13",
        description="How many of mobilenet's last blocks are trained too, in a second stage with a tenth of the learning "
        "rate; 0 trains the last layer only.",
        advanced=True,
        only_with={"architecture": ("mobilenet",)},
        ge=0,
        le=13,
    )
    fine_tuning_epochs: int = setting(
        10,
        group="Architecture",
        title="Fine-tuning epochs",
        expects="a whole number from 1 to 10000",
        description="How long the second stage of mobilenet lasts, after the other epochs.",
        advanced=True,
        only_with={"architecture": ("mobilenet",), "fine_tuned_blocks": tuple(range(1, 14))},
        ge=1,
        le=10_000,
    )

    @field_validator("architecture", mode="after")
    @classmethod
    def _refuse_an_unknown_one(cls, value: str) -> str:
        if value not in names() and not _recorded.get():
            raise ValueError("no architecture has this name")
        return value

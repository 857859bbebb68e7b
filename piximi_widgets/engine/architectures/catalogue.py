"""The networks that the package brings: their names, and the smallest images that they take."""

from __future__ import annotations

#: Height and width below which a network has nothing left after its convolutions.
MINIMUM_SIZE = {"simple-cnn": 16, "small-resnet": 16, "mobilenet": 32}

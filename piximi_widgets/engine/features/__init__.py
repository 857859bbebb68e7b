"""The frozen part of a network is computed once: its features are kept, and only what stands on them is trained.

A base is folded, compiled, and asked for the features of each image, which are kept on disk under the hash of its pixels.
What lives here uses TensorFlow inside of functions, LiteRT where it is installed, and storage; the training job uses it.
"""

from .cache import FeatureCache
from .compiled import CompiledBase, compile_base
from .extractor import FeatureExtractor
from .fold import fold
from .frozen import frozen_training

__all__ = ["CompiledBase", "FeatureCache", "FeatureExtractor", "compile_base", "fold", "frozen_training"]

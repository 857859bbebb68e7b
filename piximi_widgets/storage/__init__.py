"""Files that survive: SQLite databases, OS locks and atomic writes.

What lives here knows nothing of images or experiments. It may use the standard library, NumPy and our
errors. The dataset and the experiment rooms keep their databases through it, the engine its locks.
"""

from .database import Database
from .files import write_atomically
from .locks import FileLock
from .poller import Subscription

__all__ = ["Database", "FileLock", "Subscription", "write_atomically"]

"""How long work says how far it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_DELAY_SECONDS = 1.0


@contextmanager
def shown(
    progress: bool | Callable[[int, int], object], total: int, unit: str = "images"
) -> Iterator[Callable[[int, int], object]]:
    """Give what work tells its progress to: the callable itself, or a bar on the screen.

    Parameters
    ----------
    progress : bool or callable
        True: a bar, in a notebook a widget, that appears when the work takes longer than a second. False: nothing.
    total : int
        How much there is to do.

    Yields
    ------
    callable
        Takes what is done and the total.
    """
    if callable(progress):
        yield progress
        return
    if not progress:
        yield lambda done, total: None
        return
    with warnings.catch_warnings():
        # tqdm warns where a notebook shows no widgets, and then writes text as it should.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    with tqdm(total=total, unit=f" {unit}", delay=_DELAY_SECONDS, leave=False) as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield tell

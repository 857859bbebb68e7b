"""A training outlives whatever happens to the kernel that started it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from jupyter_client.manager import KernelManager, start_new_kernel

import piximi_widgets as pw

pytestmark = pytest.mark.training

START = """
import piximi_widgets as pw
project = pw.Project({path!r})
experiment = project.fit(pw.TrainingConfig(epochs=10_000, batch_size=8), name="long")
"""


class Kernel:
    """A real IPython kernel, without a browser."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel()
        assert isinstance(self.manager, KernelManager)

    def run(self, code: str, wait: bool = True) -> str | None:
        """Execute a cell; the name of its exception, or None."""
        if not wait:
            self.client.execute(code)
            return None
        return self.client.execute_interactive(code, timeout=60)["content"].get("ename")

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.client.stop_channels()
    if kernel.manager.is_alive():
        kernel.manager.shutdown_kernel(now=True)


def interrupt(kernel: Kernel) -> None:
    kernel.run("experiment.wait()", wait=False)
    time.sleep(0.5)
    kernel.manager.interrupt_kernel()


def restart(kernel: Kernel) -> None:
    kernel.manager.restart_kernel(now=False)


def shut_down(kernel: Kernel) -> None:
    kernel.manager.shutdown_kernel(now=False)


def kill(kernel: Kernel) -> None:
    os.kill(kernel.pid, signal.SIGKILL)


@pytest.mark.parametrize("happening", [interrupt, restart, shut_down, kill])
def test_the_training_goes_on(
    project: pw.Project, kernel: Kernel, happening: Callable[[Kernel], None]
) -> None:
    """Interrupt, restart, shutdown and SIGKILL leave it running, and any process can still stop it."""
    assert kernel.run(START.format(path=str(project.path))) is None
    experiment = project.experiments["long"]
    assert epochs_after(experiment, 2)
    happening(kernel)
    seen = len(experiment.history)
    assert epochs_after(experiment, seen + 5), f"no epoch after {happening.__name__}"
    assert experiment.status == "RUNNING"
    experiment.stop()
    experiment.wait(timeout=60)
    assert experiment.status == "CANCELED"
    history = experiment.history
    assert list(history.index) == list(range(1, len(history) + 1)), "the curve has a hole"


def test_an_interrupted_wait_leaves_the_kernel_usable(project: pw.Project, kernel: Kernel) -> None:
    kernel.run(START.format(path=str(project.path)))
    assert epochs_after(project.experiments["long"], 1)
    interrupt(kernel)
    assert kernel.run("assert experiment.status == 'RUNNING'") is None
    assert kernel.run("experiment.stop(); experiment.wait()") is None


def epochs_after(experiment: pw.Experiment, count: int) -> bool:
    """Wait until the record holds `count` epochs."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if len(experiment.metrics_array("train/loss")[0]) >= count:
            return True
        time.sleep(0.05)
    return False

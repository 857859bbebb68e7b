"""The notebooks: they run from top to bottom, and read well, as committed, where no kernel runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
ids = [path.stem for path in NOTEBOOKS]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=ids)

# Folders in which people and machines keep things; a reader of the notebook has another machine.
MACHINE_PATH = re.compile(r"(?<![\w.])(?:/(?:home|Users|root|tmp|work|private|var|opt|mnt)/\w|[A-Z]:\\\\?\w)")
PICTURES = ("text/html", "image/png", "image/svg+xml", "image/jpeg")


def code_cells(path: Path) -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def outputs(path: Path) -> Iterator[Any]:
    for cell in code_cells(path):
        yield from cell.outputs


def texts(output: Any) -> Iterator[str]:
    """Yield what a reader can read of an output; the base64 of pictures is not text."""
    if output.output_type == "stream":
        yield output.text
    for mime, content in output.get("data", {}).items():
        if not mime.startswith("image/"):
            yield re.sub(r"data:image/[\w+]+;base64,[\w+/=]+", "", str(content))


def test_the_quickstart_is_there_and_short():
    assert "01-quickstart" in ids
    assert len(nbformat.read(FOLDER / "01-quickstart.ipynb", as_version=4).cells) < 25


@pytest.mark.training
@pytest.mark.timeout(900)
@each_notebook
def test_it_runs_from_top_to_bottom(path: Path, tmp_path: Path):
    shutil.copy(path, tmp_path)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    if path.stem == "01-quickstart":
        printed = "".join(
            output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output
        )
        (accuracy,) = re.findall(r"(0\.\d+) of 1497 digits", printed)
        assert float(accuracy) >= 0.9


@each_notebook
def test_it_names_the_kernel_that_everybody_has(path: Path):
    # Any other name makes JupyterLab ask for a kernel before anything runs.
    assert nbformat.read(path, as_version=4).metadata["kernelspec"]["name"] == "python3"


@each_notebook
def test_it_was_committed_after_one_run_from_top_to_bottom(path: Path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_no_committed_output_is_an_error(path: Path):
    assert [output.get("evalue") for output in outputs(path) if output.output_type == "error"] == []


@each_notebook
def test_no_committed_output_names_a_place_on_somebody_s_machine(path: Path):
    found = [
        match[0]
        for output in outputs(path)
        for text in texts(output)
        for match in MACHINE_PATH.finditer(text)
    ]
    assert found == []


@each_notebook
def test_every_committed_output_can_be_read_without_a_kernel(path: Path):
    unreadable = [
        sorted(output.data)
        for output in outputs(path)
        if any(mime.startswith("application/") for mime in output.get("data", {}))
        and not any(mime in output.data for mime in PICTURES)
    ]
    assert unreadable == []


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("made /home/ada/cells", True),
        ("'/tmp/x'", True),
        ("C:\\Users\\ada", True),
        ("Created digits/ with 1797 images", False),
        ("see example.org/home/page", False),
    ],
)
def test_what_counts_as_a_place_on_somebody_s_machine(text: str, is_one: bool):
    assert bool(MACHINE_PATH.search(text)) == is_one

"""The committed bundle is what the sources make, and their checks pass."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WIDGETS = ROOT / "piximi_widgets" / "widgets"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "node_modules" / "esbuild").exists(),
    reason="needs Node and `npm install`",
)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


def test_the_committed_bundles_equal_a_rebuild(tmp_path: Path) -> None:
    result = run("node", "tools/build.mjs", "--out", str(tmp_path))
    assert result.returncode == 0, result.stderr
    rebuilt = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert {str(path) for path in rebuilt} >= {"labeler/labeler.js", "labeler/labeler.css"}
    for path, content in rebuilt.items():
        committed = WIDGETS / path.parts[0] / "static" / path.name
        assert committed.read_bytes() == content, f"{committed} is out of date: npm run build"


def test_the_types_of_the_javascript_hold() -> None:
    result = run("node", "node_modules/typescript/bin/tsc", "--project", "jsconfig.json")
    assert result.returncode == 0, result.stdout


def test_the_logic_of_the_javascript_holds() -> None:
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "js").glob("*.test.js"))
    result = run("node", "--test", "--test-force-exit", *files)
    assert result.returncode == 0, result.stdout

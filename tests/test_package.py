"""The package as a whole: what importing it costs, who imports whom, and what an installation holds."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import piximi_widgets
from tests.benchmarks import import_time

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "piximi_widgets"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Slow or large enough that a user who does not need them must not wait for them.
HEAVY = {"tensorflow", "keras", "pandas", "bqplot", "sklearn", "matplotlib"}

PUBLIC_NAMES = {
    *("Project", "DatasetVersion", "TrainingConfig", "Experiment", "Evaluation", "Classifier"),
    *("ExperimentStore", "LogType", "KerasLogger", "errors", "samples"),
    *("Studio", "Labeler", "TrainingForm", "TrainingMonitor", "EvaluationView"),
}

# Imported by us, and brought by a dependency whose interface they are.
COMES_WITH = {
    "keras": "tensorflow",
    "traitlets": "ipywidgets",
    "IPython": "ipywidgets",
    "comm": "ipywidgets",
    "pydantic_core": "pydantic",
    "h5py": "tensorflow",
}
# Needed without being imported.
NOT_IMPORTED = {"jupyterlab"}


def python(code: str, executable: str | Path = sys.executable, **options) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    result = subprocess.run([executable, "-c", code], capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


# Import -----------------------------------------------------------------------------------------------------


def test_import_loads_nothing_heavy():
    loaded = python(
        "import sys, piximi_widgets; print('\\n'.join({name.split('.')[0] for name in sys.modules}))"
    )
    assert "piximi_widgets" in loaded.split()
    assert HEAVY & set(loaded.split()) == set()


def test_import_is_within_its_budget():
    ours, theirs = import_time.medians("import piximi_widgets", "import ipywidgets", repeats=3)
    assert ours <= 3 * theirs


def test_every_public_name_resolves_and_none_loads_tensorflow():
    loaded = python(
        "import sys, piximi_widgets as pw\n"
        "for name in pw.__all__: assert getattr(pw, name) is not None, name\n"
        "assert set(pw.__all__) <= set(dir(pw))\n"
        "print('\\n'.join(sys.modules))"
    )
    assert {"tensorflow", "keras"} & set(loaded.split()) == set()


def test_the_public_names_are_those_that_notebooks_in_the_world_call():
    assert set(piximi_widgets.__all__) >= PUBLIC_NAMES


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Projekt"):
        piximi_widgets.Projekt  # noqa: B018


# Who imports whom -------------------------------------------------------------------------------------------


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """Return the top-level names that these statements import from outside the package."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names - {"piximi_widgets"}


def statements_run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a module without the bodies of functions and of ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from statements_run_at_import(child)


def test_heavy_libraries_are_imported_inside_functions_only():
    at_import = {
        path.relative_to(PACKAGE).as_posix(): imported(statements_run_at_import(ast.parse(path.read_text())))
        for path in modules()
    }
    assert {path: names & HEAVY for path, names in at_import.items() if names & HEAVY} == {}


def test_the_rooms_import_each_other_as_designed():
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


# Dependencies -----------------------------------------------------------------------------------------------


def distribution(requirement: str) -> str:
    """Return the normalised name of the distribution that a requirement asks for."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def imports_of_the_package() -> set[str]:
    """Return the distributions whose modules the package imports."""
    names = set().union(*(imported(ast.walk(ast.parse(path.read_text()))) for path in modules()))
    providers = packages_distributions()
    found = set()
    for name in names - set(sys.stdlib_module_names) - {"__future__"}:
        assert name in COMES_WITH or name in providers, f"{name} is imported and not installed"
        found.add(COMES_WITH.get(name) or distribution(providers[name][0]))
    return found


def test_what_is_imported_is_declared_and_what_is_declared_is_used():
    declared = {distribution(requirement) for requirement in PROJECT["dependencies"]}
    assert imports_of_the_package() == declared - NOT_IMPORTED


def test_binder_lists_the_same_dependencies_with_the_small_tensorflow():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    listed = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    ours = {
        re.sub(r"^tensorflow\b", "tensorflow-cpu", requirement) for requirement in PROJECT["dependencies"]
    }
    assert listed == ours


def test_one_version_everywhere():
    assert PROJECT["version"] == piximi_widgets.__version__
    assert f"\nversion: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {PROJECT['version']} " in (ROOT / "CHANGELOG.md").read_text()


# What an installation holds ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from the sdist."""
    folder = tmp_path_factory.mktemp("distributions")
    result = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def files_to_ship() -> set[str]:
    ours = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in ours}


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(distributions: Path):
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == files_to_ship()
    assert "piximi_widgets/py.typed" in held


def test_the_wheel_holds_what_the_browser_needs(distributions: Path):
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    for suffix in (".js", ".css"):
        in_tree = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob(f"*{suffix}")}
        assert in_tree, f"the package has no {suffix} file at all"
        assert in_tree <= held


def test_the_sdist_holds_the_licence_the_tests_and_the_notebooks(distributions: Path):
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml"} <= held
    assert {"tests/test_package.py", "notebooks/01-quickstart.ipynb"} <= held


IMPORT_EVERY_MODULE = """
import importlib, json, pkgutil, piximi_widgets
names = [module.name for module in pkgutil.walk_packages(piximi_widgets.__path__, "piximi_widgets.")]
for name in names:
    importlib.import_module(name)
print(json.dumps({"file": piximi_widgets.__file__, "modules": names}))
"""


def test_the_wheel_installs_without_node_and_every_module_imports(distributions: Path, tmp_path: Path):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    executable = environment / "bin" / "python"
    (wheel,) = distributions.glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        executable,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*install, wheel], check=True, env={**os.environ, "PATH": "/nonexistent"})
    # The dependencies come from this environment; its own editable piximi_widgets stays invisible, because the .pth files
    # of a folder that is itself named in a .pth file are not read.
    packages = Path(python("import sysconfig; print(sysconfig.get_paths()['purelib'])", executable).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    shown = json.loads(
        python(IMPORT_EVERY_MODULE, executable, cwd=tmp_path, env={**os.environ, "PATH": "/nonexistent"})
    )
    assert Path(shown["file"]).is_relative_to(environment)
    assert len(shown["modules"]) + 1 == len(modules())


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_wheel_brings_all_that_it_needs_into_an_empty_environment(distributions: Path, tmp_path: Path):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    executable = environment / "bin" / "python"
    (wheel,) = distributions.glob("*.whl")
    without_node = {**os.environ, "PATH": "/nonexistent"}
    subprocess.run([executable, "-m", "pip", "install", "--quiet", wheel], check=True, env=without_node)
    shown = json.loads(python(IMPORT_EVERY_MODULE, executable, cwd=tmp_path, env=without_node))
    assert len(shown["modules"]) + 1 == len(modules())
    python("import tensorflow, bqplot, jupyterlab", executable, cwd=tmp_path, env=without_node)

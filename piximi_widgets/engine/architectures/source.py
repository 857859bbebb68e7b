"""The source code of one function, complete enough to run in another process."""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
import symtable
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from ...errors import ConfigurationError

_LONGEST = 65_536
_NAMED_AT_MOST = 5
# Annotations are for readers; under this rule none is evaluated, so that they may use names of their file.
_RULE = "from __future__ import annotations\n"


def source_of(build: Callable[..., Any]) -> str:
    """Return the source of a function that stands on its own.

    Parameters
    ----------
    build : function
        Written with ``def``, in a notebook's cell or in a file; called as ``build(input_shape, classes)``.

    Returns
    -------
    str
        Dedented, with its decorators, ending in a newline.

    Raises
    ------
    ConfigurationError
        It is no such function, has no source, or uses names from outside; the message names them.
    """
    if not inspect.isfunction(build) or build.__name__ == "<lambda>":
        what = (
            "a lambda"
            if getattr(build, "__name__", "") == "<lambda>"
            else f"{type(build).__name__} {build!r:.60}"
        )
        raise problem(
            f"An architecture is a function written with def, whose source can be kept; got {what}. Write "
            "def build(input_shape, classes): … and give build."
        )
    outer = build.__code__.co_freevars
    if outer:
        raise problem(_uses(build.__name__, outer, "the function around it"))
    try:
        source = textwrap.dedent(inspect.getsource(build)).rstrip() + "\n"
    except (OSError, TypeError) as error:
        raise problem(
            f"Python finds no source for {build.__name__!r} ({error}). Write the function in a notebook's cell or in a file."
        ) from None
    check_source(source)
    return source


def check_source(source: str) -> str:
    """Return the name of the only function in `source`.

    Raises
    ------
    ConfigurationError
        `source` is not one function of two arguments that stands on its own. Nothing of it is run to find out.
    """
    if len(source) > _LONGEST:
        raise problem(f"The function has {len(source)} characters; at most {_LONGEST} are kept. Shorten it.")
    try:
        statements = ast.parse(source).body
        table = symtable.symtable(_RULE + source, "<architecture>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise problem(
            f"The function is no Python source ({str(error) or type(error).__name__:.200})."
        ) from None
    if len(statements) != 1 or not isinstance(statements[0], ast.FunctionDef):
        raise problem("The source must be one function written with def, and nothing beside it.")
    function = statements[0]
    outer = sorted(set(_outer_names(table)) - {function.name})
    if outer:
        raise problem(_uses(function.name, outer, "outside"))
    _check_arguments(function)
    return function.name


def compiled(source: str, filename: str) -> CodeType:
    """Compile a source that `check_source` has passed."""
    code: CodeType = compile(
        source, filename, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True
    )
    return code


def problem(sentence: str) -> ConfigurationError:
    """Return the error for an architecture that cannot be used."""
    return ConfigurationError({"architecture": sentence})


def _outer_names(table: symtable.SymbolTable) -> Iterator[str]:
    """Every name that would be looked up outside the source, and every one that would be set there."""
    if table.get_type() == "annotation":
        return
    at_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        outside = not (symbol.is_assigned() or symbol.is_imported()) if at_top else symbol.is_global()
        if symbol.is_declared_global() or (outside and not hasattr(builtins, symbol.get_name())):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _outer_names(child)


def _check_arguments(function: ast.FunctionDef) -> None:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    required = len(positional) - len(given.defaults)
    keywords = [
        name.arg for name, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None
    ]
    enough = len(positional) >= 2 or given.vararg is not None
    if required > 2 or not enough or keywords:
        raise problem(
            f"{function.name!r} is called as {function.name}(input_shape, classes), but takes "
            f"({ast.unparse(given)}). Give it these two arguments; others need a default."
        )


def _uses(function: str, names: Any, where: str) -> str:
    shown = ", ".join(list(names)[:_NAMED_AT_MOST]) + (", …" if len(names) > _NAMED_AT_MOST else "")
    return (
        f"{function!r} uses {shown} from {where}, which another process does not have. Import and define inside the function "
        "what it uses, for example with 'import keras' as its first line."
    )

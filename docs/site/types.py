"""Types and comments of the code, as a reader of the reference sees them."""

from __future__ import annotations

import ast
import functools
import inspect
import math
import sys
import types
from collections.abc import Iterator
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs

from lemlist_async.core.names import fields_of
from lemlist_async.core.validation import Between, Form, Length

HIDDEN = {"extra", "_source"}
"""Fields of every model, which one sentence explains for all."""


@attrs.frozen
class Field:
    """One argument of a call, one option, or one field of a model."""

    name: str
    type: str
    default: str
    about: str


def shown(hint: Any) -> str:
    """Return a type as code: without marks, with literals spelled out."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in {Annotated, Required, NotRequired}:
        return shown(args[0])
    if origin in {Union, types.UnionType}:
        return " | ".join(dict.fromkeys(shown(arg) for arg in args))
    if origin is Literal:
        return " | ".join(repr(arg) for arg in args)
    if hint is type(None):
        return "None"
    if args and origin is not None:
        inside = ", ".join("…" if arg is Ellipsis else _inner(arg) for arg in args)
        return f"{getattr(origin, '__name__', origin)}[{inside}]"
    return str(getattr(hint, "__name__", hint)).removeprefix("typing.")


def _inner(arg: Any) -> str:
    return f"[{', '.join(map(shown, arg))}]" if isinstance(arg, list) else shown(arg)


def ranges(hint: Any) -> str:
    """Return what the marks beside a type demand: ``1 to 100``, ``at most 5 items``."""
    if get_origin(hint) in {Required, NotRequired}:
        return ranges(get_args(hint)[0])
    if get_origin(hint) in {Union, types.UnionType}:
        return ", ".join(filter(None, map(ranges, get_args(hint))))
    marks = getattr(hint, "__metadata__", ())
    return ", ".join(filter(None, map(_range, marks)))


def _range(mark: object) -> str:
    if isinstance(mark, Between):
        return f"at least {mark.low:g}" if mark.high == math.inf else f"{mark.low:g} to {mark.high:g}"
    if isinstance(mark, Length):
        return f"{mark.low} to {mark.high} long" if mark.high is not None else f"at least {mark.low} long"
    return f"a valid {mark.name}" if isinstance(mark, Form) else ""


def is_required(spec: Any, name: str) -> bool:
    """Return whether a TypedDict demands a key."""
    # not __required_keys__: it cannot see into annotations that are texts
    return get_origin(get_type_hints(spec, include_extras=True)[name]) is Required


def keys_of(spec: Any) -> Iterator[Field]:
    """Yield the keys of a TypedDict, those that are required first."""
    hints, about = get_type_hints(spec, include_extras=True), comments(spec)
    for name in sorted(hints, key=lambda name: not is_required(spec, name)):
        default = "required" if is_required(spec, name) else "not sent"
        yield Field(name, shown(hints[name]), default, _joined(ranges(hints[name]), about.get(name, "")))


def fields_of_model(model: Any) -> Iterator[Field]:
    """Yield the fields of a model, with the name that lemlist has for each."""
    hints, about = get_type_hints(model, include_extras=True), comments(model)
    for name, wire, _secret in fields_of(model):
        if name not in HIDDEN:
            yield Field(name, shown(hints[name]), wire, about.get(name, ""))


def options_of(options: Any) -> Iterator[Field]:
    """Yield the options of an attrs class, with their defaults."""
    hints, about = get_type_hints(options), comments(options)
    for field in attrs.fields(options):
        if field.init and not field.name.startswith("_"):
            yield Field(
                field.name, shown(hints[field.name]), _default(field.default), about.get(field.name, "")
            )


def _default(default: Any) -> str:
    if default is attrs.NOTHING:
        return "required"
    if isinstance(default, attrs.Factory):
        return f"{default.factory.__name__}()"
    return repr(default)


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


@functools.cache
def comments(cls: Any) -> dict[str, str]:
    """Return the docstrings that stand below the fields of a class and of those it is built on."""
    module = sys.modules[cls.__module__]
    tree = ast.parse(inspect.getsource(module))
    [node] = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls.__name__]
    found: dict[str, str] = {}
    for base in node.bases:
        # not __bases__: a TypedDict forgets what it was built on
        above = getattr(module, base.id, None) if isinstance(base, ast.Name) else None
        if is_typeddict(above) or (isinstance(above, type) and attrs.has(above)):
            found |= comments(above)
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            found[field.target.id] = " ".join(inspect.cleandoc(text.value.value).split())
    return found

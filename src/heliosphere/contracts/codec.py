"""One JSON codec for every contract: a frozen dataclass becomes {"type", "v", "data"} and comes back checked.

A reader refuses a type or a newer version it does not know, so a node that lags behind says so
instead of guessing. Fields may be str, int, float, bool, None, other contracts, tuples of those (all alike
or each as declared), and dicts by name.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")

_KNOWN: dict[str, tuple[type[Any], int]] = {}
_HINTS: dict[type[Any], dict[str, Any]] = {}


class ContractError(ValueError):
    """The bytes are not a contract this version understands."""


def contract(name: str, version: int = 1) -> typing.Callable[[type[T]], type[T]]:
    """Register a frozen dataclass under the name it has on the wire."""

    def register(cls: type[T]) -> type[T]:
        if name in _KNOWN:
            raise ValueError(f"two contracts are called {name!r}")
        _KNOWN[name] = (cls, version)
        cls.contract_name = name  # type: ignore[attr-defined]
        return cls

    return register


def to_plain(value: Any) -> dict[str, Any]:
    """The JSON-ready form of a registered contract."""
    name: str = type(value).contract_name
    return {"type": name, "v": _KNOWN[name][1], "data": _plain_fields(value)}


def from_plain(document: Any) -> Any:
    """The contract a document describes. Raises ContractError saying what does not fit."""
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
        raise ContractError("not a contract document")
    name, version = document.get("type"), document.get("v")
    if not isinstance(name, str) or name not in _KNOWN:
        raise ContractError(f"unknown contract {name!r}")
    cls, newest = _KNOWN[name]
    if not isinstance(version, int) or not 1 <= version <= newest:
        raise ContractError(f"contract {name!r} has version {version!r}, this program knows up to {newest}")
    return _build(cls, document["data"], name)


def encode(value: Any) -> str:
    """Canonical JSON text: sorted keys, no spaces, so that equal values have equal bytes to sign."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def decode(text: str | bytes) -> Any:
    """The contract written in `text`. Raises ContractError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"not JSON: {error}") from error
    return from_plain(document)


def _plain_fields(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_plain(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _hints(cls: type[Any]) -> dict[str, Any]:
    """The kinds of its fields, worked out once."""
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls)
    return _HINTS[cls]


def _build(cls: type[Any], data: dict[str, Any], place: str) -> Any:
    hints = _hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ContractError(f"{place}: unknown field {unknown[0]!r}")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _fit(hints[name], data[name], f"{place}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ContractError(f"{place}: field {name!r} is missing")
    return cls(**values)


def _fit(hint: Any, value: Any, place: str) -> Any:
    origin = typing.get_origin(hint)
    if hint is Any:
        return from_plain(value) if _is_document(value) else value
    if origin in (typing.Union, types.UnionType):
        return _fit_union(typing.get_args(hint), value, place)
    if origin is typing.Literal:
        if value in typing.get_args(hint):
            return value
        raise ContractError(f"{place}: {value!r} is not one of {typing.get_args(hint)}")
    if origin is tuple:
        return _fit_tuple(hint, value, place)
    if origin is dict:
        return _fit_dict(hint, value, place)
    if hint is type(None) and value is None:
        return None
    if dataclasses.is_dataclass(hint):
        fitted = from_plain(value)
        if not isinstance(fitted, typing.cast("type[Any]", hint)):
            raise ContractError(f"{place}: holds a {type(fitted).__name__}")
        return fitted
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise ContractError(f"{place}: {value!r} does not fit {hint}")


def _is_document(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"type", "v", "data"}


def _fit_union(choices: tuple[Any, ...], value: Any, place: str) -> Any:
    for choice in choices:
        try:
            return _fit(choice, value, place)
        except ContractError:
            continue
    raise ContractError(f"{place}: {value!r} fits none of the allowed kinds")


def _fit_tuple(hint: Any, value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ContractError(f"{place}: a list is expected")
    hints = typing.get_args(hint)
    if hints[-1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(hints) != len(value):
        raise ContractError(f"{place}: {len(hints)} items are expected, not {len(value)}")
    pairs = enumerate(zip(hints, value, strict=True))
    return tuple(_fit(one, item, f"{place}[{at}]") for at, (one, item) in pairs)


def _fit_dict(hint: Any, value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ContractError(f"{place}: an object is expected")
    item_hint = typing.get_args(hint)[1]
    return {str(key): _fit(item_hint, item, f"{place}.{key}") for key, item in value.items()}

"""The model as pydantic sees it, made from the same annotations: strict, nothing unknown, all faults at once.

Only tools import this: pydantic costs a daemon 29 MB.
"""

import dataclasses
import types
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field, create_model

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


@cache
def people_model(values: type) -> type[BaseModel]:
    """The pydantic twin of one frozen dataclass of the model."""
    hints = get_type_hints(values, include_extras=True)
    fields: dict[str, Any] = {  # Any: what create_model takes
        item.name: (_twin(hints[item.name]), _default(item)) for item in dataclasses.fields(values)
    }
    return create_model(values.__name__, __config__=_STRICT, **fields)


def keys_of(values: type) -> tuple[str, ...]:
    """The keys people may write for one dataclass."""
    return tuple(item.name for item in dataclasses.fields(values))


def default_of(values: type, key: str) -> object:
    """What a key is when nobody writes it; `...` when it must be written."""
    return next(_default(item) for item in dataclasses.fields(values) if item.name == key)


def _default(item: "dataclasses.Field[Any]") -> object:
    if item.default is not dataclasses.MISSING:
        return item.default
    if item.default_factory is not dataclasses.MISSING:
        return Field(default_factory=item.default_factory)
    return ...


def _twin(hint: Any) -> Any:
    """The annotation with msgspec's limits as pydantic's and dataclasses as models."""
    if dataclasses.is_dataclass(hint):
        return people_model(hint)  # type: ignore[arg-type]  # a dataclass in an annotation is the class itself
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *metas = get_args(hint)
        return Annotated[_twin(inner), *(_limits(meta) for meta in metas if isinstance(meta, Meta))]
    if origin is tuple:
        return types.GenericAlias(tuple, (_twin(get_args(hint)[0]), ...))
    if origin in (Union, types.UnionType):
        return Union[tuple(_twin(part) for part in get_args(hint))]  # noqa: UP007 - made at run time
    return hint


def _limits(meta: Meta) -> Any:
    return Field(ge=meta.ge, le=meta.le, pattern=meta.pattern, min_length=meta.min_length, max_length=meta.max_length)


def choices_of(values: type, key: str) -> tuple[str, ...]:
    """The words a key may be, () when it is no choice."""
    hint = get_type_hints(values)[key]
    if get_origin(hint) is Literal:
        return tuple(str(word) for word in get_args(hint))
    return tuple(str(word.value) for word in hint) if isinstance(hint, type) and issubclass(hint, Enum) else ()


def limits_of(values: type, key: str) -> tuple[float, float]:
    """The inclusive bounds of a number. Raises LookupError when it has none."""
    metas = list(_metas(get_type_hints(values, include_extras=True)[key]))
    low = next(meta.ge for meta in metas if meta.ge is not None)
    high = next(meta.le for meta in metas if meta.le is not None)
    return low, high


def _metas(hint: Any) -> list[Meta]:
    own = [meta for meta in get_args(hint)[1:] if isinstance(meta, Meta)] if get_origin(hint) is Annotated else []
    inside = [] if get_origin(hint) is Literal else [meta for part in get_args(hint) for meta in _metas(part)]
    return own + inside

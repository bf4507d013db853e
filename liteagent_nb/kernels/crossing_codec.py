"""Values as text and back without pickle. Runs on both sides: its source is sent into a context, so it imports nothing.

Each value is a JSON scalar, or a list of a tag and what belongs to it. What comes back is only ever data: reading it
runs none of the sender's code. Pickle is read where the reader owns the sender, on the way in.
"""

from __future__ import annotations

import base64
import datetime as dt
import importlib
import io
import json
import linecache
import math
import pickle
import sys
import zlib
from typing import Any

KINDS = (
    "None, numbers, str, bytes, list, tuple, set, dict, dates, numpy arrays, pandas DataFrame and Series, PIL images"
)
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_NULLABLE = (
    "str string boolean Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64".split()
)  # of pandas, with gaps
_SAFE = 2**63
_DATES = {"datetime": dt.datetime, "date": dt.date, "time": dt.time}


class CannotCross(Exception):
    """A value of a kind that does not cross."""


def dumps(value: Any, pickles: bool = False) -> str:
    """Return *value* as text; what has no safe form is pickled where that is wanted. Raises `CannotCross`."""
    try:
        return json.dumps(_encoded(value))
    except (CannotCross, RecursionError) as error:
        if not pickles:
            raise CannotCross(str(error)) from None
    try:
        return json.dumps(["pickle", _base64(pickle.dumps(value, protocol=5))])
    except Exception as error:  # noqa: BLE001 - a value's own code decides what pickling raises
        raise CannotCross(f"it cannot be pickled: {type(error).__name__}: {error}") from None


def loads(text: str, pickles: bool = False) -> Any:
    """Return the value that `dumps` wrote; a pickle is refused unless it is wanted."""
    document = json.loads(text)
    if pickles and isinstance(document, list) and document[0] == "pickle":
        return pickle.loads(_bytes(document[1]))  # noqa: S301 - the notebook's own data, read in its sidecar
    return _decoded(document)


def pack(text: str) -> str:
    """Return *text* compressed, as ASCII."""
    return _base64(zlib.compress(text.encode("ascii"), 1))


def unpack(packed: str, max_chars: int) -> str:
    """Return what `pack` packed. Raises `ValueError` where it is longer than *max_chars*."""
    inflater = zlib.decompressobj()
    text = inflater.decompress(_bytes(packed), max_chars)
    if not inflater.eof:
        raise ValueError("too large, or cut off")
    return text.decode("ascii")


def _encoded(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    encode = (
        _ENCODERS.get(kind) or _ENCODERS.get((kind.__module__.partition(".")[0], kind.__name__)) or _scalar_of(kind)
    )
    if encode is None:
        raise CannotCross(f"it is of type {kind.__qualname__}")
    return encode(value)


def _scalar_of(kind: type) -> Any:
    """Return what encodes scalars and pictures, known by their base class."""
    for root, base, encode in (("numpy", "generic", _numpy_scalar), ("PIL", "Image", _picture)):
        if kind.__module__.partition(".")[0] == root and base in [one.__name__ for one in kind.__mro__]:
            return encode
    return None


def _decoded(document: Any) -> Any:
    if not isinstance(document, list):
        return document
    return _DECODERS[document[0]](*document[1:])


def _library(name: str) -> Any:
    """Return a library that the value at hand is of; none of them is needed for what does not use it."""
    return importlib.import_module(name)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _integer(value: int) -> Any:
    return value if -_SAFE < value < _SAFE else ["int", hex(value)]


def _number(value: float) -> Any:
    return value if math.isfinite(value) else ["float", repr(value)]


def _items(value: Any) -> Any:
    return [type(value).__name__, [_encoded(one) for one in value]]


def _dict(value: Any) -> Any:
    return ["dict", [[_encoded(key), _encoded(one)] for key, one in value.items()]]


def _date(value: Any) -> Any:
    zone = getattr(getattr(value, "tzinfo", None), "key", None)
    return [type(value).__name__, value.isoformat(), zone]


def _read_date(kind: Any) -> Any:
    def read(text: str, zone: Any) -> Any:
        if not zone:
            return kind.fromisoformat(text)
        return kind.fromisoformat(text).replace(tzinfo=_library("zoneinfo").ZoneInfo(zone))

    return read


def _timedelta(value: Any) -> Any:
    return ["timedelta", value.days, value.seconds, value.microseconds]


def _array(value: Any) -> Any:
    np = _library("numpy")
    if value.dtype == object:
        return ["objects", list(value.shape), [_encoded(one) for one in value.ravel()]]
    data = io.BytesIO()
    try:
        np.save(data, value, allow_pickle=False)
    except ValueError:
        raise CannotCross(f"it is an array of {value.dtype}") from None
    return ["ndarray", _base64(data.getvalue())]


def _read_array(text: str) -> Any:
    np = _library("numpy")
    return np.load(io.BytesIO(_bytes(text)), allow_pickle=False)


def _read_objects(shape: Any, values: Any) -> Any:
    np = _library("numpy")
    array = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        array[position] = _decoded(value)
    return array.reshape(shape)


def _numpy_scalar(value: Any) -> Any:
    np = _library("numpy")
    return ["generic", _array(np.asarray(value))]


def _column(values: Any) -> Any:
    """Encode the values of a Series or an Index."""
    np, pd = _library("numpy"), _library("pandas")
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return _array(values.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        codes = values.codes if isinstance(values, pd.Index) else values.cat.codes.to_numpy()
        return ["category", _array(np.asarray(codes)), _index(dtype.categories), bool(dtype.ordered)]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["zoned", _array(values.to_numpy(f"datetime64[{dtype.unit}]")), str(dtype.tz)]
    if str(dtype) in _NULLABLE:
        gaps = values.isna()
        return ["nullable", str(dtype), [None if gap else _plain(one) for one, gap in zip(values, gaps, strict=True)]]
    raise CannotCross(f"it has a column of {dtype}")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _read_category(codes: Any, categories: Any, ordered: bool) -> Any:
    pd = _library("pandas")
    return pd.Categorical.from_codes(_decoded(codes), categories=_decoded(categories), ordered=ordered)


def _read_zoned(instants: Any, zone: str) -> Any:
    pd = _library("pandas")
    return pd.DatetimeIndex(_decoded(instants)).tz_localize("UTC").tz_convert(zone).array


def _read_nullable(name: str, values: Any) -> Any:
    pd = _library("pandas")
    if name not in _NULLABLE:
        raise ValueError(name)
    return pd.array(values, dtype=name)


def _index(index: Any) -> Any:
    pd = _library("pandas")
    if isinstance(index, pd.RangeIndex):
        return ["range", index.start, index.stop, index.step, _encoded(index.name)]
    if isinstance(index, pd.MultiIndex):
        levels = [_column(index.get_level_values(number)) for number in range(index.nlevels)]
        return ["multi", levels, [_encoded(name) for name in index.names]]
    return ["index", _column(index), _encoded(index.name), getattr(index, "freqstr", None)]


def _read_range(start: int, stop: int, step: int, name: Any) -> Any:
    pd = _library("pandas")
    return pd.RangeIndex(start, stop, step, name=_decoded(name))


def _read_multi(levels: Any, names: Any) -> Any:
    pd = _library("pandas")
    return pd.MultiIndex.from_arrays([_decoded(level) for level in levels], names=[_decoded(name) for name in names])


def _read_index(values: Any, name: Any, freq: Any) -> Any:
    pd = _library("pandas")
    array = _decoded(values)
    index = pd.Index(array, dtype=array.dtype, name=_decoded(name))
    if freq:
        index.freq = freq
    return index


def _series(series: Any) -> Any:
    return ["Series", _column(series), _index(series.index), _encoded(series.name)]


def _read_series(values: Any, index: Any, name: Any) -> Any:
    pd = _library("pandas")
    array = _decoded(values)
    return pd.Series(array, index=_decoded(index), name=_decoded(name), dtype=array.dtype)


def _frame(frame: Any) -> Any:
    columns = [_column(frame.iloc[:, number]) for number in range(frame.shape[1])]
    return ["DataFrame", columns, _index(frame.columns), _index(frame.index)]


def _read_frame(columns: Any, names: Any, index: Any) -> Any:
    pd = _library("pandas")
    rows = _decoded(index)
    arrays = [_decoded(column) for column in columns]
    series = {number: pd.Series(array, index=rows, dtype=array.dtype) for number, array in enumerate(arrays)}
    frame = pd.DataFrame(series, index=rows)
    frame.columns = _decoded(names)
    return frame


def _moment(value: Any) -> Any:
    pd = _library("pandas")
    return ["moment", _column(pd.Series([value]))]


def _read_moment(column: Any) -> Any:
    pd = _library("pandas")
    return pd.Series(_decoded(column)).iloc[0]


def _read_gap(name: str) -> Any:
    pd = _library("pandas")
    return {"NA": pd.NA, "NaT": pd.NaT}[name]


def _picture(image: Any) -> Any:
    if image.mode not in _PNG_MODES:
        raise CannotCross(f'it is a picture of mode {image.mode}; .convert("RGB") crosses')
    data = io.BytesIO()
    image.save(data, format="PNG")
    return ["Image", _base64(data.getvalue())]


def _read_picture(text: str) -> Any:
    opened = _library("PIL.Image").open
    return opened(io.BytesIO(_bytes(text)), formats=["PNG"]).copy()


_ENCODERS: Any = {
    int: _integer,
    float: _number,
    complex: lambda value: ["complex", repr(value.real), repr(value.imag)],
    bytes: lambda value: ["bytes", _base64(value)],
    bytearray: lambda value: ["bytearray", _base64(value)],
    dict: _dict,
    dt.timedelta: _timedelta,
    ("numpy", "ndarray"): _array,
    ("pandas", "DataFrame"): _frame,
    ("pandas", "Series"): _series,
    ("pandas", "Timestamp"): _moment,
    ("pandas", "Timedelta"): _moment,
    ("pandas", "NAType"): lambda _: ["gap", "NA"],
    ("pandas", "NaTType"): lambda _: ["gap", "NaT"],
}
_ENCODERS.update(dict.fromkeys((list, tuple, set, frozenset), _items))
_ENCODERS.update(dict.fromkeys(_DATES.values(), _date))

_DECODERS: Any = {
    "int": lambda text: int(text, 16),
    "float": float,
    "complex": lambda real, imag: complex(float(real), float(imag)),
    "bytes": _bytes,
    "bytearray": lambda text: bytearray(_bytes(text)),
    "dict": lambda pairs: {_decoded(key): _decoded(value) for key, value in pairs},
    "timedelta": dt.timedelta,
    "ndarray": _read_array,
    "objects": _read_objects,
    "generic": lambda array: _decoded(array)[()],
    "category": _read_category,
    "zoned": _read_zoned,
    "nullable": _read_nullable,
    "range": _read_range,
    "multi": _read_multi,
    "index": _read_index,
    "Series": _read_series,
    "DataFrame": _read_frame,
    "moment": _read_moment,
    "gap": _read_gap,
    "Image": _read_picture,
}
_DECODERS.update({name: _read_date(kind) for name, kind in _DATES.items()})


def _reader_of(kind: Any) -> Any:
    return lambda values: kind(_decoded(value) for value in values)


_DECODERS.update({kind.__name__: _reader_of(kind) for kind in (list, tuple, set, frozenset)})

_coming: dict[str, list[str]] = {}
_going: dict[str, dict[str, Any]] = {}


def receive(ticket: str, piece: str) -> None:
    """Take in a piece of a packed value (called in the context)."""
    _coming.setdefault(ticket, []).append(piece)


def define(names: dict[str, Any], name: str, ticket: str) -> None:
    """Give the value whose pieces came its name (called in the context)."""
    _forget_pieces(names)
    names[name] = loads(unpack("".join(_coming.pop(ticket)), sys.maxsize // 2), pickles=True)


def tell(names: dict[str, Any], name: str, ticket: str, start: int, *, size: int, max_chars: int) -> None:
    """Print a piece of the packed value of *name* as a line of JSON, or why there is none (called in the context)."""
    if start == 0:
        _going.clear()
        _going[ticket] = _prepared(names, name, max_chars)
    told = _going[ticket]
    print(json.dumps({"ticket": ticket, **told, "text": told["text"][start : start + size]}))  # noqa: T201


def _prepared(names: dict[str, Any], name: str, max_chars: int) -> dict[str, Any]:
    if name not in names:
        return {"error": "missing", "size": 0, "text": "", "names": [n for n in names if not n.startswith("_")][:500]}
    try:
        text = dumps(names[name])
    except CannotCross as error:
        return {"error": "kind", "size": 0, "text": str(error)[:500]}
    if len(text) > max_chars:
        return {"error": "large", "size": len(text), "text": ""}
    packed = pack(text)
    return {"error": "", "size": len(packed), "text": packed}


def _forget_pieces(names: dict[str, Any]) -> None:
    """Leave nothing of the pieces in IPython's history and sources, which would keep them for good."""
    shell = names["get_ipython"]() if "get_ipython" in names else None
    for inputs in (names.get("_ih"), getattr(getattr(shell, "history_manager", None), "input_hist_raw", None)):
        for position, text in enumerate(inputs or ()):
            if _is_piece(text):
                inputs[position] = ""  # type: ignore[index]  # it was iterated over
    names.update({name: "" for name, value in names.items() if name.startswith("_i") and _is_piece(value)})
    for file, entry in list(linecache.cache.items()):
        if any(map(_is_piece, (entry[2:3] or ([],))[0])):  # a lazy entry has no lines
            del linecache.cache[file]


def _is_piece(text: Any) -> bool:
    return isinstance(text, str) and __name__ in text[:200]

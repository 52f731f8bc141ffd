"""Parquet files of exports; needs the extra `parquet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lemlist_async.errors import ConfigurationError

try:
    import pyarrow as _pyarrow
    import pyarrow.parquet as _pyarrow_parquet
except ModuleNotFoundError:
    raise ConfigurationError(
        "Parquet needs pyarrow: install it with  pip install 'lemlist-async[parquet]'"
    ) from None

_Row = Mapping[str, str | None]
_GROUP = 20_000
"""Rows of a row group, which are held in memory until they are written."""
_arrow: Any = _pyarrow
_parquet: Any = _pyarrow_parquet


class ParquetWriter:
    """Writes text columns, those of the first row; a row group at a time."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._writer: Any = None
        self._held: list[_Row] = []

    def write(self, rows: Sequence[_Row]) -> None:
        """Hold some rows, and write a group once there are enough."""
        self._held += rows
        if len(self._held) >= _GROUP:
            self._flush()

    def end(self) -> None:
        """Write the last group and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._writer is None:
            columns = list(self._held[0]) if self._held else []
            schema = _arrow.schema([(name, _arrow.string()) for name in columns])
            self._writer = _parquet.ParquetWriter(self._file, schema)
        if self._held:
            self._writer.write_table(_arrow.Table.from_pylist(self._held, schema=self._writer.schema))
            self._held = []

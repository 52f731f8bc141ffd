"""Plugin of pytest that makes the library read and write JSON with the standard library, as where orjson is missing.

python -m pytest -p tests.support.standard_json
"""

import importlib
import sys

orjson = sys.modules.pop("orjson", None)
sys.modules["orjson"] = None  # type: ignore[assignment]
importlib.import_module("lemlist_async.core.json")
# the tests themselves write the bodies of their servers with it
del sys.modules["orjson"]
if orjson is not None:
    sys.modules["orjson"] = orjson

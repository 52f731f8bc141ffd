"""The seed file of the demo: a running campaign of forty invented people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["DEMO_FILE"]

DEMO_FILE: Final = Path(__file__).with_name("demo.json")

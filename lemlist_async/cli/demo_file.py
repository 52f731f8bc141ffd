"""File of the demo: 240 invented people, some of them with faults."""

from __future__ import annotations

from pathlib import Path


def demo_leads() -> Path:
    """Return the file: in the package as it is installed, and among the examples in a checkout."""
    here = Path(__file__).resolve()
    installed = here.with_name("demo_leads.csv")  # put there by the build
    return installed if installed.exists() else here.parents[2] / "examples" / "leads.csv"

"""Every stream of Airbyte's connector for lemlist: `python airbyte.py`, with its packages installed."""

import json
import os
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

HOST = "https://api.lemlist.com/api/"
RUN = """
import json, sys
from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource
config = json.load(open("config.json"))
source = YamlDeclarativeSource(path_to_yaml="manifest.yaml", catalog=None, config=config, state=[])
launch(source, sys.argv[1:])
"""


def run(folder: Path, *arguments: str) -> list[dict[str, object]]:
    """Run a command of the connector, and return its messages."""
    command = [sys.executable, "-c", RUN, *arguments]
    # its own manifest, but for the base URL; the loader looks into the folder that it runs in
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(done.stderr[-400:])
    return [json.loads(line) for line in lines]


def main() -> None:
    """Check the connection, discover the streams and read each."""
    base, key = os.environ["LEMLIST_BASE_URL"], os.environ["LEMLIST_API_KEY"]
    results: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = resources.files("source_lemlist").joinpath("manifest.yaml").read_text()
        (folder / "manifest.yaml").write_text(manifest.replace(HOST, f"{base}/"))
        (folder / "config.json").write_text(json.dumps({"api_key": key}))
        streams = [
            stream
            for message in run(folder, "discover", "--config", "config.json")
            if message["type"] == "CATALOG"
            for stream in message["catalog"]["streams"]
        ]
        for stream in streams:
            configured = {
                "stream": stream,
                "sync_mode": "full_refresh",
                "destination_sync_mode": "overwrite",
            }
            (folder / "catalog.json").write_text(json.dumps({"streams": [configured]}))
            messages = run(folder, "read", "--config", "config.json", "--catalog", "catalog.json")
            records = [message for message in messages if message["type"] == "RECORD"]
            result = {"name": stream["name"], "outcome": "passed" if records else "failed"}
            results.append(result if records else result | {"reason": "no record"})
    print(json.dumps(results))


if __name__ == "__main__":
    main()

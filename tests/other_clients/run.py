"""Other clients of lemlist against the sandbox: `python -m tests.other_clients.run FOLDER PYTHON`, run by nox.

FOLDER holds the packages of npm, PYTHON is an interpreter with Airbyte's connector. Each driver calls every action of
its client, unchanged but for the base URL. The command fails unless each passes but for faults of the client itself.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from lemlist_async.sandbox import Sandbox

HERE = Path(__file__).parent


def seeded(sandbox: Sandbox) -> None:
    """Fill the team that Airbyte's connector reads."""
    team = sandbox.team()
    lead = team.add_lead(team.add_campaign("Airbyte")["_id"], "ann@b.example", firstName="Ann")
    sandbox.happen("emailsReplied", lead)
    team.block("@blocked.example")


def outcomes(command: list[str], folder: Path) -> list[dict[str, str]]:
    """Run a driver against a sandbox of its own, and return the outcome of each step."""
    with Sandbox(limit=None) as sandbox:
        if "airbyte" in command[-1]:
            seeded(sandbox)
        settings = {"LEMLIST_BASE_URL": sandbox.url, "LEMLIST_API_KEY": sandbox.key, "CLIENTS": str(folder)}
        done = subprocess.run(
            command, env=os.environ | settings, capture_output=True, text=True, timeout=300, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
        if not lines:
            return [{"name": "the driver", "outcome": "failed", "reason": (done.stdout + done.stderr)[-600:]}]
        found: list[dict[str, str]] = json.loads(lines[-1])
        errors = [f"{error.method} {error.template}: {error.kind}" for error in sandbox.errors]
        return found + [{"name": "the sandbox", "outcome": "failed", "reason": error} for error in errors]


def main(folder: Path, python: str) -> int:
    """Print the number of passed steps for each client, and every step that did not pass."""
    clients = {
        "n8n": ["node", str(HERE / "n8n.js")],
        "Pipedream": ["node", str(HERE / "pipedream.mjs")],
        "Activepieces": ["node", str(HERE / "activepieces.js")],
        "Airbyte": [python, str(HERE / "airbyte.py")],
    }
    failures = 0
    for name, command in clients.items():
        steps = outcomes(command, folder)
        passed = sum(step["outcome"] == "passed" for step in steps)
        own = sum(step["outcome"] == "own fault" for step in steps)
        failures += len(steps) - passed - own
        print(f"{name}: {passed} of {len(steps)}" + (f", {own} by its own fault" if own else ""))
        for step in steps:
            if step["outcome"] != "passed":
                print(f"  {step['outcome']}: {step['name']}: {step.get('reason', '')}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))

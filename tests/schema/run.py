"""Schemathesis's coverage of the vendor's document: `python -m tests.schema.run DOCUMENT`, run by nox.

Whatever the document permits or forbids is sent to the sandbox; no request may end in an error of the sandbox's own.
A 500 that lemlist gives itself is no such error.
"""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from lemlist_async.sandbox import Sandbox
from lemlist_async.sandbox.auth import basic_header

PHASES = "coverage"


def seed(sandbox: Sandbox) -> None:
    """Put one of most records into the team."""
    team = sandbox.team()
    lead = team.add_lead(team.add_campaign("Spring")["_id"], "ann@b.example", firstName="Ann")
    sandbox.happen("emailsReplied", lead)
    team.add_company("acme.example", name="Acme")
    team.add_contact_list("Some")


def main(document: Path) -> int:
    """Run the phase, and print every error of the sandbox by its kind."""
    with Sandbox(limit=None) as sandbox, tempfile.TemporaryDirectory() as folder:
        seed(sandbox)
        command = ["schemathesis", "run", str(document), "--url", sandbox.url, "--phases", PHASES]
        command += ["--checks", "not_a_server_error", "--workers", "2", "--no-color", "--seed", "1"]
        authorization = f"Authorization: {basic_header(sandbox.key)}"
        command += ["--header", authorization, "--continue-on-failure"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=1500)
        if not sandbox.counters.requests:
            print(done.stdout[-2000:], done.stderr[-2000:])
            return 1
        print(f"{sandbox.counters.requests} requests, {len(sandbox.errors)} errors of the sandbox")
        kinds = Counter((error.method, error.template, error.kind, error.trace) for error in sandbox.errors)
        for (method, template, kind, trace), count in kinds.most_common():
            print(f"{count} x {kind} at {method} {template}\n{trace}")
        return 1 if sandbox.errors else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

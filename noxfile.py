"""The project's chores: `nox` runs the whole test suite, `nox -s NAME` one chore, `nox -l` lists them."""

import hashlib
import os
import pathlib
import shutil
import sys
import time
import zipfile

import nox

nox.options.sessions = ["quick", "slow"]
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"

TYPED_EXAMPLES = (
    "fastapi_signup",
    "web_backend",
    "django_views",
    "tenants",
    "celery_workers",
    "nightly_sync",
)
"""Examples that are checked as strictly as the package; that of arq would need an older redis-py than Celery does."""
N8N_NODES = "n8n-nodes-base@2.41.2"
NPM_CLIENTS = (
    *("n8n-workflow@2.41.0", "lodash", "change-case@4.1.2"),
    *("@pipedream/lemlist@0.1.1", "@activepieces/piece-lemlist@0.1.10"),
)
AIRBYTE_CONNECTOR = "airbyte-source-lemlist==0.2.14"
OF_ONE_SERVER = ("--seconds", "12", "--policies", "fixed-first")
BENCHMARKS: dict[str, list[tuple[str, ...]]] = {
    "overhead": [(), ("--without-orjson", "--only", "get", "page")],
    "decode": [()],
    "grow": [()],
    "keys": [()],
    "otel": [()],
    "throttle": [()],
    "bulk": [("--rounds", "9")],
    "exports": [("--formats", "csv", "jsonl", "parquet")],
    "journals": [("--rows", "10000")],
    "web": [()],
    "webhooks": [
        ("--posts", "10000"),
        ("--posts", "10000", "--kills", "0", "--face", "uvicorn"),
        ("--posts", "0", "--face", "uvicorn", "--processes", "3"),
    ],
    "sandbox": [()],
    "hand_written": [()],
    "processes": [
        (*OF_ONE_SERVER, "--processes", "1", "4", "16", "25", "--interactive"),
        (*OF_ONE_SERVER, "--processes", "4", "25", "--rtt", "0.12", "--redis"),
    ],
    "fleet_share": [("--keys", "20", "--jobs", "40"), ("--keys", "50", "--jobs", "100")],
}
"""Benchmarks whose tables are in the docs, with their arguments; about twenty minutes in all."""
BENCHMARK_MODULES = ("sandbox", "throttle", "processes", "every_order")
"""Those that import from `tests`."""
QUICK = ("-m", "not slow", "--numprocesses=2")
# most of its time is waiting for the limit and for processes, so two tests run at a time
SLOW = ("-m", "slow", "--numprocesses=2", "--dist=worksteal")


def group(*names: str) -> list[str]:
    """Requirements of the dependency groups in pyproject.toml."""
    return nox.project.dependency_groups(PROJECT, *names)


def run_ring(session: nox.Session, *options: str, groups: tuple[str, ...] = ("test",)) -> None:
    """Run one ring of the suite, and print the time it took."""
    session.install("-e", ".[cli]", *group(*groups))
    begun = time.monotonic()
    session.run("pytest", *options, *session.posargs)
    session.log(f"ring {session.name}: {time.monotonic() - begun:.0f} s")


@nox.session
def quick(session: nox.Session) -> None:
    """The quick ring, under a minute: all tests but the slow ones. Arguments go to pytest."""
    run_ring(session, *QUICK)


@nox.session
def slow(session: nox.Session) -> None:
    """The slow ring: processes that are killed, whole imports at the real limit, and both ways of a request."""
    run_ring(session, *SLOW, groups=("test", "examples"))
    # pass arguments only to the ring: a path among them would run twice
    if not session.posargs:
        session.run("pytest", *QUICK, "--client-session", "tests/wire/client", "tests/wire/throttle")


@nox.session(python=[version for version in PYTHONS if version != RUNNING])
def pythons(session: nox.Session) -> None:
    """The quick ring on the other Pythons. One that is not here is a skip, which nox tells."""
    run_ring(session, *QUICK)


@nox.session(python="3.11")
def fix(session: nox.Session) -> None:
    """Sort, mend and format the sources with ruff."""
    session.install(*group("lint"))
    session.run("ruff", "check", "--fix", ".")
    session.run("ruff", "format", ".")


@nox.session(python="3.11", name="python-backoff")
def python_backoff(session: nox.Session) -> None:
    """The tests that meet backoff, with its maintained successor of the same import name."""
    # which is also a try of the few packages that CONTRIBUTING.md asks for
    session.install("-e", ".[cli]", *group("quick"))
    session.run("pip", "uninstall", "-q", "-y", "backoff")
    session.install("python-backoff>=3")
    session.run("pytest", "tests/pure", "tests/wire/client/test_pipeline.py", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The client's tests with the lowest versions that the package allows."""
    lowest = [
        requirement.partition(";")[0].replace(">=", "==")
        for requirement in PROJECT["project"]["dependencies"]
    ]
    session.install("-e", ".[cli]", *group("test"), *lowest)
    session.run("pytest", *QUICK, "tests/pure", "tests/timed", "tests/wire/client", *session.posargs)


@nox.session(python="3.11", name="standard-json")
def standard_json(session: nox.Session) -> None:
    """The tests of all that reads or writes JSON, with the standard library in place of orjson."""
    session.install("-e", ".[all]", *group("test"))
    session.run(
        "python", "-m", "pytest", "-p", "tests.support.standard_json", *QUICK,
        # it compares the two
        "--ignore=tests/pure/test_json.py",
        "tests/pure", "tests/contract", "tests/wire/client", "tests/wire/sandbox", *session.posargs,
    )  # fmt: skip


@nox.session(python="3.11")
def coverage(session: nox.Session) -> None:
    """Both rings with line and branch coverage, against the threshold in pyproject.toml; not part of .ci/run."""
    session.install("-e", ".[cli]", *group("test"))
    session.run("coverage", "erase")
    begun = time.monotonic()
    session.run("coverage", "run", "-m", "pytest", *QUICK)
    session.run("coverage", "run", "-m", "pytest", *SLOW)
    session.log(f"both rings, measured: {time.monotonic() - begun:.0f} s")
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """The documentation's site, into docs/_build/html; a warning is an error. Snippets run in the quick ring."""
    session.install("-e", ".[all]", *group("docs", "quick"))
    session.run(
        "sphinx-build", "-q", "-W", "--keep-going", "-j", "2", "docs", "docs/_build/html", *session.posargs
    )
    session.log("open docs/_build/html/index.html")


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """mypy --strict, basedpyright in strict mode, and whether a program that uses the package sees every type."""
    session.install(".[cli,otel,sandbox]", *group("types", "test", "examples"))
    session.run("mypy")
    programs = [f"examples/{name}.py" for name in TYPED_EXAMPLES]
    session.run("mypy", "--strict", *programs)
    session.run("basedpyright", "--pythonpath", f"{session.bin}/python", *programs)
    # else it would look into a .venv that lies in the project, such as the README's
    session.run("basedpyright", "--pythonpath", f"{session.bin}/python")
    session.chdir(session.create_tmp())  # away from the sources: what is looked at is what was installed
    session.run("basedpyright", "--verifytypes", "lemlist_async", "--ignoreexternal")


@nox.session(python="3.11")
def clients(session: nox.Session) -> None:
    """Other clients of lemlist against the sandbox: n8n's, Pipedream's, Activepieces' and Airbyte's. Needs npm."""
    session.install("-e", ".")
    folder = pathlib.Path(session.create_tmp()).resolve()
    airbyte = folder / "airbyte" / "bin" / "python"
    with session.chdir(folder):
        (folder / "package.json").write_text('{"private": true}')
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund")
        session.run("npm", "install", *quiet, *NPM_CLIENTS, external=True)
        # of n8n's nodes only lemlist's are loaded, so their thousand dependencies are not needed
        session.run("npm", "pack", "--silent", N8N_NODES, external=True)
        session.run("tar", "xzf", *(path.name for path in folder.glob("n8n-nodes-base-*.tgz")), external=True)
    session.run("python", "-m", "venv", str(airbyte.parents[1]))
    session.run(str(airbyte), "-m", "pip", "install", "-q", "airbyte-cdk>=6", external=True)
    # its own requirement of airbyte-cdk is one that Python 3.11 cannot import
    session.run(str(airbyte), "-m", "pip", "install", "-q", "--no-deps", AIRBYTE_CONNECTOR, external=True)
    session.run("python", "-m", "tests.other_clients.run", str(folder), str(airbyte))


@nox.session(python="3.11")
def schema(session: nox.Session) -> None:
    """Schemathesis's coverage of the vendor's document, which LEMLIST_OPENAPI names, against the sandbox."""
    if "LEMLIST_OPENAPI" not in os.environ:
        session.skip("LEMLIST_OPENAPI does not name the vendor's document")
    session.install("-e", ".", "schemathesis>=4")
    session.run("python", "-m", "tests.schema.run", os.environ["LEMLIST_OPENAPI"])


@nox.session(python="3.11")
def bench(session: nox.Session) -> None:
    """The benchmarks, each beside its peers, into benchmarks/results.json and the docs; arguments name some."""
    session.install("-e", ".[all]", *group("bench", "test"))
    for name in session.posargs or BENCHMARKS:
        for options in BENCHMARKS.get(name, [()]):
            program = (
                ("-m", f"benchmarks.{name}") if name in BENCHMARK_MODULES else (f"benchmarks/{name}.py",)
            )
            run = ("python", *program, *options, "--json", "benchmarks/results.json")
            session.run(*run, env={"PYTHONPATH": "."})
    session.run("python", "docs/figures.py")


@nox.session(python="3.11")
def build(session: nox.Session) -> None:
    """Wheel and source distribution in dist/, built twice to the same bytes; what they need, in sbom/ (CycloneDX)."""
    session.install("build", "twine", "cyclonedx-bom")
    when = session.run("git", "log", "-1", "--format=%ct", silent=True, external=True) or "0"
    session.env["SOURCE_DATE_EPOCH"] = when.strip()
    hashes = []
    for folder in ("dist", f"{session.create_tmp()}/again"):
        shutil.rmtree(folder, ignore_errors=True)
        session.run("python", "-m", "build", "--outdir", folder)
        built = sorted(pathlib.Path(folder).iterdir())
        hashes.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in built])
    if hashes[0] != hashes[1]:
        session.error("two builds of one commit differ")
    session.run("twine", "check", "--strict", *(str(path) for path in sorted(pathlib.Path("dist").iterdir())))
    wheel = next(pathlib.Path("dist").glob("*.whl"))
    strange = [name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith("lemlist_async")]
    if strange:
        session.error(f"the wheel holds {strange[0]}")
    pathlib.Path("sbom").mkdir(exist_ok=True)
    session.run("cyclonedx-py", "environment", installed(session, wheel), "-o", "sbom/lemlist_async.cdx.json")


def installed(session: nox.Session, wheel: pathlib.Path) -> str:
    """Install a wheel alone, import it, see that an extra which is not there is named, and return its Python."""
    place = pathlib.Path(session.create_tmp()).resolve() / "alone"
    session.run("python", "-m", "venv", "--clear", str(place))
    python = str(place / "bin" / "python")
    session.run(python, "-m", "pip", "install", "-q", str(wheel), external=True)
    session.run(
        python, "-c", "import lemlist_async.client, lemlist_async.sandbox, lemlist_async.bulk", external=True
    )
    told = session.run(
        python, "-m", "lemlist_async", "whoami", external=True, silent=True, success_codes=[1, 2]
    )
    if "lemlist-async[cli]" not in str(told):
        session.error(f"without its extra the command says {told}")
    return python


@nox.session(python="3.11")
def audit(session: nox.Session) -> None:
    """Known holes in the packages that the library needs, and in the workflows; it asks PyPI, so not in .ci/run."""
    session.install("-e", ".[all]")
    needs = pathlib.Path(session.create_tmp()) / "needs.txt"
    needs.write_text(str(session.run("pip", "freeze", "--exclude-editable", silent=True)))
    session.install("pip-audit", "zizmor")
    session.run("zizmor", "--offline", ".github")
    # strict: a mirror of PyPI that knows of no holes would pass for packages without any
    session.run(
        "pip-audit", "--strict", "--disable-pip", "--no-deps", "--requirement", str(needs), *session.posargs
    )


@nox.session(python="3.11")
def drift(session: nox.Session) -> None:
    """Differences between a vendor's document, whose path is given, and this library."""
    session.install("-e", ".")
    session.run("python", "-m", "tests.contract.drift", *session.posargs, success_codes=[0, 1])

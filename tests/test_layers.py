"""Imports point down, heavy libraries stay in their rooms, and the public names are there."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lemlist_async

PACKAGE = Path(lemlist_async.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each room and the rooms it may import from; its own is understood.
BELOW = {
    "errors": set(),
    "checks": {"errors"},
    "lazy_names": set(),
    "clock": set(),
    "masked": set(),
    "files": set(),
    "deadlines": {"clock", "errors"},
    "options": {"checks", "errors"},
    "credentials": {"errors", "masked"},
    "observe": {"errors", "options"},
    "core": {"errors", "masked", "options"},
    "throttle": {"checks", "clock", "errors", "options"},
    "transport": {
        "clock",
        "deadlines",
        "errors",
        "options",
        "credentials",
        "observe",
        "core",
        "throttle",
    },
    "pagination": {"errors", "core"},
    "resources": {"errors", "core", "files", "pagination"},
    "client": {"errors", "options", "credentials", "observe", "core", "throttle", "transport"},
    "models": {"lazy_names", "resources"},
    "pool": {
        "client",
        "clock",
        "credentials",
        "errors",
        "observe",
        "options",
        "throttle",
        "transport",
    },
    "export": {"errors", "core", "files", "pagination", "resources"},
    "bulk": {
        "lazy_names",
        "errors",
        "core",
        "export",
        "files",
        "observe",
        "pagination",
        "resources",
        "throttle",
    },
    "webhooks": {"lazy_names", "checks", "errors", "options", "masked", "core", "transport", "resources"},
    "fleet": {"core", "lazy_names", "errors", "options", "credentials", "bulk", "client", "pool", "throttle"},
    "integrations": {
        "client",
        "core",
        "deadlines",
        "errors",
        "observe",
        "pagination",
        "pool",
        "resources",
        "throttle",
    },
    "sandbox": {"core", "lazy_names"},  # its JSON alone
    "testing": {"client", "options", "sandbox", "throttle"},
    "cli": {
        "errors",
        "options",
        "observe",
        "core",
        "files",
        "bulk",
        "client",
        "fleet",
        "integrations",
        "sandbox",
        "webhooks",
    },
    "__main__": {"cli"},
    "__init__": {"lazy_names"},
}
ONLY_IN = {
    "aiohttp": ("transport/", "sandbox/", "integrations/aiohttp_web.py", "webhooks/aiohttp_web.py"),
    "fastapi": ("integrations/fastapi.py",),
    "django": ("integrations/django.py",),
    "mcp": ("integrations/mcp.py",),
    "aiolimiter": ("throttle/pacer.py",),
    "pyarrow": ("export/parquet.py",),
    "redis": ("throttle/stores/redis_server.py",),
    "psycopg": ("bulk/journal/postgres", "fleet/", "cli/fleet.py", "throttle/stores/postgres_server.py"),
    "procrastinate": ("fleet/",),
    "backoff": ("transport/pipeline.py", "webhooks/attempts.py"),
    "typer": ("cli/",),
    "rich": ("cli/",),
    "sqlite3": ("bulk/journal/", "export/activity_table.py", "webhooks/database.py"),
    "orjson": ("core/json.py",),
    "opentelemetry": ("integrations/otel.py",),
}


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports when it is imported or used, relative and local imports included.

    Imports for type checkers only are left out, and so are the areas of the client: properties that import a module
    above the client on first use.
    """
    tree = ast.parse(path.read_text())
    exempt = {id(inner) for node in ast.walk(tree) if is_exempt(path, node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in exempt:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from modules_of(path, node)


def is_exempt(path: Path, node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return (
        isinstance(node, ast.FunctionDef)
        and path == PACKAGE / "client.py"
        and [ast.unparse(one) for one in node.decorator_list] == ["functools.cached_property"]
    )


def modules_of(path: Path, node: ast.ImportFrom) -> set[str]:
    """Return the absolute names of the modules that a `from` import reads."""
    package = path.relative_to(PACKAGE.parent).parts[:-1]
    base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
    if node.level == 0:
        base = node.module or ""
    if base == "lemlist_async":
        return {lemlist_async._HOMES.get(name.name, f"lemlist_async.{name.name}") for name in node.names}
    return {base}


def room(path: Path) -> str:
    """The room of a file: the package or module right below the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    mine = room(path)
    for name in imports(path):
        if name.startswith("lemlist_async.") and name != "lemlist_async.__version__":
            other = name.split(".")[1]
            assert other == mine or other in BELOW[mine], f"{mine} must not import {other}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stays_in_its_room(library: str) -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if any(n.split(".")[0] == library for n in imports(path))
    }
    assert users
    assert all(user.startswith(ONLY_IN[library]) for user in users), users


def test_the_sandbox_shares_nothing_with_the_client_but_how_json_is_read_and_written() -> None:
    for path in (PACKAGE / "sandbox").rglob("*.py"):
        shared = {name for name in imports(path) if name.startswith("lemlist_async.core")}
        assert shared <= {"lemlist_async.core.json"}, path


def test_the_command_line_needs_nothing_inner_of_the_bulk_jobs() -> None:
    for path in (PACKAGE / "cli").glob("*.py"):
        inner = {name for name in imports(path) if name.startswith("lemlist_async.bulk.")}
        assert not inner, (
            f"{path.name} imports {inner}: what the first client needs belongs to the public face"
        )


def test_the_core_knows_neither_loop_nor_clock() -> None:
    for path in (PACKAGE / "core").glob("*.py"):
        assert not {"asyncio", "time", "random", "socket"} & set(imports(path)), path


def test_every_public_name_is_there_and_no_other() -> None:
    for name in lemlist_async.__all__:
        assert getattr(lemlist_async, name) is not None
    assert dir(lemlist_async) == sorted(lemlist_async.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        lemlist_async.Nonsense  # noqa: B018  # the look-up is what is tested


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = "import sys, lemlist_async; print(*{n.split('.')[0] for n in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"aiohttp", "attr", "attrs", "orjson", "backoff", "yarl", "asyncio"}


def test_the_core_never_imports_an_extra() -> None:
    script = (
        "import sys; from lemlist_async import Lemlist; l = Lemlist('k'); l.campaigns, l.leads, l.bulk; "
        "print(*{n.split('.')[0] for n in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"typer", "rich"}


@pytest.mark.parametrize(
    ("place", "source", "found"),
    [
        ("core/wire.py", "from lemlist_async.bulk.job import Job", {"lemlist_async.bulk.job"}),
        ("core/wire.py", "from ..bulk.job import Job", {"lemlist_async.bulk.job"}),
        ("core/wire.py", "from ..bulk import job", {"lemlist_async.bulk"}),
        ("core/wire.py", "from .json import read", {"lemlist_async.core.json"}),
        ("core/wire.py", "from .. import client", {"lemlist_async.client"}),
        ("core/wire.py", "from lemlist_async import Lemlist", {"lemlist_async.client"}),
        ("core/wire.py", "def f():\n    from lemlist_async.client import Lemlist", {"lemlist_async.client"}),
        ("core/wire.py", "async def f():\n    import lemlist_async.client", {"lemlist_async.client"}),
        ("client.py", "def f():\n    from lemlist_async.bulk import job", {"lemlist_async.bulk"}),
        (
            "client.py",
            "class C:\n    @functools.cached_property\n    def f(self):\n        from lemlist_async.bulk import x",
            set(),
        ),
        ("core/wire.py", "if TYPE_CHECKING:\n    from lemlist_async.client import Lemlist", set()),
    ],
)
def test_every_form_of_import_is_seen(
    place: str, source: str, found: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self: source)
    assert set(imports(PACKAGE / place)) == found


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--version"], {"typer", "rich", "aiohttp", "attr", "asyncio"}),
        (["--help"], {"aiohttp", "sqlite3", "lemlist_async.client", "lemlist_async.sandbox.emulator"}),
    ],
)
def test_the_command_imports_no_more_than_it_needs(arguments: list[str], absent: set[str]) -> None:
    script = (
        "import contextlib, io, sys; sys.argv = ['lemlist-async', *sys.argv[1:]]; out = io.StringIO()\n"
        "from lemlist_async.cli import main\n"
        "with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit): main()\n"
        "assert 'lemlist-async' in out.getvalue(); print(*sys.modules)"
    )
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & absent


@pytest.mark.parametrize(
    "face", ["__init__.py", "bulk/__init__.py", "sandbox/__init__.py", "webhooks/__init__.py"]
)
def test_a_lazy_face_imports_each_name_from_where_the_type_checkers_see_it(face: str) -> None:
    tree = ast.parse((PACKAGE / face).read_text())
    seen = {
        name.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    homes = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    )
    assert {name: home.removesuffix(f".{name}") for name, home in homes.items()} == seen

"""The script of the throttle's Redis store, run by Lua itself, on a clock that the test moves."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from lemlist_async.throttle.stores.redis_slots import Reply, script

# what the script uses of a server; the real one is in the slow ring
STUB = """
local hashes, clock, run = {}, nil, 'a1'
redis = {}
function redis.pcall() return 'run_id:' .. run end
function redis.call(command, key, ...)
  if command == 'TIME' then return clock end
  local hash = hashes[key]
  if command == 'HGETALL' then
    local flat = {}
    for name, value in pairs(hash or {}) do flat[#flat + 1] = name; flat[#flat + 1] = value end
    return flat
  elseif command == 'HSET' then
    if not hash then hash = {}; hashes[key] = hash end
    local pairs_ = {...}
    for i = 1, #pairs_, 2 do hash[pairs_[i]] = pairs_[i + 1] end
  elseif command == 'HDEL' then
    for _, name in ipairs({...}) do hash[name] = nil end
  elseif command == 'DEL' then
    hashes[key] = nil
  elseif command ~= 'PEXPIRE' then
    error('no such command: ' .. command)
  end
end
local function copy(hash)
  local new = {}
  for name, value in pairs(hash) do new[name] = value end
  return new
end
function forget() hashes = {} end
function restart(name) run = name end
function save(key) return hashes[key] and copy(hashes[key]) or nil end
function load(key, hash) hashes[key] = hash and copy(hash) or nil end
return function(text)
  local decide = loadstring(text)
  return function(key, seconds, micros, arguments)
    clock, KEYS, ARGV = {seconds, micros}, {key}, {}
    for word in string.gmatch(arguments, '[^,]+') do ARGV[#ARGV + 1] = word end
    return decide()
  end
end
"""


@attrs.define(eq=False)
class ScriptServer:
    """A server that answers within the call, or not at all."""

    clock: Callable[[], float]
    offset: float = 3600.0
    """Seconds by which its clock is ahead of that of its clients."""
    source: str = attrs.field(factory=script)
    away: bool = False
    """Whether calls do not reach it."""
    deaf: bool = False
    """Whether its answers are lost."""
    calls: int = 0
    timers: list[tuple[float, int, Callable[[], None]]] = attrs.field(factory=list[Any])
    _order: Iterator[int] = attrs.field(factory=itertools.count, init=False)
    _run: Any = attrs.field(init=False)
    _lua: Any = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._lua = pytest.importorskip("lupa.lua51").LuaRuntime()
        self._run = self._lua.execute(STUB)(self.source)

    def call(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        """Run the script now."""
        if self.away:
            done(TimeoutError("away"))
            return
        reply = self.run(key, arguments)
        done(TimeoutError("deaf") if self.deaf else reply)

    def run(self, key: str, arguments: list[str]) -> Reply:
        """Run the script, and return what a client would get."""
        self.calls += 1
        seconds, micros = divmod(round((self.clock() + self.offset) * 1e6), 1_000_000)
        table = self._run(key, str(seconds), str(micros), ",".join(arguments))
        # as RESP has it: numbers become integers
        return [value if isinstance(value, str) else int(value) for _, value in sorted(table.items())]

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Keep a timer until `ring`."""
        heapq.heappush(self.timers, (self.clock() + seconds, next(self._order), call))

    def ring(self) -> None:
        """Let the timers ring whose time has come."""
        while self.timers and self.timers[0][0] <= self.clock():
            heapq.heappop(self.timers)[2]()

    def forget(self) -> None:
        """Lose everything, as after FLUSHALL or a failover to an empty replica."""
        self._lua.globals().forget()

    def restart(self, name: str) -> None:
        """Become another server, that has what this one had."""
        self._lua.globals().restart(name)

    def save(self, key: str) -> Any:
        """Return a copy of the hash of a key."""
        return self._lua.globals().save(key)

    def put(self, key: str, fields: tuple[tuple[str, str], ...] | None) -> None:
        """Put such a copy in its place."""
        self._lua.globals().load(key, None if fields is None else self._lua.table_from(dict(fields)))

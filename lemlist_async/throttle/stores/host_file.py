"""The file in which the processes of one user on one host keep the slots of a key: its place, layout and locks.

Why `pread` and `pwrite`: a mapped file that is truncated, or sparse on a full disk, ends Python with SIGBUS. Why open
file description locks: POSIX locks of a process are dropped when it closes *any* descriptor of the file, and do not
exclude its own threads. The kernel frees them when a process dies, however it dies. Only Linux has them in a form that
Python can use; no other module imports this one without having looked.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import stat
import struct
import tempfile
import time
import weakref
from pathlib import Path
from typing import NamedTuple

from lemlist_async.throttle.stores.shared import Busy, InUseError, UnusableError

MAGIC = b"lemlist\0"
VERSION = 2
HEADER = struct.Struct("<8sIIQ16sQqqqq")
"""Magic, version, slots, window (ns), boot id, epoch; then the four instants of `Header`."""
EPOCH = struct.calcsize("<8sIIQ16s")
PAUSED_UNTIL = EPOCH + 8
NEXT_PACED = PAUSED_UNTIL + 8
LAST_INTERACTIVE = NEXT_PACED + 8
SLIDING_UNTIL = LAST_INTERACTIVE + 8
TRIPS = 128
TRIP = struct.Struct("<qqqqq")
"""Round trips of a minute: number of the minute, count, smallest (ns), instants of the first and the last answer."""
RECORDS = 256
RECORD = struct.Struct("<qqQQqq")
"""A slot: free from (ns; the end of its lease while it is held), granted or reserved for (ns), owner, state; and the
ends of the last two requests that were answered, from which a window and the margin are counted."""
FIELDS = 6
"""Fields of a slot."""
INSTANT = struct.Struct("<q")
FREE, RESERVED, FLYING, URGENT = 0, 1, 2, 3
"""States of a slot; `URGENT` is reserved for an interactive request."""
SIZE = 4096
# Lock bytes lie behind the data: where locks are mandatory they hurt no reader.
_SETUP = 1 << 19
_DECISION = _SETUP + 1
_SLOT = 1 << 20
_MEMBER = 1 << 30
_MEMBERS = 1 << 30
_FLOCK = struct.Struct("hhqqi4x")
NS = 1_000_000_000
FORGOTTEN_AFTER = 600.0
"""Seconds after which no request of a file still counts, however long its answer took."""
_KEPT_FOR = 86_400.0
"""Seconds after which an unused file is removed when another key is first used."""
_PRUNED_EVERY = 3600.0
"""Seconds between two looks for such files."""
_ABSURD = 3600 * NS
"""An instant that lies this far ahead was written by no member."""


class Gone(Exception):  # noqa: N818  # a state of affairs, caught where it is raised for
    """The file was deleted, replaced, truncated or damaged: it has to be opened anew."""


def boot_id() -> bytes:
    """Return 16 bytes that differ between boots, hosts and time namespaces: clocks differ between them, too."""
    parts = [os.uname().nodename]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/time"):
        with contextlib.suppress(OSError):
            parts.append(os.readlink(path) if "/ns/" in path else Path(path).read_text())
    return hashlib.sha256("\n".join(parts).encode()).digest()[:16]


def place_of(name: str, boot: bytes) -> Path:
    """Return the folder for a key's file; the folder around it is made, for this user alone.

    The place is the same for each process of a user, also where the environment is bare, as under cron. The boot id is
    a part of it, so that two hosts on one network file system never meet.

    Raises:
        UnusableError: a folder cannot be made, or is not this user's alone.
    """
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108  # the folder in it is ours
    folder = base / f"lemlist-async-{os.geteuid()}"
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)
    except OSError as error:
        raise UnusableError(f"{folder}: {error.strerror}") from None
    check_folder(folder)
    return folder / f"{name}-{boot.hex()[:12]}"


def check_folder(folder: Path) -> None:
    """Refuse a folder that others may write to, or a link.

    Raises:
        UnusableError: it is not this user's alone.
    """
    try:
        seen = folder.lstat()  # not stat: a link that another user put there is refused
    except OSError as error:
        raise UnusableError(f"{folder}: {error.strerror}") from None
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
        raise UnusableError(f"{folder} is not a folder of this user alone")


class Header(NamedTuple):
    """Fields of `HEADER`, in the order of the file; instants are nanoseconds."""

    magic: bytes
    version: int
    slots: int
    window: int
    boot: bytes
    epoch: int
    paused_until: int
    next_paced: int
    last_interactive: int
    sliding_until: int

    @classmethod
    def read(cls, data: bytes) -> Header:
        """Return the header at the beginning of the file's bytes."""
        return cls(*HEADER.unpack_from(data))


class Record(NamedTuple):
    """One slot, as it is in the file."""

    free_at: int
    at: int
    owner: int
    state: int
    last: int = 0
    before: int = 0
    """Ends of the last two requests; a sliding counter may still count the earlier one in part."""

    def pack(self) -> bytes:
        """Return the bytes."""
        return RECORD.pack(*self)

    def held(self, until: int, at: int, owner: int, state: int) -> Record:
        """Return the record of the same slot, reserved or in flight."""
        return Record(until, at, owner, state, self.last, self.before)

    def released(self, free_at: int) -> Record:
        """Return the record of the same slot, unused since its last request: it is free from `free_at`."""
        return Record(free_at, 0, 0, FREE, self.last, self.before)

    def ended(self, free_at: int, hold: int) -> Record:
        """Return the record of the same slot after one more request, for which it is held until `free_at`."""
        return Record(free_at, 0, 0, FREE, max(0, free_at - hold), self.last)

    @property
    def is_sound(self) -> bool:
        """Whether a member can have written it."""
        return _fits(self.state, self.owner, self.at)

    @property
    def is_reserved(self) -> bool:
        """Whether its request has not begun."""
        return self.state in (RESERVED, URGENT)


class SlotFile:
    """An open file, with a byte of it locked for as long as this member lives. Times are nanoseconds."""

    def __init__(self, folder: Path, slots: int, window: int, shut_for: int, boot: bytes) -> None:
        self.folder: Path = folder
        self.path: Path = folder / "slots"
        self.slots: int = slots
        self.window: int = window
        self._boot = boot
        self._shut_for = shut_for
        self.size: int = RECORDS + slots * RECORD.size
        self.all: struct.Struct = struct.Struct("<" + "qqQQqq" * slots)
        self.pid: int = os.getpid()
        self.member: int = 0
        self.fd: int = -1
        self.epoch: bytes = b""
        self._was_open = False
        """Whether requests of this member may be in flight that another file does not know."""
        self._descriptors: list[int] = []
        weakref.finalize(self, _close, self._descriptors)
        if self.size > SIZE:
            raise UnusableError(f"a limit of {slots} requests is more than the file has room for")
        # packed once, since each grant locks and unlocks a slot
        self._locks = [_FLOCK.pack(fcntl.F_WRLCK, 0, _SLOT + slot, 1, 0) for slot in range(slots)]
        self._unlocks = [_FLOCK.pack(fcntl.F_UNLCK, 0, _SLOT + slot, 1, 0) for slot in range(slots)]

    # Opening ------------------------------------------------------------------------------------------------

    def open(self, now: int) -> None:
        """Open the file, make it or make it anew, and become a member.

        Raises:
            Busy: another process sets it up at this moment; what was open before stays open.
            UnusableError: it cannot be opened, or processes with another version or limit are using it.
        """
        before, open_before = self.fd, len(self._descriptors)
        try:
            if not self._was_open and not self.folder.exists():
                self._make_first()
            check_folder(self.folder)
            unchanged_for = time.time() - self.folder.stat().st_mtime
            # no truncation: the file may be in use. A symbolic link may lead to the file of another user.
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self.fd = os.open(self.path, flags, 0o600)
            self._descriptors.append(self.fd)
            seen = os.fstat(self.fd)
            if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
                raise UnusableError(f"{self.path} is not a file of this user alone")
            # A run may have ended an instant ago, and its file have been deleted. Only where nothing has changed in
            # the folder for longer than a window is there surely nothing that a new file would have to remember. Of a
            # file that cannot be read, only its age tells: it is written when a request begins.
            rested = seen.st_size > 0 and time.time() - seen.st_mtime > FORGOTTEN_AFTER
            forgot = (
                self._was_open or (seen.st_size > 0 and not rested) or unchanged_for < self.window / NS + 1
            )
            self._join(now, self._shut_for if forgot else 0)
        except Busy:
            _close(self._descriptors, keep=open_before)
            self.fd = before
            raise
        except OSError as error:
            self.close()
            raise UnusableError(f"{self.path}: {error.strerror}") from None
        except BaseException:
            self.close()
            raise
        # the newest descriptor first: the others belong to the file that was open before
        self._descriptors.reverse()
        _close(self._descriptors, keep=1)
        self.epoch = os.pread(self.fd, 8, EPOCH)
        self._was_open = True

    def _make_first(self) -> None:
        """Make the folder with a file in it in one step: the first use of a key waits for nothing."""
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder.parent))
        try:
            with os.fdopen(os.open(made / "slots", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "rb+") as file:
                self._set_up(file.fileno(), 0)
            # the rename is the one step in which another process sees the folder, and it fails if there is one
            made.rename(self.folder)
            _prune(self.folder.parent)
        except OSError:
            (made / "slots").unlink(missing_ok=True)
            made.rmdir()
            if not self.folder.exists():  # else another process was first
                raise

    def _join(self, now: int, shut_for: int) -> None:
        # without the lock, for which many that start at once would be in one another's way: no member sets up a file
        # that is sound
        if not self.is_sound(os.pread(self.fd, self.size, 0), now):
            self._mend(now, shut_for)
        # random numbers instead of a counter in the file: taking one needs no lock beside its own
        while not self.member or not self.lock_byte(_MEMBER + self.member):
            self.member = 1 + secrets.randbelow(_MEMBERS - 2)

    def _mend(self, now: int, shut_for: int) -> None:
        if not self.lock_byte(_SETUP):
            raise Busy
        try:
            data = os.pread(self.fd, self.size, 0)
            if not self.is_sound(data, now):
                if self._is_in_use(data):
                    raise InUseError(f"{self.path} is in use with another version or limit")
                self._set_up(self.fd, now + shut_for if shut_for else 0)
        finally:
            self.unlock_byte(_SETUP)

    def _is_in_use(self, data: bytes) -> bool:
        """Tell whether members are alive whose file is whole, but not like ours."""
        if len(data) < EPOCH or not data.startswith(MAGIC):
            return False
        _, version, slots, window = struct.unpack_from("<8sIIQ", data)
        alike = (version, slots, window) == (VERSION, self.slots, self.window)
        return not alike and self.count_members(None) > 0

    def _set_up(self, fd: int, paused_until: int) -> None:
        os.ftruncate(fd, 0)
        os.posix_fallocate(fd, 0, SIZE)  # a full disk says so here, and never later
        header = HEADER.pack(
            MAGIC, VERSION, self.slots, self.window, self._boot, secrets.randbits(63), paused_until, 0, 0, 0
        )
        os.pwrite(fd, header, 0)

    def close(self) -> None:
        """Let go of the file, and so of every lock."""
        _close(self._descriptors)
        self.fd = -1

    def is_sound(self, data: bytes, now: int) -> bool:
        """Tell whether the bytes can be what members wrote."""
        if len(data) < self.size:
            return False
        header = Header.read(data)
        ours = (MAGIC, VERSION, self.slots, self.window, self._boot)
        if header[: len(ours)] != ours:
            return False
        # a damaged instant in the far future would stop every request
        latest = now + _ABSURD
        instants = (header.paused_until, header.next_paced, header.last_interactive)
        if not all(0 <= instant <= latest for instant in instants) or not header.sliding_until >= 0:
            return False
        values = self.all.unpack_from(data, RECORDS)
        free_at, at, owner, state, last, _ = (values[field::FIELDS] for field in range(FIELDS))
        if min(*free_at, *at, *last) < 0 or max(*free_at, *at, *last) > latest:
            return False
        return all(map(_fits, state, owner, at))

    # Reading ------------------------------------------------------------------------------------------------

    def read(self) -> bytes:
        """Return the whole file.

        Raises:
            Gone: it is shorter, or was set up anew.
        """
        data = os.pread(self.fd, self.size, 0)
        if len(data) < self.size or data[EPOCH : EPOCH + 8] != self.epoch:
            raise Gone
        return data

    def is_deleted(self) -> bool:
        """Tell whether the file has no name any more, so that others have another one."""
        return os.fstat(self.fd).st_nlink == 0

    def record(self, slot: int) -> Record:
        """Return one slot.

        Raises:
            Gone: the file is shorter.
        """
        data = os.pread(self.fd, RECORD.size, RECORDS + slot * RECORD.size)
        if len(data) < RECORD.size:
            raise Gone
        return Record(*RECORD.unpack(data))

    # Writing ------------------------------------------------------------------------------------------------

    def write(self, slot: int, record: Record) -> None:
        """Write one slot."""
        os.pwrite(self.fd, record.pack(), RECORDS + slot * RECORD.size)

    def write_instant(self, place: int, instant: int) -> None:
        """Write one of the instants of the header. A lost update of these costs a little time, and no safety."""
        os.pwrite(self.fd, INSTANT.pack(instant), place)

    def damage(self) -> None:
        """Make every member set the file up anew: a record was found that no member can have written."""
        os.pwrite(self.fd, b"damaged!", 0)

    # Locks --------------------------------------------------------------------------------------------------

    def lock(self, slot: int) -> bool:
        """Try to lock one slot; never wait: its holder may be stopped."""
        return self._set(self._locks[slot])

    def unlock(self, slot: int) -> None:
        """Unlock one slot."""
        self._set(self._unlocks[slot])

    def lock_decision(self) -> bool:
        """Try to be the one member that decides about slots: the sliding rule looks at all of them at once."""
        return self.lock_byte(_DECISION)

    def unlock_decision(self) -> None:
        """Let the next member decide."""
        self.unlock_byte(_DECISION)

    def lock_byte(self, at: int) -> bool:
        """Try to lock another byte."""
        return self._set(_FLOCK.pack(fcntl.F_WRLCK, 0, at, 1, 0))

    def unlock_byte(self, at: int) -> None:
        """Unlock another byte."""
        self._set(_FLOCK.pack(fcntl.F_UNLCK, 0, at, 1, 0))

    def _set(self, lock: bytes) -> bool:
        try:
            fcntl.fcntl(self.fd, fcntl.F_OFD_SETLK, lock)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def is_alive(self, member: int) -> bool:
        """Tell whether a member still holds its byte: no process id, which may be used again, is looked at."""
        return self._is_locked(_MEMBER + member, 1) is not None

    def count_members(self, most: int | None = 64) -> int:
        """Return how many other members are alive; at most `most` are counted, or (None) whether there is one."""
        count, start, end = 0, _MEMBER, _MEMBER + _MEMBERS
        while start < end and (most is None or count < most):
            found = self._is_locked(start, end - start)
            if found is None:
                break
            count, start = count + 1, found + 1
            if most is None:
                break
        return count

    def _is_locked(self, start: int, length: int) -> int | None:
        """Return the first byte that another open file has locked in a range; None if there is none."""
        asked = _FLOCK.pack(fcntl.F_WRLCK, 0, start, length, 0)
        kind, _, at, _, _ = _FLOCK.unpack(fcntl.fcntl(self.fd, fcntl.F_OFD_GETLK, asked))
        return None if kind == fcntl.F_UNLCK else max(at, start)


def _prune(folder: Path) -> None:
    """Remove the files of keys that were not used for a day. A member that still has one open makes another."""
    stamp = folder / ".pruned"
    # at most once an hour on the host: a look at every file for every new key would take seconds for a thousand keys
    if stamp.exists() and time.time() - stamp.stat().st_mtime < _PRUNED_EVERY:
        return
    stamp.touch(mode=0o600)
    for old in folder.glob("*/slots"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _KEPT_FOR:
                old.unlink()
                old.parent.rmdir()


def _fits(state: int, owner: int, at: int) -> bool:
    return owner == at == 0 if state == FREE else state <= URGENT and owner != 0


def _close(descriptors: list[int], keep: int = 0) -> None:
    """Close all descriptors but the first ones."""
    while len(descriptors) > keep:
        with contextlib.suppress(OSError):
            os.close(descriptors.pop())

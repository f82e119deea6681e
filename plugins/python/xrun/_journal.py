"""The journal of a run: a file to which each call appends one line, by one write."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import threading
import zlib
from typing import Any, Dict, List

if sys.platform != "win32":
    import fcntl

_MOST_HELD = 16 << 20
"""Bytes that wait in memory while the journal cannot be written."""


def encoded(record: Dict[str, Any]) -> str:
    """A record as JSON. Numbers that JSON does not have are not in it."""
    return json.dumps(record, separators=(",", ":"), allow_nan=False)


class Journal:
    """Lines with checksums, appended to a file. It is safe against a kill, and not against a loss of power.

    What cannot be written, for instance on a full disk, waits in memory and is tried again with the next line. Threads, signal
    handlers and forked processes may use it.
    """

    def __init__(self, path: str, create: bool) -> None:
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        name = path
        if create:
            flags |= os.O_CREAT | os.O_EXCL
            name = path + ".new" if sys.platform != "win32" else path
        self.path = path
        self.count = 0
        self.lost = 0  # lines that were given up
        self.problem = ""  # why the last line could not be written
        self._sum = 0
        self._file = os.open(name, flags, 0o666)
        self._held: List[bytes] = []
        self._size = 0
        self._torn = False
        self._lock = threading.RLock()
        self._process = os.getpid()
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_SH)  # it says that the script lives
            except OSError:
                pass  # this file system has no locks
            if create:
                os.rename(name, path)  # nobody has seen it without its lock

    def log(self, text: str, values: int) -> bool:
        """Appends a record with values of the run's own process. Its end counts them."""
        data = text.encode()
        written = self.append(data)
        # An interruption before this line leaves a record that is not counted, which is no harm: one that is counted is there.
        self.count, self._sum = self.count + values, (self._sum + int.from_bytes(hashlib.sha256(data).digest()[:16], "big")) % (1 << 128)
        return written

    def write(self, record: Dict[str, Any]) -> bool:
        """Appends another record."""
        return self.append(encoded(record).encode())

    @property
    def digest(self) -> str:
        """The sum of the digests of all records with values, in any order."""
        return "%032x" % self._sum

    @property
    def left(self) -> int:
        """The number of lines that are not in the file."""
        return self.lost + len(self._held)

    @property
    def removed(self) -> bool:
        """Whether the file has lost its name: the run has ended, and is recorded."""
        return os.fstat(self._file).st_nlink == 0

    def append(self, data: bytes) -> bool:
        """Appends a line with the text of a record, and reports whether it is in the file."""
        line = b"%08x %s\n" % (zlib.crc32(data), data)
        with self._lock:
            if self._process != os.getpid():  # what waits is the other process's to write
                self._held, self._size, self._process = [], 0, os.getpid()
            if not self._held and self._put(line):
                return True
            if self._size + len(line) > _MOST_HELD:
                self.lost += 1
                return False
            self._held.append(line)
            self._size += len(line)
            return self.flush()

    def flush(self) -> bool:
        """Writes what waits in memory, and reports whether nothing waits any more."""
        with self._lock:
            done = 0
            for line in self._held:
                if not self._put(line):
                    break
                done += 1
                self._size -= len(line)
            del self._held[:done]
            return not self._held

    def _put(self, line: bytes) -> bool:
        if self._torn:
            line = b"\n" + line  # a line was cut off: this one begins anew
        try:
            n = os.write(self._file, line)
        except OSError as e:
            self.problem = e.strerror or str(e)
            return False
        if n < len(line):
            self._torn = True
            self.problem = os.strerror(errno.ENOSPC)
            return False
        self._torn = False
        return True

    def forked(self) -> None:
        """Is called in a process that was forked, in which no other thread can give the lock back."""
        self._lock = threading.RLock()

    def close(self) -> None:
        """Closes the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

"""One followed file as a partition: what was written is read on, and never again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from ocsf_connectors.file_identity import EVTX, Entry, Look, Mark, digest, line_end, window
from ocsf_connectors.file_shelf import PIECE, Part, Shelf
from ocsf_connectors.unpacked import Rewindable
from ocsf_pipe.source import Batch, Decoder, Offset, Records

if TYPE_CHECKING:
    from ocsf_connectors.file_place import Place, Stamp
    from ocsf_connectors.file_scan import Scanner

_TICK = 0.1


class FollowedFile:
    """The records of one file, from an offset on, wherever the file is now."""

    def __init__(self, entry: Entry, scanner: Scanner, shelf: Shelf, decoder: Decoder, offset: Offset) -> None:
        """Begin at an offset of an earlier reading."""
        self.id = entry.id
        self.idle = True
        self.closed = False
        self.handle: int | None = None
        self.finished: Stamp | None = None
        self._entry, self._scanner, self._shelf, self._decoder = entry, scanner, shelf, decoder
        self._offset = self._done = Offset(max(offset.position, entry.begin))
        self._place: Place | None = None
        self._runs: Iterator[Records] | None = None
        self._stream: Part | Rewindable | None = None
        self._before: str | None = None
        self._limit = self._searched = 0
        self._nothing: tuple[Stamp, bool, bool, bool] | None = None
        self._round = -1

    def next_batch(self) -> Batch | None:
        """Return the next run; None when nothing whole was written since; StopIteration when the file is finished."""
        scanner = self._scanner
        scanner.look()
        if scanner.round == self._round:
            return None  # nothing is known that was not known the last time
        place = scanner.by_id.get(self.id)
        if place is None:
            self._gone()
            return None
        if place is not self._place:
            self.release()
            self._place, self._nothing, self._limit, self._searched = place, None, 0, 0
        still = time.monotonic() - place.changed
        state = (place.stamp, place.moved, still >= scanner.options.settle, still >= scanner.options.complete_after)
        batch = None if state == self._nothing else self._read(place, settled=state[2], old=state[3])
        if batch is None and self.idle:
            # A file that was written a moment ago may be written again within one tick of the clock of its stamp.
            self._nothing, self._round = state if still > _TICK else None, scanner.round
            if self._is_over(place, old=state[3]):
                self._finish(place.stamp)
        return batch

    def _is_over(self, place: Place, *, old: bool) -> bool:
        if not self._scanner.options.follow:
            return True
        return old and (not place.listed or place.packing is not None or place.document)

    def _gone(self) -> None:
        """Wait for the file to turn up again, under another name or as a copy."""
        self.release()
        self._place = None
        if time.monotonic() - self._scanner.lost.get(self.id, 0.0) >= self._scanner.options.settle:
            self._finish((-1, -1))

    def _finish(self, stamp: Stamp) -> None:
        self.finished = stamp
        self.release()
        self._settle()
        raise StopIteration

    # ------------------------------------------------------------------ reading

    def _read(self, place: Place, *, settled: bool, old: bool) -> Batch | None:
        live = self._scanner.options.follow
        if live and not settled and (place.packing or place.document):
            self.idle = True
            return None
        self.idle = False
        if not self._shelf.admit(self):
            return None
        try:
            if place.packing:
                return self._next_unpacked(place, patient=live and not old)
            if place.document:
                return self._next_of_document(place)
            return self._next_lines(place, whole=not live or old or (place.moved and settled))
        except Unreadable as error:
            self.release()
            self._scanner.unreadable(place, error.why)
            self._round = self._scanner.round
            return None

    def _next_unpacked(self, place: Place, *, patient: bool) -> Batch | None:
        if self._runs is None:
            if self._is_another(place):
                self._cut_off()
                return None
            self._start(Rewindable(lambda: _packed(place), str(place.packing), PIECE, patient=patient))
        try:
            records = self._next_run()
        except BlockingIOError:  # it ends in the middle: still being written
            self._rest()
            return None
        if records is not None:
            return self._batch(records)
        if isinstance(self._stream, Rewindable):
            self._mark(Mark(self._stream.tell(), digest(self._stream.last)))
        self._rest()
        return None

    def _next_of_document(self, place: Place) -> Batch | None:
        handle = self._opened(place)
        if self._runs is None:
            if self._is_another(place):
                self._cut_off()
                return None
            self._start(Part(handle, place.stamp[0]))
        records = self._next_run()
        if _stamp(handle) != place.stamp:
            self._rest()  # somebody writes: what was read may be half of it
            return None
        if records is not None:
            return self._batch(records)
        if window(handle, len(EVTX)) != EVTX:
            self._mark(Mark(place.stamp[0], digest(window(handle, place.stamp[0]))))
        self._rest()
        return None

    def _is_another(self, place: Place) -> bool:
        """Whether a file that is not read line by line was written anew since it was read."""
        if self._entry.tail is None or not self._offset.position:
            return False
        try:
            with Look(place.path) as look:
                return look.key == place.key and not look.holds((self._entry.head, self._entry.tail))
        except OSError as error:
            raise Unreadable(error) from error

    def _next_lines(self, place: Place, *, whole: bool) -> Batch | None:
        handle = self._opened(place)
        size = os.fstat(handle).st_size
        if size < self._offset.position:
            self._cut_off()
            return None
        limit = size if whole else self._last_line(handle, size)
        records = self._run_until(handle, limit) if limit > self._offset.position else None
        after = digest(window(handle, records.end)) if records is not None else self._before
        if not self._is_still(handle, records.end if records is not None else 0):
            self._cut_off()
            return None
        if records is None:
            self.idle = True
            return None
        told = self._entry.tail is not None and self._entry.tail.end > self._entry.head.end
        self._before = after
        self._mark(Mark(records.end, str(after)))
        if not told:
            self._scanner.known.save()  # a head alone does not tell two files of one header apart after a crash
        return self._batch(records)

    def _run_until(self, handle: int, limit: int) -> Records | None:
        """Read on with the decoder in hand, which knows the header; with a new one if that is through."""
        if self._runs is not None and isinstance(self._stream, Part):
            self._stream.limit = limit
            if (records := self._next_run()) is not None:
                return records
        self._start(Part(handle, limit))
        return self._next_run()

    def _is_still(self, handle: int, end: int) -> bool:
        """Whether the file reaches to `end` and is what it was before the offset.

        Asked behind a read: a cut may have come before it.
        """
        if os.fstat(handle).st_size < max(end, self._offset.position):
            return False
        # What was read may be a header that the next file has too, so what was seen behind it counts as well.
        marks = [mark for mark in (self._entry.head, self._entry.tail) if mark is not None]
        same = all(digest(window(handle, mark.end)) == mark.digest for mark in marks)
        return same and digest(window(handle, self._offset.position)) == self._before

    def _mark(self, tail: Mark) -> None:
        if self._entry.tail is None or tail.end > self._entry.tail.end:
            self._entry.tail, self._entry.seen = tail, time.time()
            self._scanner.known.change(self._entry)

    def _opened(self, place: Place) -> int:
        if self.handle is None:
            self.handle = opened(place)
            if self._before is None and not place.document:
                self._before = digest(window(self.handle, self._offset.position))
        return self.handle

    def _last_line(self, handle: int, size: int) -> int:
        """Return the place behind the last line feed; what was searched before is not searched again."""
        if size < self._searched:
            self._limit = self._searched = 0
        start = max(self._searched, self._offset.position)
        found = line_end(handle, start, size)
        self._limit, self._searched = found if found > start else self._limit, size
        return self._limit

    def _start(self, stream: Part | Rewindable) -> None:
        self._stream = stream
        name = self._entry.path.rpartition("/")[2]
        self._runs = self._decoder.read(cast("BinaryIO", stream), name, resume_at=self._offset.position)

    def _next_run(self) -> Records | None:
        """Return the next run that reaches beyond the offset; None when the decoder is through."""
        for records in self._runs or ():
            if records.end > self._offset.position:
                return records
        self._runs = None
        return None

    def _batch(self, records: Records) -> Batch:
        start, self._offset = self._offset, Offset(records.end)
        return Batch((records,), start, self._offset)

    def _rest(self) -> None:
        """Close the file until it changes."""
        self.idle = True
        self.release()

    def _cut_off(self) -> None:
        """Let go of a file that was written anew: what is left of the old one may be in a copy, unless it is one."""
        self._rest()
        if not self._entry.short:
            self._scanner.lose(self._entry)

    # ------------------------------------------------------------------ the contract

    def offset(self) -> Offset:
        """Return the first place not yet returned."""
        return self._offset

    def acknowledge(self, offset: Offset) -> None:
        """Remember a finished file as done once all of it is in the lake."""
        self._done = max(self._done, offset)
        self._settle()

    @property
    def settled(self) -> bool:
        """Whether all that was returned is in the lake."""
        return self._done >= self._offset

    def _settle(self) -> None:
        if self.finished is not None and self.settled and not self._entry.done:
            self._entry.done, self._entry.stamp, self._entry.seen = True, self.finished, time.time()
            self._scanner.known.change(self._entry)

    def lag(self) -> int | None:
        """Return the bytes that wait in a file of lines; None for a packed one and a document."""
        place = self._scanner.by_id.get(self.id)
        if place is None or place.packing or place.document:
            return None
        return max(0, place.stamp[0] - self._offset.position)

    def may_close(self) -> bool:
        """Whether the file could be opened again: one that has no name any more could not."""
        return self._place is None or self._place.listed

    def release(self) -> None:
        """Close what is open; it is opened again when there is something to read."""
        self._runs = None
        if isinstance(self._stream, Rewindable):
            self._stream.close()
        self._stream = None
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None
        self._shelf.leave(self)

    def close(self) -> None:
        """Let go of the file."""
        self.closed = True
        self.release()


class Unreadable(Exception):  # noqa: N818 - what the file is
    """A file cannot be opened or is not where it was; `why` says which."""

    def __init__(self, why: OSError) -> None:
        """Keep the system's word."""
        super().__init__(str(why))
        self.why = why


def opened(place: Place) -> int:
    """Open the file of a place; raises Unreadable where it cannot be, or where another file has its name now."""
    try:
        handle = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(error) from error
    stat = os.fstat(handle)
    if (stat.st_dev, stat.st_ino) != place.key:
        os.close(handle)
        raise Unreadable(FileNotFoundError(2, "another file has its name now", place.path))
    return handle


def _packed(place: Place) -> BinaryIO:
    return os.fdopen(opened(place), "rb")


def _stamp(handle: int) -> Stamp:
    stat = os.fstat(handle)
    return stat.st_size, stat.st_mtime_ns

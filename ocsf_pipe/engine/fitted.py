"""Records that fit a known skeleton: their cells without a parser, their `unmapped` without a second one.

The records of a batch that fit go to the query as text columns, one for each path that the mapping decodes; all others
are decoded by it. Which skeletons are known is learned from the records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ocsf_pipe.engine.cells import cell_paths
from ocsf_pipe.engine.leftover import Taken, taken_by
from ocsf_pipe.engine.outline import Outline, Span, UnfitError, read_outline
from ocsf_pipe.engine.query import wants_unmapped
from ocsf_pipe.engine.skeleton import Block, Places, blocks, cut
from ocsf_pipe.plan.nodes import Path, Plan, Shape

LEAST, FEW = 3, 128
"""Records of a block that must share a skeleton before it is worth reading, where it has more than a few new ones."""
MOST = 1024
"""Skeletons that are known at most; the records of others are decoded."""
_UNKNOWN = -1
_PIECES = 20_000
_NOWHERE: Span = ((0, 0), (0, 0))


@dataclass(frozen=True, slots=True)
class Fit:
    """One block: which of its records fit, their rows in the batch, and the skeleton of each."""

    block: Block
    local: Places
    rows: Places
    skeleton: Places
    lengths: Places

    def place(self, of: Places, chars: Places, scalars: Places) -> Places:
        """Where places of skeletons are in the bytes of records: `of` are numbers of fitting records."""
        first = self.block.first[self.local[of]]
        base = self.block.origin[self.local[of]] - self.lengths[first]
        found: Places = base + chars + self.lengths[first + scalars]
        return found


@dataclass(slots=True)
class Skeletons:
    """The skeletons that are known for one plan, as tables by their number."""

    plan: Plan
    barred: frozenset[str]
    least: int = LEAST
    numbers: dict[bytes, int] = field(default_factory=dict)
    outlines: list[Outline] = field(default_factory=list)
    pieces: dict[tuple[int, str, int], npt.NDArray[np.int64]] = field(default_factory=dict)
    paths: list[tuple[Path, Shape]] = field(default_factory=list)
    taken: Taken = field(init=False)
    _new: list[tuple[list[list[int]], list[int], list[bool]]] = field(default_factory=list)
    _wanting: list[bool] = field(default_factory=list)
    _tables: tuple[npt.NDArray[np.int64], ...] | None = None

    def __post_init__(self) -> None:
        """Work out what is asked of each skeleton."""
        self.paths = list(cell_paths(self.plan.shape))
        self.taken = taken_by(self.plan.routes)
        self._wanting = [wants_unmapped(route) for route in self.plan.routes]

    def fits(self, text: pa.LargeStringArray) -> Iterator[Fit]:
        """The records that fit, block by block; blocks without any are left out."""
        for block in blocks(text):
            of = self._numbered(block.skeletons)
            known = np.flatnonzero(of != _UNKNOWN)
            if not len(known):
                continue
            known = known[self._fit(block, known, of[known])]
            if len(known):
                lengths = np.concatenate([[0], np.cumsum(block.ends - block.starts)])
                yield Fit(block, known, block.rows[known], of[known], lengths)

    def _numbered(self, skeletons: pa.DictionaryArray) -> Places:
        """The number of each record's skeleton; -1 where it is not known or not sound."""
        which = skeletons.indices.to_numpy()
        texts = skeletons.dictionary.to_pylist()
        often = np.bincount(which, minlength=len(texts))
        new = [i for i, text in enumerate(texts) if text not in self.numbers]
        for i in new:
            if (often[i] >= self.least or len(new) <= FEW) and len(self.numbers) < MOST:
                self.numbers[texts[i]] = self._learn(texts[i])
        numbers = np.array([self.numbers.get(text, _UNKNOWN) for text in texts], np.int64)
        found: Places = numbers[which]
        return found

    def _learn(self, skeleton: bytes) -> int:
        """Read a skeleton; -1 for one that is not sound or does not have what the plan decodes."""
        try:
            outline = read_outline(skeleton)
            row = self._row(outline)
        except (UnfitError, UnicodeDecodeError):
            return _UNKNOWN
        if outline.keys() & self.barred or not outline.lists_stay(self.taken):
            return _UNKNOWN
        self.outlines.append(outline)
        self._new.append(row)
        return len(self.outlines) - 1

    def _row(self, outline: Outline) -> tuple[list[list[int]], list[int], list[bool]]:
        """Of each path: its span; the scalar that has to be null, for an object or list; whether it is text."""
        spans, nulls, texts = [], [], []
        for path, shape in self.paths:
            cell = outline.cell(path)
            if cell is None:
                (begin, end), null, text = _NOWHERE, -1, False
            else:
                (begin, end), null, text = cell.span, -1, cell.kind == "text" and shape.kind == "text"
                if text:
                    begin, end = (begin[0] + 1, begin[1]), (end[0] - 1, end[1])
                if shape.kind in {"object", "list"} and cell.kind != shape.kind:
                    if cell.kind != "bare":
                        raise UnfitError
                    null = begin[1]
            spans.append([*begin, *end])
            nulls.append(null)
            texts.append(text)
        return spans, nulls, texts

    def tables(self) -> tuple[npt.NDArray[np.int64], ...]:
        """By path and skeleton: characters and scalars before the cell and behind it, null scalar, is text."""
        if self._new:
            spans = np.array([row[0] for row in self._new], np.int64).transpose(2, 1, 0)
            nulls = np.array([row[1] for row in self._new], np.int64).T
            texts = np.array([row[2] for row in self._new], np.int64).T
            scalars = np.array([[outline.scalars for outline in self.outlines[-len(self._new) :]]], np.int64)
            new = (*spans, nulls, texts, scalars)
            known = self._tables or tuple(part[:, :0] for part in new)
            self._tables = tuple(np.concatenate(pair, axis=1) for pair in zip(known, new, strict=True))
            self._new = []
        return self._tables or ()

    def _fit(self, block: Block, known: Places, of: Places) -> npt.NDArray[np.bool_]:
        """Which of these records have the scalars that their skeleton says, all sound, and nulls where need be."""
        *_, nulls, _, scalars = self.tables()
        first = block.first[known]
        good: npt.NDArray[np.bool_] = block.sound[known] & (block.first[known + 1] - first == scalars[0, of])
        for number in np.flatnonzero((nulls >= 0).any(axis=1)):
            asked = np.flatnonzero(good & (nulls[number, of] >= 0))
            good[asked] = block.null[first[asked] + nulls[number, of[asked]]]
        return good

    def cells(self, fit: Fit, wanted: Places) -> list[pa.Array]:
        """The text of these paths (by number) in every record that fits; null for JSON null and what is not there."""
        block = fit.block
        chars, scalars, chars_behind, scalars_behind, _, texts, _ = self.tables()
        of, which = fit.skeleton, wanted[:, None]
        first = block.first[fit.local]
        base = block.origin[fit.local] - fit.lengths[first]
        ends = chars_behind[which, of]
        there = ends > 0
        ends += base
        ends += fit.lengths[scalars_behind[which, of] + first]
        scalar = scalars[which, of] + first
        starts = chars[which, of] + base
        starts += fit.lengths[scalar]
        scalar = np.minimum(scalar, max(len(block.null) - 1, 0))  # that of what is not there is not looked at
        there &= ~(self._bare()[which, of] & block.null[scalar])
        starts[~there] = ends[~there] = 0
        data = block.data
        if len(block.escaped):
            data = _unescaped(fit, data, (texts[which, of] > 0) & there, scalar, starts, ends)
        return _columns(cut(data, starts.ravel(), ends.ravel()), there)

    def _bare(self) -> npt.NDArray[np.bool_]:
        """By path and skeleton, whether a bare word stands there."""
        chars, scalars, chars_behind, scalars_behind, _, texts, _ = self.tables()
        found: npt.NDArray[np.bool_] = (chars == chars_behind) & (scalars + 1 == scalars_behind) & (texts == 0)
        return found

    def left(self, fit: Fit, of: Places, routes: Places, kept: Places, back: Sequence[Sequence[Path]]) -> pa.Array:
        """The `unmapped` of events: of each, the number of its record, its rule, and the bits of what is put back."""
        keys = np.stack([fit.skeleton[of], routes, kept])
        groups, which = np.unique(keys, axis=1, return_inverse=True)
        pieces = [self._pieces(int(s), int(r), int(k), back) for s, r, k in groups.T]
        counts = np.array([len(found) for found in pieces])
        table = np.concatenate(pieces)
        which = which.ravel()
        count = counts[which]
        behind = np.cumsum(count)
        row = np.repeat(np.arange(len(of)), count)
        begins = np.cumsum(counts) - counts
        flat = np.arange(len(row)) + np.repeat(begins[which] - (behind - count), count)
        x1, k1, x2, k2 = table[flat].T
        texts = cut(fit.block.data, fit.place(of[row], x1, k1), fit.place(of[row], x2, k2))
        offsets = _offsets(texts)[np.concatenate([[0], behind])]
        return _text(offsets, texts.buffers()[2] if len(texts) else pa.py_buffer(b""), count > 0)

    def _pieces(self, skeleton: int, route: int, kept: int, back: Sequence[Sequence[Path]]) -> npt.NDArray[np.int64]:
        """The pieces of the record that a rule leaves, as rows of characters and scalars before and behind."""
        if route < 0 or not self._wanting[route]:
            return np.zeros((0, 4), np.int64)
        rule = self.plan.routes[route].name
        key = (skeleton, rule, kept)
        if key not in self.pieces:
            if len(self.pieces) >= _PIECES:
                self.pieces.clear()
            flags = {path: True for bit, path in enumerate(back[route]) if kept >> bit & 1}
            spans = self.outlines[skeleton].left(rule, flags, self.taken)
            self.pieces[key] = np.array([[*begin, *end] for begin, end in spans], np.int64).reshape(-1, 4)
        return self.pieces[key]


def _unescaped(
    fit: Fit, data: npt.NDArray[np.uint8], asked: npt.NDArray[np.bool_], scalar: Places, starts: Places, ends: Places
) -> npt.NDArray[np.uint8]:
    """The bytes with the text of escaped cells behind them; their starts and ends are moved there."""
    escaped = np.zeros(len(fit.block.starts), np.bool_)
    escaped[fit.block.escaped] = True
    found = np.nonzero(asked & escaped[scalar])
    if not len(found[0]):
        return data
    texts = []
    at = len(data)
    for path, record in zip(*found, strict=True):
        quoted = data[starts[path, record] - 1 : ends[path, record] + 1].tobytes()
        text = json.loads(quoted).encode()
        starts[path, record], ends[path, record] = at, at + len(text)
        texts.append(text)
        at += len(text)
    return np.concatenate([data, np.frombuffer(b"".join(texts), np.uint8)])


def _columns(cells: pa.LargeBinaryArray, there: npt.NDArray[np.bool_]) -> list[pa.Array]:
    """The cells of all columns, one behind the other, as columns."""
    count, rows = there.shape
    whole = _text(_offsets(cells), cells.buffers()[2], there.ravel())
    return [whole.slice(number * rows, rows) for number in range(count)]


def _offsets(texts: pa.LargeBinaryArray) -> Places:
    if not len(texts):
        return np.zeros(1, np.int64)
    return np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]


def _text(offsets: Places, data: pa.Buffer, there: npt.NDArray[np.bool_]) -> pa.LargeStringArray:
    """Text out of its parts; only whole characters are ever cut out of what was text."""
    valid = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, [valid, pa.py_buffer(offsets), data])

"""A correlation that fires → fires with the events behind them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from ocsf_pipe.detect.correlate import Correlator
from ocsf_pipe.detect.firing import Firing
from ocsf_pipe.detect.grouping import digest
from ocsf_pipe.detect.rules import Rule


def bursts(correlator: Correlator, rule: Rule) -> list[Firing]:
    """The fires of a correlation in order of time, each with the events of its window, those of inner ones included."""
    correlation = rule.correlation
    if correlation is None:
        return []
    edges = correlator.fires(rule)
    if not edges.num_rows:
        return []
    inner = {
        (one.rule.id, one.time): one.events
        for part in correlator.parts(correlation)
        if part.correlation is not None
        for one in bursts(correlator, part)
    }
    groups = [f"g{i}" for i in range(len(correlation.by))]
    behind = _behind(correlator, rule, edges, groups)
    found = []
    for number, row in enumerate(edges.to_pylist()):
        uids = (uid for name, at in behind.get(number, ()) for uid in inner.get((name, at), (name,)))
        values = [str(row[name]) for name in groups]
        details = tuple(sorted(zip(correlation.by, values, strict=True)))
        key = digest(*values, str(row["t"]))
        found.append(Firing(rule, row["t"], tuple(dict.fromkeys(uids)), key, details=details))
    return found


def _behind(correlator: Correlator, rule: Rule, edges: pa.Table, groups: Iterable[str]) -> dict[int, list[Any]]:
    """For each edge by number, the ids and times of the events in its window, by time."""
    correlation = rule.correlation
    assert correlation is not None  # noqa: S101 - the caller has looked
    span = correlation.seconds * 1000
    numbered = edges.append_column("n", pa.array(range(edges.num_rows), pa.int64()))
    correlator.connection.register("_edges", numbered)
    same = "".join(f" and l.{name} = e.{name}" for name in groups)
    query = (
        f"with line as ({' union all '.join(correlator.line(correlation))}) "
        f"select e.n, l.uid, l.t from _edges e join line l on l.t between e.t - {span} and e.t{same} order by e.n, l.t"
    )
    found: dict[int, list[Any]] = {}
    for number, uid, at in correlator.connection.sql(query).fetchall():
        found.setdefault(number, []).append((uid, at))
    correlator.connection.unregister("_edges")
    return found

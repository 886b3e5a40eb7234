"""Reading: the lake reads like the schema, and a query can do nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake, read
from tests.lake.parts import rows, run, txn, uids


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """Return a lake with two tables."""
    lake.commit(txn(0), {"authentication": rows({"actor": {"user": {"name": "ann"}}}), "dns_activity": uids("a")})
    return lake


def test_a_query_reads_like_the_schema(filled: Lake) -> None:
    """Nested attributes by their path, parameters by place."""
    found = filled.sql("select actor.user.name as who from authentication where actor.user.name = ?", ["ann"])
    assert found.to_pylist() == [{"who": "ann"}]


def test_tables_join(filled: Lake) -> None:
    """All tables of a query are there, whatever their case."""
    assert filled.sql("select count(*) n from Authentication, DNS_Activity").to_pylist() == [{"n": 1}]


def test_the_catalogue_shows_all_tables(filled: Lake) -> None:
    """A statement that names no table sees them all."""
    assert filled.tables() == ["authentication", "dns_activity"]
    assert filled.sql("show tables")["name"].to_pylist() == ["authentication", "dns_activity"]


def test_an_unknown_table_gets_the_nearest(filled: Lake) -> None:
    """In SQL as in a scan."""
    for ask in (lambda: filled.sql("select * from autentication"), lambda: filled.scan("autentication")):
        with pytest.raises(LakeError, match="there is no table `autentication`") as raised:
            ask()
        assert raised.value.hint == "did you mean `authentication`?"


def test_a_missing_lake_is_told(tmp_path: Path) -> None:
    """It is made only when asked for."""
    with pytest.raises(LakeError, match="there is no lake"):
        Lake(tmp_path / "none")


def test_a_table_in_parts(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part has every column, each row is in one of them, and any connection can read them."""
    monkeypatch.setattr(read, "_LEAST", 1)
    for i in range(7):
        wide = {"actor": {"user": {"name": "ann"}}} if i % 3 == 0 else {"actor": {"process": {"pid": i}}}
        run(lake, txn(i), {"authentication": rows({"record_uid": str(i), "metadata": {"uid": str(i)}, **wide})})
    whole, parts = lake.split("authentication", 3)
    assert len(parts) == 3
    asked = "select record_uid, actor.user.name, actor.process.pid from {} order by 1"
    connection = duckdb.connect()
    found = [connection.execute(asked.format(part)).fetchall() for part in parts]
    assert all(found)
    together = sorted(row for some in found for row in some)
    assert together == connection.execute(asked.format(whole)).fetchall()
    assert together == [tuple(row.values()) for row in lake.sql(asked.format("authentication")).to_pylist()]


def test_a_small_table_stays_whole(filled: Lake) -> None:
    """Files of a few kilobytes are not worth a process of their own."""
    assert len(filled.split("authentication", 8)[1]) == 1


WRITES = [
    "copy authentication to '{lake}/x.csv'",
    "copy (select 1) to '{out}/x.csv'",
    "attach '{out}/x.db'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "create table x as select 1",
    "drop view authentication",
    "export database '{out}'",
    "pragma database_list",
    "select 1; copy (select 1) to '{lake}/x.csv'",
    "",
]


@pytest.mark.parametrize("statement", WRITES)
def test_a_query_only_reads(filled: Lake, tmp_path: Path, statement: str) -> None:
    """Everything but one reading statement is refused, and nothing appears on disk."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LakeError, match=r"a query only reads|\d statements"):
        filled.sql(statement.format(lake=filled.where, out=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_text('{out}')",
        "select * from read_csv('{out}')",
        "from '{out}'",
        "select * from glob('/etc/*')",
    ],
)
def test_a_query_reads_no_file_outside_the_lake(filled: Lake, tmp_path: Path, query: str) -> None:
    """Not by function and not by name; nor is anything listed."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with pytest.raises(LakeError, match="Permission Error"):
        filled.sql(query.format(out=secret))


def test_a_connection_is_locked(filled: Lake, tmp_path: Path) -> None:
    """The shell's connection has the views, and its walls cannot be taken down."""
    connection = filled.connect()
    assert connection.sql("select count(*) from authentication").fetchall() == [(1,)]
    for statement in (
        "set enable_external_access = true",
        "set lock_configuration = false",
        f"copy (select 1) to '{tmp_path}/x.csv'",
        f"attach '{tmp_path}/x.db'",
        "install httpfs",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(statement)
    assert not list(tmp_path.glob("x.*"))


def test_a_day_is_pruned_by_its_folder(filled: Lake) -> None:
    """A filter on event_day opens only the files of that day."""
    plan = str(filled.sql("explain select * from authentication where event_day = date '2020-01-01'").to_pylist())
    assert re.search(r"EMPTY|Empty|0/1|Scanning Files: 0", plan), plan

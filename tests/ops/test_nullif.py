"""`nullif` of many texts, as the field map writes it for a mapping that puts forty captions in place of a code."""

from __future__ import annotations

import duckdb

from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.types import TEXT


def test_forty_texts_are_one_condition() -> None:
    """The SQL grows with the number of texts, not with two to its power: forty are planned and asked at once."""
    texts = [f"'t{i}'" for i in range(40)]
    sql = OPS["nullif"].to_sql(["s", *texts, "cast(null as varchar)"], [TEXT] * 42)
    with duckdb.connect() as connection:
        connection.execute("set memory_limit = '200MB'")
        asked = connection.execute(f"select {sql} from (values ('t39'), ('t40'), (null)) t (s)").fetchall()
    assert asked == [(None,), ("t40",), (None,)]

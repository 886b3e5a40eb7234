"""The op `common_name`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = r"(?:^|,)[ ]*[cC][nN]=([^,\\+]+)"


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("CN=Ann Lee,OU=Sales,DC=acme,DC=example",), "Ann Lee"),
        Example(("O=Let's Encrypt, cn=R3",), "R3"),
        Example(("OU=Sales",), None),
    ],
)
def common_name(value: str) -> str | None:
    """The first common name (`CN=`) of an LDAP or X.509 distinguished name; null when there is none."""
    found = re.search(_FORM, value)
    return found[1] if found else None


@common_name.sql
def _sql(value: str) -> str:
    return f"nullif(regexp_extract({value}, '{_FORM}', 1), '')"

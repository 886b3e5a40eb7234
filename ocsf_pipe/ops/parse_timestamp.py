"""The op `parse_timestamp`."""

from __future__ import annotations

import datetime as dt
import functools
import re

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.sql_text import constant_text, text_literal
from ocsf_pipe.ops.time_text import millis, zone_offset
from ocsf_pipe.ops.types import TEXT, TIMESTAMP

_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTHS = [name[:3] for name in _MONTH_NAMES]
_DIRECTIVES = {
    "Y": "(?P<Y>[0-9]{4})",
    "m": "(?P<m>[0-9]{1,2})",
    "d": "(?P<d>[0-9]{1,2})",
    "H": "(?P<H>[0-9]{1,2})",
    "I": "(?P<I>[0-9]{1,2})",
    "M": "(?P<M>[0-9]{1,2})",
    "S": "(?P<S>[0-9]{1,2})",
    "f": "(?P<f>[0-9]{1,6})",
    "p": "(?P<p>[AP]M)",
    "b": f"(?P<b>{'|'.join(_MONTHS)})",
    "B": f"(?P<B>{'|'.join(_MONTH_NAMES)})",
    "a": "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    "z": "(?P<z>[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])",
    "%": "%",
}


@functools.lru_cache(maxsize=64)
def _pattern(form: str) -> str:
    """The regular expression of what a format reads."""
    pieces = re.findall(r"%(.?)|([^%]+)", form, re.DOTALL)
    quoted = [re.sub(r"([^A-Za-z0-9 ])", r"\\\1", text) or _DIRECTIVES[letter] for letter, text in pieces]
    return "".join(quoted)


def _complaint(_value: Value, form: str | None) -> str | None:
    if form is None:
        return None
    letters = re.findall(r"%(.?)", form, re.DOTALL)
    wrong = next((letter for letter in letters if letter not in _DIRECTIVES), None)
    if wrong is not None:
        return f"`%{wrong}` is not one of {' '.join(f'`%{known}`' for known in _DIRECTIVES)}"
    if any(letters.count(letter) > 1 for letter in letters if letter not in "%a"):
        return f"`{form}` names a part twice"
    if "Y" not in letters or "d" not in letters or sum(letter in "mbB" for letter in letters) != 1:
        return f"`{form}` needs a year `%Y`, a month `%m`, `%b` or `%B`, and a day `%d`"
    if ("I" in letters) != ("p" in letters) or {"I", "H"} <= set(letters):
        return f"`{form}` needs `%I` with `%p`, or `%H`"
    return None if form.isascii() else f"`{form}` has more than ASCII in it"


@op(
    takes=(TEXT, TEXT),
    gives=TIMESTAMP,
    constant=(1,),
    complaint=_complaint,
    fails=True,
    examples=[
        Example(("10/Feb/2026:09:08:07 +0100", "%d/%b/%Y:%H:%M:%S %z"), 1770710887000),
        Example(("2/10/2026 9:08:07 PM", "%m/%d/%Y %I:%M:%S %p"), 1770757687000),
        Example(("Tue Feb 10 09:08:07.25 2026", "%a %b %d %H:%M:%S.%f %Y"), 1770714487250),
        Example(("20260230", "%Y%m%d"), None, "no such day"),
        Example(("soon", "%Y-%m-%d"), None),
    ],
)
def parse_timestamp(value: str, form: str) -> int | None:
    """Read a time in a format of `%Y %m %b %B %d %a %H %I %p %M %S %f %z`; UTC without `%z`; else null."""
    found = re.fullmatch(_pattern(form), value)
    if not found:
        return None
    part = found.groupdict()
    name = (part.get("b") or part.get("B") or "")[:3]
    month = _MONTHS.index(name) + 1 if name else int(part["m"])
    hour = int(part.get("H") or 0)
    if part.get("I"):
        if not 1 <= int(part["I"]) <= 12:
            return None
        hour = int(part["I"]) % 12 + (12 if part["p"] == "PM" else 0)
    micros = int((part.get("f") or "0").ljust(6, "0"))
    try:
        time = dt.datetime(  # noqa: DTZ001 (the zone is subtracted)
            int(part["Y"]), month, int(part["d"]), hour, int(part.get("M") or 0), int(part.get("S") or 0), micros
        )
    except ValueError:
        return None
    return millis(time) - zone_offset(part.get("z") or "Z")


@parse_timestamp.sql
def _sql(value: str, form: str) -> str:
    guard = re.sub(r"\(\?P<[A-Za-z]>", "(?:", _pattern(constant_text(form)))
    read = f"nullif(regexp_extract({value}, {text_literal(f'^{guard}$')}), '')"
    return f"epoch_ms(try_strptime({read}, {form}))"

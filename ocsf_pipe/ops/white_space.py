"""The characters that count as white space in every op: ASCII's six, and no others."""

from __future__ import annotations

WHITE_SPACE = " \t\n\r\f\v"

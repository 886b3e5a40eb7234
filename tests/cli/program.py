"""The program as a user runs it: arguments in; what it printed and how it ended out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ocsf_pipe.cli import main


@dataclass(frozen=True, slots=True)
class Ended:
    """What one run left behind."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Program:
    """Runs the program in this process."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *args: object) -> Ended:
        """Run it to its end."""
        self.capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        out, err = self.capture.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else int(code is not None), out, err)

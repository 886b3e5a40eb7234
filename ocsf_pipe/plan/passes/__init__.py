"""Rewrites of a plan: one pass, one file; `PASSES` is the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.plan.passes.canonical import canonical
from ocsf_pipe.plan.passes.constants import constants
from ocsf_pipe.plan.passes.digest import digest
from ocsf_pipe.plan.passes.fold import fold

PASSES: tuple[Callable[[Plan], Plan], ...] = (constants, fold, canonical, digest)


def optimise(plan: Plan) -> Plan:
    """Run every pass in order; what the plan computes stays the same."""
    return reduce(lambda done, rewrite: rewrite(done), PASSES, plan)

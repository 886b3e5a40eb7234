"""Name a plan by what it computes."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from ocsf_pipe.plan.nodes import Assign, Plan, Route


def digest(plan: Plan) -> Plan:
    """Set `digest` to a hash over everything but places, titles, file names and what only detection reads."""
    routes = tuple(_placeless(route) for route in plan.routes)
    bare = replace(plan, file="", title="", digest="", sigma=(), routes=routes)
    return replace(plan, digest=hashlib.sha256(repr(bare).encode()).hexdigest()[:16])


def _placeless(route: Route) -> Route:
    return replace(
        route,
        span=None,
        assigns=tuple(_bare(assign) for assign in route.assigns),
        objects=tuple(replace(needs, span=None) for needs in route.objects),
    )


def _bare(assign: Assign) -> Assign:
    return replace(assign, span=None)

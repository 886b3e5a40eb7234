"""A plan → one DuckDB query over one batch.

The query is a ladder of projections, so that every value is computed once and later steps only name it:

    batch → decoded → lets → routed → (fanned out) → locals → values → objects → masked → derived

Result columns: `rid` (row of the batch), `route`, `n` (element of a `for_each`, else 0), `fault` (why the event is
rejected, see `Query.faults`), one column per attribute (`a:…`) and one per conversion that can fail (`f:…`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from ocsf_pipe.engine.cells import Cells
from ocsf_pipe.engine.merge import by_route
from ocsf_pipe.engine.observables import parted
from ocsf_pipe.engine.requirements import holds, missing
from ocsf_pipe.engine.sql import Emitter, attribute_column, column, odd_keys, structure
from ocsf_pipe.engine.unmapped import consumed_tree, is_leaf, leftover_sql, odd_sql, tidy_sql, undecoded_keys
from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.plan.nodes import Assign, Frame, LetRef, Node, ObjectNeeds, Path, Plan, Route, Shape, default_of
from ocsf_pipe.plan.passes.consumed import children

OBSERVABLES = ("observables",)
MALFORMED, NO_RULE, NO_ELEMENT, NO_OBJECT, DROPPED = -1, -2, -3, -4, -10

# Decoding makes an empty object of anything but null, so the first character is looked at; nearly always it is `{`.
_TRIMMED = "trim(j, chr(32) || chr(9) || chr(10) || chr(13))"
SOUNDNESS = f"""case when r is null then case when {_TRIMMED} = 'null' then {NO_OBJECT} else {MALFORMED} end
    when starts_with(j, '{{') then 0 when starts_with({_TRIMMED}, '{{') then 0 else {NO_OBJECT} end"""


@dataclass(frozen=True, slots=True)
class Query:
    """The SQL with what is needed to read its result.

    faults: reason and attribute by (route, fault); failures: route → assigns whose `f:` column tells of a failure.
    Of a query over fitted records, cells: the numbers of the paths that it reads, as columns `p:…`; back: by rule, the
    source paths that may be put back.
    """

    sql: str
    faults: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    failures: dict[Path, str] = field(default_factory=dict)
    cells: tuple[int, ...] = ()
    back: tuple[tuple[Path, ...], ...] = ()


def build_query(plan: Plan, columns: tuple[str, ...] | None = None) -> Query:
    """Write the query; `columns` are the text columns of records that are not JSON."""
    return _Builder(plan, columns).build()


def build_fitted_query(plan: Plan) -> Query:
    """Write the query for JSON records that `fitted.py` has cut into columns; it leaves `unmapped` to it, too.

    One more column, `kept`, has a bit for each source path of the rule that is put back, in the order of `Query.back`.
    """
    return _Builder(plan, None, fitted=True).build()


def odd_keys_of(plan: Plan) -> list[str]:
    """The keys that only a look at the text can find."""
    return _Builder(plan, None).odd_keys()


def recognise_query(plan: Plan, columns: tuple[str, ...] | None = None) -> str:
    """Write the query that says of each record whether the mapping recognises it; continues a `with`."""
    return _Builder(plan, columns).recognise()


class _Builder:
    def __init__(self, plan: Plan, columns: tuple[str, ...] | None, *, fitted: bool = False) -> None:
        self.plan = plan
        self.fitted = Cells(plan) if fitted else None
        self.columns = columns
        self.emitter = Emitter(plan.shape, columnar=columns is not None)
        self.routes = plan.routes
        self.stages: list[tuple[str, str]] = []
        self.faults: dict[tuple[int, int], tuple[str, str]] = {}

    def stage(self, name: str, select: str, source: str | None = None) -> None:
        before = source or self.stages[-1][0]
        self.stages.append((name, f"select {select} from {before}"))

    def build(self) -> Query:
        self.decode()
        self.lets()
        self.route()
        if any(route.also or route.for_each for route in self.routes):
            self.fan_out()
        self.locals()
        self.values()
        self.objects()
        self.masked()
        final = self.derived()
        ladder = ",\n".join(f"{name} as ({text})" for name, text in self.stages)
        failures = {path: column("f", ".".join(path)) for path in self.failing}
        cells = self.fitted.numbers if self.fitted is not None else ()
        back = tuple(self.put_back(route) for route in self.routes) if self.fitted is not None else ()
        return Query(f"with {ladder}\n{final}", self.faults, failures, cells, back)

    def recognise(self) -> str:
        self.decode()
        self.lets()
        test = self.emitter.sql(self.plan.recognise) if self.plan.recognise is not None else "false"
        ladder = ",\n".join(f"{name} as ({text})" for name, text in self.stages)
        return f"{ladder}\nselect coalesce(unsound = 0 and {test}, false) as recognised from {self.stages[-1][0]}"

    # batch → decoded

    def decode(self) -> None:
        if self.fitted is not None:
            self.stage("decoded", f"*, {self.fitted.sql()} as r, 0 as unsound, false as odd", "batch")
            return
        if self.columns is None:
            decoded = f"try(from_json(j, {text_literal(structure(self.plan.shape))}))"
            self.stage("decoded", f"*, {decoded} as r", "batch")
            self.stage("judged", f"*, {SOUNDNESS} as unsound")
            # text that is no JSON is shown to no other function: they would raise, and the batch with them
            self.stage("sound", "* replace (case when unsound = 0 then j end as j)")
            self.stage("looked", f"*, {odd_sql(self.odd_keys())} as odd")
            return
        present = list(self.columns)
        whole = "{" + ", ".join(f"{text_literal(name)}: {column('c', name)}" for name in present) + "}"
        self.stage("rows", f"*, json_merge_patch('{{}}', to_json({whole}))::varchar as j", "batch")
        decoded, odd = self._struct(self.plan.shape, set(present)), odd_sql(self.odd_keys())
        self.stage("decoded", f"*, {decoded} as r, 0 as unsound, {odd} as odd")

    def odd_keys(self) -> list[str]:
        """The keys that only a look at the text can find."""
        shape = self.plan.shape
        taken = [undecoded_keys(consumed_tree(route.consumed), shape) for route in self.routes]
        return [*odd_keys(shape), *(key for keys in taken for key in keys)]

    def _struct(self, shape: Shape, present: set[str]) -> str:
        fields = [
            f"{text_literal(name)}: {column('c', name) if name in present else 'null::varchar'}"
            for name, _ in shape.fields
        ]
        return "{" + ", ".join(fields or ["'': null"]) + "}"

    # → lets: as few steps as their dependencies allow

    def lets(self) -> None:
        pending = list(self.plan.lets)
        done: set[str] = set()
        while pending:
            ready = [(name, node) for name, node in pending if not (_named(node) - done)]
            self.add_columns(f"lets{len(self.stages)}", [(column("let", name), node) for name, node in ready])
            done |= {name for name, _ in ready}
            pending = [pair for pair in pending if pair not in ready]

    def add_columns(self, name: str, columns: list[tuple[str, Node]]) -> None:
        texts = [f"{self.emitter.sql(node)} as {alias}" for alias, node in columns]
        self.stage(name, ", ".join(["*", *texts]))

    # → routed: the main rule of each record

    def route(self) -> None:
        whens = ["when unsound < 0 then unsound"]
        for i, (_, node) in enumerate(self.plan.drops):
            whens.append(f"when {self.emitter.sql(node)} then {DROPPED - i}")
        for i, route in enumerate(self.routes):
            if not route.also:
                whens.append(f"when {self.when(route)} then {i}")
        self.stage("routed", f"*, cast(case {' '.join(whens)} else {NO_RULE} end as integer) as route, 0::bigint as n")

    def when(self, route: Route) -> str:
        return "true" if route.when is None else self.emitter.sql(route.when)

    # → fanned: a row per event

    def fan_out(self) -> None:
        mains = [
            f"when {i} then coalesce(nullif({self.numbers(i, route)}, []), [{{'route': {NO_ELEMENT}, 'n': 0::bigint}}])"
            for i, route in enumerate(self.routes)
            if not route.also and route.for_each
        ]
        one = "[{'route': route, 'n': 0::bigint}]"
        lists = [f"case route {' '.join(mains)} else {one} end" if mains else one]
        for i, route in enumerate(self.routes):
            if route.also:
                lists.append(f"case when route >= {NO_RULE} and {self.when(route)} then {self.numbers(i, route)} end")
        fanned = f"unnest(flatten([{', '.join(lists)}])) as e"
        self.stage("fanned", f"* exclude (route, n), {fanned}")
        self.stage("numbered", "* exclude (e), struct_extract(e, 'route') as route, struct_extract(e, 'n') as n")
        elements = [
            f"case when route = {i} then list_extract({self.emitter.sql(route.for_each[1])}, n) end"
            f" as {column('el', route.for_each[0])}"
            for i, route in enumerate(self.routes)
            if route.for_each
        ]
        if elements:
            self.stage("elements", ", ".join(["*", *elements]))

    def numbers(self, i: int, route: Route) -> str:
        if route.for_each is None:
            return f"[{{'route': {i}, 'n': 0::bigint}}]"
        items = self.emitter.sql(route.for_each[1])
        return f"list_transform({items}, lambda x, i: {{'route': {i}, 'n': i}})"

    # → locals

    def locals(self) -> None:
        found: dict[str, list[tuple[int, Node]]] = {}
        for i, route in enumerate(self.routes):
            for name, node in route.locals:
                found.setdefault(name, []).append((i, node))
        if found:
            texts = [f"{self.merged(pairs)} as {column('let', name)}" for name, pairs in found.items()]
            self.stage("locals", ", ".join(["*", *texts]))

    def merged(self, pairs: list[tuple[int, Node]]) -> str:
        return by_route(pairs, self.emitter.sql, len(self.routes))

    # → values: every attribute before the needs of its objects are looked at

    @cached_property
    def paths(self) -> dict[Path, list[tuple[int, Assign]]]:
        found: dict[Path, list[tuple[int, Assign]]] = {}
        for i, route in enumerate(self.routes):
            for assign in route.assigns:
                found.setdefault(assign.path, []).append((i, assign))
        return found

    @cached_property
    def failing(self) -> dict[Path, list[tuple[int, Assign]]]:
        found: dict[Path, list[tuple[int, Assign]]] = {}
        for path, pairs in self.paths.items():
            flagged = [(i, replace(assign, span=None)) for i, assign in pairs if assign.failed is not None]
            if flagged:
                found[path] = flagged
        return found

    def values(self) -> None:
        texts = []
        for path, pairs in self.paths.items():
            value = self.merged([(i, assign.value) for i, assign in pairs])
            texts.append(f"{value} as {column('v', '.'.join(path))}")
        self.stage("vals", ", ".join(["*", *texts]))
        flags = [
            f"coalesce({by_route(pairs, self.failed_sql, len(self.routes))}, false) as {column('f', '.'.join(path))}"
            for path, pairs in self.failing.items()
        ]
        if flags:
            self.stage("flags", ", ".join(["*", *flags]))

    def failed_sql(self, assign: Assign) -> str:
        """Whether the value failed; the value itself is not computed again, its column is there."""
        if assign.failed is None:
            return "false"
        known = (assign.value, column("v", ".".join(assign.path)))
        return replace(self.emitter, known=known).sql(assign.failed)

    # → objects: which of them hold what they need

    def objects(self) -> None:
        texts = []
        for path, pairs in self.needy.items():
            tests = [(i, holds(self.routes[i], needs)) for i, needs in pairs]
            texts.append(f"{by_route(tests, str, len(self.routes))} as {column('o', '.'.join(path))}")
        if texts:
            self.stage("objs", ", ".join(["*", *texts]))

    @cached_property
    def needy(self) -> dict[Path, list[tuple[int, ObjectNeeds]]]:
        """Objects that may have to be left out, by path."""
        found: dict[Path, list[tuple[int, ObjectNeeds]]] = {}
        for i, route in enumerate(self.routes):
            for needs in route.objects:
                if needs.path and holds(route, needs) != "true":
                    found.setdefault(needs.path, []).append((i, needs))
        return found

    # → masked: attributes of whole objects, faults, what is left of the record

    def masked(self) -> None:
        texts = [f"{self.mask(path)} as {attribute_column(path)}" for path in self.paths]
        texts.append(f"{self.fault()} as fault")
        self.stage("masked", ", ".join(["*", *texts]))
        wanting = [route for route in self.routes if wants_unmapped(route)]
        if self.fitted is not None:
            self.stage("bits", f"*, {self.kept_bits()} as kept")
        elif wanting:
            self.stage("rest", f"*, {self.leftover()} as leftover")
            trees = [consumed_tree(self.consumed(route)) for route in wanting]
            self.stage("tidied", f"*, {tidy_sql('leftover', trees)} as unmapped")

    def mask(self, path: Path) -> str:
        value = column("v", ".".join(path))
        needy = self.needy
        flags = [column("o", ".".join(path[:i])) for i in range(1, len(path)) if path[:i] in needy]
        if not flags:
            return value
        # a rule without needs there has a null flag: only false takes the value away
        return f"(case when {' and '.join(f'coalesce({flag}, true)' for flag in flags)} then {value} end)"

    def fault(self) -> str:
        """The number of the first thing that an event lacks; `faults` says what each number means."""
        arms = []
        for i, route in enumerate(self.routes):
            tests = []
            for number, (there, attribute, reason) in enumerate(missing(route), 1):
                self.faults[i, number] = (reason, attribute)
                tests.append(f"when not coalesce({there}, false) then {number}")
            if tests:
                arms.append(f"when {i} then (case {' '.join(tests)} else 0 end)")
        return f"cast(case route {' '.join(arms)} else 0 end as integer)" if arms else "0::integer"

    def leftover(self) -> str:
        pairs = [
            (i, leftover_sql(self.consumed(route), self.plan.shape, self.kept(route)))
            for i, route in enumerate(self.routes)
            if wants_unmapped(route)
        ]
        return by_route(pairs, str, -1)

    def consumed(self, route: Route) -> tuple[Path, ...]:
        """The consumed paths that records of this kind can have: a column is text, and text has no parts."""
        return tuple(path for path in route.consumed if self.columns is None or len(path) == 1)

    def kept(self, route: Route) -> dict[Path, tuple[str, ...]]:
        """The tests that put a source value back: it did not convert, or went with an object that was left out."""
        flags: dict[Path, set[str]] = {}
        for assign in route.assigns:
            name = ".".join(assign.path)
            found = {column("f", name)} if assign.failed is not None else set()
            if any(assign.path[:i] in self.needy for i in range(1, len(assign.path))):
                default = default_of(assign)
                there = "is not null" if default is None else f"<> {self.emitter.sql(default)}"
                found.add(f"({column('v', name)} {there} and {column('a', name)} is null)")
            for source in assign.sources:
                flags.setdefault(source, set()).update(found)
        return {source: tuple(sorted(found)) for source, found in flags.items() if found}

    def put_back(self, route: Route) -> tuple[Path, ...]:
        """The source paths that a rule may put back, in the order of their bits."""
        tree = consumed_tree(self.consumed(route))
        return tuple(path for path in sorted(self.kept(route)) if is_leaf(tree, path))

    def kept_bits(self) -> str:
        """A number with a bit for each source path that is put back."""
        bits = []
        for i, route in enumerate(self.routes):
            flags = self.kept(route)
            paths = self.put_back(route) if wants_unmapped(route) else ()
            terms = [
                f"(case when {' or '.join(flags[path])} then {1 << bit}::bigint else 0 end)"
                for bit, path in enumerate(paths)
            ]
            bits.append((i, f"({' + '.join(terms)})" if terms else "0"))
        return f"cast(coalesce({by_route(bits, str, len(self.routes))}, 0) as bigint)"

    # → derived, the end of the ladder

    def derived(self) -> str:
        found: dict[Path, list[tuple[int, Node]]] = {}
        given = {"raw", "unmapped"} if self.fitted is not None else {"raw"}  # these come in beside the query
        for i, route in enumerate(self.routes):
            for assign in route.derived:
                value: Node | None = assign.value
                if isinstance(value, Frame) and value.what in given:
                    continue
                if assign.path == OBSERVABLES:
                    value = parted(assign.value)[1]  # single attributes are put together by `tables.py`
                if value is not None:
                    found.setdefault(assign.path, []).append((i, value))
        texts = ["rid", "route", "n", "fault", *(["kept"] if self.fitted is not None else [])]
        texts += [attribute_column(path) for path in self.paths]
        texts += [f"{self.merged(pairs)} as {attribute_column(path)}" for path, pairs in found.items()]
        texts += [column("f", ".".join(path)) for path in self.failing]
        return f"select {', '.join(texts)} from {self.stages[-1][0]}"


def _named(node: Node) -> set[str]:
    """The lets that a node reads."""
    found = {node.name} if isinstance(node, LetRef) else set()
    for child in children(node):
        found |= _named(child)
    return found


def wants_unmapped(route: Route) -> bool:
    """Whether the events of a rule carry what it did not consume."""
    return any(isinstance(a.value, Frame) and a.value.what == "unmapped" for a in route.derived)

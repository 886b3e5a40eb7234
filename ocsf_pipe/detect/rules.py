"""Rule files → rules: pySigma parses Sigma, what it found becomes our own condition tree; SQL rules read themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from ocsf_pipe.detect.conditions import Unsupported, tree_of
from ocsf_pipe.detect.correlations import Correlation, correlation_of
from ocsf_pipe.detect.folders import BESIDE, RULES, is_beside, read, settings_beside
from ocsf_pipe.detect.marked import Marked
from ocsf_pipe.detect.queries import Query, query_of
from ocsf_pipe.detect.settings import USUAL, Settings
from ocsf_pipe.detect.tree import Or, Tree, fields
from ocsf_pipe.errors import UsageError
from ocsf_pipe.kept import kept

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MANY = 50
"""Rule files from which on it is worth keeping what was parsed for the next time."""
Logsource = Mapping[str, str]
Placeholders = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `tree` is None for a correlation and for a rule in SQL, which has a `query`.

    `fault` says why a rule cannot be converted at all.
    """

    id: str
    title: str
    level: str
    status: str
    tags: tuple[str, ...]
    logsource: tuple[tuple[str, str], ...]
    tree: Tree | None
    path: str
    name: str = ""
    correlation: Correlation | None = None
    shown: bool = True
    fault: str | None = None
    query: Query | None = None
    settings: Settings = USUAL
    description: str = ""
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The Sigma fields that the rule tests."""
        return fields(self.tree) if self.tree is not None else ()


def load_rules(paths: Iterable[str | Path], placeholders: Placeholders | None = None) -> list[Rule]:
    """Read every rule of the files and folders; raises UsageError for a path that is not there.

    What one file cannot say becomes the `fault` of its rule, and the others are read. All files together are one
    collection: a filter applies to the rules it names, a correlation finds the rules that it refers to.
    """
    files = list(dict.fromkeys(_files(paths)))
    if len(files) < MANY:
        return _loaded(files, placeholders or {})
    beside = [file.parent / name for file in files if file.name in RULES for name in BESIDE]
    parts = [part for file in (*files, *beside) if file.is_file() for part in (str(file), file.read_bytes())]
    return kept("rules", [*parts, repr(placeholders)], lambda: _loaded(files, placeholders or {}))


def _loaded(files: Sequence[Path], placeholders: Placeholders) -> list[Rule]:
    parsed: list[tuple[SigmaCollection, str]] = []
    broken = [_in_sql(path) for path in files if path.suffix == ".sql"]
    for path in files:
        if path.suffix == ".sql":
            continue
        try:
            text = path.read_text(encoding="utf-8-sig")
            documents = list(yaml.load_all(text, _LOADER))
            found = SigmaCollection.from_dicts(
                documents, collect_errors=True, collect_filters=True, resolve_references=False
            )
        except (
            SigmaError,
            yaml.YAMLError,
            UnicodeDecodeError,
            ValueError,
            TypeError,
            AttributeError,
            KeyError,
        ) as error:
            broken.append(_broken(path, f"not a Sigma rule: {_line(error)}"))
            continue
        broken += [_broken(path, _line(error)) for error in found.errors]
        parsed.append((found, str(path)))
    return sorted([*_rules(parsed, placeholders), *broken], key=lambda rule: rule.path)


def _files(paths: Iterable[str | Path]) -> Iterator[Path]:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found = {*path.rglob("*.yml"), *path.rglob("*.yaml"), *path.rglob("rule.sql")}
            yield from sorted(file for file in found if file.name != "info.yml" and not is_beside(file))
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"there are no rules at `{path}`", "name a Sigma file, a rule.sql, or a folder of them")


def _rules(parsed: Sequence[tuple[SigmaCollection, str]], placeholders: Placeholders) -> Iterator[Rule]:
    files = {id(rule): path for found, path in parsed for rule in found.rules}
    rules = [rule for found, _ in parsed for rule in found.rules]
    filters = [one for found, _ in parsed for one in found.filters]
    whole = SigmaCollection([*rules], resolve_references=False)
    places = [files[id(rule)] for rule in rules]
    correlations = [rule for rule in rules if isinstance(rule, SigmaCorrelationRule)]
    unknown = {id(rule): problem for rule in correlations if (problem := _unresolved(rule, whole))}
    hidden = _hidden(correlations, unknown)
    for rule, path in zip(rules, places, strict=True):
        if isinstance(rule, SigmaCorrelationRule):
            yield _correlation(rule, path, unknown.get(id(rule)), shown=id(rule) not in hidden)
            continue
        shown = id(rule) not in hidden
        filtered = rule
        for one in filters:
            applied = one.apply_on_rule(filtered)
            filtered = applied if isinstance(applied, SigmaRule) else filtered
        yield _plain(filtered, path, placeholders, shown=shown)


def _unresolved(rule: SigmaCorrelationRule, rules: SigmaCollection) -> str | None:
    try:
        rule.resolve_rule_references(rules)
    except SigmaError as error:
        return _line(error)
    return None


def _hidden(correlations: Iterable[SigmaCorrelationRule], unknown: Mapping[int, str]) -> set[int]:
    """The rules that only serve a correlation: one that does not say `generate` keeps its rules silent."""
    return {
        id(reference.rule)
        for rule in correlations
        if id(rule) not in unknown and not rule.generate
        for reference in rule.referenced_rules
    }


def _plain(rule: SigmaRule, path: str, placeholders: Placeholders, *, shown: bool) -> Rule:
    bare = _bare(rule, path, shown=shown)
    tree, fault = None, bare.fault
    filled = {**dict(bare.settings.placeholders), **placeholders}
    try:
        trees = [tree_of(condition.parsed, filled) for condition in rule.detection.parsed_condition]
        tree = trees[0] if len(trees) == 1 else Or(tuple(trees))
    except (SigmaError, Unsupported) as error:
        fault = _line(error)
    source = rule.logsource
    parts = {"product": source.product, "category": source.category, "service": source.service}
    logsource = tuple(sorted((key, value.lower()) for key, value in parts.items() if value))
    return replace(bare, logsource=logsource, tree=tree, fault=fault)


def _correlation(rule: SigmaCorrelationRule, path: str, fault: str | None, *, shown: bool) -> Rule:
    correlation = None
    try:
        correlation = correlation_of(rule) if fault is None else None
    except (SigmaError, Unsupported) as error:
        fault = _line(error)
    bare = _bare(rule, path, shown=shown)
    return replace(bare, correlation=correlation, fault=fault or bare.fault)


def _bare(rule: SigmaRule | SigmaCorrelationRule, path: str, *, shown: bool) -> Rule:
    settings, faults = settings_beside(Path(path))
    return Rule(
        id=str(rule.id or rule.name or rule.title),
        title=rule.title,
        level=rule.level.name.lower() if rule.level else "",
        status=rule.status.name.lower() if rule.status else "",
        tags=tuple(f"{tag.namespace}.{tag.name}" for tag in rule.tags),
        logsource=(),
        tree=None,
        path=path,
        name=rule.name or "",
        shown=shown,
        fault="; ".join(faults) or None,
        settings=settings,
        description=str(rule.description or ""),
        references=tuple(map(str, rule.references or ())),
        falsepositives=tuple(map(str, rule.falsepositives or ())),
    )


def _in_sql(path: Path) -> Rule:
    """The rule of a `rule.sql`."""
    marked = Marked(str(path))
    text, fault = read(path)
    found = query_of(text, marked) if not fault else None
    settings, faults = settings_beside(path)
    if found is None:
        return _broken(path, fault or "; ".join(marked.faults))
    header, query = found
    return Rule(
        id=header.id,
        title=header.title,
        level=header.level,
        status=header.status,
        tags=header.tags,
        logsource=(),
        tree=None,
        path=str(path),
        fault="; ".join(faults) or None,
        query=query,
        settings=settings,
        description=header.description,
        references=header.references,
        falsepositives=header.falsepositives,
    )


def _broken(path: Path, fault: str) -> Rule:
    name = path.parent.name if path.name in RULES else path.stem
    return Rule(name, name, "", "", (), (), None, str(path), fault=fault)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())

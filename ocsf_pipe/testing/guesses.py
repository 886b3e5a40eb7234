"""Which attribute of a class a source field may mean, by the likeness of their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ocsf_pipe.schema import Attribute, EventClass, Schema
from ocsf_pipe.testing.source_fields import Field

ENOUGH = 0.6

# one word for the many that sources use; the words are those of OCSF
_SAME: Mapping[str, tuple[str, ...]] = {
    "time": ("timestamp", "ts", "date", "datetime", "published", "when", "eventtime"),
    "src": ("source", "client", "remote", "orig", "caller", "peer", "from", "saddr", "srcaddr", "srcip"),
    "dst": ("destination", "dest", "server", "target", "resp", "daddr", "dstaddr", "dstip"),
    "ip": ("address", "addr", "ipaddress", "ipaddr"),
    "port": ("srcport", "dstport", "sport", "dport"),
    "user": ("username", "login", "account", "principal", "subject", "actor", "identity"),
    "name": ("displayname", "title"),
    "uid": ("id", "guid", "uuid", "identifier", "key"),
    "hostname": ("host", "computer", "machine", "fqdn", "node"),
    "message": ("msg", "description", "text", "summary"),
    "code": ("type", "eventtype", "eventname", "action", "operation", "eventid"),
    "severity": ("level", "priority", "loglevel"),
    "status": ("result", "outcome", "state"),
    "agent": ("useragent", "ua"),
    "email": ("mail",),
    "method": ("verb",),
    "url": ("uri", "link"),
}
_WORD = {other: word for word, others in _SAME.items() for other in others}
_NO_MEANING = frozenset(
    {"event", "events", "record", "data", "log", "the", "field", "fields", "info", "value", "display", "raw"}
)

# where a field with this meaning goes in most classes; the first that the class has
_PLACES: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = tuple(
    (frozenset(words.split()), tuple(places.split()))
    for words, places in (
        ("time", "time"),
        ("message", "message"),
        ("uid", "metadata.uid"),
        ("code", "metadata.event_code"),
        ("code uid", "metadata.event_code"),
        ("user", "user.name actor.user.name"),
        ("user name", "user.name actor.user.name"),
        ("user uid", "user.uid actor.user.uid"),
        ("user email", "user.email_addr actor.user.email_addr"),
        ("email", "user.email_addr actor.user.email_addr"),
        ("ip", "src_endpoint.ip device.ip"),
        ("src", "src_endpoint.ip device.ip"),
        ("src ip", "src_endpoint.ip device.ip"),
        ("src port", "src_endpoint.port"),
        ("src hostname", "src_endpoint.hostname"),
        ("dst", "dst_endpoint.ip"),
        ("dst ip", "dst_endpoint.ip"),
        ("dst port", "dst_endpoint.port"),
        ("dst hostname", "dst_endpoint.hostname"),
        ("hostname", "device.hostname src_endpoint.hostname"),
        ("hostname name", "device.hostname src_endpoint.hostname"),
        ("agent", "http_request.user_agent"),
        ("user agent", "http_request.user_agent"),
        ("method", "http_request.http_method"),
        ("url", "http_request.url.url_string"),
        ("status", "status_detail"),
        ("status code", "status_code"),
        ("session uid", "session.uid actor.session.uid"),
        ("version", "metadata.log_version"),
    )
)
_OBJECTS = tuple(
    """user actor.user src_endpoint dst_endpoint device http_request http_request.url file process actor.process
    session metadata cloud api service query connection_info""".split()
)
_FITS: Mapping[str, frozenset[str]] = {
    "ip": frozenset({"ip_t"}),
    "time": frozenset({"timestamp_t"}),
    "boolean": frozenset({"boolean_t", "string_t"}),
    "integer": frozenset({"integer_t", "long_t", "port_t", "string_t"}),
    "float": frozenset({"float_t", "string_t"}),
}
_NOT_TEXT = frozenset({"ip_t", "timestamp_t", "boolean_t", "integer_t", "long_t", "port_t", "float_t", "datetime_t"})


@dataclass(frozen=True, slots=True)
class Guess:
    """A field and the attribute that it may mean; `likeness` is from 0 to 1."""

    field: Field
    attribute: str
    likeness: float


def guess(fields: Sequence[Field], kind: EventClass, schema: Schema) -> list[Guess]:
    """Pair fields and attributes, each used once, the likeliest first; what is not alike enough stays unpaired."""
    attributes = dict(_attributes(kind, schema))
    pairs = [one for field in fields for one in _candidates(field, attributes)]
    pairs.sort(key=lambda one: (-one.likeness, -one.field.records, len(one.field.path), one.attribute))
    taken: set[object] = set()
    found = []
    for one in pairs:
        if one.attribute not in taken and one.field.path not in taken:
            taken |= {one.attribute, one.field.path}
            found.append(one)
    return found


def words(path: Sequence[str]) -> frozenset[str]:
    """Return the words of a name in OCSF's vocabulary: `sourceIPAddress` → src, ip."""
    text = " ".join(path)
    text = re.sub(r"([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])", r"\1\3 \2", text)
    plain = [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word and word not in _NO_MEANING]
    return frozenset(_WORD.get(word, word) for word in plain)


def _candidates(field: Field, attributes: Mapping[str, Attribute]) -> Iterator[Guess]:
    last, whole = words(field.path[-1:]), words(field.path[-2:])
    for meaning, places in _PLACES:
        fitting = [name for name in places if name in attributes and _fits(field, attributes[name])]
        if fitting and meaning in (last, whole):
            # a name alone says less than a name within a fitting object, a short path is likelier the record's own
            yield Guess(field, fitting[0], (0.95 if meaning == whole else 0.85) - 0.02 * len(field.path))
    for name, attribute in attributes.items():
        if _fits(field, attribute):
            wanted = words(name.split(".")[-2:])
            common = len(wanted & whole) / len(wanted | whole) if wanted | whole else 0.0
            if common >= ENOUGH:
                yield Guess(field, name, 0.9 * common)


def _fits(field: Field, attribute: Attribute) -> bool:
    kind = "time" if field.kind.startswith("epoch") else field.kind
    if attribute.enum is not None and attribute.sibling is not None:
        return False
    return attribute.type in _FITS[kind] if kind in _FITS else attribute.type not in _NOT_TEXT


def _attributes(kind: EventClass, schema: Schema) -> Iterator[tuple[str, Attribute]]:
    """The scalar attributes of the class and of the objects that most sources fill."""
    yield from _scalars(kind.attributes)
    for path in _OBJECTS:
        if path.split(".", maxsplit=1)[0] not in kind.attributes:
            continue
        inner = schema.attribute(kind.name, path) if _there(schema, kind, path) else None
        if inner is not None and inner.object_type and not inner.is_array:
            inside = _scalars(schema.object(inner.object_type).attributes)
            yield from ((f"{path}.{name}", one) for name, one in inside)


def _there(schema: Schema, kind: EventClass, path: str) -> bool:
    attributes: Mapping[str, Attribute] = kind.attributes
    for name in path.split("."):
        found = attributes.get(name)
        if found is None or found.object_type is None:
            return False
        attributes = schema.object(found.object_type).attributes
    return True


def _scalars(attributes: Mapping[str, Attribute]) -> Iterator[tuple[str, Attribute]]:
    """The single values that an author may write: captions beside an enum are derived."""
    captions = {one.sibling for one in attributes.values()}
    for name, one in attributes.items():
        if one.object_type is None and not one.is_array and one.deprecated is None and name not in captions:
            yield name, one

"""`ocsf-pipe mapping …`: what an author of mappings is told."""

from __future__ import annotations

import gzip
import json
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.mapping import catalogue
from tests.cli.conftest import MAPPING, RECORDS
from tests.cli.program import Ended, Program


def spoil(folder: Path, old: str, new: str) -> None:
    """Change the mapping."""
    assert old in MAPPING
    (folder / "mapping.yaml").write_text(MAPPING.replace(old, new))


# ------------------------------------------------------------------ check


def test_check_says_ok(program: Program, folder: Path) -> None:
    """A mapping without complaints is named as ok, whether its folder, its file or the folder above is given."""
    for place in (folder, folder / "mapping.yaml", folder.parent):
        ended = program("mapping", "check", place)
        assert (ended.code, ended.out, ended.err) == (0, "acme.portal: ok\n", "")


def test_check_shows_place_caret_and_hint(program: Program, folder: Path) -> None:
    """Every complaint is shown at once, and the exit code is 1."""
    spoil(folder, "time: at", "time: to_tmestamp(at)")
    text = (folder / "mapping.yaml").read_text()
    (folder / "mapping.yaml").write_text(text.replace("'Logon'", "'Logonn'"))
    ended = program("mapping", "check", folder)
    assert ended.code == 1
    assert ended.out.count("hint: did you mean") == 2
    assert "^" in ended.out
    assert ended.err == "2 complaints in 1 mapping\n"


def test_check_shows_what_is_no_utf8(program: Program, folder: Path) -> None:
    """As a complaint with its place, like any other."""
    (folder / "mapping.yaml").write_bytes(b"mapping: acme.portal\ntitle: caf\xe9\n")
    ended = program("mapping", "check", folder)
    assert ended.code == 1
    assert ended.out.startswith(f"{folder / 'mapping.yaml'}:2:11: the byte 0xE9 is not UTF-8 [M101]")


def test_check_prints_json(program: Program, folder: Path) -> None:
    """`--json` prints each complaint with its code, message and span."""
    spoil(folder, "class: authentication", "class: authentcation")
    spans = {}
    for line in program("mapping", "check", folder, "--json").out.splitlines():
        found = json.loads(line)
        spans[found["code"]] = found["span"]
    place = 1 + MAPPING.splitlines().index("    class: authentication")
    assert (spans["M301"]["file"], spans["M301"]["line"]) == (str(folder / "mapping.yaml"), place)


def test_check_without_names_takes_all_known(
    program: Program, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that ship, of which there are two here, and those of OCSF_PIPE_MAPPINGS."""
    for name in ("zeek/dns", "zeek/conn"):
        shutil.copytree(mappings_dir() / name, tmp_path / "shipped" / name)
    monkeypatch.setattr(catalogue, "mappings_dir", lambda: tmp_path / "shipped")
    monkeypatch.setenv("OCSF_PIPE_MAPPINGS", str(folder.parent.parent))
    shipped = tmp_path / "shipped" / "zeek" / "dns" / "mapping.yaml"
    shipped.write_text(shipped.read_text().replace("to_timestamp(", "to_tmestamp("))
    spoil(folder, "time: at", "time: to_tmestamp(at)")
    said = program("mapping", "check").out
    assert str(folder / "mapping.yaml") in said
    assert str(shipped) in said
    assert "zeek.conn: ok" in said


def test_unknown_mapping_is_an_error(program: Program, tmp_path: Path) -> None:
    """Neither a name nor a place: said with a hint; a folder without mappings too."""
    assert "no mapping `aws.cloudtrial`" in program("mapping", "check", "aws.cloudtrial").err
    assert "no `mapping.yaml`" in program("mapping", "check", tmp_path).err


# ------------------------------------------------------------------ test


def test_update_writes_goldens_that_hold(program: Program, folder: Path) -> None:
    """After `--update` the same command passes, and writes nothing again."""
    first = program("mapping", "test", folder, "--update")
    golden = folder / "samples" / "day.expected.ndjson"
    assert (first.code, f"wrote {golden}" in first.out) == (0, True)
    text = golden.read_text()
    again = program("mapping", "test", folder, "--update")
    assert (again.code, "wrote" in again.out, golden.read_text()) == (0, False, text)
    held = program("mapping", "test", folder)
    assert (held.code, held.out) == (0, "acme.portal: 1 samples, 3 events, 1 rejected, ok\n")


def test_missing_golden_fails(program: Program, folder: Path) -> None:
    """A sample without a golden is a complaint that says how to write it."""
    ended = program("mapping", "test", folder)
    assert ended.code == 1
    assert "`day.expected.ndjson` is not there; `ocsf-pipe mapping test --update` writes it" in ended.out


def test_difference_is_said_per_attribute(program: Program, folder: Path) -> None:
    """A changed value is named by event and attribute path."""
    program("mapping", "test", folder, "--update")
    spoil(folder, "user.name: who.login", "user.name: upper(who.login)")
    ended = program("mapping", "test", folder)
    assert ended.code == 1
    assert "day.input.ndjson: event 1 (Authentication: Logon):" in ended.out
    assert '  user.name: expected "ana", got "ANA"' in ended.out


def test_unsampled_rule_fails(program: Program, folder: Path) -> None:
    """A rule and a drop that no sample reaches are named, but not where only some samples run."""
    sample = folder / "samples" / "day.input.ndjson"
    sample.write_text("".join(json.dumps(record) + "\n" for record in RECORDS[2:4]))
    ended = program("mapping", "test", folder, "--update")
    assert ended.code == 1
    assert "event rule `sign_in` is reached by no sample" in ended.out
    assert "event rule `drop: a heartbeat` is reached by no sample" in ended.out
    assert program("mapping", "test", folder, "-k", "day").code == 0


def test_only_named_samples_run(program: Program, folder: Path) -> None:
    """With `-k` a mapping without such a sample is passed over; a name that no sample has is an error."""
    program("mapping", "test", folder, "--update")
    other = folder.parent / "other"
    other.mkdir()
    (other / "mapping.yaml").write_text(MAPPING.replace("acme.portal", "acme.other"))
    ended = program("mapping", "test", folder.parent, "-k", "day")
    assert (ended.code, ended.out) == (0, "acme.portal: 1 samples, 3 events, 1 rejected, ok\n")
    assert "no sample has `night` in its name" in program("mapping", "test", folder.parent, "-k", "night").err


def test_values_that_do_not_convert_are_listed_on_demand(program: Program, folder: Path) -> None:
    """`--failed` names attribute, source and expected type."""
    ended = program("mapping", "test", folder, "--update", "--failed")
    assert "sign_in: src_endpoint.ip from ip: 1 not ip_t" in ended.out
    assert "sign_in: src_endpoint.port from port: 1 not port_t" in ended.out


def test_mapping_that_does_not_compile_does_not_stop_the_others(program: Program, folder: Path) -> None:
    """Its complaints are shown, the next mapping is tested."""
    program("mapping", "test", folder, "--update")
    other = folder.parent / "broken"
    other.mkdir()
    (other / "mapping.yaml").write_text(MAPPING.replace("acme.portal", "acme.broken").replace("user.name", "user.nam"))
    ended = program("mapping", "test", folder.parent)
    assert ended.code == 1
    assert "acme.portal: 1 samples, 3 events, 1 rejected, ok" in ended.out
    assert "[M302]" in ended.out


# ------------------------------------------------------------------ explain


def explained(program: Program, folder: Path, number: int) -> dict[str, Any]:
    """The explanation of one record of the sample."""
    ended = program("mapping", "explain", folder, folder / "samples" / "day.input.ndjson", "-n", number, "--json")
    (found,) = json.loads(f"[{ended.out}]")
    assert isinstance(found, dict)
    return found


def test_explain_names_rule_source_and_line(program: Program, folder: Path) -> None:
    """Each attribute has its value, the source paths that it read, and the line that set it; the rest is shown."""
    found = explained(program, folder, 1)
    (event,) = found["events"]
    assert (event["rule"], event["class_name"], event["unmapped"]["session"]) == ("sign_in", "authentication", "s-1")
    by_name = {line["attribute"]: line for line in event["attributes"]}
    line = 1 + MAPPING.splitlines().index("    user.name: who.login")
    assert by_name["user.name"] == {"attribute": "user.name", "value": "ana", "sources": ["who.login"], "line": line}
    assert by_name["activity_id"]["sources"] == ["constant"]
    assert by_name["class_uid"]["sources"] == ["derived"]
    assert by_name["auth_factors"]["sources"] == ["factors[*].kind"]


def test_explain_says_what_did_not_convert(program: Program, folder: Path) -> None:
    """The attribute, what it wants and the value that came."""
    found = explained(program, folder, 2)
    said = {(one["attribute"], one["expected"]): one["sources"] for one in found["unconverted"]}
    assert said == {
        ("src_endpoint.ip", "ip_t"): {"ip": "nowhere"},
        ("src_endpoint.port", "port_t"): {"port": 70000},
    }


def test_explain_says_why_a_record_is_refused(program: Program, folder: Path) -> None:
    """The reason, the rule and the line that should have set the attribute."""
    (refused,) = explained(program, folder, 4)["refused"]
    assert refused == {
        "rule": "other",
        "attribute": "time",
        "reason": "required attribute `time` is null",
        "line": 1 + MAPPING.splitlines().index("  time: at"),
    }


def test_explain_says_that_a_record_is_dropped(program: Program, folder: Path) -> None:
    """The reason of the drop."""
    assert explained(program, folder, 5)["dropped"] == ["a heartbeat"]


def test_explain_prints_a_table(program: Program, folder: Path) -> None:
    """Without `--json` a person reads it; packed files are read."""
    packed = folder / "day.gz"
    packed.write_bytes(gzip.compress((folder / "samples" / "day.input.ndjson").read_bytes()))
    ended = program("mapping", "explain", folder, packed)
    first, head, *rest = ended.out.splitlines()
    assert first.startswith("rule `sign_in` (line ")
    assert head.split() == ["attribute", "value", "from", "mapping"]
    assert any(line.split()[:3] == ["user.name", "ana", "who.login"] for line in rest)
    assert rest[-1].startswith('unmapped: {"')


def test_explain_counts_the_records_there_are(program: Program, folder: Path) -> None:
    """A number beyond the last record is an error that says how many there are."""
    ended = program("mapping", "explain", folder, folder / "samples" / "day.input.ndjson", "-n", 9)
    assert ended.code == 1
    assert "there are 5 records" in ended.err


# ------------------------------------------------------------------ coverage, list


def test_coverage_counts_what_is_left(program: Program, folder: Path) -> None:
    """Fields that no rule reads are counted by record; elements of lists count as read where they are."""
    ended = program("mapping", "coverage", folder, "--json")
    found = json.loads(ended.out)
    assert found["records"] == 5
    assert found["unmapped"]["session"] == 1
    assert found["mapped"]["factors[].kind"] == 1
    assert found["mapped"]["at"] == 4
    assert 0 < found["share"] < 1
    rules = {one["rule"]: one for one in found["rules"]}
    assert rules["sign_in"]["missing_required"] == []
    assert "status_id" in rules["sign_in"]["recommended"]
    assert "status_id" in rules["other"]["missing_recommended"]


def test_coverage_prints_shares(program: Program, folder: Path) -> None:
    """A person reads rules with shares, and the fields that are left."""
    ended = program("mapping", "coverage", folder, folder / "samples" / "day.input.ndjson")
    assert ended.out.splitlines()[0].split()[:4] == ["rule", "class", "required", "recommended"]
    assert "of their values are mapped or left on purpose" in ended.out


def test_list_names_mappings(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mapping has its name, title, format, classes and rules."""
    monkeypatch.setenv("OCSF_PIPE_MAPPINGS", str(folder.parent.parent))
    found = {one["name"]: one for one in map(json.loads, program("mapping", "list", "--json").out.splitlines())}
    assert found["acme.portal"]["title"] == "Acme Portal"
    assert found["acme.portal"]["rules"] == ["sign_in", "other"]
    assert "aws.cloudtrail" in found


# ------------------------------------------------------------------ new


def drafted(program: Program, file: Path, *args: object) -> Ended:
    """Draft a mapping; it must succeed."""
    ended = program("mapping", "new", file, *args)
    assert (ended.code, ended.err if not args else "") == (0, "")
    return ended


@pytest.mark.parametrize("class_name", ["base_event", "authentication", "network_activity", "detection_finding"])
def test_new_drafts_what_compiles(program: Program, folder: Path, tmp_path: Path, class_name: str) -> None:
    """The draft of any class compiles where it is written, and a second draft does not overwrite it."""
    sample = folder / "samples" / "day.input.ndjson"
    where = tmp_path / "drafts"
    args = ("--class", class_name, "--name", "acme.door", "--into", where)
    drafted(program, sample, *args)
    assert program("mapping", "check", where / "acme" / "door").code == 0
    again = program("mapping", "new", sample, *args)
    assert again.code == 1
    assert "is there already" in again.err


def test_new_guesses_names_and_leaves_the_rest_as_comments(program: Program, tmp_path: Path) -> None:
    """Time, address, user and severity are recognised by name and value; odd keys are quoted."""
    sample = tmp_path / "app.ndjson"
    records = [
        {"@timestamp": "2026-02-10T09:00:00Z", "clientIp": "192.0.2.1", "level": "WARN", "userName": "ana", "zebra": 1},
        {"@timestamp": "2026-02-10T09:00:01Z", "clientIp": "192.0.2.2", "level": "ERROR", "userName": "bo", "zebra": 2},
    ]
    sample.write_text("\n".join(map(json.dumps, records)))
    text = drafted(program, sample, "--class", "authentication").out
    assert '    time: >-\n      "@timestamp"\n' in text
    assert "    src_endpoint.ip: clientIp\n" in text
    assert "    user.name: userName\n" in text
    assert "severity_id: {case: level, of: {'ERROR': High, 'WARN': Medium}, else: Other}" in text
    assert "# zebra: integer, in 2 records" in text


def test_new_finds_envelopes_and_epochs(program: Program, tmp_path: Path) -> None:
    """The list inside a document holds the records; a number near now under a name of time is a time."""
    sample = tmp_path / "doc.json"
    events = [{"ts": 1770714487 + i, "msg": "x", "host": "h"} for i in range(3)]
    sample.write_text(json.dumps({"Records": events}))
    text = drafted(program, sample).out
    assert "  records: Records[*]\n" in text
    assert "    time: to_timestamp(ts, 's')\n" in text
    assert "    message: msg\n" in text


def test_new_reads_separated_fields_from_standard_input(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header line gives the names; `-` is standard input."""

    class Piped:
        buffer = BytesIO(b"time,src_ip,user\n2026-02-10T09:00:00Z,192.0.2.1,ana\n")

    monkeypatch.setattr("sys.stdin", Piped())
    text = program("mapping", "new", "-").out
    assert "  format: delimited\n" in text
    assert "    device.ip: src_ip\n" in text


def test_new_says_what_it_cannot_read(program: Program, tmp_path: Path) -> None:
    """Text of no known format, and a class that is not there, are errors with a hint."""
    sample = tmp_path / "plain.txt"
    sample.write_text("only words\n")
    assert "looks like no format that is known" in program("mapping", "new", sample).err
    sample.write_text('{"a": 1}\n')
    assert "did you mean `authentication`?" in program("mapping", "new", sample, "-c", "authenticaton").err
    assert "is no name of a mapping" in program("mapping", "new", sample, "--name", "Acme").err

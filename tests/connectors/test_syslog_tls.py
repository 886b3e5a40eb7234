"""Syslog over TLS: who may send, who is refused, and what either means for the others."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from ocsf_connectors import syslog
from tests.connectors.test_syslog import listening, raws, records, send, wait


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: who signs, the server's and a sender's certificates with their keys."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates of a server and of a sender, and who signed them."""
    folder = tmp_path_factory.mktemp("tls")
    out = Certificates(*(folder / name for name in ("ca", "server", "server_key", "client", "client_key")))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(out.ca))
    server, client = authority.issue_cert("localhost"), authority.issue_cert("sender.example", common_name="sender")
    for issued, chain, key in ((server, out.server, out.server_key), (client, out.client, out.client_key)):
        issued.private_key_pem.write_to_path(str(key))
        for pem in issued.cert_chain_pems:
            pem.write_to_path(str(chain), append=True)
    return out


def test_tls_with_senders_who_show_a_certificate(tmp_path: Path, made: Certificates) -> None:
    """The record has the name in it; who has none, or speaks no TLS, is refused, and disturbs nobody."""
    files = {"certificate_file": str(made.server), "key_file": str(made.server_key), "client_ca_file": str(made.ca)}
    with listening(tmp_path, protocol="tls", **files) as source:
        client = ssl.create_default_context(cafile=str(made.ca))
        client.load_cert_chain(made.client, made.client_key)
        bare = ssl.create_default_context(cafile=str(made.ca))
        with bare.wrap_socket(_socket(source), server_hostname="localhost") as refused, pytest.raises(OSError):
            refused.recv(1)
        send(source, b"<34>this is no TLS at all, and never will be\n")
        silent = _socket(source)
        with client.wrap_socket(_socket(source), server_hostname="localhost") as sender:
            body = b"<34>" + b"x" * 100_000
            sender.sendall(b"%d %s<34>two\n" % (len(body), body))
        first, second = records(source, 2)
        silent.close()
        wait(lambda: source.counts.refused >= 2)
    assert (first["peer_name"], len(first["message"]), second["message"]) == ("sender", 100_000, "two")
    assert second["protocol"] == "tls"


def _socket(source: syslog.SyslogSource) -> socket.socket:
    return socket.create_connection(source.address, timeout=5)


def test_tls_without_certificates_of_senders(tmp_path: Path, made: Certificates) -> None:
    """Anyone may send where no `client_ca_file` is named."""
    files = {"certificate_file": str(made.server), "key_file": str(made.server_key)}
    with listening(tmp_path, protocol="tls", **files) as source:
        client = ssl.create_default_context(cafile=str(made.ca))
        with client.wrap_socket(_socket(source), server_hostname="localhost") as sender:
            sender.sendall(b"7 <34>one")
        assert raws(source, 1) == ["<34>one"]

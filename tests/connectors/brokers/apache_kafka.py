"""Apache Kafka itself, one node: fetched with Maven into a cache outside the project, started on free ports.

    python tests/connectors/brokers/apache_kafka.py fetch     brings the jars, once; needs Maven
    python tests/connectors/brokers/apache_kafka.py run       runs a broker in the foreground until it is interrupted

No test fetches anything: those that need the jars are left out where they, or Java, are not there.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

VERSION = "4.1.1"
CACHE = Path(os.environ.get("OCSF_PIPE_KAFKA", Path.home() / ".cache" / "ocsf-pipe" / f"kafka-{VERSION}"))
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ocsf.pipe</groupId><artifactId>test-broker</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
  </dependency><dependency>
    <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
  </dependency></dependencies>
</project>
"""


def available() -> bool:
    """Whether Java and the jars are there."""
    return shutil.which("java") is not None and any(CACHE.glob("slf4j-simple-*.jar"))


def fetch() -> None:
    """Bring the broker and what it needs into the cache; raises CalledProcessError where Maven cannot."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pom.xml").write_text(_POM)
        CACHE.mkdir(parents=True, exist_ok=True)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={CACHE}"]
        subprocess.run(["mvn", "-q", "-B", *goal], cwd=folder, check=True)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass(slots=True)
class ApacheKafka:
    """One broker, with a listener for each protocol asked for.

    listeners: protocols by name, as `{"PLAIN": "PLAINTEXT", "SECRET": "SASL_SSL"}`. more: further settings of the
    broker, which may use `{folder}`. scram: passwords by user, known to SCRAM-SHA-256 and -512.
    """

    folder: Path
    listeners: Mapping[str, str] = field(default_factory=lambda: {"PLAIN": "PLAINTEXT"})
    more: Mapping[str, str] = field(default_factory=dict)
    scram: Mapping[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def address(self, listener: str = "PLAIN") -> str:
        """The host and port of a listener."""
        return f"127.0.0.1:{self.ports[listener]}"

    def start(self) -> None:
        """Format the store where it is new, start the broker, and return when it serves."""
        names = [*self.listeners, "CONTROL"]
        if not self.ports:
            self.ports = dict(zip(names, free_ports(len(names)), strict=True))
            self._settings()
            users = [
                f"SCRAM-SHA-{bits}=[name={user},password={word}]"
                for user, word in self.scram.items()
                for bits in (256, 512)
            ]
            added = [part for user in users for part in ("--add-scram", user)]
            self._java(
                "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(self._file), *added
            )
        with (self.folder / "broker.log").open("ab") as log:
            command = [*self._command(), "kafka.Kafka", str(self._file)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self._await()

    def _await(self) -> None:
        until = time.monotonic() + 60
        while "Kafka Server started" not in (self.folder / "broker.log").read_text(errors="replace")[self._read :]:
            if self.process is None or self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Kafka did not start, see {self.folder}/broker.log")
            time.sleep(0.1)
        self._read = len((self.folder / "broker.log").read_text(errors="replace"))

    _read: int = 0

    @property
    def _file(self) -> Path:
        return self.folder / "server.properties"

    def _settings(self) -> None:
        urls = [f"{name}://127.0.0.1:{port}" for name, port in self.ports.items()]
        protocols = {**self.listeners, "CONTROL": "PLAINTEXT"}
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.ports['CONTROL']}",
            "controller.listener.names": "CONTROL",
            "inter.broker.listener.name": next(iter(self.listeners)),
            "listeners": ",".join(urls),
            "advertised.listeners": ",".join(urls[:-1]),
            "listener.security.protocol.map": ",".join(f"{name}:{kind}" for name, kind in protocols.items()),
            "log.dirs": str(self.folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.retention.check.interval.ms": "1000",
            "log.initial.task.delay.ms": "1000",
            **self.more,
        }
        text = "".join(f"{key}={value.replace('{folder}', str(self.folder))}\n" for key, value in settings.items())
        self._file.write_text(text)

    def _command(self) -> list[str]:
        return [
            "java",
            "-Xmx512m",
            "-Xms256m",
            "-XX:+UseSerialGC",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
            "-cp",
            f"{CACHE}/*",
        ]

    def _java(self, *arguments: str) -> None:
        subprocess.run([*self._command(), *arguments], check=True, capture_output=True)

    def kill(self) -> None:
        """End it without warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None


def main(arguments: list[str]) -> None:
    """Do what the first line of this file says."""
    if arguments == ["fetch"]:
        fetch()
    elif arguments == ["run"]:
        with tempfile.TemporaryDirectory() as folder:
            broker = ApacheKafka(Path(folder))
            broker.start()
            sys.stdout.write(f"{broker.address()}\n")
            sys.stdout.flush()
            try:
                if broker.process is not None:
                    broker.process.wait()
            finally:
                broker.kill()
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])

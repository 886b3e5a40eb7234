"""Files and functions stay small enough to be read in one sitting."""

from tests.architecture.sources import PROGRAM, files, functions, short


def _share_up_to(sizes: list[int], limit: int) -> float:
    return sum(size <= limit for size in sizes) / len(sizes)


def test_no_file_is_longer_than_500_lines() -> None:
    """Nowhere, tests included: past that a seam was missed."""
    long = {short(path): lines for path in files() if (lines := len(path.read_bytes().splitlines())) > 500}
    assert long == {}


def test_nineteen_files_in_twenty_have_at_most_350_lines() -> None:
    """The program's own files."""
    sizes = [len(path.read_bytes().splitlines()) for path in files(PROGRAM)]
    assert _share_up_to(sizes, 350) >= 0.95, sorted(sizes)[-20:]


def test_no_function_is_longer_than_50_lines() -> None:
    """Nowhere, tests included."""
    long = [function for path in files() for function in functions(path) if function.lines > 50]
    assert long == []


def test_nineteen_functions_in_twenty_have_at_most_30_lines() -> None:
    """The program's own functions."""
    sizes = [function.lines for path in files(PROGRAM) for function in functions(path)]
    assert _share_up_to(sizes, 30) >= 0.95, sorted(sizes)[-20:]

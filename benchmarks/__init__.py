"""One file for each question; `python -m benchmarks.run` asks those of the README in one run."""

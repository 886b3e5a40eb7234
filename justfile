# One command for each habit. `just` alone lists them; pip install -e '.[dev]' brings everything, just included.

_list:
    @just --list

# everything that a change must pass, as in CI
check: lint test

# style, types, layers
lint:
    ruff format --check .
    ruff check .
    mypy
    lint-imports

# the test suite, without the heavy ones
test *ARGS:
    pytest {{ARGS}}

# write what the mappings give for their samples as the new goldens; read the diff before you commit it
golden *MAPPING:
    ocsf-pipe mapping test --update {{MAPPING}}

# write the generated pages again
docs:
    python -m ocsf_pipe.ops.reference_page > docs/ops.md
    python -m ocsf_pipe.mapping.error_page tests/corpus/err > docs/errors.md
    python -m ocsf_pipe.run.pipeline_schema > schemas/pipeline.schema.json

# the benchmark of the README: ours, DuckDB's COPY and Tenzir in one run
bench *ARGS:
    python -m benchmarks.run {{ARGS}}

# the heavy tests: hostile files, big files, long random runs
torture *ARGS:
    pytest -m heavy -n 1 {{ARGS}}

# every rule on every real record of Windows that is here: fires of the tables beside those of a plain native matcher
faithful *ARGS:
    pytest -m heavy -n 0 -s tests/detect/test_real_records.py {{ARGS}}

# CI, exactly
ci:
    .ci/run

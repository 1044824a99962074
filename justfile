# Tasks of a contributor; `just` lists them. They use the environment .venv.

set positional-arguments

bin := ".venv/bin"

_list:
    @just --list

# Make the environment .venv
setup:
    python3 -m venv .venv
    {{bin}}/pip install --quiet -e '.[dev]' --constraint constraints-dev.txt

# Check style, types and import contracts
check:
    {{bin}}/ruff check .
    {{bin}}/ruff format --check .
    {{bin}}/mypy
    {{bin}}/lint-imports

# Run the quick tests: no processes, no servers; `just test tests/planning` runs one folder
test *paths:
    {{bin}}/pytest -n 3 -m 'not e2e and not slow' "$@"

# Run the tests with real processes and real HTTP
e2e *paths:
    {{bin}}/pytest -n 3 -m 'e2e and not slow' "$@"

# Write the schemas again
schemas:
    for name in plan lint; do {{bin}}/skaha-apply schema $name > schemas/$name.v1.schema.json; done
    {{bin}}/skaha-apply schema state > schemas/state.v2.schema.json
    {{bin}}/python -m skaha_apply.manifest.reference

# Write the generated pages again: the keys of a manifest, and the rules
docs:
    {{bin}}/python -m skaha_apply.manifest.reference
    {{bin}}/python -m skaha_apply.lint.docs docs/rules

# Build the docs site in site/, and report each page that is not in its navigation and each link to nothing
site:
    uv run --no-project --with mkdocs-material -- env NO_MKDOCS_2_WARNING=1 mkdocs build --strict

# Record the picture of the README again, from a real run
picture:
    {{bin}}/python docs/images/record_terminal.py

# Pin the newest versions of the development environment
constraints:
    uv pip compile --quiet --universal --upgrade --no-header --no-annotate --extra dev pyproject.toml --output-file constraints-dev.txt

# Run everything that decides whether a change lands
ci:
    .ci/run

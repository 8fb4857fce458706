#!/usr/bin/env bash
# The steps of our own CI: pinned dependencies, types of all four kinds of code, lint, then the README's test command.
# The last line is the tests' own: `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/.."

npm ci --no-audit --no-fund
# The pinned Node.js of the lock file, whatever the machine has.
export PATH="$PWD/node_modules/.bin:$PATH"
node --version

npm run --silent typecheck
npm run --silent lint
npm test --silent

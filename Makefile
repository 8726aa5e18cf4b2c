# Front door of the repository. Every target installs and builds what it needs.

.DEFAULT_GOAL := help
.PHONY: help demo test verify build bench check-node

INSTALLED := node_modules/.package-lock.json

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## Start a node, an emitter and four weighted analyzers, and watch the shares
	@node dist/src/cli/main.js demo

test: verify ## Run everything that CI runs (the same as verify)

verify: $(INSTALLED) ## Format, lint, floors, types, contract, all tests, bench smoke
	@node scripts/verify.mjs

bench: build ## Measure throughput and latency on this machine; see bench/README.md
	@node dist/bench/main.js $(ARGS)

build: $(INSTALLED) ## Compile into dist
	@npm run --silent build

check-node:
	@command -v node >/dev/null || { echo "Sluice needs Node.js 20.19 or newer (24 LTS recommended): https://nodejs.org"; exit 1; }
	@node scripts/node-version.mjs

# npm writes this file last, so it is as new as the install. Order-only: a check is no reason to install again.
$(INSTALLED): package-lock.json | check-node
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

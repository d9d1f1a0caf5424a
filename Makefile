.PHONY: help generate test race lint check fuzz vuln sums licenses apidiff toolchains cross release-test

help: ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

generate: ## write the generated files from model/lambda-microvms.json
	go generate ./...

test: ## run the tests of every module
	go test work

race: ## run them with the race detector
	go test -race work

lint: ## gofmt, vet and golangci-lint, as CI does
	.ci/lint

check: ## all that CI runs
	.ci/run

fuzz: ## fuzz every decoder for FUZZTIME each (default 1m)
	.ci/fuzz $(or $(FUZZTIME),1m)

vuln: ## look for known vulnerabilities, in the tools too (needs the vulnerability database)
	.ci/vuln

sums: ## go.mod tidy, go.sum complete and downloads verified, for every module
	.ci/sums

licenses: ## write LICENSES.md
	.ci/licenses --write

apidiff: ## compare the exported API with the last tag
	.ci/apidiff

toolchains: ## build and test on the two newest Go releases and on the floor
	.ci/toolchains $(TOOLCHAINS)

cross: ## vet and compile the tests for Windows and macOS
	.ci/cross

release-test: ## try a release in a clone, with a program that uses it
	.ci/release-test

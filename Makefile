.PHONY: help generate test race lint fmt check fuzz

help: ## show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

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

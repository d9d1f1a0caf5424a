// Package awscli has a test that drives the fake with the real AWS CLI v2, which knows
// nothing of this module. It needs the CLI: with CI=true in the environment it installs
// it and fails if it cannot; else it skips without it.
package awscli

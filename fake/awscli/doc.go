// Package awscli has a test that drives the fake with the real AWS CLI v2, which knows
// nothing of this module. With CI=true in the environment, the test installs the CLI, and
// fails if it cannot. Otherwise it is skipped if the CLI is missing.
package awscli

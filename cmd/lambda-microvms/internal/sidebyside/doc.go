// Package sidebyside has a test that gives the same command lines to the AWS CLI v2 and
// to this program, each against a fake in the same state, and compares standard output
// and exit code. With CI=true in the environment the AWS CLI must be there; else the test
// skips without it. fake/awscli/install installs it.
package sidebyside

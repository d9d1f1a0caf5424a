// Package iam says which IAM permissions programs need: the actions of operations and
// workflows, and a minimal policy as JSON.
//
//	policy, err := iam.NewPolicy(iam.Scope{
//		Region: "us-east-1", Account: "123456789012",
//		Images: []string{"shop"}, BuildRoles: []string{role}, Bucket: "artifacts",
//	}, iam.Deploy, iam.Prune)
//
// The package makes no calls. The command line prints the same policies: see
// lambda-microvms policy help.
//
// # What is known
//
//   - The action of an operation is "lambda:" and the name of the operation in the API.
//   - A workflow takes an interface with the methods that it uses, so it can call no
//     other operation. Tests compare this package with these interfaces, and with the
//     calls of each workflow to package fake. Some actions are only needed for some
//     inputs; for example, Deploy tags images only with tags or Reuse.
//   - Nobody has measured which actions the service authorizes by resource. A policy
//     names the image for operations whose request names it, and "*" for all others. If
//     the service denies a call nevertheless, set [Scope].AllResources.
//   - Nobody has measured whether an input with a role needs iam:PassRole. In other
//     services of AWS it does, so a policy contains it, for the roles in the Scope only.
package iam

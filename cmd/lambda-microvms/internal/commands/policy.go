package commands

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/iam"
)

// Options of the policy command, beside those that deploy has too.
const (
	accountOption       = "account-id"
	imageNameOption     = "image"
	executionRoleOption = "execution-role-arn"
)

// policyOption returns the option for a field of an iam.Scope.
func policyOption(field string) string {
	switch field {
	case "Account":
		return accountOption
	case "Images":
		return imageNameOption
	case "BuildRoles":
		return roleOption
	case "ExecutionRoles":
		return executionRoleOption
	case "Bucket":
		return bucketOption
	case "Prefix":
		return prefixOption
	default:
		return regionOption
	}
}

// policyCommand prints the IAM policy that workflows and operations need.
func policyCommand() *cli.Command {
	return &cli.Command{
		Summary: "Prints the IAM policy that workflows and operations need",
		Words:   []string{"use..."},
		Options: []argparse.Option{
			{Name: accountOption, Kind: "string", Required: true, Doc: "The account of the images, twelve digits."},
			{Name: imageNameOption, Alias: imageOption, Kind: "string", Append: true, Doc: "The name of an image, also accepted as --" + imageOption + ". It can be repeated. The default is all images of the account."},
			{Name: roleOption, Kind: "string", Append: true, Doc: "The ARN of a role that images are built with. It can be repeated. It is required for uses that create or update images."},
			{Name: executionRoleOption, Kind: "string", Append: true, Doc: "The ARN of a role that MicroVMs run with. It can be repeated."},
			{Name: bucketOption, Kind: "string", Doc: "The S3 bucket that deploy uploads to."},
			{Name: prefixOption, Kind: "string", Doc: "What the keys of uploads begin with. The default is any key."},
			{Name: "logs", Arity: argparse.Flag, Doc: "Also permit to read the output of builds and MicroVMs from CloudWatch Logs."},
			{Name: "all-resources", Arity: argparse.Flag, Doc: "Permit the actions of the service on all resources, in case it denies what a policy with resources permits."},
		},
		Page: cli.Page{
			Description: "Prints the smallest IAM policy for all uses together, and makes no call. A use is a workflow (" + policyWorkflows() +
				") or an operation, such as get-microvm. The partition of its ARNs is that of the region.\n\n" +
				"Nobody has measured which actions the service authorizes by resource, nor whether roles need iam:PassRole. The policy names resources and has iam:PassRole for the given roles.",
			Output: "The policy as JSON, whatever --output says.",
			Examples: `What a CI job needs that deploys and prunes the image "shop":

  lambda-microvms policy deploy prune --account-id 123456789012 --image shop \
    --build-role-arn arn:aws:iam::123456789012:role/build --bucket artifacts`,
		},
		Run: runPolicy,
	}
}

// policyWorkflows lists the workflows by the names of this command.
func policyWorkflows() string {
	var names []string
	for _, workflow := range iam.Workflows() {
		names = append(names, workflowName(workflow))
	}
	return strings.Join(names, ", ")
}

// workflowName is "sync-tags" for "images.SyncTags".
func workflowName(workflow iam.Use) string {
	_, name, _ := strings.Cut(string(workflow), ".")
	var b strings.Builder
	for i, c := range name {
		if i > 0 && c < 'a' {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(c)))
	}
	return b.String()
}

// policyUse finds a workflow or an operation by its name on the command line.
func policyUse(word string) iam.Use {
	for _, workflow := range iam.Workflows() {
		if word == workflowName(workflow) {
			return workflow
		}
	}
	if op := api.Find(word); op != nil {
		return iam.Use(op.Name)
	}
	return iam.Use(word) // also "images.Deploy" and "GetMicrovm"
}

func runPolicy(ctx context.Context, s *cli.Session) error {
	scope := iam.Scope{
		Region:         s.Globals.Region,
		Account:        s.Args.Value(accountOption),
		Images:         s.Args.Values(imageNameOption),
		BuildRoles:     s.Args.Values(roleOption),
		ExecutionRoles: s.Args.Values(executionRoleOption),
		Bucket:         s.Args.Value(bucketOption),
		Prefix:         s.Args.Value(prefixOption),
		Logs:           s.Args.Has("logs"),
		AllResources:   s.Args.Has("all-resources"),
	}
	if scope.Region == "" {
		cfg, err := s.Config(ctx)
		if err != nil {
			return err
		}
		scope.Region = cfg.Region
	}
	var uses []iam.Use
	for _, word := range s.Words {
		uses = append(uses, policyUse(word))
	}
	policy, err := iam.NewPolicy(scope, uses...)
	if err != nil {
		return policyError(err)
	}
	encoder := json.NewEncoder(s.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	return encoder.Encode(policy)
}

// policyError names the option of the first field that was refused.
func policyError(err error) error {
	var unknown *iam.UnknownUseError
	if errors.As(err, &unknown) {
		return fault.Usage("argument use: %s is neither a workflow (%s) nor an operation", value.Quote(string(unknown.Use)), policyWorkflows())
	}
	for _, violation := range lambdamicrovms.Violations(err) {
		return fault.Parameter(policyOption(violation.Path), "must be %s, given %s", violation.Limit, violation.Given)
	}
	return err
}

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
		Words:   []string{"USE..."},
		Options: []argparse.Option{
			{Name: accountOption, Kind: "string", Required: true, Doc: "The account of the images, twelve digits."},
			{Name: imageNameOption, Alias: imageOption, Kind: "string", Append: true, Doc: "The name of an image, also accepted as --" + imageOption + ". It can be repeated. The default is all images of the account."},
			{Name: roleOption, Kind: "string", Append: true, Doc: "The ARN of a role that images are built with. It can be repeated. It is required for uses that create or update images."},
			{Name: executionRoleOption, Kind: "string", Append: true, Doc: "The ARN of a role that MicroVMs run with. It can be repeated."},
			{Name: bucketOption, Kind: "string", Doc: "The S3 bucket that deploy uploads to."},
			{Name: prefixOption, Kind: "string", Doc: "The prefix of the keys of uploads. The default is any key."},
			{Name: "logs", Arity: argparse.Flag, Doc: "Also allow reading the output of builds and MicroVMs from CloudWatch Logs."},
			{Name: "all-resources", Arity: argparse.Flag, Doc: "Permit the actions of the service on all resources, in case it denies what a policy with resources permits."},
		},
		Page: cli.Page{
			Description: "Prints the smallest IAM policy for all uses together, and makes no call. USE is a command of this program (" + policyNames() +
				"), an operation, such as get-microvm, or a workflow of the Go library, such as images.Deploy. The partition of its ARNs is that of the region.\n\n" +
				"Nobody has measured which actions the service authorizes by resource, nor whether roles need iam:PassRole. The policy names resources and has iam:PassRole for the given roles.",
			Output: "The policy as JSON, whatever --output says.",
			Examples: `What a CI job needs that deploys and prunes the image "shop":

  lambda-microvms policy deploy prune --account-id 123456789012 --image shop \
    --build-role-arn arn:aws:iam::123456789012:role/build --bucket artifacts`,
		},
		Run: runPolicy,
	}
}

// commandUses is what a command needs.
type commandUses struct {
	name string
	uses []iam.Use
}

// policyCommands are the commands that have a policy. Most find an image by its name.
func policyCommands() []commandUses {
	return []commandUses{
		{"deploy", []iam.Use{iam.Deploy}},
		{"update", []iam.Use{iam.Update, iam.Find}},
		{"diff", []iam.Use{iam.Find, "GetMicroVMImage", "GetMicroVMImageVersion", "ListTags"}},
		{"rollback", []iam.Use{iam.Rollback, iam.Find}},
		{"prune", []iam.Use{iam.Prune, iam.Find}},
		{"run", []iam.Use{iam.Run, iam.Find}},
		{"curl", []iam.Use{iam.Run, iam.Find}},
		{"shell", []iam.Use{iam.Run, iam.Find}},
		{"ps", []iam.Use{iam.Find, "ListMicroVMs"}},
		{"sweep", []iam.Use{iam.Sweep, iam.Find}},
		{logsUse, []iam.Use{iam.Find, "GetMicroVM", "GetMicroVMImageVersion", "ListMicroVMImageVersions"}},
	}
}

// logsUse is the command that needs permissions of CloudWatch Logs, too.
const logsUse = "logs"

// policyNames lists the commands that have a policy.
func policyNames() string {
	var names []string
	for _, command := range policyCommands() {
		names = append(names, command.name)
	}
	return strings.Join(names, ", ")
}

// policyUses returns what a use on the command line needs.
func policyUses(word string) []iam.Use {
	for _, command := range policyCommands() {
		if command.name == word {
			return command.uses
		}
	}
	if op := api.Find(word); op != nil {
		return []iam.Use{iam.Use(op.Name)}
	}
	return []iam.Use{iam.Use(word)} // also "images.Deploy" and "GetMicrovm"
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
		uses = append(uses, policyUses(word)...)
		scope.Logs = scope.Logs || word == logsUse
	}
	policy, err := iam.NewPolicy(scope, uses...)
	if err != nil {
		return policyError(err)
	}
	encoder := json.NewEncoder(s.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	return cli.OutputError(encoder.Encode(policy))
}

// policyError names the options of all fields that were refused.
func policyError(err error) error {
	var unknown *iam.UnknownUseError
	if errors.As(err, &unknown) {
		return fault.Usage("Error parsing argument USE: %s is neither a command with a policy (%s) nor an operation", value.Quote(string(unknown.Use)), policyNames())
	}
	var problems []string
	for _, violation := range lambdamicrovms.Violations(err) {
		problem := fault.Parameter(policyOption(violation.Path), "must be %s, given %s", violation.Limit, violation.Given)
		problems = append(problems, problem.Message)
	}
	if len(problems) == 0 {
		return err
	}
	return fault.Usage("%s", strings.Join(problems, "\n"))
}

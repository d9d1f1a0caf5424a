package commands

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/iam"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/partition"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/s3upload"
)

// The results of a check.
const (
	checkOK      = "ok"
	checkMissing = "missing"
	checkFailed  = "failed" // it is not known whether something is missing
	checkSkipped = "skipped"
)

// exitUnwell is the exit code if something is missing.
const exitUnwell = 1

func doctorCommand() *cli.Command {
	return &cli.Command{
		Summary: "Says what is missing to use the service, and how to get it",
		Options: []argparse.Option{
			{Name: bucketOption, Kind: "string", Doc: "Also check this S3 bucket for archives. The default is " + bucketVariable + ", if it is set."},
			{Name: jsonOption, Arity: argparse.Flag, Doc: "The same as --output json."},
		},
		Unpaged:   true,
		Diagnoses: true,
		Page: cli.Page{
			Description: `Checks the configuration, the region, the credentials, the service, the permissions, and the bucket for archives if there is one. It uses --profile, --region and the other global options.

Nothing is changed: only Get and List operations of the service are called, and HeadBucket of S3. Those that need an image or a MicroVM are called with the first one that is listed. Whether operations that change something are permitted is therefore not known. No credentials are printed.

This program does not know which regions have the service. In a region without it, the call of the service fails.`,
			Output: `A line for each check: ok; missing, and how to get it; failed, if it could not be found out; or skipped. With --output or --query, a document instead:

ok -> (boolean)
checks -> (list)
  name -> (string)
  result -> (string)
  detail -> (string)
  remedy -> (string)

The exit code is 0 if nothing is missing or failed, and 1 otherwise.`,
			Examples: `What a colleague's profile lacks to deploy:

  lambda-microvms doctor --profile ci --region eu-west-1 --bucket artifacts`,
		},
		Run: runDoctor,
	}
}

// doctor collects the results of checks.
type doctor struct {
	s      *cli.Session
	client *lambdamicrovms.Client
	checks []any // documents
	lines  bool  // results are printed as they come
	unwell bool
	tried  []iam.Use // reported one by one, also if they could not be tried
	err    error     // of printing

	interrupted func() bool // by Ctrl-C: nothing more is reported
}

func runDoctor(ctx context.Context, s *cli.Session) error {
	bucket := s.Args.Value(bucketOption)
	if s.Args.Has(bucketOption) && (bucket == "" || strings.ContainsAny(bucket, "/: ")) {
		return fault.Parameter(bucketOption, "%s is not the name of a bucket", value.Quote(bucket))
	}
	if s.Args.Has(jsonOption) {
		if s.Globals.Output != "" && s.Globals.Output != "json" {
			return fault.Parameter(jsonOption, "it cannot be combined with --output %s", s.Globals.Output)
		}
		s.Globals.Output = "json"
	}
	d := &doctor{s: s, lines: s.Globals.Output == "" && s.Globals.Query == nil, interrupted: func() bool { return cli.Interrupted(ctx) }}
	d.examine(ctx)
	if d.interrupted() {
		return s.CallError(ctx, context.Cause(ctx))
	}
	if d.err == nil && !d.lines {
		d.err = s.Print("Doctor", value.NewMap(
			value.Member{Name: "ok", Value: !d.unwell},
			value.Member{Name: "checks", Value: d.checks}))
	}
	if err := cli.OutputError(d.err); err != nil {
		return err
	}
	if d.unwell {
		return &fault.Error{Exit: exitUnwell, Silent: true}
	}
	return nil
}

// report adds the result of a check.
func (d *doctor) report(name, result, detail, remedy string) {
	if d.interrupted() {
		return
	}
	detail = logs.Clean(detail)
	check := value.NewMap(
		value.Member{Name: "name", Value: name},
		value.Member{Name: "result", Value: result},
		value.Member{Name: "detail", Value: detail})
	set(check, "remedy", remedy)
	d.checks = append(d.checks, check)
	d.unwell = d.unwell || result == checkMissing || result == checkFailed
	if !d.lines || d.err != nil {
		return
	}
	line := fmt.Sprintf("%-7s  %s: %s", result, name, detail)
	if remedy != "" {
		line = strings.TrimRight(line, ".") + ". " + remedy
	}
	_, d.err = fmt.Fprintln(d.s.Stdout, line)
}

// examine makes all checks. Those that need what is missing are skipped.
func (d *doctor) examine(ctx context.Context) {
	cfg, ok := d.configuration(ctx)
	if !ok || !d.region(ctx, cfg.Region) || !d.credentials(ctx, cfg) {
		d.report("service", checkSkipped, "not called without what is missing above", "")
		return
	}
	var err error
	if d.client, err = d.s.Client(ctx); err != nil {
		d.report("service", checkFailed, fault.Of(err).Error(), "")
		return
	}
	if d.service(ctx) {
		d.permissions(ctx)
	}
	if d.s.Args.Has(bucketOption) || os.Getenv(bucketVariable) != "" {
		d.bucket(ctx, cfg)
	}
}

// configuration checks files, profile and environment. A region that is missing or
// impossible is reported as such.
func (d *doctor) configuration(ctx context.Context) (cfg aws.Config, ok bool) {
	setup := d.s.Setup()
	detail := "profile " + setup.Profile
	for _, file := range setup.Files {
		if file.Found {
			detail += "; " + file.Path
		} else {
			detail += "; no " + file.Path
		}
	}
	err := setup.Err
	if err == nil {
		cfg, err = d.s.Config(ctx)
	}
	switch {
	case err == nil:
		d.report("configuration", checkOK, detail, "")
	case errors.Is(err, cli.ErrNoRegion):
		d.report("configuration", checkOK, detail, "")
		d.report("region", checkMissing, "none is set", `Give --region, set AWS_REGION, or run "aws configure".`)
	case errors.Is(err, cli.ErrRegion):
		d.report("configuration", checkOK, detail, "")
		d.report("region", checkMissing, fault.Of(err).Error(), "Give another one with --region.")
	default:
		d.report("configuration", checkMissing, detail+": "+fault.Of(err).Error(),
			`Correct the file or the environment, choose another profile with --profile, or run "aws configure".`)
	}
	return cfg, err == nil
}

// region checks that the endpoint is known.
func (d *doctor) region(ctx context.Context, region string) bool {
	endpoint, err := d.s.Endpoint(ctx)
	if err != nil {
		d.report("region", checkMissing, region+" has no endpoint: "+err.Error(), "Give another one with --region, or an endpoint with --endpoint-url.")
		return false
	}
	d.report("region", checkOK, fmt.Sprintf("%s in the partition %s; the endpoint is %s", region, partition.Of(region).Name, endpoint), "")
	return true
}

// credentials checks that there are credentials, and for how long.
func (d *doctor) credentials(ctx context.Context, cfg aws.Config) bool {
	const name = "credentials"
	if d.s.Globals.NoSign {
		d.report(name, checkSkipped, "--no-sign-request is given", "")
		return true
	}
	remedy := `Run "aws login", or "aws sso login" for a profile with SSO, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`
	if cfg.Credentials == nil {
		d.report(name, checkMissing, "none are configured", remedy)
		return false
	}
	found, err := cfg.Credentials.Retrieve(ctx)
	switch {
	case err != nil:
		failed := d.s.CallError(ctx, err) // without what a credential process has printed
		detail := fault.Of(failed).Message
		if errors.Is(failed, cli.ErrNoCredentials) { // the message is a remedy, too
			detail = "no usable ones were found"
		}
		d.report(name, checkMissing, detail, remedy)
		return false
	case found.Expired():
		d.report(name, checkMissing, "those of "+found.Source+" have expired at "+found.Expires.UTC().Format(time.RFC3339), remedy)
		return false
	case found.CanExpire:
		d.report(name, checkOK, "from "+found.Source+"; they expire at "+found.Expires.UTC().Format(time.RFC3339), "")
	default:
		d.report(name, checkOK, "from "+found.Source+"; they do not expire", "")
	}
	return true
}

// service checks that the service can be called.
func (d *doctor) service(ctx context.Context) bool {
	managed, err := first(lambdamicrovms.NewListManagedMicroVMImagesPaginator(d.client, new(lambdamicrovms.ListManagedMicroVMImagesInput)).Items(ctx))
	code := d.errorCode(ctx, err)
	if err != nil && !isDenied(code) {
		d.report("service", checkFailed, fault.Of(d.s.CallError(ctx, err)).Error(), serviceRemedy(code))
		return false
	}
	detail := "it responds, and accepts the credentials"
	if d.s.Globals.NoSign {
		detail = "it responds to requests without credentials"
	}
	d.report("service", checkOK, detail, "")
	d.permission(ctx, "ListManagedMicrovmImages", err)
	if managed == nil {
		d.untried("no image of AWS is listed", managedVersions)
		return true
	}
	_, err = d.client.ListManagedMicroVMImageVersions(ctx, &lambdamicrovms.ListManagedMicroVMImageVersionsInput{ImageIdentifier: managed.ImageArn})
	d.permission(ctx, managedVersions, err)
	return true
}

// serviceRemedy is what to do about an error of the service.
func serviceRemedy(code string) string {
	switch {
	case code == "":
		return "Check the network, the proxy and --endpoint-url; the region may not have the service."
	case strings.HasPrefix(code, "ExpiredToken"):
		return `The credentials have expired: run "aws login" or "aws sso login".`
	case code == "UnrecognizedClientException", code == "InvalidClientTokenId":
		return "The access key is unknown: replace the credentials."
	case strings.HasPrefix(code, "InvalidSignature"), strings.HasPrefix(code, "SignatureDoesNotMatch"):
		return "The secret key is wrong, or the clock of this machine."
	default:
		return "Run it again with --debug."
	}
}

// Operations that change nothing, and need what others list.
const (
	managedVersions iam.Use = "ListManagedMicrovmImageVersions"
	getImage        iam.Use = "GetMicrovmImage"
	listTags        iam.Use = "ListTags"
	listVersions    iam.Use = "ListMicrovmImageVersions"
	getVersion      iam.Use = "GetMicrovmImageVersion"
	listBuilds      iam.Use = "ListMicrovmImageBuilds"
	getBuild        iam.Use = "GetMicrovmImageBuild"
	getMicroVM      iam.Use = "GetMicrovm"
)

// permissions tries the operations that change nothing, and lists the others.
func (d *doctor) permissions(ctx context.Context) {
	d.imagePermissions(ctx)
	vm, err := first(lambdamicrovms.NewListMicroVMsPaginator(d.client, new(lambdamicrovms.ListMicroVMsInput)).Items(ctx))
	d.permission(ctx, "ListMicrovms", err)
	if vm == nil {
		d.untried("no MicroVM is listed", getMicroVM)
	} else {
		_, err = d.client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: vm.MicroVMId})
		d.permission(ctx, getMicroVM, err)
	}
	d.changes()
}

// imagePermissions tries those for images.
func (d *doctor) imagePermissions(ctx context.Context) {
	image, err := first(lambdamicrovms.NewListMicroVMImagesPaginator(d.client, new(lambdamicrovms.ListMicroVMImagesInput)).Items(ctx))
	d.permission(ctx, "ListMicrovmImages", err)
	if image == nil {
		d.untried("no image is listed", getImage, listTags, listVersions, getVersion, listBuilds, getBuild)
		return
	}
	arn := image.ImageArn
	_, err = d.client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: arn})
	d.permission(ctx, getImage, err)
	_, err = d.client.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: arn})
	d.permission(ctx, listTags, err)
	version, err := first(lambdamicrovms.NewListMicroVMImageVersionsPaginator(d.client,
		&lambdamicrovms.ListMicroVMImageVersionsInput{ImageIdentifier: arn}).Items(ctx))
	d.permission(ctx, listVersions, err)
	if version == nil {
		d.untried("no version is listed", getVersion, listBuilds, getBuild)
		return
	}
	_, err = d.client.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: arn, ImageVersion: version.ImageVersion})
	d.permission(ctx, getVersion, err)
	build, err := first(lambdamicrovms.NewListMicroVMImageBuildsPaginator(d.client,
		&lambdamicrovms.ListMicroVMImageBuildsInput{ImageIdentifier: arn, ImageVersion: version.ImageVersion}).Items(ctx))
	d.permission(ctx, listBuilds, err)
	if build == nil {
		d.untried("no build is listed", getBuild)
		return
	}
	_, err = d.client.GetMicroVMImageBuild(ctx, &lambdamicrovms.GetMicroVMImageBuildInput{
		ImageIdentifier: arn, ImageVersion: version.ImageVersion, BuildId: build.BuildId,
	})
	d.permission(ctx, getBuild, err)
}

// permission reports whether an operation was permitted.
func (d *doctor) permission(ctx context.Context, operation iam.Use, err error) {
	d.tried = append(d.tried, operation)
	name := "permission " + actions(operation)
	switch code := d.errorCode(ctx, err); {
	case err == nil:
		d.report(name, checkOK, "allowed", "")
	case isDenied(code):
		d.report(name, checkMissing, fault.Of(d.s.CallError(ctx, err)).Error(), policyRemedy(operation))
	default:
		d.report(name, checkFailed, fault.Of(d.s.CallError(ctx, err)).Error(), serviceRemedy(code))
	}
}

// policyRemedy is what to do about an operation that is denied.
func policyRemedy(operation iam.Use) string {
	return fmt.Sprintf(`Have it permitted: "%s policy %s --account-id <account>" prints the policy.`, cli.Program, operation)
}

// untried reports that operations that change nothing could not be tried.
func (d *doctor) untried(why string, operations ...iam.Use) {
	for _, operation := range operations {
		d.tried = append(d.tried, operation)
		d.report("permission "+actions(operation), checkSkipped, why, "")
	}
}

// changes lists the operations that are not tried.
func (d *doctor) changes() {
	others := slices.DeleteFunc(iam.Operations(), func(operation iam.Use) bool { return slices.Contains(d.tried, operation) })
	d.report("write permissions", checkSkipped, "not tried, because a call would change something: "+actions(others...), "")
}

// actions are the IAM actions of operations.
func actions(operations ...iam.Use) string {
	list, err := iam.Actions(operations...)
	if err != nil {
		return err.Error()
	}
	return strings.Join(list, ", ")
}

// bucket checks that the bucket for archives is in the region of the service.
func (d *doctor) bucket(ctx context.Context, cfg aws.Config) {
	const check = "bucket"
	region, _ := partition.TrimFIPS(cfg.Region) // buckets have no FIPS mark
	to := newStore(d.s, cfg, nil)
	name, err := to.bucket()
	if err == nil {
		err = to.PrepareUpload(ctx, images.UploadTarget{Region: region})
	}
	if err == nil {
		d.report(check, checkOK, name+" exists, and is not in another region than "+region, "")
		return
	}
	var elsewhere *s3upload.RegionError
	failed := uploadError(ctx, d.s, err)
	if failed == nil {
		failed = err
	}
	detail := name + ": " + fault.Of(failed).Error()
	if !errors.As(err, &elsewhere) && fault.Of(failed).Code == "" {
		d.report(check, checkFailed, detail, "Check the name, the network and the endpoint of S3.")
		return
	}
	d.report(check, checkMissing, detail, fmt.Sprintf("Give a bucket in %s that you may use, with --%s or %s.", region, bucketOption, bucketVariable))
}

// errorCode is the code of an error of the service, or empty.
func (d *doctor) errorCode(ctx context.Context, err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(d.s.CallError(ctx, err)).Code
}

func isDenied(code string) bool { return strings.HasPrefix(code, "AccessDenied") }

// first returns the first item of a list, or nil.
func first[T any](items iter.Seq2[T, error]) (*T, error) {
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		return &item, nil
	}
	return nil, nil
}

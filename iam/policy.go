package iam

import (
	"slices"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/partition"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/logs"
)

// Scope describes the resources of a policy. Their ARNs are in the partition of the
// region.
type Scope struct {
	// Region, such as "us-east-1", and Account, twelve digits, are those of the images.
	// Both are required. The region may have a FIPS mark, which ARNs leave out.
	Region, Account string

	// Images are the names of the images. The default is all images of the account.
	Images []string

	// BuildRoles are the ARNs of the roles that images are built with. At least one is
	// required for uses that create or update images.
	BuildRoles []string

	// ExecutionRoles are the ARNs of the roles that MicroVMs run with, if any.
	ExecutionRoles []string

	// Bucket is the S3 bucket to which Deploy uploads with module s3upload, and Prefix is
	// the beginning of its keys. Without a Bucket the policy has no permissions for S3.
	Bucket, Prefix string

	// Logs adds the permissions that module cwlogs needs to read the output of builds and
	// MicroVMs, in the log groups with default names.
	Logs bool

	// AllResources permits the actions of the service on all resources. Use it if the
	// service denies calls that a policy with resources permits.
	AllResources bool
}

// Policy is an IAM policy. Its JSON form is that of IAM.
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement is a statement of a policy.
type Statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

// NewPolicy returns the minimal policy for all uses together. It has those of these
// statements that are needed:
//
//   - Images: operations on one image.
//   - Service: operations that name no resource with an ARN.
//   - PassBuildRoles, PassExecutionRoles: iam:PassRole for inputs with roles.
//   - UploadBucket, UploadObjects: permissions of an s3upload.Uploader, except those for
//     tags and KMS keys, which its documentation lists.
//   - Logs: permissions of a cwlogs.Reader.
//
// The error is an *UnknownUseError, or a smithy.InvalidParamsError that names the fields
// of the Scope which are missing or invalid; lambdamicrovms.Violations lists them.
func NewPolicy(scope Scope, uses ...Use) (*Policy, error) {
	all, err := expand(uses)
	if err != nil {
		return nil, err
	}
	builds := slices.Contains(all, "CreateMicrovmImage") || slices.Contains(all, "UpdateMicrovmImage")
	if err := scope.check(len(uses) > 0, builds); err != nil {
		return nil, err
	}
	scope.Region, _ = partition.TrimFIPS(scope.Region)
	var ofImages, others []Use
	for _, operation := range all {
		if slices.Contains(imageOperations(), operation) && !scope.AllResources {
			ofImages = append(ofImages, operation)
		} else {
			others = append(others, operation)
		}
	}

	p := &Policy{Version: "2012-10-17"} // of the policy language
	p.add("Images", actions(ofImages), scope.images())
	p.add("Service", actions(others), []string{"*"})
	pass := []string{"iam:PassRole"}
	if builds {
		p.add("PassBuildRoles", pass, scope.BuildRoles)
	}
	if slices.Contains(all, "RunMicrovm") {
		p.add("PassExecutionRoles", pass, scope.ExecutionRoles)
	}
	if slices.Contains(uses, Deploy) && scope.Bucket != "" {
		bucket := scope.arn("s3", "", "", scope.Bucket)
		p.add("UploadBucket", []string{"s3:ListBucket"}, []string{bucket})
		p.add("UploadObjects", []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"},
			[]string{bucket + "/" + scope.Prefix + "*"})
	}
	if scope.Logs {
		p.add("Logs", []string{"logs:DescribeLogStreams", "logs:FilterLogEvents"}, scope.logGroups())
	}
	return p, nil
}

// add adds a statement, unless it permits nothing.
func (p *Policy) add(sid string, actions, resources []string) {
	if len(actions) > 0 && len(resources) > 0 {
		p.Statement = append(p.Statement, Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: slices.Clone(resources)})
	}
}

func (s *Scope) check(used, builds bool) error {
	check := workflow.CheckOptions("Scope")
	if !used {
		check.Refuse("uses", "at least one workflow or operation", "none")
	}
	if s.Region == "" || strings.ContainsAny(s.Region, ":*? ") {
		check.Refuse("Region", "a region such as us-east-1", strconv.Quote(s.Region))
	}
	if len(s.Account) != 12 || strings.Trim(s.Account, "0123456789") != "" {
		check.Refuse("Account", "twelve digits", strconv.Quote(s.Account))
	}
	for _, name := range s.Images {
		if name == "" || strings.ContainsAny(name, ":/ ") {
			check.Refuse("Images", "names of images, not ARNs", strconv.Quote(name))
		}
	}
	if builds && len(s.BuildRoles) == 0 {
		check.Refuse("BuildRoles", "set for uses that create or update images", "none")
	}
	checkRoles(check, "BuildRoles", s.BuildRoles)
	checkRoles(check, "ExecutionRoles", s.ExecutionRoles)
	if strings.ContainsAny(s.Bucket, ":/*? ") {
		check.Refuse("Bucket", "the name of a bucket", strconv.Quote(s.Bucket))
	}
	if strings.ContainsAny(s.Prefix, "*?$") { // IAM would expand them
		check.Refuse("Prefix", "without wildcards and variables", strconv.Quote(s.Prefix))
	}
	if s.Bucket == "" && s.Prefix != "" {
		check.Refuse("Prefix", "set only with Bucket", strconv.Quote(s.Prefix))
	}
	return check.Err()
}

// checkRoles rejects wildcards: a caller that may pass any role gains the permissions of
// all of them.
func checkRoles(check *workflow.OptionCheck, field string, roles []string) {
	for _, role := range roles {
		parts := strings.SplitN(role, ":", 6)
		if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || !strings.HasPrefix(parts[5], "role/") || strings.ContainsAny(role, "*? ") {
			check.Refuse(field, "ARNs of roles, without wildcards", strconv.Quote(role))
		}
	}
}

func (s *Scope) arn(service, region, account, resource string) string {
	return "arn:" + partition.Of(s.Region).Name + ":" + service + ":" + region + ":" + account + ":" + resource
}

// images returns the ARNs of the images.
func (s *Scope) images() []string {
	var list []string
	for _, name := range s.names() {
		list = append(list, partition.LambdaARN(s.Region, s.Account, "microvm-image:"+name))
	}
	return list
}

// logGroups returns the ARNs of the log groups and their streams.
func (s *Scope) logGroups() []string {
	var list []string
	for _, name := range s.names() {
		list = append(list, s.arn("logs", s.Region, s.Account, "log-group:"+logs.Group(name)+":*"))
	}
	return list
}

func (s *Scope) names() []string {
	if len(s.Images) == 0 {
		return []string{"*"}
	}
	return s.Images
}

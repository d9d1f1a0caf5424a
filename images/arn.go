package images

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/partition"
)

// ARN identifies an image in requests. The region determines the partition.
type ARN struct {
	Region  string // such as "us-east-1"
	Account string // twelve digits, or "aws" for a base image that AWS provides
	Name    string
}

// String returns arn:aws:lambda:<region>:<account>:microvm-image:<name>, with the
// partition of the region.
func (a ARN) String() string {
	return partition.LambdaARN(a.Region, a.Account, "microvm-image:"+a.Name)
}

// BaseImageARN returns the ARN of a base image that AWS provides, such as "al2023-1". The
// region may have a FIPS mark, as in "fips-us-east-1".
func BaseImageARN(region, name string) string {
	return ARN{Region: unmarked(region), Account: "aws", Name: name}.String()
}

// Regional is a client that knows its region, such as a *lambdamicrovms.Client.
type Regional interface {
	Options() lambdamicrovms.Options
}

// BaseImage returns BaseImageARN with the region of the client. The result is a pointer,
// like the member BaseImageArn of inputs.
func BaseImage(client Regional, name string) *string {
	arn := BaseImageARN(client.Options().Region, name)
	return &arn
}

// Connector returns ConnectorARN with the region of the client.
func Connector(client Regional, name string) string {
	return ConnectorARN(client.Options().Region, name)
}

// ConnectorARN returns the ARN of a network connector that AWS provides: HTTP_INGRESS,
// ALL_INGRESS, SHELL_INGRESS, NO_INGRESS or INTERNET_EGRESS. The region may have a FIPS
// mark.
func ConnectorARN(region, name string) string {
	return partition.LambdaARN(unmarked(region), "aws", managedConnector+name)
}

// unmarked returns the region without a FIPS mark, which neither ARNs nor buckets have.
func unmarked(region string) string {
	region, _ = partition.TrimFIPS(region)
	return region
}

const managedConnector = "network-connector:aws-network-connector:"

// ParseARN parses the ARN of an image. The error is an *ARNError that names the problem.
// The service rejects bare names and ids with the message that the format is invalid.
func ParseARN(text string) (ARN, error) {
	if !strings.HasPrefix(text, "arn:") {
		if validName(text) {
			return ARN{}, &ARNError{Text: text, Problem: "this is a bare name, and image operations take ARNs only " +
				"(arn:aws:lambda:<region>:<account>:microvm-image:" + text + "): build it with ARN, or look it up with Find"}
		}
		return ARN{}, &ARNError{Text: text, Problem: `it does not begin with "arn:"`}
	}
	parts := strings.Split(text, ":")
	for i, part := range [...]string{"partition", "service", "region", "account", "resource"} {
		if i+1 >= len(parts) || parts[i+1] == "" {
			return ARN{}, &ARNError{Text: text, Problem: "it has no " + part}
		}
	}
	service, kind := parts[2], parts[5]
	switch {
	case service != "lambda":
		return ARN{}, &ARNError{Text: text, Problem: fmt.Sprintf(`its service is %q, not "lambda"`, service)}
	case strings.HasPrefix(kind, "microvm-image/"):
		return ARN{}, &ARNError{Text: text, Problem: `the name follows "microvm-image:", with a colon and no slash`}
	case kind != "microvm-image":
		return ARN{}, &ARNError{Text: text, Problem: fmt.Sprintf(`it names a %s, not a microvm-image`, kind)}
	case len(parts) < 7 || parts[6] == "":
		return ARN{}, &ARNError{Text: text, Problem: "it has no name"}
	case len(parts) > 7:
		return ARN{}, &ARNError{Text: text, Problem: "something follows the name; versions are not part of the ARN"}
	case !validName(parts[6]):
		return ARN{}, &ARNError{Text: text, Problem: "a name has 1 to 64 letters, digits, - and _"}
	}
	return ARN{Region: parts[3], Account: parts[4], Name: parts[6]}, nil
}

func isARN(text string) bool {
	_, err := ParseARN(text)
	return err == nil
}

func validName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// ARNError reports that a text is not the ARN of an image.
type ARNError struct {
	Text    string
	Problem string
}

func (e *ARNError) Error() string {
	return fmt.Sprintf("images: %q is not the ARN of an image: %s", e.Text, e.Problem)
}

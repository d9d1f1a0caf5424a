package images

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// InputFrom returns an update with the configuration of a version: every member that this
// module knows, except BaseImageVersion. It shares no memory with the version. A nil
// version is treated as empty.
//
// BaseImageVersion is nil, which means the latest. A version always names the base image
// version that it was built on, such as "1.0", whether or not it was pinned. To pin it,
// set the bare major, "1".
func InputFrom(version *lambdamicrovms.GetMicroVMImageVersionOutput) *lambdamicrovms.UpdateMicroVMImageInput {
	if version == nil {
		return &lambdamicrovms.UpdateMicroVMImageInput{}
	}
	in := configuration(version)
	in.BaseImageVersion = nil
	in.ImageIdentifier = version.ImageArn
	return in
}

// configuration copies the members of an update, except image and token, from any shape
// that has them under the same wire names.
func configuration(source restjson.Encoder) *lambdamicrovms.UpdateMicroVMImageInput {
	in := restjson.Recast(&lambdamicrovms.UpdateMicroVMImageInput{}, source)
	in.ImageIdentifier, in.ClientToken = nil, nil
	return in
}

// hasConfiguration reports whether the members that every version has are present. If
// they are missing, other members may be missing as well.
func hasConfiguration(in *lambdamicrovms.UpdateMicroVMImageInput) bool {
	return aws.ToString(in.BaseImageArn) != "" && aws.ToString(in.BuildRoleArn) != "" && in.CodeArtifact != nil
}

// bareMajor converts a base image version from its form in responses, "1.0", to the form
// that requests need, "1".
func bareMajor(version *string) *string {
	if version == nil {
		return nil
	}
	major := strings.TrimSuffix(*version, ".0")
	return &major
}

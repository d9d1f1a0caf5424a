package images

import (
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// InputFrom returns the update that builds a version's configuration again: every member of it
// that this module knows. It shares no memory with the version. A nil version is an empty one.
//
// BaseImageVersion is left out, which means the latest. What a version has there is the one it
// was built on, such as "1.0", pinned or not; to pin it, a request needs the bare major, "1".
func InputFrom(version *lambdamicrovms.GetMicroVMImageVersionOutput) *lambdamicrovms.UpdateMicroVMImageInput {
	if version == nil {
		return &lambdamicrovms.UpdateMicroVMImageInput{}
	}
	in := configuration(version)
	in.BaseImageVersion = nil
	in.ImageIdentifier = version.ImageArn
	return in
}

// configuration takes the members of an update, save image and token, from whatever has them under the same
// names on the wire.
func configuration(source restjson.Encoder) *lambdamicrovms.UpdateMicroVMImageInput {
	in := restjson.Recast(&lambdamicrovms.UpdateMicroVMImageInput{}, source)
	in.ImageIdentifier, in.ClientToken = nil, nil
	return in
}

// hasConfiguration reports whether the members are there that every version has. Without them
// the other members may be missing as well.
func hasConfiguration(in *lambdamicrovms.UpdateMicroVMImageInput) bool {
	return deref(in.BaseImageArn) != "" && deref(in.BuildRoleArn) != "" && in.CodeArtifact != nil
}

// bareMajor turns the version of a base image as answers have it, "1.0", into what requests take, "1".
func bareMajor(version *string) *string {
	if version == nil {
		return nil
	}
	major := strings.TrimSuffix(*version, ".0")
	return &major
}

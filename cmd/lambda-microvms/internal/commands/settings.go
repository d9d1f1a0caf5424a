package commands

import (
	"slices"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
)

const imageMember = "imageIdentifier"

// settings is the shape of an image's configuration: what an update replaces.
func settings() *api.Shape {
	return without(api.Find("update-microvm-image").Input, notSettings()...)
}

// notSettings are the members of a file that are no settings of an image.
func notSettings() []string { return []string{"name", "tags", imageMember, "clientToken"} }

// deploySettings is the shape of the configuration that deploy takes from options and
// files.
func deploySettings() *api.Shape {
	return without(api.Find("create-microvm-image").Input, notDeploySettings()...)
}

// notDeploySettings are the members that deploy sets itself.
func notDeploySettings() []string { return append(notSettings(), "codeArtifact") }

func tagsMember() *api.Member { return api.Find("create-microvm-image").Input.Member("tags") }

// without returns a shape without some of its members.
func without(shape *api.Shape, names ...string) *api.Shape {
	part := *shape
	part.Members = nil
	for _, m := range shape.Members {
		if !slices.Contains(names, m.Name) {
			part.Members = append(part.Members, m)
		}
	}
	return &part
}

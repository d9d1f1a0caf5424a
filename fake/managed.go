package fake

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

func (sc scope) managedARN(m ManagedImage) string { return sc.arn("aws", "microvm-image:"+m.Name) }

// managedSince is the creation time of managed images.
func managedSince() time.Time { return time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC) }

// baseVersion returns the version of a base image in the form of responses, "1.0". A
// request must use the form "1"; without a version it means the newest.
func (c *call) baseVersion(arn string, asked *string) (string, error) {
	name, _, ok := parseImageARN(arn)
	if !ok {
		return "", invalid("Invalid ARN format: %s", arn)
	}
	oldest, newest := 0, 1 // a managed image that is not listed is assumed to exist, like roles and buckets
	managed := slices.IndexFunc(c.server.config.managed, func(m ManagedImage) bool { return m.Name == name.name })
	img := c.world.images[name.name]
	switch {
	case name.account == "aws" && managed >= 0: // in any region: all regions share one configuration
		newest = c.server.config.managed[managed].newest()
	case img != nil && img.arn == arn && !img.gone(c.now):
		oldest, newest = 1, img.latest
	case name.account == "aws":
	default:
		return "", c.unmeasured(c.noImage(arn), "the response to a build on %s, which does not exist", arn)
	}
	if asked == nil {
		return versionName(newest), nil
	}
	if strings.Trim(*asked, "0123456789") != "" {
		return "", invalid("Invalid baseMicroVMImageVersion: %s. Expected a single major version number (e.g., 1).", *asked)
	}
	n, err := strconv.Atoi(*asked)
	if err != nil || n < oldest || n > newest {
		return "", invalid("Invalid baseMicroVMImageVersion: %s. The version does not exist.", *asked)
	}
	return versionName(n), nil
}

// managed returns the index of a managed image, or -1.
func (c *call) managed(arn string) int {
	return slices.IndexFunc(c.server.config.managed, func(m ManagedImage) bool { return c.scope.managedARN(m) == arn })
}

func (c *call) listManagedMicroVMImages(in *lambdamicrovms.ListManagedMicroVMImagesInput) (*lambdamicrovms.ListManagedMicroVMImagesOutput, error) {
	images := c.server.config.managed
	place := func(m ManagedImage) int64 { return int64(slices.Index(images, m)) + 1 }
	found, next, err := cut(c, images, place, in.MaxResults, in.NextToken, "")
	if err != nil {
		return nil, err
	}
	out := &lambdamicrovms.ListManagedMicroVMImagesOutput{Items: []types.ManagedMicroVMImageSummary{}, NextToken: next}
	for _, m := range found {
		out.Items = append(out.Items, types.ManagedMicroVMImageSummary{
			CreatedAt: ptr(managedSince()),
			ImageArn:  ptr(c.scope.managedARN(m)),
			UpdatedAt: ptr(managedSince()),
		})
	}
	return out, nil
}

func (c *call) listManagedMicroVMImageVersions(in *lambdamicrovms.ListManagedMicroVMImageVersionsInput) (*lambdamicrovms.ListManagedMicroVMImageVersionsOutput, error) {
	switch name, slash, ok := parseImageARN(*in.ImageIdentifier); {
	case slash:
		return nil, accessDenied(nil)
	case !ok:
		return nil, invalid("Invalid ARN format: %s", *in.ImageIdentifier)
	case name.account != "aws" && name.account != c.scope.account:
		return nil, c.denied(*in.ImageIdentifier)
	}
	i := c.managed(*in.ImageIdentifier)
	if i < 0 {
		return nil, c.noImage(*in.ImageIdentifier)
	}
	newest := c.server.config.managed[i].newest()
	numbers := make([]int, newest+1)
	for i := range numbers {
		numbers[i] = newest - i
	}
	found, next, err := cut(c, numbers, func(n int) int64 { return int64(newest-n) + 1 }, in.MaxResults, in.NextToken, *in.ImageIdentifier)
	if err != nil {
		return nil, err
	}
	out := &lambdamicrovms.ListManagedMicroVMImageVersionsOutput{Items: []types.ManagedMicroVMImageVersion{}, NextToken: next}
	for _, n := range found {
		out.Items = append(out.Items, types.ManagedMicroVMImageVersion{
			CreatedAt:    ptr(managedSince()),
			ImageArn:     in.ImageIdentifier,
			ImageVersion: ptr(strconv.Itoa(n)),
			Status:       types.ManagedMicroVMImageVersionStatusAvailable,
			UpdatedAt:    ptr(managedSince()),
		})
	}
	return out, nil
}

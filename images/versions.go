package images

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// history is the versions of an image, oldest first. Deleted versions leave gaps in the
// numbers.
type history []types.MicroVMImageVersionSummary

// history reads all versions of the image.
func (j *job) history(ctx context.Context, api lambdamicrovms.ListMicroVMImageVersionsAPIClient) (history, error) {
	return j.historyWith(ctx, api, func(history) error { return nil })
}

// historyWith reads all versions of the image, and reads them again if check returns a
// workflow.Incomplete error.
func (j *job) historyWith(ctx context.Context, api lambdamicrovms.ListMicroVMImageVersionsAPIClient, check func(history) error) (history, error) {
	return withRetries(ctx, j, StepRead, "", func(ctx context.Context) (history, error) {
		found, err := j.versions(ctx, api)
		if err == nil {
			err = found.check()
		}
		if err == nil {
			err = check(found)
		}
		return found, err
	})
}

func (j *job) versions(ctx context.Context, api lambdamicrovms.ListMicroVMImageVersionsAPIClient) (history, error) {
	var found history
	pages := lambdamicrovms.NewListMicroVMImageVersionsPaginator(api,
		&lambdamicrovms.ListMicroVMImageVersionsInput{ImageIdentifier: &j.image}, pageLimit)
	items := func(out *lambdamicrovms.ListMicroVMImageVersionsOutput) []types.MicroVMImageVersionSummary {
		return out.Items
	}
	for version, err := range list(ctx, listVersions, pages, items) {
		if err != nil {
			return nil, err
		}
		found = append(found, version)
	}
	slices.SortFunc(found, func(a, b types.MicroVMImageVersionSummary) int {
		return cmp.Compare(number(aws.ToString(a.ImageVersion)), number(aws.ToString(b.ImageVersion)))
	})
	return found, nil
}

const listVersions = "ListMicroVMImageVersions"

// check reports a version without a valid number, state or status. With it, latest could
// return the wrong version.
func (h history) check() error {
	last := 0
	for i := range h {
		n := number(aws.ToString(h[i].ImageVersion))
		switch {
		case n == last: // not a version, or listed twice
			return workflow.Incomplete(listVersions, "ImageVersion")
		case h[i].State == "":
			return workflow.Incomplete(listVersions, "State")
		case h[i].State == types.MicroVMImageVersionStateSuccessful && h[i].Status == "":
			return workflow.Incomplete(listVersions, "Status")
		}
		last = n
	}
	return nil
}

// settled waits until the state of the image is not transitional and returns its
// versions. Image and versions must agree on the latest active version. Otherwise an
// older version would be used in its place if the list lacks it, or has it in a state
// unknown to this module.
func (j *job) settled(ctx context.Context, api settledAPI, check func(history) error) (history, error) {
	for round := 0; ; round++ {
		image, err := j.settle(ctx, api)
		if err != nil {
			return nil, err
		}
		now, err := j.historyWith(ctx, api, check)
		if err != nil {
			return nil, err
		}
		serving := aws.ToString(image.LatestActiveImageVersion)
		if serving == "" || number(serving) == number(now.latest()) {
			return now, nil
		}
		err = workflow.Incomplete(listVersions, "latest active version, "+serving)
		if round == maxRetries {
			return nil, j.fail(StepRead, serving, err)
		}
		if err := j.sleep(ctx, StepWaitToRetry, backoff(round), err); err != nil {
			return nil, err
		}
	}
}

type settledAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient
	lambdamicrovms.ListMicroVMImageVersionsAPIClient
}

// checkLatest reports a latest active version without configuration.
func (h history) checkLatest() error {
	if latest := h.find(h.latest()); latest != nil && !hasConfiguration(configuration(latest)) {
		return workflow.Incomplete(listVersions, "configuration")
	}
	return nil
}

// checkAgainst reports why the latest active version cannot be compared with the one seen
// before. If that version is in a state unknown to this module, latest would return an
// older one.
func (h history) checkAgainst(seen history) error {
	if v := h.find(seen.latest()); v != nil && !isKnown(v) {
		return workflow.Incomplete(listVersions, "State or Status")
	}
	return h.checkLatest()
}

// isKnown reports whether this module knows the state and the status of a version.
func isKnown(v *types.MicroVMImageVersionSummary) bool {
	return slices.Contains(v.State.Values(), v.State) &&
		(v.State != types.MicroVMImageVersionStateSuccessful || slices.Contains(v.Status.Values(), v.Status))
}

// number returns the major of a version: 3 for "3" and "3.0", 0 for anything else.
func number(version string) int {
	major := strings.TrimSuffix(version, ".0")
	n, err := strconv.Atoi(major)
	if err != nil || n < 1 || strconv.Itoa(n) != major {
		return 0
	}
	return n
}

// newer returns the version, or "" if it is invalid or not newer than the other one. A
// response that names such a version for a new build is wrong and counts as lost.
func newer(version *string, than string) string {
	if number(aws.ToString(version)) <= number(than) {
		return ""
	}
	return *version
}

// runnable reports whether MicroVMs can be started from a version.
func runnable(v *types.MicroVMImageVersionSummary) bool {
	return v.State == types.MicroVMImageVersionStateSuccessful && v.Status == types.MicroVMImageVersionStatusActive
}

func isBuilding(v *types.MicroVMImageVersionSummary) bool {
	return v.State == types.MicroVMImageVersionStatePending || v.State == types.MicroVMImageVersionStateInProgress
}

// latest returns the newest active version, from which MicroVMs are started by default,
// or "".
func (h history) latest() string {
	for i := range slices.Backward(h) {
		if runnable(&h[i]) {
			return aws.ToString(h[i].ImageVersion)
		}
	}
	return ""
}

// newest returns the newest version in any state, or "".
func (h history) newest() string {
	if len(h) == 0 {
		return ""
	}
	return aws.ToString(h[len(h)-1].ImageVersion)
}

// before returns the versions older than version.
func (h history) before(version string) history {
	end, _ := h.search(version)
	return h[:end]
}

// after returns the versions newer than version.
func (h history) after(version string) history {
	begin, found := h.search(version)
	if found {
		begin++
	}
	return h[begin:]
}

// find returns the version, or nil.
func (h history) find(version string) *types.MicroVMImageVersionSummary {
	if i, found := h.search(version); found {
		return &h[i]
	}
	return nil
}

func (h history) search(version string) (int, bool) {
	return slices.BinarySearchFunc(h, number(version), func(v types.MicroVMImageVersionSummary, n int) int {
		return cmp.Compare(number(aws.ToString(v.ImageVersion)), n)
	})
}

// built returns the first version after the given one that was built from exactly this
// input, or nil. It returns an error if a version that could be it has no configuration.
func (h history) built(after string, in *lambdamicrovms.UpdateMicroVMImageInput) (*types.MicroVMImageVersionSummary, error) {
	var unreadable error
	newer := h.after(after)
	for i := range newer {
		config := configuration(&newer[i])
		switch {
		case !hasConfiguration(config):
			unreadable = workflow.Incomplete(listVersions, "configuration")
		case len(compare(config, in)) == 0:
			return &newer[i], nil
		}
	}
	return nil, unreadable
}

package images

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// history is the versions of an image, oldest first. Their numbers are consecutive, save for versions that were
// deleted.
type history []types.MicroVMImageVersionSummary

// history reads all versions of the image.
func (j *job) history(ctx context.Context, api lambdamicrovms.ListMicroVMImageVersionsAPIClient) (history, error) {
	return insist(ctx, j, StepRead, "", func() (history, error) {
		var found history
		pages := lambdamicrovms.NewListMicroVMImageVersionsPaginator(api, &lambdamicrovms.ListMicroVMImageVersionsInput{ImageIdentifier: &j.image})
		for version, err := range pages.Items(ctx) {
			if err != nil {
				return nil, err
			}
			found = append(found, version)
		}
		slices.SortFunc(found, func(a, b types.MicroVMImageVersionSummary) int {
			return cmp.Compare(number(deref(a.ImageVersion)), number(deref(b.ImageVersion)))
		})
		return found, nil
	})
}

// number returns the major of a version, so that "3" and "3.0" are the same; 0 for what is no version.
func number(version string) int {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// runnable reports whether MicroVMs can be started from a version.
func runnable(v *types.MicroVMImageVersionSummary) bool {
	return v.State == types.MicroVMImageVersionStateSuccessful && v.Status == types.MicroVMImageVersionStatusActive
}

func underway(v *types.MicroVMImageVersionSummary) bool {
	return v.State == types.MicroVMImageVersionStatePending || v.State == types.MicroVMImageVersionStateInProgress
}

// latest returns the version that MicroVMs are started from if nobody says otherwise: the newest that is
// active. It is empty if there is none.
func (h history) latest() string {
	for i := range slices.Backward(h) {
		if runnable(&h[i]) {
			return deref(h[i].ImageVersion)
		}
	}
	return ""
}

// newest returns the newest version of all, empty if there is none.
func (h history) newest() string {
	if len(h) == 0 {
		return ""
	}
	return deref(h[len(h)-1].ImageVersion)
}

// before returns the versions that are older than the one given.
func (h history) before(version string) history {
	end, _ := h.search(version)
	return h[:end]
}

// after returns the versions that are newer than the one given.
func (h history) after(version string) history {
	begin, found := h.search(version)
	if found {
		begin++
	}
	return h[begin:]
}

// find returns nil if there is no such version.
func (h history) find(version string) *types.MicroVMImageVersionSummary {
	if i, found := h.search(version); found {
		return &h[i]
	}
	return nil
}

func (h history) search(version string) (int, bool) {
	return slices.BinarySearchFunc(h, number(version), func(v types.MicroVMImageVersionSummary, n int) int {
		return cmp.Compare(number(deref(v.ImageVersion)), n)
	})
}

// built returns the first version newer than the one given that was built from exactly this input.
func (h history) built(after string, in *lambdamicrovms.UpdateMicroVMImageInput) string {
	newer := h.after(after)
	for i := range newer {
		if len(compare(configuration(&newer[i]), in)) == 0 {
			return deref(newer[i].ImageVersion)
		}
	}
	return ""
}

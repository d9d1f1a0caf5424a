package images

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// PruneAPI is the set of operations that Prune calls.
type PruneAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient
	lambdamicrovms.GetMicroVMImageVersionAPIClient
	lambdamicrovms.ListMicroVMImageVersionsAPIClient
	lambdamicrovms.UpdateMicroVMImageVersionAPIClient
	lambdamicrovms.DeleteMicroVMImageVersionAPIClient
	lambdamicrovms.ListMicroVMsAPIClient
}

// PruneOptions are the options of Prune.
type PruneOptions struct {
	Options // BusyTimeout applies to each version separately

	// DryRun changes nothing. PruneResult.Deleted then has the versions that would be
	// deleted.
	DryRun bool
}

// PruneResult is the result of Prune.
type PruneResult struct {
	Image   string   // ARN
	Deleted []string // oldest first
	Kept    []Kept   // oldest first
}

// Kept is a version that Prune has not deleted.
type Kept struct {
	Version  string
	Reason   KeepReason
	MicroVMs int // the number of MicroVMs that use it, if the reason is KeepInUse
}

// String returns the version and the reason.
func (k Kept) String() string {
	if k.Reason == KeepInUse {
		return fmt.Sprintf("%s: %s (%d MicroVMs)", k.Version, k.Reason, k.MicroVMs)
	}
	return fmt.Sprintf("%s: %s", k.Version, k.Reason)
}

// KeepReason is the reason why Prune keeps a version.
type KeepReason string

// The reasons to keep a version.
const (
	KeepLatest    KeepReason = "latest active version"
	KeepNewest    KeepReason = "one of the newest"
	KeepBuilding  KeepReason = "being built"
	KeepDeleting  KeepReason = "being deleted already"
	KeepInUse     KeepReason = "in use"
	KeepActivated KeepReason = "activated by somebody else"
	KeepUnknown   KeepReason = "in a state that this module does not know"
	// KeepNoneActive protects all versions of an image without an active one, because
	// somebody may be about to activate any of them.
	KeepNoneActive KeepReason = "no version is active"
)

// Prune deletes old versions of an image, which can have at most 50. It keeps:
//
//   - the latest active version;
//   - the newest successful versions, as many as keep says, at least 1;
//   - the newest version even if it failed, because its builds have the reason;
//   - versions that are being built;
//   - versions that a MicroVM uses that has not ended;
//   - versions in a state that this module does not know;
//   - all successful versions if none is active.
//
// A MicroVM counts as a user of all versions if its own version is missing or malformed.
//
// Prune deletes the oldest version first. A deletion makes the image busy for about 40
// seconds. For each version:
//
//  1. Prune deactivates it, so that no MicroVM can be started from it any more.
//  2. It checks again whether the version is needed. If so, it activates the version
//     again. If Prune is interrupted here, the version stays inactive.
//  3. It deletes the version and waits until it is gone.
//
// The service has no conditional delete. If somebody activates a version between steps 2
// and 3, Prune deletes it all the same. A Rollback to that version then fails and
// activates the previous one again.
//
// The error is one of these, or two of them joined if a version could not be activated
// again. The result says what was done before.
//
//   - *ARNError: image is not an ARN.
//   - *BusyError: the image stayed busy for BusyTimeout.
//   - *Error: any other cause, such as a *smithy.DeserializationError for an incomplete
//     list, or a *lambdamicrovms.PageLimitError for more than 1,000 pages (10,000 for
//     MicroVMs).
func Prune(ctx context.Context, api PruneAPI, image string, keep int, optFns ...func(*PruneOptions)) (*PruneResult, error) {
	var options PruneOptions
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	p := &pruner{
		job: newJob(api, "prune", image, options.Options), api: api, keep: keep, dryRun: options.DryRun,
		done: &PruneResult{Image: image}, idle: make(map[string]bool), needed: make(map[string]Kept),
	}
	return perform(ctx, p.job, "images.Prune", options.check("PruneOptions"), p.run)
}

func (p *pruner) run(ctx context.Context) (*PruneResult, error) {
	check := workflow.CheckOptions("Prune")
	workflow.AtLeast(check, "keep", p.keep, 1)
	if err := p.reject(check); err != nil {
		return nil, err
	}
	for {
		p.waited = 0
		image, err := p.settle(ctx, p.api)
		if err != nil {
			return p.done, err
		}
		p.serving = aws.ToString(image.LatestActiveImageVersion)
		if p.serving != "" && number(p.serving) == 0 {
			return p.done, p.fail(StepRead, "", workflow.Incomplete("GetMicroVMImage", "LatestActiveImageVersion"))
		}
		seen, err := p.history(ctx, p.api)
		if err != nil {
			return p.done, err
		}
		version := p.next(seen)
		switch {
		case version == "":
			return p.done, nil
		case !p.idle[version]:
			// Read the versions again afterwards, right before one is changed.
			p.idle[version], err = p.isIdle(ctx, version)
		default:
			err = p.remove(ctx, seen.find(version))
		}
		if err != nil {
			return p.done, err
		}
	}
}

type pruner struct {
	*job
	api    PruneAPI
	keep   int
	dryRun bool
	done   *PruneResult

	serving string          // the latest active version according to the image
	idle    map[string]bool // versions that no MicroVM uses
	needed  map[string]Kept // versions that were found to be needed
}

// next returns the oldest version that is not needed. If there is none, it records the
// kept ones in the result and returns "".
func (p *pruner) next(seen history) string {
	p.done.Kept = nil
	for i := range seen {
		version := aws.ToString(seen[i].ImageVersion)
		kept, needed := p.needed[version]
		if !needed {
			kept = Kept{Version: version, Reason: p.reason(seen, i)}
		}
		if kept.Reason == "" {
			return version
		}
		if !p.dryRun || kept.Reason != wouldDelete {
			p.done.Kept = append(p.done.Kept, kept)
		}
	}
	return ""
}

// wouldDelete keeps a version in a dry run.
const wouldDelete KeepReason = "dry run"

// reason returns the reason to keep a version, or "". It considers only the versions, not
// the MicroVMs.
func (p *pruner) reason(seen history, i int) KeepReason {
	v := &seen[i]
	successful := 0
	for j := i; j < len(seen); j++ {
		if seen[j].State == types.MicroVMImageVersionStateSuccessful {
			successful++
		}
	}
	switch {
	case aws.ToString(v.ImageVersion) == seen.latest(), number(aws.ToString(v.ImageVersion)) == number(p.serving):
		return KeepLatest
	case isBuilding(v):
		return KeepBuilding
	case isDeleting(v):
		return KeepDeleting
	case !isKnown(v):
		return KeepUnknown
	case v.State == types.MicroVMImageVersionStateSuccessful && successful <= p.keep, i == len(seen)-1:
		return KeepNewest
	case v.State == types.MicroVMImageVersionStateSuccessful && seen.latest() == "":
		return KeepNoneActive
	}
	return ""
}

// remove deletes a version, or records in needed why it is kept.
func (p *pruner) remove(ctx context.Context, v *types.MicroVMImageVersionSummary) error {
	version, wasActive := aws.ToString(v.ImageVersion), runnable(v)
	if p.dryRun {
		p.needed[version] = Kept{Version: version, Reason: wouldDelete}
		p.done.Deleted = append(p.done.Deleted, version)
		return nil
	}
	if wasActive {
		if err := p.setStatus(ctx, p.api, version, types.MicroVMImageVersionStatusInactive); err != nil {
			return err
		}
	}
	gone, err := p.delete(ctx, version, wasActive)
	if !gone {
		if wasActive {
			err = joinErrors(err, p.setStatus(ctx, p.api, version, types.MicroVMImageVersionStatusActive))
		}
		return err
	}
	if err := p.waitForRemoval(ctx, version); err != nil {
		return err
	}
	p.done.Deleted = append(p.done.Deleted, version)
	return nil
}

// delete deletes an inactive version, unless it is needed meanwhile.
func (p *pruner) delete(ctx context.Context, version string, wasActive bool) (gone bool, err error) {
	var lost error // of a request that may have deleted the version
	defer func() {
		if err != nil && lost != nil {
			err = p.fail(StepDelete, version, fmt.Errorf("%w; after that: %w", lost, err))
		}
	}()
	for {
		if idle, err := p.isIdle(ctx, version); !idle || err != nil {
			return false, err
		}
		now, err := p.history(ctx, p.api)
		if err != nil {
			return false, err
		}
		i, found := now.search(version)
		switch {
		case !found || isDeleting(&now[i]):
			return true, nil
		case runnable(&now[i]):
			p.needed[version] = Kept{Version: version, Reason: KeepActivated}
			return false, nil
		case wasActive && now.latest() == "": // it was the only one
			p.needed[version] = Kept{Version: version, Reason: KeepLatest}
			return false, nil
		case p.reason(now, i) != "":
			p.needed[version] = Kept{Version: version, Reason: p.reason(now, i)}
			return false, nil
		}

		p.report(ctx, Event{Step: StepDelete, Version: version})
		err = p.during(ctx, StepDelete, version, func(ctx context.Context) error { return p.requestDeletion(ctx, version) })
		switch {
		case err == nil:
			return true, nil
		case ctx.Err() == nil && isLost(err):
			lost = err
			err = p.sleep(ctx, StepWaitToRetry, backoff(0), err)
		default:
			err = p.unblock(ctx, p.api, StepDelete, version, err)
		}
		if err != nil {
			// The service rejects a repeated request if the first one has deleted the
			// version.
			now, readErr := p.history(ctx, p.api)
			at := now.find(version)
			return readErr == nil && (at == nil || isDeleting(at)), err
		}
	}
}

// requestDeletion makes one request.
func (p *pruner) requestDeletion(ctx context.Context, version string) error {
	out, err := p.api.DeleteMicroVMImageVersion(ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: &p.image, ImageVersion: &version})
	if err == nil && (out == nil || out.State == "") {
		return workflow.Incomplete("DeleteMicroVMImageVersion", "State")
	}
	return err
}

func isDeleting(v *types.MicroVMImageVersionSummary) bool {
	return v.State == types.MicroVMImageVersionStateDeleting || v.State == types.MicroVMImageVersionStateDeleted
}

// isIdle reports whether no MicroVM uses the version, and otherwise records it in needed.
// Ended MicroVMs stay listed for hours, and the service cannot filter by state.
func (p *pruner) isIdle(ctx context.Context, version string) (bool, error) {
	live, err := withRetries(ctx, p.job, StepRead, version, func(ctx context.Context) (int, error) {
		live := 0
		pages := lambdamicrovms.NewListMicroVMsPaginator(p.api,
			&lambdamicrovms.ListMicroVMsInput{ImageIdentifier: &p.image, ImageVersion: &version}, microVMPageLimit)
		items := func(out *lambdamicrovms.ListMicroVMsOutput) []types.MicroVMItem { return out.Items }
		for vm, err := range list(ctx, "ListMicroVMs", pages, items) {
			if err != nil {
				return 0, err
			}
			if mayRun(&vm, version) {
				live++
			}
		}
		return live, nil
	})
	if live > 0 {
		p.needed[version] = Kept{Version: version, Reason: KeepInUse, MicroVMs: live}
	}
	return live == 0 && err == nil, err
}

// mayRun reports whether a MicroVM may use the version. A MicroVM with an invalid version
// may use any, and a MicroVM in an unknown state may not have ended.
func mayRun(vm *types.MicroVMItem, version string) bool {
	runs := number(aws.ToString(vm.ImageVersion))
	return vm.State != types.MicroVMStateTerminated && (runs == 0 || runs == number(version))
}

func (p *pruner) waitForRemoval(ctx context.Context, version string) error {
	err := p.during(ctx, StepWaitForRemoval, version, func(ctx context.Context) error {
		waiter := lambdamicrovms.NewMicroVMImageVersionDeletedWaiter(p.api,
			configureWaiter[lambdamicrovms.GetMicroVMImageVersionInput, lambdamicrovms.GetMicroVMImageVersionOutput](ctx, p.job, StepWaitForRemoval, version))
		_, err := waiter.WaitForOutput(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: &p.image, ImageVersion: &version}, p.BusyTimeout)
		return err
	})
	if err != nil {
		return p.fail(StepWaitForRemoval, version, err)
	}
	return nil
}

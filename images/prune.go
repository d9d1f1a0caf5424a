package images

import (
	"context"
	"fmt"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// PruneAPI is what Prune calls.
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
	Options // BusyTimeout counts for each version anew

	// DryRun changes nothing. PruneResult.Deleted is then what would be deleted.
	DryRun bool
}

// PruneResult is what Prune has done.
type PruneResult struct {
	Image   string   // ARN
	Deleted []string // oldest first
	Kept    []Kept   // oldest first
}

// Kept is a version that Prune has left alone.
type Kept struct {
	Version  string
	Reason   KeepReason
	MicroVMs int // how many run or are suspended, if that is the reason
}

// String is the version and the reason.
func (k Kept) String() string {
	if k.Reason == KeepInUse {
		return fmt.Sprintf("%s: %s (%d MicroVMs)", k.Version, k.Reason, k.MicroVMs)
	}
	return fmt.Sprintf("%s: %s", k.Version, k.Reason)
}

// KeepReason is why Prune keeps a version.
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
	// KeepNoneActive is for images without an active version: somebody may be about to choose any of them.
	KeepNoneActive KeepReason = "no version is active"
)

// Prune deletes versions of an image, of which it can have 50. It keeps the latest active version, wherever it
// stands; the newest ones that were built successfully, as many as keep says, at least 1; the newest of all
// even if it failed, for the reasons that its builds give; and any that is being built or is in use by a
// MicroVM that has not ended. While no version is active it deletes none but failed ones.
//
// What cannot be read counts as in use: a MicroVM whose version has no known form keeps all
// versions, and a version in an unknown state is kept. Lists that lack what the service always
// sends, or have more than 1,000 pages (10,000 of MicroVMs), are an *Error around a
// *smithy.DeserializationError or *lambdamicrovms.PageLimitError.
//
// Each deletion makes the image busy for about 40 seconds, so Prune takes its time: one version after the
// other, the oldest first. A version is deactivated before, so that no MicroVM can be started from it any more,
// and looked at once again; if it has to be kept after all it is activated again. If Prune is broken off just
// then, it stays inactive. The service has no conditional delete: what cannot be ruled out is that somebody
// activates a version between that last look and the deletion. A Rollback to it then fails, and activates the
// old version again.
//
// Errors are *ARNError, *BusyError, and *Error for everything else; two of them joined if a version
// that was kept after all could not be activated again. The result is what was done before.
func Prune(ctx context.Context, api PruneAPI, image string, keep int, optFns ...func(*PruneOptions)) (_ *PruneResult, err error) {
	var options PruneOptions
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	p := &pruner{
		job: newJob(api, "prune", image, options.Options), api: api, keep: keep, dryRun: options.DryRun,
		done: &PruneResult{Image: image}, idle: make(map[string]bool), spared: make(map[string]Kept),
	}
	defer p.redact(&err)
	check := workflow.CheckOptions("PruneOptions")
	options.check(check)
	if err := p.refuse(check); err != nil {
		return nil, err
	}
	check = workflow.CheckOptions("Prune")
	workflow.AtLeast(check, "keep", keep, 1)
	if err := p.refuse(check); err != nil {
		return nil, err
	}
	for {
		p.waited = 0
		image, err := p.settle(ctx, api)
		if err != nil {
			return p.done, err
		}
		p.serving = deref(image.LatestActiveImageVersion)
		if p.serving != "" && number(p.serving) == 0 {
			return p.done, p.fail(StepRead, "", workflow.Incomplete("GetMicroVMImage", "LatestActiveImageVersion"))
		}
		seen, err := p.history(ctx, api)
		if err != nil {
			return p.done, err
		}
		version := p.next(seen)
		switch {
		case version == "":
			return p.done, nil
		case !p.idle[version]:
			// Look at the versions anew after that, right before one is changed.
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

	serving string          // the latest active version, as the image has it
	idle    map[string]bool // versions that no MicroVM was found on
	spared  map[string]Kept // versions that turned out to be needed
}

// next returns the oldest version that is not needed. If there is none, it notes what is kept.
func (p *pruner) next(seen history) string {
	p.done.Kept = nil
	for i := range seen {
		version := deref(seen[i].ImageVersion)
		kept, spared := p.spared[version]
		if !spared {
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

// wouldDelete spares a version because nothing is to be changed.
const wouldDelete KeepReason = "dry run"

// reason tells from the versions alone why to keep one of them; it is empty if nothing speaks for it.
func (p *pruner) reason(seen history, i int) KeepReason {
	v := &seen[i]
	successful := 0
	for j := i; j < len(seen); j++ {
		if seen[j].State == types.MicroVMImageVersionStateSuccessful {
			successful++
		}
	}
	switch {
	case deref(v.ImageVersion) == seen.latest(), number(deref(v.ImageVersion)) == number(p.serving):
		return KeepLatest
	case underway(v):
		return KeepBuilding
	case deleting(v):
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

// remove deletes a version, or notes why it is spared.
func (p *pruner) remove(ctx context.Context, v *types.MicroVMImageVersionSummary) error {
	version, wasActive := deref(v.ImageVersion), runnable(v)
	if p.dryRun {
		p.spared[version] = Kept{Version: version, Reason: wouldDelete}
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
			err = both(err, p.setStatus(ctx, p.api, version, types.MicroVMImageVersionStatusActive))
		}
		return err
	}
	if err := p.waitForRemoval(ctx, version); err != nil {
		return err
	}
	p.done.Deleted = append(p.done.Deleted, version)
	return nil
}

// delete deletes a version that has been deactivated, unless it is needed by now.
func (p *pruner) delete(ctx context.Context, version string, wasActive bool) (gone bool, err error) {
	var unsettled error // of a request that may have deleted it all the same
	defer func() {
		if err != nil && unsettled != nil {
			err = p.fail(StepDelete, version, fmt.Errorf("%w; after that: %w", unsettled, err))
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
		case !found || deleting(&now[i]):
			return true, nil
		case runnable(&now[i]):
			p.spared[version] = Kept{Version: version, Reason: KeepActivated}
			return false, nil
		case wasActive && now.latest() == "": // it was the only one
			p.spared[version] = Kept{Version: version, Reason: KeepLatest}
			return false, nil
		case p.reason(now, i) != "":
			p.spared[version] = Kept{Version: version, Reason: p.reason(now, i)}
			return false, nil
		}

		p.tell(Event{Step: StepDelete, Version: version})
		switch err = p.requestDeletion(ctx, version); {
		case err == nil:
			return true, nil
		case ctx.Err() == nil && unanswered(err):
			unsettled = err
			err = p.sleep(ctx, StepWaitForAnswer, backoff(0), err)
		default:
			err = p.unblock(ctx, p.api, StepDelete, version, err)
		}
		if err != nil {
			// A repeated request may be refused because the first one did it.
			now, lookErr := p.history(ctx, p.api)
			at := now.find(version)
			return lookErr == nil && (at == nil || deleting(at)), err
		}
	}
}

// requestDeletion makes the request once.
func (p *pruner) requestDeletion(ctx context.Context, version string) error {
	out, err := p.api.DeleteMicroVMImageVersion(ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: &p.image, ImageVersion: &version})
	if err == nil && (out == nil || out.State == "") {
		return workflow.Incomplete("DeleteMicroVMImageVersion", "State")
	}
	return err
}

func deleting(v *types.MicroVMImageVersionSummary) bool {
	return v.State == types.MicroVMImageVersionStateDeleting || v.State == types.MicroVMImageVersionStateDeleted
}

// isIdle reports whether all MicroVMs that were started from the version have ended, and
// otherwise spares it. Ended ones stay listed for hours, and the service cannot filter by state.
func (p *pruner) isIdle(ctx context.Context, version string) (bool, error) {
	live, err := insist(ctx, p.job, StepRead, version, func() (int, error) {
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
		p.spared[version] = Kept{Version: version, Reason: KeepInUse, MicroVMs: live}
	}
	return live == 0 && err == nil, err
}

// mayRun reports whether a MicroVM may use the version. One with a version that cannot be read
// may use any, and one in an unknown state may not have ended.
func mayRun(vm *types.MicroVMItem, version string) bool {
	runs := number(deref(vm.ImageVersion))
	return vm.State != types.MicroVMStateTerminated && (runs == 0 || runs == number(version))
}

func (p *pruner) waitForRemoval(ctx context.Context, version string) error {
	waiter := lambdamicrovms.NewMicroVMImageVersionDeletedWaiter(p.api,
		tune[lambdamicrovms.GetMicroVMImageVersionInput, lambdamicrovms.GetMicroVMImageVersionOutput](p.job, StepWaitForRemoval, version))
	_, err := waiter.WaitForOutput(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: &p.image, ImageVersion: &version}, p.BusyTimeout)
	if err != nil {
		return p.fail(StepWaitForRemoval, version, err)
	}
	return nil
}

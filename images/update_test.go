package images_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestUpdateKeepsWhatItDoesNotChange(t *testing.T) {
	b := newBench(t)
	b.create(everything())
	before := images.InputFrom(b.version("1.0"))
	result, err := images.Update(b.ctx, b.client, appARN, describe("changed"), b.updating)
	if err != nil {
		t.Fatal(err)
	}
	want := &images.Result{
		Image: appARN, Version: "2.0", From: "1.0",
		Changes: images.Changes{{Path: "Description", Kind: images.Changed, Old: `"all of it"`, New: `"changed"`}},
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("result, -want +got:\n%s", diff)
	}
	before.Description = aws.String("changed")
	if diff := cmp.Diff(before, images.InputFrom(b.version("2.0"))); diff != "" {
		t.Errorf("version, -want +got:\n%s", diff)
	}
	if got := b.latest(); got != "2.0" {
		t.Errorf("the latest active version is %s", got)
	}
}

func TestUpdateBaseImageVersion(t *testing.T) {
	moved := func(to string) images.Changes {
		return images.Changes{{Path: "BaseImageVersion", Kind: images.Changed, Old: `"1"`, New: to}}
	}
	for _, c := range []struct {
		reason  string
		set     *string // by the change
		keep    bool
		want    *string // in the request
		changes images.Changes
	}{
		{"left alone it is the latest", nil, false, nil, moved(`"2"`)},
		{"as requests take it", aws.String("1"), false, aws.String("1"), nil},
		{"as in responses", aws.String("1.0"), false, aws.String("1"), nil},
		{"kept", nil, true, aws.String("1"), nil},
		{"the change decides", aws.String("0"), true, aws.String("0"), moved(`"0"`)},
	} {
		b := newBench(t, fake.WithManagedImages(fake.ManagedImage{Name: "al2023-1", Versions: 3}))
		in := declaration()
		in.BaseImageVersion = aws.String("1")
		b.create(in)
		result, err := images.Update(b.ctx, b.client, appARN, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
			if c.set != nil {
				in.BaseImageVersion = c.set
			}
			return nil
		}, b.updating, func(o *images.UpdateOptions) { o.KeepBaseImageVersion = c.keep })
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		sent := fake.Inputs[lambdamicrovms.UpdateMicroVMImageInput](b.srv)[0].BaseImageVersion
		if diff := cmp.Diff(c.want, sent); diff != "" {
			t.Errorf("%s, sent -want +got:\n%s", c.reason, diff)
		}
		if diff := cmp.Diff(c.changes, result.Changes); diff != "" {
			t.Errorf("%s, changes -want +got:\n%s", c.reason, diff)
		}
	}
}

// The move to another version of the base image is reported although the response to the
// update is lost.
func TestLostUpdateReportsBaseImageVersion(t *testing.T) {
	want := images.Changes{
		{Path: "BaseImageVersion", Kind: images.Changed, Old: `"1"`, New: `"2"`},
		{Path: "Description", Kind: images.Added, New: `"changed"`},
	}
	for name, update := range map[string]func(*bench) (*images.Result, error){
		"Update": func(b *bench) (*images.Result, error) {
			return images.Update(b.ctx, b.client, appARN, describe("changed"), b.updating)
		},
		"Deploy": func(b *bench) (*images.Result, error) {
			deployment := images.Deployment{Image: declaration()}
			deployment.Image.Description = aws.String("changed")
			return images.Deploy(b.ctx, b.client, deployment, b.deploying)
		},
	} {
		b := newBench(t, fake.WithManagedImages(fake.ManagedImage{Name: "al2023-1", Versions: 3}))
		in := declaration()
		in.BaseImageVersion = aws.String("1")
		b.create(in)
		b.srv.Inject(fake.LoseAnswer{}, fake.On(fake.UpdateMicroVMImage))
		result, err := update(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, result.Changes); diff != "" {
			t.Errorf("%s, -want +got:\n%s", name, diff)
		}
	}
}

func TestUpdateFrom(t *testing.T) {
	b := newBench(t)
	b.create(everything())
	b.update("somebody else's")
	result, err := images.Update(b.ctx, b.client, appARN, nil, b.updating, func(o *images.UpdateOptions) { o.From = "1" })
	if err != nil || result.From != "1.0" || *b.version("3.0").Description != "all of it" {
		t.Errorf("%v, %v", result, err)
	}

	var missing *images.VersionError
	_, err = images.Update(b.ctx, b.client, appARN, nil, b.updating, func(o *images.UpdateOptions) { o.From = "9.0" })
	if !errors.As(err, &missing) || missing.Version != "9.0" {
		t.Errorf("a version that there is not: %v", err)
	}
	for _, version := range b.versions() {
		b.setStatus(version, types.MicroVMImageVersionStatusInactive)
	}
	_, err = images.Update(b.ctx, b.client, appARN, nil, b.updating)
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "the newest is 3.0") {
		t.Errorf("no active version: %v", err)
	}
}

// The service rejects updates of a busy image with two errors, and may do so even if the
// image looks settled.
func TestUpdateWaitsForBusyImage(t *testing.T) {
	for _, form := range []fake.Outcome{fake.OutcomeConflict, fake.OutcomeValidation} {
		b := newBench(t, fake.WithAnswers(fake.Answers{BusyUpdate: form}))
		b.create(declaration())
		b.begin("somebody else's")
		result, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating)
		if err != nil || result.From != "2.0" || result.Version != "3.0" {
			t.Errorf("seen to be busy: %v, %v", result, err)
		}

		// The image is busy because a version is being deleted, so no new version
		// appears.
		api := &interposed{Client: b.client, update: once(func() {
			_, err := b.client.DeleteMicroVMImageVersion(b.ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: aws.String(appARN), ImageVersion: aws.String("1.0")})
			if err != nil {
				t.Fatal(err)
			}
		})}
		result, err = images.Update(b.ctx, api, appARN, describe("mine"), b.updating)
		if err != nil || result.Version != "4.0" {
			t.Errorf("refused: %v, %v", result, err)
		}
		if builds := len(b.versions()); builds != 3 {
			t.Errorf("there are %d versions", builds)
		}
	}
}

func TestUpdateGivesUpOnBusyImage(t *testing.T) {
	b := newBench(t, fake.WithFault(fake.StuckBuild{}, fake.On(fake.UpdateMicroVMImage)))
	b.create(declaration())
	b.begin("stuck")
	started := b.srv.Now()
	var busy *images.BusyError
	_, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating, func(o *images.UpdateOptions) { o.BusyTimeout = 10 * time.Minute })
	if !errors.As(err, &busy) || busy.State != "UPDATING" || busy.Image != appARN {
		t.Errorf("got %v", err)
	}
	if waited := b.srv.Now().Sub(started); waited > 10*time.Minute || waited < 9*time.Minute {
		t.Errorf("waited %v", waited)
	}
}

func TestUpdateQuota(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	remove := b.srv.Inject(fake.QuotaExceeded{}, fake.On(fake.UpdateMicroVMImage), fake.First(3))
	if _, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating); err != nil {
		t.Errorf("builds: %v", err)
	}
	remove()

	remove = b.srv.Inject(fake.QuotaExceeded{}, fake.On(fake.UpdateMicroVMImage))
	var busy *images.BusyError
	_, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating)
	if !errors.As(err, &busy) || !lambdamicrovms.IsQuotaExceeded(err) || busy.Waited != 45*time.Minute {
		t.Errorf("builds, for long: %v", err)
	}
	remove()

	// This quota does not free up on its own.
	b.srv.Inject(fake.QuotaExceeded{Message: "The maximum number of versions of an image has been reached."}, fake.On(fake.UpdateMicroVMImage))
	started := b.srv.Now()
	var failed *images.Error
	_, err = images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating)
	if !errors.As(err, &failed) || failed.Step != images.StepUpdate || !lambdamicrovms.IsQuotaExceeded(err) || b.srv.Now() != started {
		t.Errorf("versions: %v", err)
	}
}

func TestUpdateBuildFails(t *testing.T) {
	b := newBench(t, fake.WithFault(fake.FailBuild{Reason: fake.ReasonReadyTimeout, Generations: []string{"3"}}, fake.On(fake.UpdateMicroVMImage)))
	b.create(declaration())
	_, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating)
	var failed *images.BuildFailedError
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	want := &images.BuildFailedError{
		Workflow: "update", Image: appARN, Version: "2.0", State: "FAILED", Serving: "1.0", LogGroup: "/aws/lambda-microvms/app",
		Builds: []images.Build{
			{Chipset: "GRAVITON", Generation: "4", State: "SUCCESSFUL"},
			{Chipset: "GRAVITON", Generation: "3", State: "FAILED", Reason: fake.ReasonReadyTimeout},
		},
	}
	if diff := cmp.Diff(want, failed, cmpopts.IgnoreFields(images.Build{}, "ID")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	const text = "images: update " + appARN + ": version 2.0 is FAILED; GRAVITON generation 4 SUCCESSFUL; " +
		"GRAVITON generation 3 FAILED: Ready hook invocation timed out after PT5M; log group /aws/lambda-microvms/app; version 1.0 remains active"
	if got := err.Error(); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}

	for _, c := range []struct {
		logging types.Logging
		want    string
	}{
		{&types.LoggingMemberDisabled{}, ""},
		{&types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("mine")}}, "mine"},
		{&types.LoggingMemberCloudWatch{}, "/aws/lambda-microvms/app"},
	} {
		_, err := images.Update(b.ctx, b.client, appARN, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
			in.Logging = c.logging
			return nil
		}, b.updating)
		if !errors.As(err, &failed) || failed.LogGroup != c.want {
			t.Errorf("%T: got %q, want %q", c.logging, failed.LogGroup, c.want)
		}
	}
}

func TestUpdateBuildFailsAndNobodyTellsWhy(t *testing.T) {
	b := newBench(t, fake.WithFault(fake.FailBuild{}, fake.On(fake.UpdateMicroVMImage)), fake.WithFault(fake.ServerError{}, fake.On(fake.ListMicroVMImageBuilds)))
	b.create(declaration())
	_, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating)
	var failed *images.BuildFailedError
	var internal *types.InternalServerException
	if !errors.As(err, &failed) || failed.Version != "2.0" || !errors.As(failed.BuildsErr, &internal) {
		t.Errorf("got %v", err)
	}
}

// A concurrent update happens between the read and the check before the request.
func TestUpdateIsOvertaken(t *testing.T) {
	overtaking := func(b *bench) *interposed {
		lists := 0
		return &interposed{Client: b.client, list: func() {
			if lists++; lists == 2 { // the check
				b.update("somebody else's")
			}
		}}
	}
	add := func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.EnvironmentVariables = map[string]string{"MINE": "1"}
		return nil
	}

	b := newBench(t)
	b.create(declaration())
	_, err := images.Update(b.ctx, overtaking(b), appARN, add, b.updating)
	want := &images.ConcurrentUpdateError{Workflow: "update", Image: appARN, From: "1.0", Latest: "2.0"}
	var overtaken *images.ConcurrentUpdateError
	if !errors.As(err, &overtaken) || !cmp.Equal(want, overtaken) {
		t.Errorf("got %v", err)
	}
	if sent := len(b.srv.Calls(fake.UpdateMicroVMImage)); sent != 1 {
		t.Errorf("%d updates were sent", sent)
	}

	b = newBench(t)
	b.create(declaration())
	result, err := images.Update(b.ctx, overtaking(b), appARN, add, b.updating, func(o *images.UpdateOptions) { o.Retries = 1 })
	if err != nil || result.From != "2.0" || result.Version != "3.0" || result.Replaced != nil {
		t.Fatalf("with a retry: %+v, %v", result, err)
	}
	if now := b.version("3.0"); *now.Description != "somebody else's" || now.EnvironmentVariables["MINE"] != "1" {
		t.Errorf("something was lost: %v", now)
	}
}

// A concurrent update begins and ends between the check and the request.
func TestUpdateReplacesAnUpdate(t *testing.T) {
	add := func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.EnvironmentVariables = map[string]string{"MINE": "1"}
		return nil
	}
	start := func() (*bench, *interposed) {
		b := newBench(t)
		b.create(declaration())
		return b, &interposed{Client: b.client, update: once(func() { b.update("somebody else's") })}
	}

	b, api := start()
	result, err := images.Update(b.ctx, api, appARN, add, b.updating)
	want := &images.ConcurrentUpdateError{Workflow: "update", Image: appARN, From: "1.0", Latest: "2.0", Version: "3.0"}
	var overtaken *images.ConcurrentUpdateError
	if !errors.As(err, &overtaken) || !cmp.Equal(want, overtaken) || result == nil || result.Version != "3.0" {
		t.Errorf("got %v, %v", result, err)
	}
	if text := err.Error(); !strings.HasSuffix(text, "from 1.0 to 2.0; 3.0 was built without its changes and has replaced it") {
		t.Errorf("got %s", text)
	}

	b, api = start()
	result, err = images.Update(b.ctx, api, appARN, add, b.updating, func(o *images.UpdateOptions) { o.Retries = 1 })
	if err != nil || result.Version != "4.0" || result.From != "2.0" || !slices.Equal(result.Replaced, []string{"3.0"}) {
		t.Fatalf("with a retry: %+v, %v", result, err)
	}
	if now := b.version("4.0"); *now.Description != "somebody else's" || now.EnvironmentVariables["MINE"] != "1" {
		t.Errorf("something was lost: %v", now)
	}

	// A third update builds on the version that lacks changes, so no version has all of
	// them.
	b, api = start()
	settled := 0
	api.list = func() {
		if settled++; settled == 4 { // the read of the retry
			b.update("a third one")
		}
	}
	_, err = images.Update(b.ctx, api, appARN, add, b.updating, func(o *images.UpdateOptions) { o.Retries = 5 })
	if !errors.As(err, &overtaken) || overtaken.Version != "3.0" || overtaken.Latest != "2.0" {
		t.Errorf("built upon: %v", err)
	}

	// Building a version with both changes fails.
	b, api = start()
	b.srv.Inject(fake.FailBuild{}, fake.On(fake.UpdateMicroVMImage), fake.Nth(3))
	_, err = images.Update(b.ctx, api, appARN, add, b.updating, func(o *images.UpdateOptions) { o.Retries = 1 })
	var failed *images.BuildFailedError
	if !errors.As(err, &overtaken) || overtaken.Version != "3.0" || !errors.As(err, &failed) || failed.Version != "4.0" {
		t.Errorf("failed to make it good: %v", err)
	}
}

// Update must not silently undo a rollback between its check and its request.
func TestUpdateUndoesARollback(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	b.update("bad")
	api := &interposed{Client: b.client, update: once(func() { b.setStatus("2.0", types.MicroVMImageVersionStatusInactive) })}
	_, err := images.Update(b.ctx, api, appARN, describe("mine"), b.updating)
	var overtaken *images.ConcurrentUpdateError
	if !errors.As(err, &overtaken) || overtaken.From != "2.0" || overtaken.Latest != "1.0" || overtaken.Version != "3.0" {
		t.Errorf("got %v", err)
	}
}

// One call builds one version, no matter which responses are lost.
func TestUpdateIsSentOnce(t *testing.T) {
	on := fake.On(fake.UpdateMicroVMImage)
	for _, c := range []struct {
		reason string
		fault  fake.Effect
		when   fake.Condition
	}{
		{"the client's own retry gets through", fake.LoseAnswer{}, fake.First(1)},
		{"no response to any attempt of a call", fake.LoseAnswer{}, fake.First(3)},
		{"no response to several calls", fake.LoseAnswer{}, fake.First(9)},
		{"never a response", fake.LoseAnswer{}, fake.First(1000)},
		{"an unreadable response", fake.MalformedJSON{}, fake.First(1)},
		{"never one that can be read", fake.MalformedJSON{}, fake.First(1000)},
		{"throttled afterwards", fake.Throttle{}, func(fake.Occasion) bool { return false }},
	} {
		b := newBench(t)
		b.create(declaration())
		b.srv.Inject(c.fault, on, c.when)
		if c.reason == "throttled afterwards" {
			b.srv.Inject(fake.LoseAnswer{}, on, fake.First(1))
			b.srv.Inject(fake.Throttle{}, on, fake.Nth(2, 3, 4, 5, 6, 7))
		}
		result, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating)
		if err != nil || result.Version != "2.0" {
			t.Errorf("%s: %+v, %v", c.reason, result, err)
		}
		if got := b.versions(); len(got) != 2 {
			t.Errorf("%s: there are %v", c.reason, got)
		}
		for _, in := range fake.Inputs[lambdamicrovms.UpdateMicroVMImageInput](b.srv) {
			if first := fake.Inputs[lambdamicrovms.UpdateMicroVMImageInput](b.srv)[0]; *in.ClientToken != *first.ClientToken {
				t.Errorf("%s: the token changed", c.reason)
			}
		}
	}
}

// A service that checks for a busy image before the client token would reject a repeated
// request because of the first one.
func TestUpdateRecognizesItsOwnBuild(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	sent := 0
	api := &interposed{Client: b.client, changed: func(out *lambdamicrovms.UpdateMicroVMImageOutput, err error) (*lambdamicrovms.UpdateMicroVMImageOutput, error) {
		if sent++; sent == 1 && err == nil {
			return nil, &types.ConflictException{Message: aws.String("MicroVM Image is already in state: UPDATING")}
		}
		return out, err
	}}
	result, err := images.Update(b.ctx, api, appARN, describe("mine"), b.updating)
	if err != nil || result.Version != "2.0" || sent != 1 {
		t.Errorf("%+v, %v, sent %d times", result, err, sent)
	}
}

func TestUpdateOutcomeIsUnknown(t *testing.T) {
	on := fake.On(fake.UpdateMicroVMImage)
	b := newBench(t, fake.WithFault(fake.LoseAnswer{}, on))
	b.create(declaration())
	lists := 0
	b.srv.Inject(fake.ServerError{}, fake.On(fake.ListMicroVMImageVersions), func(fake.Occasion) bool { lists++; return lists > 2 })
	var unknown *images.UnknownOutcomeError
	_, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating)
	if !errors.As(err, &unknown) || unknown.Image != appARN || !strings.Contains(err.Error(), "may or may not have been started") {
		t.Errorf("no look at the versions: %v", err)
	}

	// The rejection of the repeated request says nothing about the first one.
	b = newBench(t)
	b.create(declaration())
	b.srv.Inject(fake.LoseAnswer{}, on, fake.First(3))
	b.srv.Inject(fake.QuotaExceeded{}, on, fake.Nth(4))
	broken := &interposed{Client: b.client}
	broken.changed = func(out *lambdamicrovms.UpdateMicroVMImageOutput, err error) (*lambdamicrovms.UpdateMicroVMImageOutput, error) {
		if lambdamicrovms.IsQuotaExceeded(err) {
			b.srv.Inject(fake.ServerError{}, fake.On(fake.ListMicroVMImageVersions))
		}
		return out, err
	}
	if _, err := images.Update(b.ctx, broken, appARN, describe("mine"), b.updating); !errors.As(err, &unknown) {
		t.Errorf("refused when repeated: %v", err)
	}

	// The context ends before the response arrives.
	b = newBench(t)
	b.create(declaration())
	ctx, cancel := context.WithCancel(b.ctx)
	api := &interposed{Client: b.client, changed: func(*lambdamicrovms.UpdateMicroVMImageOutput, error) (*lambdamicrovms.UpdateMicroVMImageOutput, error) {
		cancel()
		return nil, context.Canceled
	}}
	if _, err = images.Update(ctx, api, appARN, describe("mine"), b.updating); !errors.As(err, &unknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}

	// Nothing was started: the service rejected every request.
	b = newBench(t, fake.WithFault(fake.Throttle{}, on))
	b.create(declaration())
	var failed *images.Error
	if _, err = images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating); !errors.As(err, &failed) || errors.As(err, &unknown) || !lambdamicrovms.IsThrottle(err) {
		t.Errorf("throttled: %v", err)
	}
}

func TestUpdateStops(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	var arn *images.ARNError
	if _, err := images.Update(b.ctx, b.client, "app", describe("mine"), b.updating); !errors.As(err, &arn) {
		t.Errorf("a bare name: %v", err)
	}

	var failed *images.Error
	sentinel := errors.New("not today")
	_, err := images.Update(b.ctx, b.client, appARN, func(*lambdamicrovms.UpdateMicroVMImageInput) error { return sentinel }, b.updating)
	if !errors.As(err, &failed) || failed.Step != images.StepChange || !errors.Is(err, sentinel) {
		t.Errorf("the change fails: %v", err)
	}

	var invalid smithy.InvalidParamsError
	_, err = images.Update(b.ctx, b.client, appARN, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.BuildRoleArn = aws.String("role")
		return nil
	}, b.updating)
	if !errors.As(err, &failed) || !errors.As(err, &invalid) {
		t.Errorf("an invalid change: %v", err)
	}

	b.srv.Inject(fake.StuckBuild{}, fake.On(fake.UpdateMicroVMImage))
	var late *lambdamicrovms.WaiterTimeoutError
	_, err = images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating)
	if !errors.As(err, &failed) || failed.Step != images.StepWaitForBuild || failed.Version != "2.0" || failed.State != "PENDING" || !errors.As(err, &late) || late.MaxWait != 30*time.Minute {
		t.Errorf("a build without end: %v", err)
	}
}

// A workflow returns the context's error at any step.
func TestUpdateContext(t *testing.T) {
	for steps := range 8 {
		b := newBench(t)
		b.create(declaration())
		b.begin("somebody else's")
		ctx, cancel := context.WithCancel(b.ctx)
		var last images.Event
		calls := 0
		_, err := images.Update(ctx, b.client, appARN, describe("mine"), b.updating, func(o *images.UpdateOptions) {
			left := steps
			o.Progress = func(e images.Event) {
				if left == 0 {
					cancel()
					last, calls = e, len(b.srv.Calls())
				}
				left--
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", last, err)
		}
		if more := len(b.srv.Calls()) - calls; more > 0 {
			t.Errorf("after %v: %d more calls", last, more)
		}
	}
}

func TestUpdateTellsItsSteps(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	b.begin("somebody else's")
	var steps []string
	_, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating, func(o *images.UpdateOptions) {
		o.MinDelay, o.MaxDelay = time.Minute, time.Minute
		o.Progress = func(e images.Event) {
			if e.Image != appARN {
				t.Errorf("%v is about %q", e, e.Image)
			}
			steps = append(steps, e.String())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"    0.0s  wait for image: UPDATING (again in 1m0s)",
		"   60.0s  wait for image: UPDATING (again in 1m0s)",
		"  120.0s  wait for image: UPDATED",
		"  120.0s  change 2.0",
		"  120.0s  update",
		"  120.0s  wait for build 3.0: PENDING (again in 1m0s)",
		"  180.0s  wait for build 3.0: IN_PROGRESS (again in 1m0s)",
		"  240.0s  wait for build 3.0: SUCCESSFUL",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

const (
	baseImage = "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"
	roleARN   = "arn:aws:iam::123456789012:role/build"
)

func (w *worker) newImage() *lambdamicrovms.CreateMicroVMImageInput {
	w.names++
	return &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String(fmt.Sprintf("%s%d", w.prefix, w.names)),
		BaseImageArn: aws.String(baseImage),
		BuildRoleArn: aws.String(roleARN),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/key.zip"},
	}
}

// repeat makes a call with unknown outcome again, with the same token. After that the
// outcome must be known.
func (w *worker) repeat(err error, first delta, images, versions, vms int, do func(context.Context, *string) error) {
	uncertain := uncertainty(err)
	if uncertain == nil || w.pick(2) {
		return
	}
	if uncertain.ClientToken == "" {
		w.wrong("no client token in %v", err)
		return
	}
	w.tally.repeats.Add(1)
	kind := w.kind + " repeated"
	w.calm(func() {
		var d delta
		var err error
		for range 3 { // the client may have used up its retry quota, or measured a wrong clock skew
			d, err = w.call(kind, func(ctx context.Context) error { return do(ctx, &uncertain.ClientToken) })
			w.judgeDelta(d, images, versions, vms) // compares with the state before the first call
			if err == nil || !strings.Contains(err.Error(), "retry quota exceeded") {
				break
			}
		}
		if err == nil && len(d.images)+len(d.versions)+len(d.vms) == 0 {
			w.wrong("no effect after a repetition without error; first %+v", first)
		}
		if err != nil && len(first.images)+len(first.versions)+len(first.vms) > 0 {
			w.wrong("what had happened is not told to who asks again: %v", err)
		}
	})
}

func (w *worker) create() {
	in := w.newImage()
	do := func(ctx context.Context, token *string) error {
		in := *in
		in.ClientToken = token
		out, err := w.client.CreateMicroVMImage(ctx, &in)
		if err == nil && (out.ImageArn == nil || out.ImageVersion == nil) {
			w.wrong("a success without its output")
		}
		return err
	}
	d, err := w.call("CreateMicroVMImage", func(ctx context.Context) error { return do(ctx, nil) })
	w.judgeDelta(d, 1, 1, 0)
	w.judge(len(d.images) == 1, err)
	w.repeat(err, d, 1, 1, 0, do)
}

func (w *worker) update() {
	img := w.anyImage()
	if img == nil {
		return
	}
	value := fmt.Sprint(w.names, w.rng.IntN(1000))
	do := func(ctx context.Context, token *string) error {
		out, err := w.client.UpdateMicroVMImage(ctx, &lambdamicrovms.UpdateMicroVMImageInput{
			ImageIdentifier: &img.ARN, BaseImageArn: aws.String(baseImage), BuildRoleArn: aws.String(roleARN),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/key.zip"}, Description: &value, ClientToken: token,
		})
		if err == nil && out.ImageVersion == nil {
			w.wrong("a success without its output")
		}
		return err
	}
	d, err := w.call("UpdateMicroVMImage", func(ctx context.Context) error { return do(ctx, nil) })
	w.judgeDelta(d, 0, 1, 0)
	w.judge(len(d.versions) == 1, err)
	w.repeat(err, d, 0, 1, 0, do)
}

func (w *worker) run() {
	img := w.anyImage()
	if img == nil {
		return
	}
	do := func(ctx context.Context, token *string) error {
		out, err := w.client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &img.ARN, ClientToken: token})
		if err == nil && (out.MicroVMId == nil || out.Endpoint == nil) {
			w.wrong("a success without its output")
		}
		return err
	}
	d, err := w.call("RunMicroVM", func(ctx context.Context) error { return do(ctx, nil) })
	w.judgeDelta(d, 0, 0, 1)
	w.judge(len(d.vms) == 1, err)
	w.repeat(err, d, 0, 0, 1, do)
}

func (w *worker) deleteImage() {
	img := w.anyImage()
	if img == nil || deleted(img) {
		return
	}
	d, err := w.call("DeleteMicroVMImage", func(ctx context.Context) error {
		_, err := w.client.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: &img.ARN})
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	w.judge(deleted(w.look().image(img.ID)), err)
}

func (w *worker) changeVersion() {
	img := w.anyImage()
	if img == nil || len(img.Versions) == 0 {
		return
	}
	v := img.Versions[w.rng.IntN(len(img.Versions))]
	if w.pick(3) {
		if versionDeleted(&v) || deleted(img) {
			return
		}
		d, err := w.call("DeleteMicroVMImageVersion", func(ctx context.Context) error {
			_, err := w.client.DeleteMicroVMImageVersion(ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: &img.ARN, ImageVersion: &v.Version})
			return err
		})
		w.judgeDelta(d, 0, 0, 0)
		if now := w.look().image(img.ID); !deleted(now) {
			w.judge(versionDeleted(versionOf(now, v.Version)), err)
		}
		return
	}
	want := types.MicroVMImageVersionStatusInactive
	if v.Status == want {
		want = types.MicroVMImageVersionStatusActive
	}
	if v.State != types.MicroVMImageVersionStateSuccessful {
		return // an unfinished version becomes active by itself
	}
	d, err := w.call("UpdateMicroVMImageVersion", func(ctx context.Context) error {
		_, err := w.client.UpdateMicroVMImageVersion(ctx, &lambdamicrovms.UpdateMicroVMImageVersionInput{ImageIdentifier: &img.ARN, ImageVersion: &v.Version, Status: want})
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	if now := versionOf(w.look().image(img.ID), v.Version); now != nil {
		w.judge(now.Status == want, err)
	}
}

func (w *worker) tag() {
	img := w.anyImage()
	if img == nil || deleted(img) {
		return
	}
	key, value := "key", fmt.Sprint(w.rng.Uint64())
	remove := w.pick(3)
	if _, there := img.Tags[key]; remove && !there {
		return
	}
	kind := "TagResource"
	if remove {
		kind = "UntagResource"
	}
	d, err := w.call(kind, func(ctx context.Context) (err error) {
		if remove {
			_, err = w.client.UntagResource(ctx, &lambdamicrovms.UntagResourceInput{Resource: &img.ARN, TagKeys: []string{key}})
		} else {
			_, err = w.client.TagResource(ctx, &lambdamicrovms.TagResourceInput{Resource: &img.ARN, Tags: map[string]string{key: value}})
		}
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	if now := w.look().image(img.ID); now != nil {
		got, there := now.Tags[key]
		w.judge(remove && !there || !remove && got == value, err)
	}
}

func (w *worker) changeVM() {
	vm := w.anyVM()
	if vm == nil || ended(vm) || w.srv.Now().Sub(vm.StartedAt) > 7*time.Hour { // MicroVMs end by themselves after eight hours
		return
	}
	id := &vm.ID
	kind, op := "SuspendMicroVM", func(ctx context.Context) error {
		_, err := w.client.SuspendMicroVM(ctx, &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: id})
		return err
	}
	switch {
	case w.pick(3):
		kind, op = "TerminateMicroVM", func(ctx context.Context) error {
			_, err := w.client.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: id})
			return err
		}
	case asleep(vm):
		kind, op = "ResumeMicroVM", func(ctx context.Context) error {
			_, err := w.client.ResumeMicroVM(ctx, &lambdamicrovms.ResumeMicroVMInput{MicroVMIdentifier: id})
			return err
		}
	case vm.State != types.MicroVMStateRunning:
		return
	}
	d, err := w.call(kind, op)
	w.judgeDelta(d, 0, 0, 0)
	now := w.look().vm(*id)
	if now.State == types.MicroVMStateTerminated && now.StateReason == "Success." && kind != "TerminateMicroVM" {
		return // its maximum duration was over
	}
	switch kind {
	case "TerminateMicroVM":
		w.judge(ended(now), err)
	case "SuspendMicroVM":
		w.judge(asleep(now) || ended(now), err)
	default:
		w.judge(!asleep(now), err)
	}
}

// mint creates tokens, which change no state.
func (w *worker) mint() {
	vm := w.anyVM()
	if vm == nil || ended(vm) {
		return
	}
	d, _ := w.call("CreateMicroVMAuthToken", func(ctx context.Context) error {
		_, err := w.client.CreateMicroVMAuthToken(ctx, &lambdamicrovms.CreateMicroVMAuthTokenInput{
			MicroVMIdentifier: &vm.ID, ExpirationInMinutes: aws.Int32(5),
			AllowedPorts: []types.PortSpecification{&types.PortSpecificationMemberPort{Value: 8080}},
		})
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
}

// invalid makes a call that validation must reject.
func (w *worker) invalid() {
	d, err := w.call("RunMicroVM invalid", func(ctx context.Context) error {
		_, err := w.client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{})
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	var violations smithy.InvalidParamsError
	if w.attempts > 0 || !errors.As(err, &violations) || uncertainty(err) != nil {
		w.wrong("%d attempts: %v", w.attempts, err)
	}
}

// read makes a call that changes nothing: a single call, a waiter, or a list of all
// pages.
func (w *worker) read() {
	img, vm := w.anyImage(), w.anyVM()
	kind, op := "ListMicroVMImages", func(ctx context.Context) error {
		for _, err := range lambdamicrovms.NewListMicroVMImagesPaginator(w.client, &lambdamicrovms.ListMicroVMImagesInput{MaxResults: aws.Int32(1)}).Items(ctx) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	switch n := w.rng.IntN(7); {
	case img == nil || n == 0:
	case n == 1:
		kind, op = "GetMicroVMImage", func(ctx context.Context) error {
			_, err := w.client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &img.ARN})
			return err
		}
	case n == 2:
		kind, op = "ListMicroVMImageVersions", func(ctx context.Context) error {
			for _, err := range lambdamicrovms.NewListMicroVMImageVersionsPaginator(w.client, &lambdamicrovms.ListMicroVMImageVersionsInput{ImageIdentifier: &img.ARN}).Items(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		}
	case n == 3:
		kind, op = "MicroVMImageSettled.", func(ctx context.Context) error {
			return lambdamicrovms.NewMicroVMImageSettledWaiter(w.client, func(o *lambdamicrovms.MicroVMImageSettledWaiterOptions) {
				o.Clock = w.srv.Clock()
			}).Wait(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &img.ARN}, 10*time.Minute)
		}
	case n == 4 || vm == nil:
		kind, op = "ListTags", func(ctx context.Context) error {
			_, err := w.client.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: &img.ARN})
			return err
		}
	case n == 5:
		kind, op = "ListMicroVMs", func(ctx context.Context) error {
			_, err := lambdamicrovms.NewListMicroVMsPaginator(w.client, &lambdamicrovms.ListMicroVMsInput{ImageIdentifier: &img.ARN}).NextPage(ctx)
			return err
		}
	default:
		kind, op = "GetMicroVM", func(ctx context.Context) error {
			_, err := w.client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &vm.ID})
			return err
		}
	}
	d, err := w.call(kind, op)
	w.judgeDelta(d, 0, 0, 0)
	if uncertainty(err) != nil {
		w.wrong("what only reads leaves no doubt: %v", err)
	}
}

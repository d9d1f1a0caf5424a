package images_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// endless is a client with a list that never ends.
type endless struct {
	*lambdamicrovms.Client
	list  string
	token func(page int) string
	pages int
}

func (e *endless) next() *string {
	e.pages++
	return aws.String(e.token(e.pages))
}

func (e *endless) ListMicroVMImages(ctx context.Context, in *lambdamicrovms.ListMicroVMImagesInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImagesOutput, error) {
	if e.list == "images" {
		return &lambdamicrovms.ListMicroVMImagesOutput{Items: []types.MicroVMImageSummary{}, NextToken: e.next()}, nil
	}
	return e.Client.ListMicroVMImages(ctx, in)
}

func (e *endless) ListMicroVMImageVersions(ctx context.Context, in *lambdamicrovms.ListMicroVMImageVersionsInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImageVersionsOutput, error) {
	if e.list == "versions" {
		return &lambdamicrovms.ListMicroVMImageVersionsOutput{Items: []types.MicroVMImageVersionSummary{}, NextToken: e.next()}, nil
	}
	return e.Client.ListMicroVMImageVersions(ctx, in)
}

func (e *endless) ListMicroVMImageBuilds(ctx context.Context, in *lambdamicrovms.ListMicroVMImageBuildsInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImageBuildsOutput, error) {
	if e.list == "builds" {
		return &lambdamicrovms.ListMicroVMImageBuildsOutput{Items: []types.MicroVMImageBuildSummary{}, NextToken: e.next()}, nil
	}
	return e.Client.ListMicroVMImageBuilds(ctx, in)
}

func (e *endless) ListMicroVMs(ctx context.Context, in *lambdamicrovms.ListMicroVMsInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMsOutput, error) {
	if e.list == "MicroVMs" {
		return &lambdamicrovms.ListMicroVMsOutput{Items: []types.MicroVMItem{}, NextToken: e.next()}, nil
	}
	return e.Client.ListMicroVMs(ctx, in)
}

// A list whose tokens never end must neither block a workflow forever nor count as
// complete.
func TestEndlessLists(t *testing.T) {
	tokens := map[string]func(page int) string{
		"always new": func(page int) string { return fmt.Sprint("t", page) },
		"in turns":   func(page int) string { return fmt.Sprint("t", page%2) },
	}
	for _, c := range []struct {
		workflow, list string
		pages          int
		run            func(*bench, *endless) error
	}{
		{"Find", "images", 1_000, func(b *bench, api *endless) error {
			_, err := images.Find(b.ctx, api, "app")
			return err
		}},
		{"Update", "versions", 1_000, func(b *bench, api *endless) error {
			_, err := images.Update(b.ctx, api, appARN, describe("new"), b.updating)
			return err
		}},
		{"Deploy", "images", 1_000, func(b *bench, api *endless) error {
			_, err := images.Deploy(b.ctx, api, images.Deployment{Image: declaration()}, b.deploying)
			return err
		}},
		{"Deploy", "versions", 1_000, func(b *bench, api *endless) error {
			_, err := images.Deploy(b.ctx, api, images.Deployment{Image: declaration()}, b.deploying)
			return err
		}},
		{"Rollback", "versions", 1_000, func(b *bench, api *endless) error {
			_, err := images.Rollback(b.ctx, api, appARN, "", b.clock)
			return err
		}},
		{"Prune", "versions", 1_000, func(b *bench, api *endless) error {
			_, err := images.Prune(b.ctx, api, appARN, 1, b.pruning)
			return err
		}},
		{"Prune", "MicroVMs", 10_000, func(b *bench, api *endless) error {
			_, err := images.Prune(b.ctx, api, appARN, 1, b.pruning)
			return err
		}},
	} {
		for name, token := range tokens {
			b := newBench(t)
			b.create(declaration())
			b.update("second")
			api := &endless{Client: b.client, list: c.list, token: token}
			err := c.run(b, api)
			var failed *images.Error
			var limit *lambdamicrovms.PageLimitError
			if !errors.As(err, &failed) || !errors.As(err, &limit) || limit.MaxPages != c.pages || api.pages != c.pages {
				t.Errorf("%s, tokens of %s %s: %d pages, %v", c.workflow, c.list, name, api.pages, err)
			}
			if got := b.versions(); len(got) != 2 {
				t.Errorf("%s, tokens of %s %s: versions %v", c.workflow, c.list, name, got)
			}
		}
	}
}

func TestEndlessBuilds(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	api := &endless{Client: b.client, list: "builds", token: func(page int) string { return fmt.Sprint("t", page) }}
	defer b.srv.Inject(fake.FailBuild{}, fake.First(1))()
	_, err := images.Update(b.ctx, api, appARN, describe("new"), b.updating)
	var failed *images.BuildFailedError
	var limit *lambdamicrovms.PageLimitError
	if !errors.As(err, &failed) || !errors.As(failed.BuildsErr, &limit) || api.pages != 1_000 {
		t.Errorf("%d pages, %v", api.pages, err)
	}
}

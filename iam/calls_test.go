package iam_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/iam"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// caller runs workflows against a fake that has the image app in some versions.
type caller struct {
	*testing.T

	ctx    context.Context
	srv    *fake.Server
	client *lambdamicrovms.Client
	image  string
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	srv := fake.New(t, fake.WithApplication(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	c := &caller{T: t, ctx: t.Context(), srv: srv, client: lambdamicrovms.New(srv.Options())}
	for _, stage := range []string{"a", "b", "c"} {
		c.image = c.deploy(stage, map[string]string{"stage": stage}).Image
	}
	return c
}

func (c *caller) deployment(stage string, tags map[string]string) images.Deployment {
	return images.Deployment{Image: lambdamicrovms.CreateMicroVMImageInput{
		Name:                 aws.String("app"),
		BaseImageArn:         images.BaseImage(c.client, "al2023-1"),
		BuildRoleArn:         aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact:         &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
		EnvironmentVariables: map[string]string{"STAGE": stage},
		Tags:                 tags,
	}}
}

func (c *caller) deploy(stage string, tags map[string]string) *images.Result {
	c.Helper()
	result, err := images.Deploy(c.ctx, c.client, c.deployment(stage, tags))
	c.check(err)
	return result
}

func (c *caller) update(stage string) error {
	_, err := images.Update(c.ctx, c.client, c.image, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.EnvironmentVariables = map[string]string{"STAGE": stage}
		return nil
	})
	return err
}

// fails makes the build of the next update fail.
func (c *caller) fails(do func() error) {
	c.Helper()
	c.srv.Inject(fake.FailBuild{}, fake.On(fake.UpdateMicroVMImage), fake.First(1))
	var failed *images.BuildFailedError
	if err := do(); !errors.As(err, &failed) || failed.BuildsErr != nil {
		c.Fatalf("got %v, want a BuildFailedError", err)
	}
}

// use does with a session what a program can do with it, and closes it.
func (c *caller) use(s *session.Session, err error) {
	c.Helper()
	c.check(err)
	response, err := s.Client().Get("/")
	c.check(err)
	c.check(response.Body.Close())
	c.check(s.Suspend(c.ctx))
	c.check(s.Resume(c.ctx))
	_, err = s.Shell(c.ctx)
	c.check(err)
	c.check(s.Close())
}

// withShell returns the input of a MicroVM that permits shells.
func (c *caller) withShell() *lambdamicrovms.RunMicroVMInput {
	return &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier:          &c.image,
		IngressNetworkConnectors: []string{images.Connector(c.client, "ALL_INGRESS"), images.Connector(c.client, "SHELL_INGRESS")},
	}
}

func (c *caller) start() string {
	c.Helper()
	vm, err := c.client.RunMicroVM(c.ctx, c.withShell())
	c.check(err)
	return *vm.MicroVMId
}

func (c *caller) check(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// A workflow calls operations for which it has an action, on resources of its policy. All
// actions are needed: each is of an operation that the workflow calls on some path.
func TestCalls(t *testing.T) {
	paths := map[iam.Use]func(*caller){
		iam.Find: func(c *caller) {
			_, err := images.Find(c.ctx, c.client, "app")
			c.check(err)
		},
		iam.Update: func(c *caller) {
			c.check(c.update("d"))
			c.fails(func() error { return c.update("e") })
		},
		iam.Deploy: func(c *caller) {
			c.deploy("d", map[string]string{"stage": "d"})
			c.deploy("d", map[string]string{"team": "shop"})
			c.fails(func() error {
				_, err := images.Deploy(c.ctx, c.client, c.deployment("e", nil))
				return err
			})
			_, err := c.client.DeleteMicroVMImage(c.ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: &c.image})
			c.check(err)
			c.deploy("a", nil)
		},
		iam.Prune: func(c *caller) {
			c.start()
			pruned, err := images.Prune(c.ctx, c.client, c.image, 1)
			c.check(err)
			if len(pruned.Deleted) == 0 {
				c.Error("nothing was deleted")
			}
		},
		iam.Rollback: func(c *caller) {
			_, err := images.Rollback(c.ctx, c.client, c.image, "")
			c.check(err)
		},
		iam.SyncTags: func(c *caller) {
			_, err := images.SyncTags(c.ctx, c.client, c.image, map[string]string{"team": "shop"})
			c.check(err)
		},
		iam.Run: func(c *caller) {
			c.use(session.Run(c.ctx, c.client, c.withShell()))
		},
		iam.Attach: func(c *caller) {
			id := c.start()
			c.use(session.Attach(c.ctx, c.client, id, func(o *session.Options) { o.TerminateOnClose = true }))
		},
		iam.Sweep: func(c *caller) {
			c.start()
			_, err := session.Sweep(c.ctx, c.client, func(o *session.SweepOptions) { o.ImageIdentifier = c.image })
			c.check(err)
		},
	}
	// setUp are the calls of the test itself on a path.
	setUp := map[iam.Use][]string{
		iam.Deploy: {"DeleteMicrovmImage"}, iam.Prune: {"RunMicrovm"}, iam.Attach: {"RunMicrovm"}, iam.Sweep: {"RunMicrovm"},
	}
	for _, workflow := range iam.Workflows() {
		t.Run(string(workflow), func(t *testing.T) {
			c := newCaller(t)
			before := len(c.srv.Calls())
			paths[workflow](c)
			policy, err := iam.NewPolicy(iam.Scope{
				Region: "us-east-1", Account: "123456789012", Images: []string{"app"},
				BuildRoles: []string{"arn:aws:iam::123456789012:role/build"},
			}, workflow)
			c.check(err)
			var got []string
			for _, call := range c.srv.Calls()[before:] {
				if slices.Contains(setUp[workflow], string(call.Operation)) {
					continue
				}
				action, resource := "lambda:"+string(call.Operation), c.resource(call)
				got = append(got, action)
				if !permits(policy, action, resource) {
					t.Errorf("the policy does not permit %s on %s", action, resource)
				}
			}
			slices.Sort(got)
			want, err := iam.Actions(workflow)
			c.check(err)
			if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
				t.Errorf("calls (-actions +called):\n%s", diff)
			}
		})
	}
}

// resource returns the ARN of the image that a request names, or "*".
func (c *caller) resource(call fake.Call) string {
	c.Helper()
	at, err := url.PathUnescape(call.URL)
	c.check(err)
	if strings.Contains(at, c.image) || strings.Contains(call.Body, c.image) || call.Operation == fake.CreateMicroVMImage {
		return c.image
	}
	return "*"
}

// permits reports whether a policy allows an action on a resource.
func permits(policy *iam.Policy, action, resource string) bool {
	return slices.ContainsFunc(policy.Statement, func(s iam.Statement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Action, action) && slices.ContainsFunc(s.Resource, func(pattern string) bool {
			matched, err := path.Match(pattern, resource)
			return err == nil && matched || pattern == "*"
		})
	})
}

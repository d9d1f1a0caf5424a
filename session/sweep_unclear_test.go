package session_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// MicroVMs that cannot be classified are skipped and reported.
func TestSweepUnclear(t *testing.T) {
	srv := newService(t)
	old := srv.Now().Add(-2 * time.Hour)
	changed := func(change func(*types.MicroVMItem)) types.MicroVMItem {
		item := types.MicroVMItem{
			MicroVMId: aws.String("microvm-1"), ImageArn: &srv.image, ImageVersion: aws.String("3.0"), State: "RUNNING", StartedAt: &old,
		}
		change(&item)
		return item
	}
	const (
		orphan = "orphan"
		other  = ""
	)
	arn := func(text string) func(*types.MicroVMItem) { return func(i *types.MicroVMItem) { i.ImageArn = &text } }
	version := func(text string) func(*types.MicroVMItem) {
		return func(i *types.MicroVMItem) { i.ImageVersion = &text }
	}
	tests := []struct {
		change func(*types.MicroVMItem)
		want   string
	}{
		{func(*types.MicroVMItem) {}, orphan},
		{func(i *types.MicroVMItem) { i.State = "PENDING" }, orphan},
		{func(i *types.MicroVMItem) { i.State = "SUSPENDED" }, orphan},
		{func(i *types.MicroVMItem) { i.State = "TERMINATED" }, other},
		{func(i *types.MicroVMItem) { i.State = "" }, `the state "" is unknown`},
		{func(i *types.MicroVMItem) { i.State = "running" }, `the state "running" is unknown`},
		{func(i *types.MicroVMItem) { i.State = "RESTORING" }, `the state "RESTORING" is unknown`},
		{func(i *types.MicroVMItem) { i.MicroVMId = nil }, "it has no id"},
		{func(i *types.MicroVMItem) { i.MicroVMId = aws.String("") }, "it has no id"},
		{func(i *types.MicroVMItem) { i.ImageArn = nil }, `"" is not the ARN of an image`},
		{arn("app"), `"app" is not the ARN of an image`},
		{arn("arn:aws:lambda:us-east-1:123456789012:function:app"), `"arn:aws:lambda:us-east-1:123456789012:function:app" is not the ARN of an image`},
		{arn("arn:aws:lambda:us-east-1:123456789012:microvm-image:"), `"arn:aws:lambda:us-east-1:123456789012:microvm-image:" is not the ARN of an image`},
		{arn("arn:aws:lambda:us-east-1:123456789012:microvm-image:app-2"), other},
		{version("3"), orphan},
		{version("4.0"), other},
		{version("30"), other},
		{version("v3"), `"v3" is not an image version`},
		{version(""), `"" is not an image version`},
		{func(i *types.MicroVMItem) { i.ImageVersion = nil }, `"" is not an image version`},
		{func(i *types.MicroVMItem) { i.StartedAt = nil }, "it has no start time"},
		{func(i *types.MicroVMItem) { i.StartedAt = aws.Time(time.Unix(0, 0)) }, "it has no start time"},
		{func(i *types.MicroVMItem) { i.StartedAt = &time.Time{} }, "it has no start time"},
		{func(i *types.MicroVMItem) { i.StartedAt = aws.Time(srv.Now().Add(1e6 * time.Hour)) }, other},
	}
	for _, tt := range tests {
		item := changed(tt.change)
		srv.SetOverrides(fake.Overrides{ListMicroVMs: func(context.Context, *lambdamicrovms.ListMicroVMsInput) (*lambdamicrovms.ListMicroVMsOutput, error) {
			return &lambdamicrovms.ListMicroVMsOutput{Items: []types.MicroVMItem{item}}, nil
		}})
		result, err := session.Sweep(context.Background(), srv, func(o *session.SweepOptions) {
			o.Clock, o.ImageIdentifier, o.ImageVersion, o.MinAge, o.DryRun = srv.Clock(), srv.image, "3.0", time.Hour, true
		})
		var left *session.SweepError
		if errors.As(err, &left) != (len(result.Skipped) > 0) || left != nil && len(left.Skipped) != 1 {
			t.Errorf("error = %v, skipped are %v", err, result.Skipped)
		}
		got := other
		if len(result.Orphans) > 0 {
			got = orphan
		}
		if len(result.Skipped) > 0 {
			got += result.Skipped[0].Reason
			if diff := cmp.Diff(item.MicroVMId, result.Skipped[0].MicroVM.MicroVMId); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
		}
		if got != tt.want {
			t.Errorf("%+v: %q, want %q", item, got, tt.want)
		}
	}
}

// A list without items is not an empty list.
func TestSweepWithoutList(t *testing.T) {
	srv := newService(t)
	for _, out := range []*lambdamicrovms.ListMicroVMsOutput{nil, {}} {
		result, err := session.Sweep(context.Background(), noList{srv, out}, func(o *session.SweepOptions) {
			o.Clock, o.MinAge = srv.Clock(), time.Hour
		})
		if result == nil || !errors.As(err, new(*smithy.DeserializationError)) {
			t.Errorf("Sweep = %v, %v, want an error", result, err)
		}
	}
}

type noList struct {
	*service
	out *lambdamicrovms.ListMicroVMsOutput
}

func (l noList) ListMicroVMs(context.Context, *lambdamicrovms.ListMicroVMsInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMsOutput, error) {
	return l.out, nil
}

// A listing that never ends, here with two alternating pages, stops at the bound. Its
// MicroVMs are terminated once.
func TestSweepEndlessPages(t *testing.T) {
	srv := newService(t)
	vm, err := srv.RunMicroVM(context.Background(), srv.input())
	if err != nil {
		t.Fatal(err)
	}
	list := &turns{service: srv, item: types.MicroVMItem{MicroVMId: vm.MicroVMId, ImageArn: &srv.image, State: "RUNNING"}}
	result, err := session.Sweep(context.Background(), list, func(o *session.SweepOptions) {
		o.Clock, o.ImageIdentifier = srv.Clock(), srv.image
	})
	var endless *lambdamicrovms.PageLimitError
	if !errors.As(err, &endless) || list.pages != 10_000 || result.Listed != 10_000 || len(result.Terminated) != 1 {
		t.Errorf("Sweep = %+v, %v after %d pages", result, err, list.pages)
	}
}

// turns lists a MicroVM on two pages, each of which names the other as the next.
type turns struct {
	*service
	item  types.MicroVMItem
	pages int
}

func (l *turns) ListMicroVMs(context.Context, *lambdamicrovms.ListMicroVMsInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMsOutput, error) {
	l.pages++
	return &lambdamicrovms.ListMicroVMsOutput{Items: []types.MicroVMItem{l.item}, NextToken: aws.String(strconv.Itoa(l.pages % 2))}, nil
}

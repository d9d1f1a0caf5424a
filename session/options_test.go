package session_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func span(first, last *int32) types.PortSpecification {
	return &types.PortSpecificationMemberRange{Value: types.PortRange{StartPort: first, EndPort: last}}
}

// Options out of range are rejected before any call.
func TestOptionsRefused(t *testing.T) {
	tests := map[string]struct {
		option string
		set    func(*session.Options)
	}{
		"negative port":        {"Options.Port", func(o *session.Options) { o.Port = -1 }},
		"port too high":        {"Options.Port", func(o *session.Options) { o.Port = 65536 }},
		"negative lifetime":    {"Options.TokenLifetime", func(o *session.Options) { o.TokenLifetime = -time.Minute }},
		"lifetime too long":    {"Options.TokenLifetime", func(o *session.Options) { o.TokenLifetime = math.MaxInt64 }},
		"negative wait":        {"Options.MaxWait", func(o *session.Options) { o.MaxWait = math.MinInt64 }},
		"negative timeout":     {"Options.CloseTimeout", func(o *session.Options) { o.CloseTimeout = -1 }},
		"negative lines":       {"Options.LogLines", func(o *session.Options) { o.LogLines = -1 }},
		"no allowed port":      {"Options.AllowedPorts", func(o *session.Options) { o.AllowedPorts = []types.PortSpecification{nil} }},
		"allowed port 0":       {"Options.AllowedPorts", func(o *session.Options) { o.AllowedPorts = []types.PortSpecification{port(0)} }},
		"range without an end": {"Options.AllowedPorts", func(o *session.Options) { o.AllowedPorts = []types.PortSpecification{span(aws.Int32(1), nil)} }},
		"range backwards":      {"Options.HeaderPorts", func(o *session.Options) { o.HeaderPorts = []types.PortSpecification{span(aws.Int32(2), aws.Int32(1))} }},
		"range too far": {"Options.HeaderPorts", func(o *session.Options) {
			o.HeaderPorts = []types.PortSpecification{span(aws.Int32(2), aws.Int32(65536))}
		}},
		"nil in a union": {"Options.HeaderPorts", func(o *session.Options) {
			o.HeaderPorts = []types.PortSpecification{(*types.PortSpecificationMemberPort)(nil)}
		}},
		"unknown union": {"Options.HeaderPorts", func(o *session.Options) {
			o.HeaderPorts = []types.PortSpecification{&types.UnknownUnionMember{Tag: "x"}}
		}},
		"endpoint, no scheme":   {"Options.BaseEndpoint", func(o *session.Options) { o.BaseEndpoint = "127.0.0.1:80" }},
		"endpoint, scheme":      {"Options.BaseEndpoint", func(o *session.Options) { o.BaseEndpoint = "ftp://127.0.0.1" }},
		"endpoint, path":        {"Options.BaseEndpoint", func(o *session.Options) { o.BaseEndpoint = "http://127.0.0.1/a" }},
		"endpoint, user":        {"Options.BaseEndpoint", func(o *session.Options) { o.BaseEndpoint = "http://user:secret@127.0.0.1" }},
		"endpoint, port":        {"Options.BaseEndpoint", func(o *session.Options) { o.BaseEndpoint = "http://127.0.0.1:65536" }},
		"endpoint without host": {"Options.BaseEndpoint", func(o *session.Options) { o.BaseEndpoint = "http://:80" }},
	}
	for name, tt := range tests {
		srv := newService(t)
		_, runErr := session.Run(context.Background(), srv, srv.input(), srv.options, tt.set)
		_, attachErr := session.Attach(context.Background(), srv, "microvm-1", srv.options, tt.set)
		for _, err := range []error{runErr, attachErr} {
			if refused := lambdamicrovms.Violations(err); len(refused) != 1 || !strings.HasPrefix(refused[0].Error(), tt.option) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: error = %v, want a violation of %s", name, err, tt.option)
			}
		}
		if calls := srv.Calls()[srv.begun:]; len(calls) != 0 {
			t.Errorf("%s: %v was called", name, calls)
		}
	}
}

func TestSweepOptionsRefused(t *testing.T) {
	tests := map[string]struct {
		option string
		set    func(*session.SweepOptions)
	}{
		"negative age":      {"SweepOptions.MinAge", func(o *session.SweepOptions) { o.MinAge = -time.Hour }},
		"least age":         {"SweepOptions.MinAge", func(o *session.SweepOptions) { o.MinAge = math.MinInt64 }},
		"negative rate":     {"SweepOptions.Rate", func(o *session.SweepOptions) { o.Rate = -1 }},
		"no number":         {"SweepOptions.Rate", func(o *session.SweepOptions) { o.Rate = math.NaN() }},
		"infinite":          {"SweepOptions.Rate", func(o *session.SweepOptions) { o.Rate = math.Inf(1) }},
		"infinitely slow":   {"SweepOptions.Rate", func(o *session.SweepOptions) { o.Rate = math.SmallestNonzeroFloat64 }},
		"interval overflow": {"SweepOptions.Rate", func(o *session.SweepOptions) { o.Rate = 1e-10 }},
		"without a pause":   {"SweepOptions.Rate", func(o *session.SweepOptions) { o.Rate = 1e10 }},
		"no version":        {"SweepOptions.ImageVersion", func(o *session.SweepOptions) { o.ImageVersion = "v1" }},
		"half a version":    {"SweepOptions.ImageVersion", func(o *session.SweepOptions) { o.ImageVersion = "1." }},
	}
	for name, tt := range tests {
		srv, other, _ := fleet(t)
		result, err := session.Sweep(context.Background(), srv, func(o *session.SweepOptions) {
			o.Clock, o.ImageIdentifier = srv.Clock(), other
			tt.set(o)
		})
		if refused := lambdamicrovms.Violations(err); result == nil || len(refused) != 1 || !strings.HasPrefix(refused[0].Error(), tt.option) {
			t.Errorf("%s: error = %v, want a violation of %s", name, err, tt.option)
		}
		if calls := srv.Calls()[srv.begun:]; len(calls) != 0 {
			t.Errorf("%s: %v was called", name, calls)
		}
	}
}

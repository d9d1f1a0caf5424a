package commands

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/cwlogs"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/partition"
	"github.com/microvm-go/lambdamicrovms/logs"
)

const (
	logLinesOption  = "log-lines"
	defaultLogLines = 20
	maxLogLines     = 10_000
)

// logLines is the option that says how much of a failed build's output to show.
func logLines() argparse.Option {
	return argparse.Option{
		Name: logLinesOption, Kind: "integer", Int: true,
		Doc: fmt.Sprintf("How many of the last lines that a failed build has written to CloudWatch Logs to show; 0 reads none. The default is %d. "+
			"Nothing is read if the service has an endpoint outside AWS and CloudWatch Logs has none of its own.", defaultLogLines),
	}
}

// readLogLines sets how much of the output of a failed build is read.
func readLogLines(s *cli.Session, o *images.Options) error {
	lines := defaultLogLines
	if s.Args.Has(logLinesOption) {
		var ok bool
		if lines, ok = integer(s.Args, logLinesOption, 0, maxLogLines); !ok {
			return fault.Parameter(logLinesOption, "%s is not from 0 to %d", value.Quote(s.Args.Value(logLinesOption)), maxLogLines)
		}
	}
	if lines > 0 {
		o.LogLines, o.LogReader = lines, outputLog{s}
	}
	return nil
}

// outputLog reads the output of builds and MicroVMs from CloudWatch Logs. It makes its
// client only when there is something to read.
type outputLog struct{ s *cli.Session }

// Tail returns the last lines of a source.
func (l outputLog) Tail(ctx context.Context, source logs.Source, n int) ([]logs.Line, error) {
	client, err := logsClient(ctx, l.s)
	if client == nil || err != nil {
		return nil, err
	}
	return cwlogs.New(client).Tail(ctx, source, n)
}

// logsClient returns the client of CloudWatch Logs, or nil if the service has an endpoint
// outside AWS and CloudWatch Logs has none of its own.
func logsClient(ctx context.Context, s *cli.Session) (*cloudwatchlogs.Client, error) {
	cfg, err := s.Config(ctx)
	if err != nil {
		return nil, err
	}
	service, err := s.Client(ctx)
	if err != nil {
		return nil, err
	}
	client := cloudwatchlogs.NewFromConfig(cfg)
	if isStandIn(cfg.Region, service.Options().BaseEndpoint, client.Options().BaseEndpoint) {
		return nil, nil
	}
	return client, nil
}

// isStandIn reports whether the service has an endpoint outside AWS, and its logs have no
// endpoint of their own.
func isStandIn(region string, service, logs *string) bool {
	if service == nil || logs != nil && *logs != *service {
		return false
	}
	u, err := url.Parse(*service)
	if err != nil {
		return true
	}
	host, aws := u.Hostname(), partition.Of(region)
	return !strings.HasSuffix(host, "."+aws.DNSSuffix) && !strings.HasSuffix(host, "."+aws.DualStackDNSSuffix)
}

// writeLog describes the output of a failed build.
func writeLog(b *strings.Builder, e *images.BuildFailedError) {
	var missing *logs.NotFoundError
	switch {
	case e.LogGroup == "":
	case errors.As(e.LinesErr, &missing):
		fmt.Fprintf(b, "\nThe build has written no output to the log group %s.", e.LogGroup)
	case e.LinesErr != nil:
		fmt.Fprintf(b, "\nThe output of the build, in the log group %s, could not be read: %v", e.LogGroup, e.LinesErr)
	case len(e.Lines) > 0:
		writeLines(b, e.LogGroup, e.Lines)
	default:
		fmt.Fprintf(b, "\nThe output of the build is in the log group %s.", e.LogGroup)
	}
}

// writeLines writes the last lines of a log group, if there are any.
func writeLines(b *strings.Builder, group string, lines []logs.Line) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\nThe last lines of the log group %s:", group)
	for _, line := range lines {
		b.WriteString("\n  " + line.String())
	}
}

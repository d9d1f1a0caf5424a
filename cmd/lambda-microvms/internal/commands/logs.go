package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/cwlogs"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/microvmid"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

const (
	microVMOption   = "microvm-identifier"
	followOption    = "follow"
	linesOption     = "lines"
	sinceOption     = "since"
	logGroupOption  = "log-group"
	logStreamOption = "log-stream"

	defaultLines = 100
)

func logsCommand() *cli.Command {
	return &cli.Command{
		Summary: "Prints the output of a MicroVM, or of the build of an image",
		Words:   []string{"[TARGET]"},
		Options: []argparse.Option{
			{Name: imageOption, Doc: "ARN or name of the image, in place of TARGET."},
			{Name: microVMOption, Doc: "The id of the MicroVM, in place of TARGET."},
			{Name: followOption, Short: "f", Arity: argparse.Flag, Doc: "Keep printing new lines until Ctrl-C. If the log group does not exist, wait up to a minute for it. For a MicroVM, stop a minute after it has ended, because lines can arrive late."},
			{Name: linesOption, Short: "n", Kind: "integer", Int: true, Doc: fmt.Sprintf("How many of the last lines to print, from 1 to %d. The default is %d; with --since it is %d, and with --since and --follow there is no limit.", maxLogLines, defaultLines, maxLogLines)},
			{Name: sinceOption, Doc: "Print only lines since a time, such as 2026-08-01T12:00:00Z, or since a duration ago, such as 90m or 12h."},
			{Name: imageVersionOption, Doc: "The version whose build to read, such as 3.0. The default is the newest one. Only for an image."},
			{Name: logGroupOption, Doc: "The log group that the MicroVM was run with. Only for a MicroVM."},
			{Name: logStreamOption, Doc: "The log stream that the MicroVM was run with. Only for a MicroVM."},
			pollInterval("It is for --follow. The default is 5."),
			{Name: jsonOption, Arity: argparse.Flag, Doc: "Print one JSON object a line, with time, stream and text."},
		},
		Unpaged: true,
		Page: cli.Page{
			Description: `Prints what a MicroVM, or the build of an image, has written to CloudWatch Logs. It needs the permissions logs:FilterLogEvents and logs:DescribeLogStreams, and lambda:GetMicrovm for a MicroVM.

TARGET is the id of a MicroVM, or an image: its ARN, or its name. The output of MicroVMs that were started from the version within about a day of its build may appear with that of the build, because the names of their log streams have the same prefix.

The service does not return the logging configuration of a MicroVM, and a MicroVM does not inherit that of its image. If it was run with a log group or stream of its own, name them.

Lines are cut to 2 KiB, and control characters are removed. Secrets that the application writes are printed. How long it takes until a line can be read is not known.`,
			Output: "A line for each line of output: the time, in UTC, and the text. With --json, objects.",
			Examples: `Why the newest build has failed:

  lambda-microvms logs web

What a MicroVM writes from now on, and in the ten minutes before:

  lambda-microvms logs microvm-cc2f4380-bfc7-4660-9d3f-166fb81d1369 --follow --since 10m`,
		},
		Run: runLogs,
	}
}

// logReading is what to read, and how.
type logReading struct {
	follow bool
	lines  int       // 0: no limit
	from   time.Time // zero: from the beginning
	poll   time.Duration
	target string
}

func runLogs(ctx context.Context, s *cli.Session) error {
	reading, err := newLogReading(s, time.Now())
	if err != nil {
		return err
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	cloudWatch, err := logsClient(ctx, s)
	if err != nil {
		return err
	}
	if cloudWatch == nil {
		return fault.Configuration("NoLogsEndpoint", "The endpoint of the service is not in AWS, so CloudWatch Logs needs one, too: set AWS_ENDPOINT_URL_CLOUDWATCH_LOGS")
	}
	source, err := reading.source(ctx, s, client)
	if err != nil {
		return err
	}
	s.Debugf("reading the log group %s", source.Group)
	reader := func(from time.Time) *cwlogs.Reader {
		return cwlogs.New(cloudWatch, func(o *cwlogs.Options) {
			o.From, o.PollInterval = from, reading.poll
			if source.MicroVMID != "" {
				o.Ended = func(ctx context.Context) time.Time { return reading.ended(ctx, s, client) }
			}
		})
	}
	tail, err := reading.tail(ctx, s, reader(reading.from), source)
	if err != nil {
		return err
	}
	for _, line := range tail {
		if err := printLine(s, line); err != nil {
			return cli.OutputError(err)
		}
	}
	if !reading.follow {
		return nil
	}
	from := reading.from
	if len(tail) > 0 {
		from = tail[0].Time
	}
	return reading.printNew(ctx, s, reader(from), source, tail)
}

// tail returns the last lines.
func (r *logReading) tail(ctx context.Context, s *cli.Session, reader *cwlogs.Reader, source logs.Source) ([]logs.Line, error) {
	if r.lines == 0 {
		return nil, nil
	}
	lines, err := reader.Tail(ctx, source, r.lines)
	var missing *logs.NotFoundError
	if err != nil && (!r.follow || !errors.As(err, &missing)) { // what is missing may appear
		return nil, logsError(ctx, s, err)
	}
	return lines, nil
}

// printNew prints lines until Ctrl-C or the end of the MicroVM, without those of the
// tail. The reader begins at the first of these.
func (r *logReading) printNew(ctx context.Context, s *cli.Session, reader *cwlogs.Reader, source logs.Source, tail []logs.Line) error {
	printed := make(map[logs.Line]int, len(tail))
	for _, line := range tail {
		printed[line]++
	}
	isCut := len(tail) > 0 && len(tail) == r.lines // earlier lines were left out
	for line, err := range reader.Follow(ctx, source) {
		switch {
		case err != nil:
			return logsError(ctx, s, err)
		case printed[line] > 0:
			printed[line]--
			continue
		case isCut && line.Time.Equal(tail[0].Time): // left out
			continue
		}
		if err := printLine(s, line); err != nil {
			return cli.OutputError(err)
		}
	}
	if cli.Interrupted(ctx) {
		return &fault.Error{Exit: fault.ExitInterrupted, Silent: true} // a newline is no line of output
	}
	return nil
}

// newLogReading reads the options; nothing has been sent yet.
func newLogReading(s *cli.Session, now time.Time) (*logReading, error) {
	if s.Globals.Output != "" || s.Globals.Query != nil {
		return nil, fault.Usage("logs prints lines, which --output and --query do not apply to: use --json")
	}
	r := &logReading{follow: s.Args.Has(followOption), lines: defaultLines}
	var err error
	if r.target, err = logTarget(s); err != nil {
		return nil, err
	}
	if s.Args.Has(sinceOption) {
		if r.from, err = sinceTime(s.Args.Value(sinceOption), now); err != nil {
			return nil, err
		}
		r.lines = maxLogLines
		if r.follow {
			r.lines = 0
		}
	}
	if s.Args.Has(linesOption) {
		var ok bool
		if r.lines, ok = integer(s.Args, linesOption, 1, maxLogLines); !ok {
			return nil, fault.Parameter(linesOption, "%s is not from 1 to %d", value.Quote(s.Args.Value(linesOption)), maxLogLines)
		}
	}
	if s.Args.Has(pollOption) {
		if !r.follow {
			return nil, fault.Parameter(pollOption, "--%s is not given", followOption)
		}
		if r.poll, err = seconds(s.Args, pollOption); err != nil {
			return nil, err
		}
	}
	return r, r.checkTarget(s)
}

// logTarget returns the word or the option that names the target.
func logTarget(s *cli.Session) (string, error) {
	targets := s.Words
	for _, name := range []string{imageOption, microVMOption} {
		if s.Args.Has(name) {
			targets = append(targets, s.Args.Value(name))
		}
	}
	switch {
	case len(targets) == 0:
		return "", fault.Usage("the following arguments are required: TARGET, --%s or --%s", imageOption, microVMOption)
	case len(targets) > 1:
		return "", fault.Usage("TARGET, --%s and --%s exclude each other", imageOption, microVMOption)
	}
	target := targets[0]
	switch isMicroVM := microvmid.Valid(target); {
	case s.Args.Has(imageOption) && isMicroVM:
		return "", fault.Parameter(imageOption, "%s does not name an image", value.Quote(target))
	case s.Args.Has(microVMOption) && !isMicroVM:
		return "", fault.Parameter(microVMOption, "%s does not name a MicroVM", value.Quote(target))
	}
	return target, nil
}

// checkTarget refuses options that are not for the kind of the target.
func (r *logReading) checkTarget(s *cli.Session) error {
	unfit, kind := []string{logGroupOption, logStreamOption}, "a MicroVM"
	if microvmid.Valid(r.target) {
		unfit, kind = []string{imageVersionOption}, "an image"
	}
	for _, name := range unfit {
		if s.Args.Has(name) {
			return fault.Parameter(name, "%s is not %s", value.Quote(r.target), kind)
		}
	}
	if _, err := versionArgument(s, imageVersionOption); err != nil {
		return err
	}
	for _, name := range []string{logGroupOption, logStreamOption} {
		if s.Args.Has(name) && strings.Trim(s.Args.Value(name), " .") == "" { // dots would be another path
			return fault.Parameter(name, "%s is not a name", value.Quote(s.Args.Value(name)))
		}
	}
	return nil
}

// sinceTime reads a time, or a duration before now.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fault.Parameter(sinceOption, "%s is neither a time, such as 2026-08-01T12:00:00Z, nor a positive duration, such as 90m or 12h", value.Quote(text))
	}
	return at, nil
}

// source finds out where the output of the target is.
func (r *logReading) source(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client) (logs.Source, error) {
	var source logs.Source
	var ok bool
	if microvmid.Valid(r.target) {
		vm, err := client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &r.target})
		if err != nil {
			return source, s.CallError(ctx, err)
		}
		source, ok = session.LogSource(vm, microVMLogging(s.Args))
	} else {
		version, err := r.version(ctx, s, client)
		if err != nil {
			return source, err
		}
		source, ok = images.LogSource(version)
	}
	if !ok {
		return source, fault.General("%s writes no output: its logging is disabled", r.target)
	}
	return source, nil
}

// ended returns when the MicroVM has ended, or zero. A call that fails is no end: the
// next poll asks again.
func (r *logReading) ended(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client) time.Time {
	vm, err := client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &r.target})
	var end time.Time
	switch {
	case lambdamicrovms.IsNotFound(err): // the service forgets a MicroVM some hours after its end
		end = time.Now()
	case err != nil || vm.State != types.MicroVMStateTerminated:
		return end
	case vm.TerminatedAt == nil:
		end = time.Now()
	default:
		end = *vm.TerminatedAt
	}
	fmt.Fprintf(s.Stderr, "%s has ended. Late lines are printed until a minute after it.\n", r.target)
	return end
}

// microVMLogging is the logging configuration that the options name, or nil.
func microVMLogging(args *argparse.Result) types.Logging {
	var to types.LoggingMemberCloudWatch
	if group := args.Value(logGroupOption); group != "" {
		to.Value.LogGroup = &group
	}
	if stream := args.Value(logStreamOption); stream != "" {
		to.Value.LogStream = &stream
	}
	if to.Value.LogGroup == nil && to.Value.LogStream == nil {
		return nil
	}
	return &to
}

// version returns the version of the image that is asked for, or the newest one.
func (r *logReading) version(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client) (*lambdamicrovms.GetMicroVMImageVersionOutput, error) {
	arn, err := imageOfWord(ctx, s, client, r.target)
	if err != nil {
		return nil, err
	}
	wanted := s.Args.Value(imageVersionOption)
	if wanted == "" {
		for item, err := range lambdamicrovms.NewListMicroVMImageVersionsPaginator(client,
			&lambdamicrovms.ListMicroVMImageVersionsInput{ImageIdentifier: &arn}).Items(ctx) {
			if err != nil {
				return nil, s.CallError(ctx, err)
			}
			if item.ImageVersion != nil && compareVersions(*item.ImageVersion, wanted) > 0 {
				wanted = *item.ImageVersion
			}
		}
	}
	if wanted == "" {
		return nil, fault.General("The image %s has no version", r.target)
	}
	return version(ctx, s, client, arn, wanted)
}

// compareVersions orders versions by their numbers: 9.1 is before 10.0. What is no number
// is before all numbers.
func compareVersions(a, b string) int {
	return slices.Compare(versionNumbers(a), versionNumbers(b))
}

func versionNumbers(version string) []int {
	parts := strings.Split(version, ".")
	numbers := make([]int, len(parts))
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil
		}
		numbers[i] = n
	}
	return numbers
}

func printLine(s *cli.Session, line logs.Line) error {
	if s.Args.Has(jsonOption) {
		encoder := json.NewEncoder(s.Stdout)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(logLine(line))
	}
	_, err := fmt.Fprintf(s.Stdout, "%s  %s\n", line.Time.UTC().Format("2006-01-02T15:04:05.000Z"), line.Text)
	return err
}

// logsError is the error of reading CloudWatch Logs.
func logsError(ctx context.Context, s *cli.Session, err error) error {
	var missing *logs.NotFoundError
	switch {
	case !errors.As(err, &missing):
		return s.WorkflowError(ctx, err, "Could not read CloudWatch Logs: "+err.Error())
	case len(missing.Prefixes) == 0:
		return fault.General("There is no log group %s: nothing was written yet, or the role has no permission to write", missing.Group)
	}
	return fault.General("The log group %s has no such output: nothing was written yet, or the role has no permission to write", missing.Group)
}

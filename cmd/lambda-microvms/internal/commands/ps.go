package commands

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/output"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

const quietOption = "quiet"

func psCommand() *cli.Command {
	return &cli.Command{
		Summary: "Lists the MicroVMs of all images, or of one",
		Words:   []string{"[IMAGE]"},
		Options: []argparse.Option{
			{Name: "all", Short: "a", Arity: argparse.Flag, Doc: "Also list MicroVMs that have ended: the service keeps them for hours."},
			{Name: imageVersionOption, Doc: "List the MicroVMs of this version only, such as 3.0. IMAGE must be given."},
			{Name: quietOption, Short: "q", Arity: argparse.Flag, Doc: "Print only the ids, one in each line."},
		},
		Page: cli.Page{
			Description: "Lists the MicroVMs that have not ended, of all images or of one.\n\n" + imageWord,
			Output: `A table. With --output or --query, a document instead:

microvms -> (list)
  microvmId -> (string)
  imageArn -> (string)
  imageVersion -> (string)
  state -> (string)
  startedAt -> (timestamp)
  ageInSeconds -> (long)`,
			Examples: `The ids of the MicroVMs of an image:

  lambda-microvms ps web --quiet

Those that were started more than a day ago:

  lambda-microvms ps --query 'microvms[?ageInSeconds > ` + "`86400`" + `].microvmId'`,
		},
		Run: runPs,
	}
}

func runPs(ctx context.Context, s *cli.Session) error {
	in := new(lambdamicrovms.ListMicroVMsInput)
	if s.Args.Has(imageVersionOption) {
		if len(s.Words) == 0 {
			return fault.Parameter(imageVersionOption, "IMAGE is not given")
		}
		version, err := versionArgument(s, imageVersionOption)
		if err != nil {
			return err
		}
		in.ImageVersion = &version
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	if len(s.Words) > 0 {
		arn, err := imageOfWord(ctx, s, client, s.Words[0])
		if err != nil {
			return err
		}
		in.ImageIdentifier = &arn
	}
	var list []types.MicroVMItem
	for item, err := range lambdamicrovms.NewListMicroVMsPaginator(client, in).Items(ctx) {
		if err != nil {
			return s.CallError(ctx, err)
		}
		if s.Args.Has("all") || item.State != types.MicroVMStateTerminated {
			list = append(list, item)
		}
	}
	switch {
	case s.Args.Has(quietOption):
		for _, item := range list {
			if _, err := fmt.Fprintln(s.Stdout, output.Line(aws.ToString(item.MicroVMId))); err != nil {
				return cli.OutputError(err)
			}
		}
		return nil
	case s.Globals.Output != "" || s.Globals.Query != nil:
		return s.Print("Ps", psDocument(list, time.Now()))
	}
	return cli.OutputError(writeMicroVMs(s.Stdout, list, time.Now()))
}

func psDocument(list []types.MicroVMItem, now time.Time) *value.Map {
	rows := make([]any, len(list))
	for i, item := range list {
		row := value.NewMap(
			value.Member{Name: "microvmId", Value: aws.ToString(item.MicroVMId)},
			value.Member{Name: "imageArn", Value: aws.ToString(item.ImageArn)},
			value.Member{Name: "imageVersion", Value: aws.ToString(item.ImageVersion)},
			value.Member{Name: "state", Value: string(item.State)})
		if item.StartedAt != nil {
			row.Set("startedAt", cli.Timestamp(*item.StartedAt))
			row.Set("ageInSeconds", int64(max(now.Sub(*item.StartedAt), 0).Seconds()))
		}
		rows[i] = row
	}
	return value.NewMap(value.Member{Name: "microvms", Value: rows})
}

// writeMicroVMs writes a table.
func writeMicroVMs(out io.Writer, list []types.MicroVMItem, now time.Time) error {
	const padding = 3
	w := tabwriter.NewWriter(out, 0, 0, padding, ' ', 0)
	fmt.Fprintln(w, "MICROVM ID\tIMAGE\tVERSION\tSTATE\tAGE")
	for _, item := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", output.Line(aws.ToString(item.MicroVMId)), output.Line(imageName(aws.ToString(item.ImageArn))),
			output.Line(aws.ToString(item.ImageVersion)), output.Line(string(item.State)), age(item.StartedAt, now))
	}
	return w.Flush()
}

// imageName is the name in an ARN.
func imageName(arn string) string {
	parsed, err := images.ParseARN(arn)
	if err != nil {
		return arn
	}
	return parsed.Name
}

// age is how long ago something started, in the two largest units.
func age(started *time.Time, now time.Time) string {
	if started == nil {
		return "-"
	}
	d := max(now.Sub(*started), 0).Truncate(time.Second)
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return d.String()
}

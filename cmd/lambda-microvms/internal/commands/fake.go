package commands

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/storage"
	"github.com/microvm-go/lambdamicrovms/internal/fakeprogram"
)

const regionOption = "region" // a global option

// fakeCommand serves the fake of the service.
func fakeCommand() *cli.Command {
	c := &cli.Command{
		Summary: "Serves a fake of the service, to try this program and to test others",
		Unpaged: true,
		Run:     runFake,
		Page: cli.Page{
			Description: `Serves a fake of AWS Lambda MicroVMs over HTTP until Ctrl-C, for this program, the AWS CLI and programs in any language: set AWS_ENDPOINT_URL to its address. It keeps state, and behaves like the real service as far as that was measured. It needs no AWS account, and sends nothing to AWS.

With --demo it starts with images and MicroVMs, and prints commands to try.

Requests that are signed for S3 are served by a fake of it, so that deploy can upload a directory: every bucket exists, checksums are verified, only the sizes of objects are kept, and any other request gets 501. There is no fake of CloudWatch Logs: the command logs needs AWS_ENDPOINT_URL_CLOUDWATCH_LOGS.

The global option --region is the region of requests that are not signed. The default is us-east-1.`,
			Output: "With --demo, commands to paste into a shell. The address is on standard error.",
			Examples: `Start the demonstration in the background:

  lambda-microvms fake --demo &

Throttle the second of all calls that run a MicroVM:

  lambda-microvms fake --fault 'throttle?on=RunMicrovm&nth=2'`,
		},
	}
	fakeprogram.New("fake").Flags.VisitAll(func(f *flag.Flag) {
		if f.Name != regionOption {
			c.Options = append(c.Options, fakeOption(f))
		}
	})
	return c
}

// fakeOption returns the option of a flag.
func fakeOption(f *flag.Flag) argparse.Option {
	_, usage := flag.UnquoteUsage(f)
	o := argparse.Option{Name: f.Name, Append: fakeprogram.Repeatable(f), Doc: sentence(usage)}
	switch {
	case isFlag(f):
		o.Arity = argparse.Flag
	case f.DefValue != "" && f.DefValue != "0s":
		o.Doc += " The default is " + f.DefValue + "."
	}
	return o
}

func isFlag(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// sentence returns the usage of a flag with a capital letter and a full stop.
func sentence(usage string) string {
	return strings.ToUpper(usage[:1]) + strings.TrimSuffix(usage[1:], ".") + "."
}

func runFake(ctx context.Context, s *cli.Session) error {
	program := fakeprogram.New("fake")
	program.Storage = storage.Handler
	if s.Globals.Region != "" {
		if err := program.Flags.Set(regionOption, s.Globals.Region); err != nil {
			return fault.Parameter(regionOption, "%s", err)
		}
	}
	var invalid error
	program.Flags.VisitAll(func(f *flag.Flag) {
		values := s.Args.Values(f.Name)
		if isFlag(f) && s.Args.Has(f.Name) {
			values = []string{"true"}
		}
		if err := notEmpty(s, f.Name); err != nil && !isFlag(f) && invalid == nil {
			invalid = err
		}
		for _, v := range values {
			if err := program.Flags.Set(f.Name, v); err != nil && invalid == nil {
				invalid = fault.Parameter(f.Name, "%s", err)
			}
		}
	})
	if invalid != nil {
		return invalid
	}
	err := program.Run(ctx, ownName(), s.Stdout, s.Stderr)
	var failed *fakeprogram.FlagError
	if errors.As(err, &failed) {
		return fault.Parameter(failed.Flag, "%s", failed.Err)
	}
	return err
}

// ownName returns how to call this program again in a shell. A program that go run built
// is called by go run again, because its file is removed when this process ends.
func ownName() string {
	self, err := os.Executable()
	if err != nil {
		return cli.Program
	}
	if found, err := exec.LookPath(cli.Program); err == nil && sameFile(found, self) {
		return cli.Program
	}
	if strings.Contains(self, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/" + cli.Program
	}
	if sameFile(cli.Program, self) { // in the working directory
		return "." + string(filepath.Separator) + cli.Program
	}
	return self
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

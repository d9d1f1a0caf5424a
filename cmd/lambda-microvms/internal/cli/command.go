// Package cli is the command line around the commands: global options, configuration,
// clients, output, errors and exit codes. The operations of the service are commands made
// of package api; other commands implement Command and are registered beside them.
package cli

import (
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
)

// Program is the name of the program in messages.
const Program = "lambda-microvms"

// Command is a command that is not an operation of the service.
type Command struct {
	Summary string // one line for the list of commands
	Page    Page   // the manual page has the options' Kind and Doc, too
	Options []argparse.Option
	// Operation, if set, adds options for the members of its input; see Session.Input.
	Operation *api.Operation
	// Words names the arguments that are not options, for messages; the last one may end
	// in "..." and then takes the rest. All but those in brackets are required.
	Words []string
	// Unpaged commands print without a pager, because they print while they work.
	Unpaged bool
	// Diagnoses is true for a command that runs although the profile cannot be found or
	// read; see Session.Setup.
	Diagnoses bool
	Run       func(ctx context.Context, s *Session) error

	// Subcommands are the names of the commands below this one, and Subcommand makes one
	// of them. The command itself then has neither options nor words, and does not run.
	Subcommands []string
	Subcommand  func(name string) *Command
}

// Page is what the manual page of a command says beside its options.
type Page struct {
	Description string
	Output      string
	Examples    string
}

// options returns all options of the command. Those of the operation that a document on
// the command line may replace are not required.
func (c *Command) options(args []string) []argparse.Option {
	if c.Operation == nil {
		return c.Options
	}
	var list []argparse.Option
	for _, o := range grammar(c.Operation, args).Options {
		if o.Name != "generate-cli-skeleton" {
			list = append(list, o)
		}
	}
	return append(list, c.Options...)
}

// Session is what a running command has. Errors that a command returns are printed, and
// decide the exit code, by package fault.
type Session struct {
	Args    *argparse.Result // the command's own options
	Words   []string         // arguments that are not options
	Globals *Globals
	Stdin   io.Reader
	Stdout  io.Writer // through the pager if there is one
	Stderr  io.Writer

	env      *environment
	signals  *signals
	settings *settings
	unusable error // of settings
	debug    *debugLog
	config   *aws.Config
	client   *lambdamicrovms.Client

	responses *responseClient // of client
}

// Print writes a document by --output and --query. title is that of a table.
func (s *Session) Print(title string, document any) error {
	printer, err := s.printer()
	if err != nil {
		return err
	}
	return OutputError(printer.Print(title, document, false))
}

// Debugf writes a line of --debug, if that is on. It must not be given secrets.
func (s *Session) Debugf(format string, args ...any) { s.debug.logf("cli", format, args...) }

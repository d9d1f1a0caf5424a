package commands

import (
	"context"
	"io"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/help"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Summary: "Prints the manual page of this program or of a command, for man",
		Words:   []string{"[COMMAND ...]"},
		Page: cli.Page{
			Description: "Prints a manual page in the language of man(7): that of this program, or of a command or subcommand. The command help prints the same page as plain text.",
			Output:      "The manual page.",
			Examples: `Read it:

  lambda-microvms man curl | man -l -

Install it:

  lambda-microvms man > /usr/local/share/man/man1/lambda-microvms.1`,
		},
		Run: runMan,
	}
}

func runMan(_ context.Context, s *cli.Session) error {
	text, summary, found := cli.PageText(Registry{}, s.Words)
	if !found {
		return fault.Usage("Error parsing argument COMMAND: there is no command %s", value.Quote(strings.Join(s.Words, " ")))
	}
	name := strings.Join(append([]string{cli.Program}, s.Words...), "-")
	_, err := io.WriteString(s.Stdout, help.Man(cli.Program, name, summary, cli.Program+" "+cli.Version, text))
	return cli.OutputError(err)
}

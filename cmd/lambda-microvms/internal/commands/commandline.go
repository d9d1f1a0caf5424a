package commands

import (
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
)

// endCommand is the command line that ends a MicroVM.
func endCommand(s *cli.Session, id string) string {
	return commandLine(s, "terminate-microvm", "--microvm-identifier", id)
}

// commandLine is a command line of this program for the user to run, with the global
// options that decide where it acts.
func commandLine(s *cli.Session, words ...string) string {
	words = append([]string{cli.Program}, words...)
	return cli.Quote(append(words, given(option{"--profile", s.Globals.Profile}, option{"--region", s.Globals.Region},
		option{"--endpoint-url", s.Globals.EndpointURL})...))
}

// option is a global option on a command line for the user to run.
type option struct{ name, value string }

// given returns the words of the options that have a value.
func given(options ...option) (words []string) {
	for _, o := range options {
		if o.value != "" && !strings.Contains(o.value, "@") { // a URL may hold credentials
			words = append(words, o.name, o.value)
		}
	}
	return words
}

package commands

import (
	"net/url"

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
		option{"--endpoint-url", withoutUser(s.Globals.EndpointURL)})...))
}

// option is a global option on a command line for the user to run.
type option struct{ name, value string }

// given returns the words of the options that have a value.
func given(options ...option) (words []string) {
	for _, o := range options {
		if o.value != "" {
			words = append(words, o.name, o.value)
		}
	}
	return words
}

// withoutUser returns a URL without its credentials.
func withoutUser(text string) string {
	at, err := url.Parse(text)
	if err != nil || at.User == nil {
		return text
	}
	at.User = nil
	return at.String()
}

// Package commands has the commands that are not operations of the service. To add one,
// write a function that returns its cli.Command in a file of its name, and add a line to
// all.
package commands

import "github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"

// entry makes a command when it is needed.
type entry struct {
	name string
	make func() *cli.Command
}

// all are the commands in the order of the help.
var all = [...]entry{
	{"deploy", deployCommand},
	{"diff", diffCommand},
	{"update", updateCommand},
	{"rollback", rollbackCommand},
	{"prune", pruneCommand},
	{"wait", waitCommand},
	{"policy", policyCommand},
	{"ps", psCommand},
	{"run", runCommand},
	{"curl", curlCommand},
	{"shell", shellCommand},
	{"sweep", sweepCommand},
	{"logs", logsCommand},
	{"doctor", doctorCommand},
	{"fake", fakeCommand},
	{"completion", completionCommand},
	{"man", manCommand},
}

// Registry implements cli.Registry.
type Registry struct{}

// Names returns the names of all commands.
func (Registry) Names() []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	return names
}

// Find returns the command of a name, or nil.
func (Registry) Find(name string) *cli.Command {
	for i := range all {
		if all[i].name == name {
			return all[i].make()
		}
	}
	return nil
}

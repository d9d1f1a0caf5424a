// Command lambda-microvms is the command line of AWS Lambda MicroVMs. All operations of
// the service are commands with the options, formats and exit codes of the AWS CLI.
package main

import (
	"os"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/commands"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, commands.Registry{}))
}

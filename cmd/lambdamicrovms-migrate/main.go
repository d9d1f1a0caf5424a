// Command lambdamicrovms-migrate rewrites a program that uses the official client,
// service/lambdamicrovms of aws-sdk-go-v2, for this module: import paths, and Microvm to
// MicroVM in the names that come from the official packages.
//
//	go run github.com/microvm-go/lambdamicrovms/cmd/lambdamicrovms-migrate@latest ./...
//
// The program must compile as it is. The command type-checks it, so it knows what each
// name stands for: names of the program itself, strings and comments stay as they are,
// whatever they are called. Methods of the program that implement an operation of the
// official client, such as those of a stub or of an interface, are renamed with the
// operation.
//
// The command lists what is left to do by hand. For example, it does not change strings,
// but lists those that are the name of an operation, because mocks of testify find
// methods by such strings.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("lambdamicrovms-migrate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprint(stderr, "usage: lambdamicrovms-migrate [-n] [packages]\n\nPackages are patterns of the go command; the default is ./...\n\n")
		flags.PrintDefaults()
	}
	dryRun := flags.Bool("n", false, "write nothing; list the files that would change")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	patterns := flags.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	if err := rewrite(patterns, *dryRun, stdout, stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, "lambdamicrovms-migrate:", err)
		return 1
	}
	return 0
}

// rewrite rewrites the files of packages, and lists them.
func rewrite(patterns []string, dryRun bool, stdout, stderr io.Writer) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	result, err := migrate(dir, patterns)
	if err != nil {
		return err
	}
	for _, file := range result.files {
		if !dryRun {
			if err := file.write(); err != nil {
				return err
			}
		}
		name := file.name
		if rel, err := filepath.Rel(dir, name); err == nil {
			name = rel
		}
		_, _ = fmt.Fprintf(stdout, "%s: %d names\n", name, file.names)
	}
	for _, note := range result.notes {
		_, _ = fmt.Fprintln(stderr, note)
	}
	switch {
	case len(result.files) == 0:
		_, _ = fmt.Fprintln(stdout, "nothing to do: no file imports "+officialPath)
	case !dryRun:
		_, _ = fmt.Fprintf(stdout, "\nnext: go get %s && go mod tidy && go vet ./...\n", modulePath)
	}
	return nil
}

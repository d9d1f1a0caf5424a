package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/help"
)

// sharedOptions are the options of all operations besides the global ones.
func sharedOptions(op *api.Operation) []help.Option {
	var list []help.Option
	if op.Paginator != nil {
		list = append(list,
			help.Option{Name: "starting-token", Kind: "string", Doc: "A token to specify where to start paginating. This is the NextToken from a previously truncated response."},
			help.Option{Name: "page-size", Kind: "integer", Doc: "The number of items to get with each call. It does not change the number of items in the output."},
			help.Option{Name: "max-items", Kind: "integer", Doc: "The total number of items in the output. If there are more, the output has a NextToken to give to --starting-token."})
	}
	return append(list,
		help.Option{Name: "cli-input-json | --cli-input-yaml", Kind: "string", Doc: "Reads the input from a JSON or YAML document, in the form that --generate-cli-skeleton prints. " +
			"Options on the command line override members of the document."},
		help.Option{Name: "generate-cli-skeleton", Kind: "string", Choices: []string{skeletonInput, skeletonYAMLInput, skeletonOutput},
			Doc: "Prints a sample without sending a request. With no value or the value input, a JSON document for --cli-input-json; " +
				"with yaml-input, a YAML document for --cli-input-yaml; with output, the input is validated and a sample of the output is printed."})
}

// globalHelp are the global options of a page.
func globalHelp() []help.Option {
	var list []help.Option
	for _, o := range globalOptions() {
		list = append(list, help.Option{Name: o.Name, Kind: o.kind, Doc: o.doc, Flag: o.Arity == argparse.Flag, Choices: o.Choices})
	}
	return list
}

// commandPage is the page of a command that is not an operation.
func commandPage(name string, c *Command) string {
	page := help.Command{
		Name: name, Description: c.Page.Description, Words: c.Words,
		Global: globalHelp(), Output: c.Page.Output, Examples: c.Page.Examples,
	}
	for _, sub := range c.Subcommands {
		page.Subcommands = append(page.Subcommands, help.Option{Name: sub, Doc: c.Subcommand(sub).Summary})
	}
	for _, o := range c.options(nil) {
		page.Options = append(page.Options, help.Option{
			Name: o.Name, Short: o.Short, Kind: o.Kind, Doc: o.Doc, Choices: o.Choices, Required: o.Required,
			Flag: o.Arity == argparse.Flag, Many: o.Arity == argparse.Many || o.Append,
		})
	}
	return page.Page(Program)
}

// PageText returns the manual page of the command, and subcommand, that the words name,
// or that of the program if there are none. summary is its line in a list of commands.
func PageText(registry Registry, words []string) (text, summary string, found bool) {
	if len(words) == 0 {
		return overview(registry), "the command line of AWS Lambda MicroVMs", true
	}
	if op := api.Find(words[0]); op != nil {
		return help.Operation(Program, op, sharedOptions(op), globalHelp()), firstSentence(op.Doc), len(words) == 1
	}
	c := registry.Find(words[0])
	if c == nil {
		return "", "", false
	}
	name, rest := words[0], words[1:]
	for len(rest) > 0 && slices.Contains(c.Subcommands, rest[0]) {
		name += " " + rest[0]
		c, rest = c.Subcommand(rest[0]), rest[1:]
	}
	return commandPage(name, c), c.Summary, len(rest) == 0
}

// firstSentence returns the first sentence of a text without its full stop.
func firstSentence(doc string) string {
	first, _, _ := strings.Cut(doc, ". ")
	return strings.TrimSuffix(first, ".")
}

// helpWord asks for the page of the program or, before or behind a command, for its page.
const helpWord = "help"

// helpOfProgram reports whether a command line asks for the page of the program. helpful
// is true if it has a flag for help.
func helpOfProgram(r *argparse.Result, helpful bool) bool {
	switch {
	case r == nil:
		return false
	case r.Word == helpWord:
		return len(r.Rest) == 0 || r.Rest[0] == helpWord
	}
	return helpful && r.Word == ""
}

// checkHelp checks that words behind "help" name a command, and no more than its
// subcommand.
func (p *program) checkHelp(words []string) error {
	result, err := (&argparse.Grammar{Word: "operation", Words: commandNames(p.registry)}).Parse(words)
	if err != nil {
		return usageError(err)
	}
	rest := result.Rest
	if c := p.registry.Find(result.Word); c != nil && c.Subcommand != nil && len(rest) > 0 {
		_, rest, err = subcommand(c, rest)
	}
	if err == nil && len(rest) > 0 {
		err = unknownOptions(rest)
	}
	return err
}

// help prints the page of a command, or that of the program. The first words of rest may
// name a subcommand.
func (p *program) help(name string, rest []string) error {
	var words []string
	if name != "" {
		words = append([]string{name}, rest...)
	}
	text, _, _ := PageText(p.registry, words)
	s := p.session
	out := p.env.stdout
	if s.Globals != nil {
		paged, wait := s.pagedStdout()
		defer wait()
		out = paged
	}
	_, err := io.WriteString(out, text)
	return OutputError(err)
}

// overview is the page of the program.
func overview(registry Registry) string {
	var b strings.Builder
	b.WriteString(usage + "\n\nCommands:\n\n")
	for _, name := range registry.Names() {
		fmt.Fprintf(&b, "  %-36s %s\n", name, registry.Find(name).Summary)
	}
	if len(registry.Names()) > 0 {
		b.WriteString("\nOperations of the service:\n\n")
	}
	for i := range api.Operations {
		op := &api.Operations[i]
		fmt.Fprintf(&b, "  %-36s %s\n", op.Command, firstSentence(op.Doc))
	}
	b.WriteString("\nGlobal options:\n\n")
	for _, o := range globalOptions() {
		fmt.Fprintf(&b, "  --%-34s %s\n", o.Name, o.doc)
	}
	return b.String()
}

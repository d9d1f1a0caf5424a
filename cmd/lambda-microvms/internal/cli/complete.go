package cli

import (
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
)

// Complete returns the completions of the word being typed, after the words before it:
// commands, options (required ones first), or the values of an option.
func Complete(registry Registry, words []string, begun string) []string {
	c := completer{registry: registry, words: words}
	c.command()
	var candidates []string
	if o := c.pending(); o != nil && !strings.HasPrefix(begun, "--") {
		candidates = o.Choices
	} else {
		candidates = c.next(begun)
	}
	var list []string
	for _, text := range candidates {
		if strings.HasPrefix(text, begun) {
			list = append(list, text)
		}
	}
	return list
}

type completer struct {
	registry Registry
	words    []string
	name     string            // the command
	below    *Command          // a command whose subcommand is not chosen yet
	options  []argparse.Option // of the command, then global ones
}

// command finds the command among the words, and its options.
func (c *completer) command() {
	for i := range globalOptions() {
		c.options = append(c.options, globalOptions()[i].Option)
	}
	for i, word := range c.words {
		if strings.HasPrefix(word, "-") || i > 0 && c.takesValue(c.words[i-1]) {
			continue
		}
		switch {
		case c.name == "":
			c.name = word
			if op := api.Find(word); op != nil {
				c.options = append(operationOptions(op), c.options...)
			} else {
				c.chosen(c.registry.Find(word))
			}
		case c.below != nil && slices.Contains(c.below.Subcommands, word):
			c.chosen(c.below.Subcommand(word))
		}
	}
}

// chosen notes the command or subcommand that a word names, nil if there is none.
func (c *completer) chosen(command *Command) {
	c.below = nil
	switch {
	case command == nil:
	case command.Subcommand != nil:
		c.below = command
	default:
		c.options = append(append([]argparse.Option{}, command.options(nil)...), c.options...)
	}
}

func (c *completer) takesValue(word string) bool {
	o := c.option(word)
	return o != nil && o.Arity != argparse.Flag
}

func (c *completer) option(word string) *argparse.Option {
	for i := range c.options {
		if slices.Contains(names(&c.options[i]), word) {
			return &c.options[i]
		}
	}
	return nil
}

// names returns the whole names of an option, the alias last.
func names(o *argparse.Option) []string {
	if o.Alias == "" {
		return []string{"--" + o.Name}
	}
	return []string{"--" + o.Name, "--" + o.Alias}
}

// pending returns the option whose value is next, or nil.
func (c *completer) pending() *argparse.Option {
	for i := len(c.words) - 1; i >= 0; i-- {
		if !strings.HasPrefix(c.words[i], "--") {
			continue
		}
		o := c.option(c.words[i])
		if o != nil && o.Arity != argparse.Flag && (i == len(c.words)-1 || o.Arity == argparse.Many) {
			return o
		}
		return nil
	}
	return nil
}

// next returns commands, or options that have not been given.
func (c *completer) next(begun string) []string {
	if c.name == "" && !strings.HasPrefix(begun, "-") {
		return commandNames(c.registry)
	}
	if c.below != nil && !strings.HasPrefix(begun, "-") {
		return c.below.Subcommands
	}
	var required, optional []string
	for i := range c.options {
		o := &c.options[i]
		offered := names(o)
		if slices.ContainsFunc(c.words, func(word string) bool {
			name, _, _ := strings.Cut(word, "=")
			return slices.Contains(offered, name)
		}) {
			continue
		}
		if len(begun) <= len("--") {
			offered = offered[:1] // the alias only if it has been begun
		}
		if o.Required {
			required = append(required, offered...)
		} else {
			optional = append(optional, offered...)
		}
	}
	return append(required, optional...)
}

// operationOptions are the options of an operation with the values of its enums.
func operationOptions(op *api.Operation) []argparse.Option {
	options := grammar(op, nil).Options
	for i := range options {
		for j := range op.Input.Members {
			m := &op.Input.Members[j]
			if m.Option != options[i].Name {
				continue
			}
			options[i].Choices = m.Shape.Values
			if m.Shape.Elem != nil && m.Shape.Kind == api.List {
				options[i].Choices = m.Shape.Elem.Values
			}
		}
	}
	return options
}

// Package argparse reads command lines by the rules of Python's argparse, on which the
// AWS CLI is built: options and words may be mixed, a unique prefix of an option stands
// for it, an option takes the words after it that do not look like options, and the last
// of repeated options wins unless it says otherwise. Messages are those of the AWS CLI.
package argparse

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// Arity is how many values an option takes.
type Arity uint8

// The arities of options.
const (
	One      Arity = iota // exactly one
	Flag                  // none
	Optional              // one or none; none is Option.Const
	Many                  // any number
)

// Option is an option of a Grammar.
type Option struct {
	Name     string // without dashes
	Alias    string // another whole name, without dashes; empty: none
	Short    string // a letter that stands for it behind one dash, as in -X; empty: none
	Arity    Arity
	Const    string // value of an Optional option without one
	Choices  []string
	Required bool
	Int      bool // the value is an integer
	Append   bool // repeated options add up; else the last wins
	// Kind and Doc are for the manual page.
	Kind, Doc string
}

// Grammar is what a command line may hold.
type Grammar struct {
	Options []Option
	// Word names the first word that is no option, for messages; empty: there is none. It
	// must be one of Words.
	Word  string
	Words []string
}

// Result is a parsed command line.
type Result struct {
	Word   string
	values map[string][]string
	Rest   []string // what the grammar does not know, in order
}

// Has reports whether the option is on the command line.
func (r *Result) Has(name string) bool { _, ok := r.values[name]; return ok }

// Value returns the option's value, empty for a Flag.
func (r *Result) Value(name string) string {
	if v := r.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values returns the values of a Many option, or of one that adds up.
func (r *Result) Values(name string) []string { return r.values[name] }

// word is an argument as the grammar sees it.
type word struct {
	text     string
	isOption bool
	option   *Option // nil: an unknown option
	explicit *string // of --option=value
}

type parser struct {
	*Grammar
	words  []word
	result *Result
}

// Parse reads a command line. What it does not know is in Result.Rest.
func (g *Grammar) Parse(args []string) (*Result, error) {
	p := &parser{Grammar: g, result: &Result{values: make(map[string][]string)}}
	if err := p.classify(args); err != nil {
		return nil, err
	}
	for at := 0; at < len(p.words); {
		var err error
		if at, err = p.step(at); err != nil {
			return nil, err
		}
	}
	return p.result, p.missing()
}

// classify tells options from words.
func (p *parser) classify(args []string) error {
	onlyWords := false
	for _, arg := range args {
		w := word{text: arg}
		switch {
		case onlyWords:
		case arg == "--":
			onlyWords = true
		default:
			if list := p.classifyShort(arg); list != nil {
				p.words = append(p.words, list...)
				continue
			}
			var err error
			if w, err = p.classifyOne(arg); err != nil {
				return err
			}
		}
		p.words = append(p.words, w)
	}
	return nil
}

// classifyShort reads letters behind one dash: flags, and at the end an option that may
// have its value attached. It returns nil if a letter is none of the grammar's.
func (p *parser) classifyShort(arg string) []word {
	letters, short := strings.CutPrefix(arg, "-")
	if !short || letters == "" || letters[0] == '-' {
		return nil
	}
	var list []word
	for letters != "" {
		at := slices.IndexFunc(p.Options, func(o Option) bool { return o.Short != "" && o.Short == letters[:1] })
		if at < 0 {
			return nil
		}
		w := word{text: arg, isOption: true, option: &p.Options[at]}
		letters = letters[1:]
		if w.option.Arity != Flag && letters != "" {
			attached := letters
			w.explicit, letters = &attached, ""
		}
		list = append(list, w)
	}
	return list
}

func (p *parser) classifyOne(arg string) (word, error) {
	w := word{text: arg}
	if len(arg) < 2 || arg[0] != '-' {
		return w, nil
	}
	name, explicit, hasExplicit := strings.Cut(arg, "=")
	if hasExplicit {
		w.explicit = &explicit
	}
	if strings.HasPrefix(name, "--") {
		matches := p.matches(name[2:])
		if len(matches) > 1 {
			var names []string
			for _, o := range matches {
				names = append(names, "--"+o.Name)
			}
			return w, fmt.Errorf("ambiguous option: %s could match %s", arg, strings.Join(names, ", "))
		}
		if len(matches) == 1 {
			w.isOption, w.option = true, matches[0]
			return w, nil
		}
	}
	w.explicit = nil
	w.isOption = !isNegativeNumber(arg) && !strings.Contains(arg, " ")
	return w, nil
}

// matches returns the options that a name or prefix stands for.
func (p *parser) matches(name string) []*Option {
	var matches []*Option
	for i := range p.Options {
		o := &p.Options[i]
		if o.Name == name || o.Alias != "" && o.Alias == name {
			return []*Option{o}
		}
		if strings.HasPrefix(o.Name, name) {
			matches = append(matches, o)
		}
	}
	return matches
}

// isNegativeNumber reports whether a word is a number: -5, -.5 or -5.5.
func isNegativeNumber(arg string) bool {
	whole, fraction, _ := strings.Cut(arg[1:], ".")
	digits := strings.TrimLeft(whole+fraction, "0123456789") == ""
	return digits && (fraction != "" || whole != "" && !strings.Contains(arg, "."))
}

// step consumes the words from at on that belong together and returns where the rest
// begins.
func (p *parser) step(at int) (int, error) {
	w := p.words[at]
	switch {
	case w.option != nil:
		return p.consume(at)
	case !w.isOption && w.text != "--" && p.Word != "" && p.result.Word == "":
		if err := checkChoice(p.Word, p.Words, w.text); err != nil {
			return 0, err
		}
		p.result.Word = w.text
	default:
		p.result.Rest = append(p.result.Rest, w.text)
	}
	return at + 1, nil
}

func (p *parser) consume(at int) (int, error) {
	o, explicit := p.words[at].option, p.words[at].explicit
	end := at + 1
	var values []string
	if explicit != nil {
		if o.Arity == Flag {
			return 0, fmt.Errorf("argument --%s: ignored explicit argument %s", o.Name, value.Quote(*explicit))
		}
		values = []string{*explicit}
	} else {
		for end < len(p.words) && !p.words[end].isOption && p.words[end].text != "--" && (o.Arity == Many || o.Arity != Flag && len(values) == 0) {
			values = append(values, p.words[end].text)
			end++
		}
	}
	if len(values) == 0 {
		switch o.Arity {
		case One:
			return 0, fmt.Errorf("argument --%s: expected one argument", o.Name)
		case Optional:
			values = []string{o.Const}
		}
	}
	for _, v := range values {
		if o.Int {
			if _, ok := value.ParseInt(v); !ok {
				return 0, fmt.Errorf("argument --%s: invalid int value: %s", o.Name, value.Quote(v))
			}
		}
		if err := checkChoice("--"+o.Name, o.Choices, v); err != nil {
			return 0, err
		}
	}
	if o.Append {
		values = append(p.result.values[o.Name], values...)
	}
	p.result.values[o.Name] = values
	return end, nil
}

func (p *parser) missing() error {
	var names []string
	for i := range p.Options {
		if o := &p.Options[i]; o.Required && !p.result.Has(o.Name) {
			names = append(names, "--"+o.Name)
		}
	}
	if p.Word != "" && p.result.Word == "" {
		names = append(names, p.Word)
	}
	if len(names) > 0 {
		return fmt.Errorf("the following arguments are required: %s", strings.Join(names, ", "))
	}
	return nil
}

func checkChoice(what string, choices []string, given string) error {
	if choices == nil || slices.Contains(choices, given) {
		return nil
	}
	message := fmt.Sprintf("argument %s: Found invalid choice %s", what, value.Quote(given))
	if close := CloseMatches(given, choices); len(close) > 0 {
		message += "\n\nMaybe you meant:\n\n  * " + strings.Join(close, "\n  * ")
	}
	return errors.New(message)
}

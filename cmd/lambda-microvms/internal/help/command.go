package help

import "strings"

// Command is the page of a command that is not an operation.
type Command struct {
	Name        string // with those of the commands above it
	Description string
	Words       []string // the arguments that are not options, in brackets if optional
	Subcommands []Option
	Options     []Option
	Global      []Option
	Output      string
	Examples    string
}

// Page returns the page in the layout of those of the operations.
func (c *Command) Page(program string) string {
	p := new(page)
	p.line("[ %s ]", program)
	p.heading("Name")
	p.line("%s", c.Name)
	p.heading("Description")
	p.line("%s", strings.TrimSpace(c.Description))
	p.heading("Synopsis")
	c.synopsis(p)
	if len(c.Subcommands) > 0 {
		p.heading("Subcommands")
		for _, sub := range c.Subcommands {
			p.line("  %-36s %s", sub.Name, sub.Doc)
		}
	}
	if len(c.Options) > 0 {
		p.heading("Options")
		for _, o := range c.Options {
			p.line("\n--%s (%s)%s\n", names(o), kind(o), required(o.Required))
			p.line("%s", o.Doc)
			p.values(o.Choices)
		}
	}
	p.heading("Global Options")
	p.shared(c.Global)
	for _, section := range []struct{ title, text string }{{"Output", c.Output}, {"Examples", c.Examples}} {
		if section.text != "" {
			p.heading(section.title)
			p.line("%s", strings.TrimSpace(section.text))
		}
	}
	return p.String()
}

func names(o Option) string {
	if o.Short == "" {
		return o.Name
	}
	return o.Name + ", -" + o.Short
}

func kind(o Option) string {
	switch {
	case o.Kind != "":
		return o.Kind
	case o.Flag:
		return "boolean"
	}
	return "string"
}

func (c *Command) synopsis(p *page) {
	p.line("%s", c.Name)
	if len(c.Subcommands) > 0 {
		p.line("<subcommand>")
	}
	for _, word := range c.Words {
		if strings.HasPrefix(word, "[") {
			p.line("%s", word)
		} else {
			p.line("<%s>", word)
		}
	}
	for _, o := range append(append([]Option{}, c.Options...), c.Global...) {
		text := "--" + o.Name
		switch {
		case o.Many:
			text += " <value> ..."
		case !o.Flag:
			text += " <value>"
		}
		if !o.Required {
			text = "[" + text + "]"
		}
		p.line("%s", text)
	}
}

package plan

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
)

// Commands is the API for the command line: with wire names, and members in the order of
// the model.
type Commands struct {
	*Plan
	Commands []*Command      // by name
	Waiters  []*WaitCommand  // by name
	Shapes   []*CommandShape // each after the shapes that it refers to
	Failures []*CommandShape // the errors of the service, by name
}

// Command is the command of an operation.
type Command struct {
	*Operation
	Name          string // kebab form of the operation's name
	Doc           string
	Input, Output *CommandShape
}

// WaitCommand is a waiter as a command.
type WaitCommand struct {
	*Waiter
	Name      string // kebab form of the waiter's name
	Doc       string
	Operation *Operation // that the waiter polls
}

// CommandShape is a type for the help and the checks of the command line.
type CommandShape struct {
	Var     string // name of the variable that holds it
	Wire    string
	Kind    string // constant of package api
	Traits  model.Traits
	Values  []string // enum
	Members []*CommandMember
	Key     *CommandShape // map
	Elem    *CommandShape // list, map
}

// CommandMember is a member of a CommandShape.
type CommandMember struct {
	Wire, Option    string
	Doc             string
	Required, Token bool
	Shape           *CommandShape
}

type commandPlanner struct {
	commands *Commands
	shapes   map[string]*CommandShape
	open     map[model.ID]bool
	errs     []error
}

// BuildCommands decides the commands for a model; pl is the plan of its Go code.
func BuildCommands(m *model.Model, pl *Plan) (*Commands, error) {
	p := &commandPlanner{
		commands: &Commands{Plan: pl},
		shapes:   make(map[string]*CommandShape),
		open:     make(map[model.ID]bool),
	}
	operations := make(map[string]*Operation)
	for _, op := range pl.Operations {
		operations[op.Wire] = op
	}
	failures := make(map[*model.Shape]bool)
	for _, shape := range m.Service.Operations {
		p.command(shape, operations[shape.ID.Name()])
		for _, failure := range append(shape.Errors, m.Service.Errors...) {
			if !failures[failure] {
				failures[failure] = true
				p.commands.Failures = append(p.commands.Failures, p.shape(failure, failure.Traits))
			}
		}
	}
	sortBy(p.commands.Commands, func(c *Command) string { return c.Name })
	sortBy(p.commands.Waiters, func(w *WaitCommand) string { return w.Name })
	sortBy(p.commands.Failures, func(s *CommandShape) string { return s.Wire })
	return p.commands, errors.Join(p.errs...)
}

func (p *commandPlanner) errorf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

// goReference is a reference to a Go function in the documentation of an operation.
var goReference = regexp.MustCompile(` \(see (\w+)\)`)

// prose returns documentation for readers who write no Go: a reference to a waiter names
// its command, and other references are left out.
func (p *commandPlanner) prose(doc string) string {
	return goReference.ReplaceAllStringFunc(doc, func(reference string) string {
		name := goReference.FindStringSubmatch(reference)[1]
		for _, op := range p.commands.Operations {
			for _, w := range op.Waiters {
				if name == "New"+w.Go+"Waiter" {
					return " (see wait " + Kebab(w.Wire) + ")"
				}
			}
		}
		return ""
	})
}

func (p *commandPlanner) command(shape *model.Shape, op *Operation) {
	if op.Paginator != nil && op.Paginator.Size == nil {
		p.errorf("%s: the command line needs a page size of a list", op.Wire)
	}
	command := &Command{
		Operation: op, Name: Kebab(op.Wire), Doc: p.prose(shape.Traits.Documentation),
		Input: p.shape(shape.Input, model.Traits{}), Output: p.shape(shape.Output, model.Traits{}),
	}
	options := make(map[string]string)
	for _, m := range command.Input.Members {
		if other, taken := options[m.Option]; taken {
			p.errorf("%s: %s and %s are both --%s", command.Name, other, m.Wire, m.Option)
		}
		options[m.Option] = m.Wire
	}
	p.commands.Commands = append(p.commands.Commands, command)
	for i, w := range op.Waiters {
		p.commands.Waiters = append(p.commands.Waiters, &WaitCommand{
			Waiter: w, Name: Kebab(w.Wire), Doc: shape.Traits.Waiters[i].Documentation, Operation: op,
		})
	}
}

// shape plans a shape with the constraints of the member that refers to it. They override
// those of the shape, so such a member has a separate CommandShape.
func (p *commandPlanner) shape(shape *model.Shape, own model.Traits) *CommandShape {
	traits := merged(shape.Traits, own)
	name := variable(shape, traits)
	if known, ok := p.shapes[name]; ok {
		return known
	}
	if p.open[shape.ID] {
		p.errorf("%s refers to itself, which commands do not support", shape.ID)
		return &CommandShape{Var: name}
	}
	p.open[shape.ID] = true
	defer delete(p.open, shape.ID)

	s := &CommandShape{Var: name, Wire: shape.ID.Name(), Traits: traits}
	p.shapes[name] = s
	switch shape.Kind {
	case model.Unit:
		s.Kind = "Structure"
	case model.Enum:
		s.Kind = "String"
		for _, m := range shape.Members {
			if m.Traits.EnumValue != "" {
				s.Values = append(s.Values, m.Traits.EnumValue)
			} else {
				s.Values = append(s.Values, m.Name)
			}
		}
	default:
		s.Kind = UpperFirst(string(shape.Kind))
	}
	if shape.Kind != model.Enum {
		for _, m := range shape.Members {
			s.Members = append(s.Members, &CommandMember{
				Wire: m.Name, Option: Kebab(m.Name), Doc: m.Traits.Documentation,
				Required: m.Traits.Required, Token: m.Traits.IdempotencyToken,
				Shape: p.shape(m.Target, m.Traits),
			})
		}
	}
	if shape.Key != nil {
		s.Key = p.shape(shape.Key.Target, shape.Key.Traits)
	}
	for _, elem := range []*model.Member{shape.Element, shape.Value} {
		if elem != nil {
			s.Elem = p.shape(elem.Target, elem.Traits)
		}
	}
	p.commands.Shapes = append(p.commands.Shapes, s)
	return s
}

func merged(traits, own model.Traits) model.Traits {
	if own.Length != nil {
		traits.Length = own.Length
	}
	if own.Range != nil {
		traits.Range = own.Range
	}
	if own.Pattern != "" {
		traits.Pattern = own.Pattern
	}
	return traits
}

// variable returns the variable of a shape. Its name contains the constraints if they
// differ from those of the model's shape.
func variable(shape *model.Shape, traits model.Traits) string {
	name := "shape" + UpperFirst(shape.ID.Name())
	if traits.Length != shape.Traits.Length {
		name += bounds(traits.Length)
	}
	if traits.Range != shape.Traits.Range {
		name += bounds(traits.Range)
	}
	if traits.Pattern != shape.Traits.Pattern {
		name += "Pattern" + fmt.Sprintf("%x", traits.Pattern)
	}
	return name
}

var (
	pluralAcronym = regexp.MustCompile(`[A-Z]{2,}s$`)
	wordStart     = regexp.MustCompile(`(.)([A-Z][a-z]+)`)
	wordEnd       = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// Kebab turns a wire name into an option or command by the rules of the AWS CLI:
// maximumDurationInSeconds becomes maximum-duration-in-seconds.
func Kebab(wire string) string {
	if acronym := pluralAcronym.FindString(wire); acronym != "" {
		wire = wire[:len(wire)-len(acronym)] + "-" + strings.ToLower(acronym)
	}
	wire = wordStart.ReplaceAllString(wire, "$1-$2")
	return strings.ToLower(wordEnd.ReplaceAllString(wire, "$1-$2"))
}

package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	_ "github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/stack" // grows the stack
	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// Version is the version of the program; releases set it when they link.
var Version = "0.0.0-dev"

// Registry has the commands that are not operations. Names must not build the commands,
// because each start of the program needs the names.
type Registry interface {
	Names() []string
	Find(name string) *Command // nil if there is none
}

const usage = "usage: " + Program + ` [options] <command> [parameters]
To see help text, you can run:

  ` + Program + ` help
  ` + Program + ` <command> help`

// Main runs the program with its arguments and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, registry Registry) int {
	env := &environment{lookup: os.LookupEnv, stdout: stdout, stderr: stderr}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := newSignals()
	signal.Notify(signals.received, os.Interrupt)
	go signals.watch(func() { cancel(errInterrupted) })
	ignoreBrokenPipes()
	unsetEmptyEndpoints()

	start := func() *program {
		return &program{env: env, registry: registry, session: &Session{Stdin: stdin, Stdout: stdout, Stderr: stderr, env: env, signals: signals}}
	}
	p := start()
	mode, err := promptMode(env, args)
	if err == nil && mode != promptOn {
		err = p.run(ctx, args)
	}
	if mode == promptOn || mode == promptPartial && interactive(stdin, stdout) && err != nil && fault.Of(err).Exit == fault.ExitUsage {
		p = start()
		if args, err = prompt(env, stdin, registry, args); err == nil {
			err = p.run(ctx, args)
		}
	}
	return p.exit(err)
}

// program is one run.
type program struct {
	env      *environment
	registry Registry
	session  *Session
}

func (p *program) run(ctx context.Context, args []string) error {
	g := &argparse.Grammar{Word: "operation", Words: commandNames(p.registry)}
	for _, o := range globalOptions() {
		g.Options = append(g.Options, o.Option)
	}
	helpful := asksForHelp(args)
	result, err := g.Parse(slices.DeleteFunc(slices.Clone(args), isHelpFlag))
	if result != nil && result.Has("version") {
		_, err := io.WriteString(p.env.stdout, versionText()+"\n")
		return OutputError(err)
	}
	if helpOfProgram(result, helpful) {
		return p.help("", nil)
	}
	if err != nil {
		return usageError(err)
	}
	if result.Word == helpWord { // before a command, as behind it
		if err := p.checkHelp(result.Rest); err != nil {
			return err
		}
		helpful, result.Word, result.Rest = true, result.Rest[0], result.Rest[1:]
	}
	s := p.session
	if s.settings, s.unusable = newSettings(p.env, result.Value("profile")); s.unusable != nil {
		if c := p.registry.Find(result.Word); c == nil || !c.Diagnoses {
			return s.unusable
		}
	}
	if s.Globals, err = readGlobals(result); err != nil {
		return err
	}
	if s.Globals.Debug {
		s.debug = &debugLog{out: p.env.stderr, now: time.Now}
		s.Debugf("%s, command %s with the options %s", versionText(), result.Word, optionNames(args))
	}
	if helpful || len(result.Rest) == 1 && result.Rest[0] == helpWord {
		return p.help(result.Word, result.Rest)
	}
	return p.dispatch(ctx, result)
}

func (p *program) dispatch(ctx context.Context, global *argparse.Result) error {
	s := p.session
	if op := api.Find(global.Word); op != nil {
		defer s.usePager()()
		var err error
		if s.Args, err = grammar(op, global.Rest).Parse(global.Rest); err != nil {
			return usageError(err)
		}
		switch {
		case len(s.Args.Rest) == 1 && s.Args.Rest[0] == helpWord: // behind options
			return p.help(global.Word, s.Args.Rest)
		case len(s.Args.Rest) > 0:
			return unknownOptions(s.Args.Rest)
		}
		return s.runOperation(ctx, op)
	}
	command, rest, err := subcommand(p.registry.Find(global.Word), global.Rest)
	if err != nil {
		return err
	}
	if len(rest) == 1 && rest[0] == helpWord { // behind a subcommand
		return p.help(global.Word, global.Rest)
	}
	if s.Args, err = (&argparse.Grammar{Options: command.options(rest)}).Parse(rest); err != nil {
		return usageError(err)
	}
	if s.Words, err = words(command, s.Args.Rest); err != nil {
		return suggest(err, command.options(rest), s.Args.Rest)
	}
	if !command.Unpaged {
		defer s.usePager()()
	}
	return command.Run(ctx, s)
}

// subcommand returns the command that the first words name, and the words behind them.
func subcommand(c *Command, rest []string) (*Command, []string, error) {
	for c.Subcommand != nil {
		result, err := (&argparse.Grammar{Word: "subcommand", Words: c.Subcommands}).Parse(rest)
		if err != nil {
			return nil, nil, usageError(err)
		}
		c, rest = c.Subcommand(result.Word), result.Rest
	}
	return c, rest, nil
}

// words checks the arguments of a command that are not options.
func words(c *Command, rest []string) ([]string, error) {
	var list, unknown []string
	onlyWords := false
	for _, text := range rest {
		switch {
		case !onlyWords && text == "--":
			onlyWords = true
		case !onlyWords && len(text) > 1 && text[0] == '-':
			unknown = append(unknown, text)
		default:
			list = append(list, text)
		}
	}
	required := 0
	for _, name := range c.Words {
		if !strings.HasPrefix(name, "[") {
			required++
		}
	}
	repeats := len(c.Words) > 0 && strings.Contains(c.Words[len(c.Words)-1], "...")
	if len(list) > len(c.Words) && !repeats {
		unknown = append(unknown, list[len(c.Words):]...)
	}
	if len(unknown) > 0 {
		return nil, unknownOptions(unknown)
	}
	if len(list) < required {
		return nil, usageError(errors.New("the following arguments are required: " + strings.Join(c.Words[len(list):required], ", ")))
	}
	return list, nil
}

// commandNames are the names of all commands.
func commandNames(registry Registry) []string {
	list := make([]string, 0, len(api.Operations)+16)
	for i := range api.Operations {
		list = append(list, api.Operations[i].Command)
	}
	return append(append(list, registry.Names()...), helpWord)
}

func usageError(err error) error {
	e := fault.Usage("%s", err)
	e.Usage, e.Err = usage, err
	return e
}

// suggest adds to the error of unknown options the names that they resemble. The errors
// of operations stay those of the AWS CLI.
func suggest(err error, options []argparse.Option, rest []string) error {
	var known []string
	for _, o := range options {
		known = append(known, "--"+o.Name)
	}
	e := *fault.Of(err)
	for _, text := range rest {
		name, _, _ := strings.Cut(text, "=")
		if close := argparse.CloseMatches(name, known); strings.HasPrefix(name, "--") && len(close) > 0 {
			e.Message += "; " + name + " resembles " + close[0]
		}
	}
	return &e
}

// unknownOptions leaves out the values of misspelled options: they may be secret.
func unknownOptions(list []string) error {
	shown := make([]string, len(list))
	isValue := false
	for i, text := range list {
		name, _, assigns := strings.Cut(text, "=")
		isOption := strings.HasPrefix(text, "-")
		switch {
		case assigns:
			shown[i] = name + "=" + redact.Text
		case isValue && !isOption:
			shown[i] = redact.Text
		default:
			shown[i] = text
		}
		isValue = isOption && !assigns
	}
	return &fault.Error{Exit: fault.ExitUsage, Plain: true, Usage: usage, Message: "Unknown options: " + strings.Join(shown, ", ")}
}

func isHelpFlag(arg string) bool { return arg == "--help" || arg == "-h" }

func asksForHelp(args []string) bool { return slices.ContainsFunc(beforeDashes(args), isHelpFlag) }

// beforeDashes returns the arguments that can be options: those before a "--".
func beforeDashes(args []string) []string {
	if end := slices.Index(args, "--"); end >= 0 {
		return args[:end]
	}
	return args
}

// optionNames returns the options on a command line without their values, which may be
// secret.
func optionNames(args []string) string {
	var names []string
	for _, arg := range args {
		if name, _, _ := strings.Cut(arg, "="); strings.HasPrefix(name, "--") && len(name) > 2 && isOptionName(name[2:]) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func isOptionName(name string) bool {
	return len(name) < 40 && strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// exit reports an error and returns the exit code.
func (p *program) exit(err error) int {
	if err == nil {
		return fault.ExitOK
	}
	e := fault.Of(err)
	if e.Exit == fault.ExitInterrupted {
		p.session.signals.finish()
	}
	if e.Silent {
		return e.Exit
	}
	if e.Exit == fault.ExitInterrupted {
		_, _ = io.WriteString(p.env.stdout, "\n")
		return e.Exit
	}
	format := ""
	s := p.session
	if s.Globals != nil {
		format = s.Globals.ErrorFormat
	} else {
		s.Globals = new(Globals)
	}
	if s.settings != nil {
		format = s.settings.choose(format, "cli_error_format", "AWS_CLI_ERROR_FORMAT")
	}
	if !slices.Contains(errorFormats[:], format) {
		format = errorFormats[0]
	}
	report(p.env.stderr, e, format, s.color(p.env.stderr), p.env.width())
	return e.Exit
}

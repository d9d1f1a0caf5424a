package cli

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/ergochat/readline"
	"github.com/google/shlex"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// The values of cli_auto_prompt.
const (
	promptOn      = "on"
	promptPartial = "on-partial"
)

// promptMode returns when to prompt. It scans the flags itself: an incomplete command
// line would not parse.
func promptMode(env *environment, args []string) (string, error) {
	args = beforeDashes(args)
	on, off, help, profile := false, false, false, ""
	for i, arg := range args {
		name, v, explicit := strings.Cut(arg, "=")
		switch name {
		case "--cli-auto-prompt":
			on = true
		case "--no-cli-auto-prompt":
			off = true
		case "--version", helpWord:
			help = true
		case "--profile":
			if profile = v; !explicit && i+1 < len(args) {
				profile = args[i+1]
			}
		}
	}
	switch {
	case on && off:
		return "", fault.Usage("Both --cli-auto-prompt and --no-cli-auto-prompt cannot be specified at the same time.")
	case off || help || asksForHelp(args):
		return "", nil
	case on:
		return promptOn, nil
	}
	name, _ := env.profileName(profile)
	s := &settings{env: env, profile: name}
	if _, err := s.load(); err != nil {
		return "", nil //nolint:nilerr // the program reports it, unless the command is to diagnose it
	}
	return s.choose("", "cli_auto_prompt", "AWS_CLI_AUTO_PROMPT"), nil
}

// interactive reports whether a user can be prompted.
func interactive(stdin io.Reader, stdout io.Writer) bool {
	return IsTerminal(stdin) && IsTerminal(stdout)
}

// prompt asks for the arguments, beginning with those that there are.
func prompt(env *environment, stdin io.Reader, registry Registry, args []string) ([]string, error) {
	if !interactive(stdin, env.stdout) {
		return nil, fault.General("--cli-auto-prompt needs a terminal")
	}
	lines, err := readline.NewFromConfig(&readline.Config{
		Prompt: "> " + Program + " ", Stdin: stdin, Stdout: env.stdout, Stderr: env.stderr,
		HistoryLimit: -1, // a history would keep secrets
		AutoComplete: &lineCompleter{registry},
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = lines.Close() }()
	line, err := lines.ReadLineWithDefault(begun(args))
	switch {
	case errors.Is(err, readline.ErrInterrupt), errors.Is(err, io.EOF):
		return nil, errInterrupted
	case err != nil:
		return nil, err
	}
	words, err := shlex.Split(line)
	if err != nil {
		return nil, fault.Usage("the command line is not complete: %s", err)
	}
	return words, nil
}

// begun returns the arguments as a line that the user continues.
func begun(args []string) string {
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--cli-auto-prompt" })
	if len(args) == 0 {
		return ""
	}
	return Quote(args) + " "
}

// Quote writes words as a shell reads them.
func Quote(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		if word == "" || strings.ContainsAny(word, " \t\n'\"\\$`{}[]()*?<>|&;#~") {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		quoted[i] = word
	}
	return strings.Join(quoted, " ")
}

// lineCompleter completes the words of a line.
type lineCompleter struct{ registry Registry }

// Do implements readline.AutoCompleter.
func (c *lineCompleter) Do(line []rune, pos int) (endings [][]rune, length int) {
	text := string(line[:pos])
	words, begun := strings.Fields(text), ""
	if text != "" && !strings.HasSuffix(text, " ") {
		words, begun = words[:len(words)-1], words[len(words)-1]
	}
	for _, candidate := range Complete(c.registry, words, begun) {
		endings = append(endings, []rune(candidate[len(begun):]+" "))
	}
	return endings, len([]rune(begun))
}

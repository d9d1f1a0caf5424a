package commands

import (
	"context"
	"embed"
	"io"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

//go:embed completion/*.txt
var completionScripts embed.FS

// completionShells are the shells that have a script. The scripts ask this program for
// candidates by "completion words -- WORD... =BEGUN". The last word is the one that the
// user types; = stands before it because PowerShell drops empty arguments.
var completionShells = [...]string{"bash", "zsh", "fish", "powershell"}

const completionWords = "words"

func completionCommand() *cli.Command {
	return &cli.Command{
		Summary: "Prints a script that completes commands, options and values in a shell",
		Words:   []string{"SHELL", "[WORD ...]"},
		Page: cli.Page{
			Description: `Prints a script that makes a shell complete the commands, options and values of this program. SHELL is bash, zsh, fish or powershell. The script says how to load it.

The scripts call "completion words -- WORD ... =BEGUN", which prints the completions of the word being typed.`,
			Output: "The script.",
			Examples: `In ~/.bashrc:

  source <(lambda-microvms completion bash)`,
		},
		Run: runCompletion,
	}
}

func runCompletion(_ context.Context, s *cli.Session) error {
	shell, words := s.Words[0], s.Words[1:]
	if shell == completionWords {
		return complete(s, words)
	}
	switch {
	case !slices.Contains(completionShells[:], shell):
		return fault.Usage("Error parsing argument SHELL: %s is none of %s", value.Quote(shell), strings.Join(completionShells[:], ", "))
	case len(words) > 0:
		return fault.Usage("Error parsing argument WORD: a script has none")
	}
	script, err := completionScripts.ReadFile("completion/" + shell + ".txt")
	if err != nil {
		return err
	}
	_, err = s.Stdout.Write(script)
	return cli.OutputError(err)
}

// complete prints candidates, one in each line.
func complete(s *cli.Session, words []string) error {
	begun := ""
	if len(words) > 0 {
		begun = strings.TrimPrefix(words[len(words)-1], "=")
		words = slices.DeleteFunc(words[:len(words)-1], func(word string) bool { return word == "" })
	}
	var b strings.Builder
	for _, candidate := range cli.Complete(Registry{}, words, begun) {
		b.WriteString(candidate + "\n")
	}
	_, err := io.WriteString(s.Stdout, b.String())
	return cli.OutputError(err)
}

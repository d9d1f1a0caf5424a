//go:build unix

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/commands"
)

// completions are what shells must offer for a line that ends where the cursor is.
var completions = []struct {
	line string
	want []string
}{
	{"lambda-microvms term", []string{"terminate-microvm"}},
	{"lambda-microvms terminate-microvm --mic", []string{"--microvm-identifier"}},
	{"lambda-microvms --output ya", []string{"yaml", "yaml-stream"}},
	{"lambda-microvms wait microvm-s", []string{"microvm-suspended"}},
	{"lambda-microvms deploy --im", []string{"--image-identifier"}},
	{"lambda-microvms sweep web --d", []string{"--debug", "--dry-run"}},
	{"lambda-microvms sweep --cli-auto-prompt --help --dr", []string{"--dry-run"}},
}

// Each shell that is installed loads its script and completes with it.
func TestCompletion(t *testing.T) {
	for _, shell := range []struct {
		name   string
		script string // prints the candidates for the line in $LINE, whose words are in $@
	}{
		{"bash", `source <(lambda-microvms --no-cli-auto-prompt completion bash)
			COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lambda_microvms; printf '%s\n' "${COMPREPLY[@]}"`},
		{"zsh", `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { :; }
			source <(lambda-microvms --no-cli-auto-prompt completion zsh); words=("$@"); CURRENT=$#; _lambda_microvms`},
		{"fish", `lambda-microvms --no-cli-auto-prompt completion fish | source; complete --do-complete "$LINE"`},
	} {
		t.Run(shell.name, func(t *testing.T) {
			if _, err := exec.LookPath(shell.name); err != nil {
				t.Skip(err)
			}
			for _, test := range completions {
				args := []string{"-c", shell.script}
				if shell.name != "fish" {
					args = append(append(args, shell.name), strings.Fields(test.line)...)
				}
				cmd := exec.Command(shell.name, args...)
				cmd.Env = append(os.Environ(), "LINE="+test.line, "HOME="+t.TempDir(), "AWS_CLI_AUTO_PROMPT=on")
				cmd.Stderr = new(strings.Builder)
				out, err := cmd.Output()
				got := strings.Fields(string(out))
				if diff := cmp.Diff(test.want, got, cmpopts.SortSlices(strings.Compare)); err != nil || diff != "" {
					t.Errorf("%s: %v %v, -want +got:\n%s", test.line, err, cmd.Stderr, diff)
				}
			}
		})
	}
}

// Every page is accepted by man without a warning about its language.
func TestMan(t *testing.T) {
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip(err)
	}
	pages := [][]string{nil, {"wait", "microvm-running"}}
	for i := range api.Operations {
		pages = append(pages, []string{api.Operations[i].Command})
	}
	for _, name := range (commands.Registry{}).Names() {
		pages = append(pages, []string{name})
	}
	for _, words := range pages {
		page, err := exec.Command("lambda-microvms", append([]string{"man"}, words...)...).Output()
		if err != nil {
			t.Fatalf("%v: %v", words, err)
		}
		var warnings strings.Builder
		cmd := exec.Command("groff", "-man", "-Tutf8", "-z", "-ww", "-Wbreak")
		cmd.Stdin, cmd.Stderr = strings.NewReader(string(page)), &warnings
		if err := cmd.Run(); err != nil || warnings.Len() > 0 {
			t.Errorf("%v: %v\n%s", words, err, &warnings)
		}
	}
}

package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"

	"github.com/google/shlex"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// pagedWriter sends what is written to a pager, which starts with the first write.
type pagedWriter struct {
	env     *environment
	command string
	running *exec.Cmd
	pipe    io.WriteCloser
}

// pagedStdout returns standard output, through the pager if it is a terminal and there is
// one. The caller must call wait at the end.
func (s *Session) pagedStdout() (out io.Writer, wait func()) {
	command := ""
	if !s.Globals.NoPager && IsTerminal(s.env.stdout) {
		command = s.pagerCommand()
	}
	if command == "" {
		return s.env.stdout, func() {}
	}
	p := &pagedWriter{env: s.env, command: command}
	return p, p.wait
}

// usePager sends what the command prints through the pager. The caller must call wait at
// the end.
func (s *Session) usePager() (wait func()) {
	s.Stdout, wait = s.pagedStdout()
	return wait
}

// pagerCommand returns the command of the pager. A setting that is empty turns it off.
func (s *Session) pagerCommand() string {
	if command, set := s.env.lookup("AWS_PAGER"); set {
		return command
	}
	if command, set := s.settings.lookup("cli_pager"); set {
		return command
	}
	if command, set := s.env.lookup("PAGER"); set {
		return command
	}
	return "less"
}

func (p *pagedWriter) Write(b []byte) (int, error) {
	if p.running == nil {
		if err := p.start(); err != nil {
			return 0, fault.Configuration("Pager", "Unable to redirect output to pager. Received the following error when opening pager:\n%s\n\n"+
				"Learn more about configuring the output pager by running \"aws help config-vars\".", err)
		}
	}
	return p.pipe.Write(b)
}

func (p *pagedWriter) start() error {
	words, err := shlex.Split(p.command)
	if err != nil {
		return fmt.Errorf("the command is not valid: %w", err)
	}
	if len(words) == 0 {
		return errors.New("the command is empty")
	}
	cmd := exec.Command(words[0], words[1:]...) //nolint:gosec // the user's own pager
	cmd.Stdout, cmd.Stderr = p.env.stdout, p.env.stderr
	if _, set := p.env.lookup("LESS"); !set {
		cmd.Env = append(os.Environ(), "LESS=FRX")
	}
	if p.pipe, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.running = cmd
	return nil
}

// wait returns when the pager has ended. Until then this program ignores Ctrl-C: if it
// ended first, the shell and the pager would both read the terminal.
func (p *pagedWriter) wait() {
	if p.running != nil {
		signal.Ignore(os.Interrupt)
		_ = p.pipe.Close()
		_ = p.running.Wait()
	}
}

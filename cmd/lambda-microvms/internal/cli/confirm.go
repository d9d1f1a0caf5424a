package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// CanAsk reports whether a user at a terminal can answer a question.
func (s *Session) CanAsk() bool { return IsTerminal(s.Stdin) && IsTerminal(s.Stderr) }

// Confirm asks a question on standard error and reports whether the answer is yes. An
// empty answer and the end of the input are no.
func (s *Session) Confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(s.Stderr, "%s [y/N] ", question)
	answer, err := s.read(ctx, func(r io.Reader) ([]byte, error) {
		line, err := bufio.NewReader(r).ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return line, err
	})
	if err != nil {
		fmt.Fprintln(s.Stderr)
		return false, err
	}
	text := strings.ToLower(strings.TrimSpace(string(answer)))
	return text == "y" || text == "yes", nil
}

// mfaCode asks for the code of an MFA device. The terminal does not show it: it is in raw
// mode before the question is, because a program may answer at once.
func (s *Session) mfaCode(ctx context.Context, serial string) (string, error) {
	stdin, ok := s.Stdin.(*os.File)
	if !ok || !IsTerminal(stdin) {
		return "", fmt.Errorf("there is no terminal to ask for the code of the MFA device %s", serial)
	}
	before, err := term.MakeRaw(int(stdin.Fd()))
	if err != nil {
		return "", err
	}
	restore := func() { _ = term.Restore(int(stdin.Fd()), before) }
	defer restore()
	defer s.OnKill(restore)()
	code, err := s.read(ctx, func(r io.Reader) ([]byte, error) {
		terminal := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{r, s.Stderr}, "")
		line, err := terminal.ReadPassword(fmt.Sprintf("Enter MFA code for %s: ", serial))
		return []byte(line), err
	})
	if errors.Is(err, io.EOF) { // Ctrl-C and Ctrl-D, which are no signals in raw mode
		err = errInterrupted
	}
	return string(code), err
}

// ReadStdin returns all of standard input.
func (s *Session) ReadStdin(ctx context.Context) ([]byte, error) { return s.read(ctx, io.ReadAll) }

// ReadStdinUpTo returns at most n bytes of standard input.
func (s *Session) ReadStdinUpTo(ctx context.Context, n int64) ([]byte, error) {
	return s.read(ctx, func(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, n)) })
}

// read reads standard input until the command is interrupted.
func (s *Session) read(ctx context.Context, read func(io.Reader) ([]byte, error)) (content []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		content, err = read(s.Stdin)
	}()
	select {
	case <-ctx.Done():
		return nil, s.CallError(ctx, ctx.Err())
	case <-done:
		return content, err
	}
}

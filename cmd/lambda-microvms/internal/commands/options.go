package commands

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// Names of options that several commands have.
const (
	imageVersionOption = "image-version"
	keepOption         = "keep" // versions of prune, or the MicroVM of run, curl and shell
	pollOption         = "poll-interval"
)

// pollInterval is the option that limits how often a command polls.
func pollInterval(doc string) argparse.Option {
	return argparse.Option{Name: pollOption, Kind: "float", Doc: "The shortest time between two polls, in seconds. " + doc}
}

// notEmpty refuses an option without text: in a script it is a variable that is not set.
func notEmpty(s *cli.Session, name string) error {
	if s.Args.Has(name) && slices.Contains(s.Args.Values(name), "") {
		return fault.Parameter(name, "it is empty")
	}
	return nil
}

// integer reads an integer of an option. ok is false if it is not from least to most.
func integer(r *argparse.Result, name string, least, most int64) (n int, ok bool) {
	v, _ := value.ParseInt(r.Value(name))
	i, fits := v.(int64)
	return int(i), fits && i >= least && i <= most
}

// seconds reads a positive number of seconds.
func seconds(r *argparse.Result, name string) (time.Duration, error) {
	const most = float64(math.MaxInt64 / int64(time.Second))
	text := r.Value(name)
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !(number > 0) || number > most {
		return 0, fault.Parameter(name, "%s is not a number of seconds above 0", value.Quote(text))
	}
	return time.Duration(number * float64(time.Second)), nil
}

// delays reads --poll-interval. Both delays are zero, the default, if it is not given.
// The longest delay is longest, or the shortest one if that exceeds it.
func delays(r *argparse.Result, longest time.Duration) (minDelay, maxDelay time.Duration, err error) {
	if !r.Has(pollOption) {
		return 0, 0, nil
	}
	minDelay, err = seconds(r, pollOption)
	return minDelay, max(minDelay, longest), err
}

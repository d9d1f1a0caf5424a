package fakeprogram

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// A Program is the configuration of a program that serves the fake.
type Program struct {
	Flags *flag.FlagSet // to be set before Run

	// Storage, if set before Run, puts a handler in front of the fake that serves what
	// uploads need of S3. The demonstration then deploys a directory.
	Storage func(fake http.Handler) http.Handler

	addr, state string
	demo        bool
	options     []fake.Option
	finish      []func() error // run after parsing; add options
	faults      []func(*fake.Server)
}

// A FlagError reports that a flag has an invalid value. It does not show the value, which
// may be secret.
type FlagError struct {
	Flag string // without dashes
	Err  error
}

func (e *FlagError) Error() string {
	return fmt.Sprintf("invalid value for flag -%s: %v", e.Flag, e.Err)
}

func (e *FlagError) Unwrap() error { return e.Err }

// New returns the program with the default of each flag.
func New(name string) *Program {
	p := &Program{
		Flags:   flag.NewFlagSet(name, flag.ContinueOnError),
		options: []fake.Option{fake.WithRealTime(), fake.WithCallLog(0)},
	}
	p.Flags.StringVar(&p.addr, "addr", "127.0.0.1:4290", "`address` to listen on")
	p.Flags.StringVar(&p.state, "state", "", "`file` to keep the state in; it is read at the start and written before the response to a change")
	p.Flags.BoolVar(&p.demo, "demo", false, "start with images and MicroVMs, and print commands to try; builds take 5s")
	region := p.Flags.String("region", "us-east-1", "`region` of requests that are not signed")
	account := p.Flags.String("account", "123456789012", "`account` of callers whose access key is not known")
	p.later(func() fake.Option { return fake.WithRegion(*region) })
	p.later(func() fake.Option { return fake.WithAccount(*account) })
	p.accessKeys()
	p.flag("strict", fake.WithStrictSigning, "reject requests that are not signed properly by a known caller: one of --access-key, or\n"+
		"AKIDFAKEFAKEFAKEFAKE with the secret fake-secret-access-key")
	p.repeated("app-url", "the application on a port of the MicroVMs, or on all, as `[port=]url`", parseApplication)
	p.managedImages()
	p.answers()
	p.flag("assume", fake.WithAssumedAnswers, "where the service's behavior is unknown, return the most plausible response, with the header\n"+
		"X-Fake-Assumed, instead of 501")
	p.Flags.Func("fault", "inject a fault, an `effect?parameters`, such as throttle?on=RunMicrovm&first=2&retry-after=1s.\n"+
		"Effects are fail-build, stuck-build, fail-start, fail-suspend (reason, generation); throttle, server-error, bad-gateway,\n"+
		"quota-exceeded (status, retry-after, message); reset, lose-answer, hang, slow (delay), cut-body (after),\n"+
		"malformed-json (body), skew-clock (by), empty-pages (count). All have on, image, nth, first, chance and seed; "+mayBeRepeated, func(text string) error {
		inject, err := parseFault(text)
		p.faults = append(p.faults, inject)
		return err
	})
	p.delays()
	return p
}

// later adds an option that is computed after all flags are parsed.
func (p *Program) later(option func() fake.Option) {
	p.finish = append(p.finish, func() error {
		p.options = append(p.options, option())
		return nil
	})
}

func (p *Program) flag(name string, option func() fake.Option, usage string) {
	set := p.Flags.Bool(name, false, usage)
	p.finish = append(p.finish, func() error {
		if *set {
			p.options = append(p.options, option())
		}
		return nil
	})
}

// repeated adds a flag that may be repeated: each value becomes an option.
func (p *Program) repeated(name, usage string, parse func(string) (fake.Option, error)) {
	p.Flags.Func(name, usage+"; "+mayBeRepeated, func(text string) error {
		option, err := parse(text)
		p.options = append(p.options, option)
		return err
	})
}

const mayBeRepeated = "may be repeated"

// Repeatable reports whether a flag may be given several times.
func Repeatable(f *flag.Flag) bool { return strings.Contains(f.Usage, mayBeRepeated) }

// accessKeys parses the keys after all flags are set: package flag would print an invalid
// one, with its secret.
func (p *Program) accessKeys() {
	const name = "access-key"
	var keys []string
	p.Flags.Func(name, "a known caller, as `key:secret:account`; "+mayBeRepeated, func(text string) error {
		keys = append(keys, text)
		return nil
	})
	p.finish = append(p.finish, func() error {
		for _, text := range keys {
			credentials, err := parseCredentials(text)
			if err != nil {
				return &FlagError{name, err}
			}
			p.options = append(p.options, fake.WithCredentials(credentials))
		}
		return nil
	})
}

func (p *Program) managedImages() {
	var images []fake.ManagedImage
	p.Flags.Func("managed-image", "a base image that AWS provides, as `name[=versions]`; "+mayBeRepeated+
		" (default al2023-1=2, the versions 0 and 1)", func(text string) error {
		image, err := parseManagedImage(text)
		images = append(images, image)
		return err
	})
	p.finish = append(p.finish, func() error {
		if len(images) > 0 {
			p.options = append(p.options, fake.WithManagedImages(images...))
		}
		return nil
	})
}

func (p *Program) answers() {
	var answers fake.Answers
	p.Flags.Func("answer", "how to respond where the service's behavior is not known, as `name=value`; "+mayBeRepeated+".\n"+
		"ReusedToken, RepeatedDelete, BusyUpdate, VersionInUse, OutOfTurn and TerminatedToken are success, conflict,\n"+
		"validation or notfound; LongSuspension is ends or stays; FailedVersionStatus is a status, such as INACTIVE;\n"+
		"FailedBuildReason is true or false", func(text string) error {
		return setAnswer(&answers, text)
	})
	p.later(func() fake.Option { return fake.WithAnswers(answers) })
}

// demoBuild is the duration of a build with --demo. The measured two minutes are too long
// for a demonstration.
const demoBuild = 5 * time.Second

func (p *Program) delays() {
	delays := fake.MeasuredDelays()
	p.Flags.DurationVar(&delays.Build, "build-delay", delays.Build, "how long a build takes")
	deletion := p.Flags.Duration("delete-delay", delays.ImageDelete, "how long the deletion of an image or version takes")
	lifecycle := p.Flags.Duration("microvm-delay", 0, "how long a MicroVM takes to run, suspend, resume and terminate each (default: as measured, 1.2s to 3s)")
	p.later(func() fake.Option {
		set := make(map[string]bool)
		p.Flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
		if p.demo && !set["build-delay"] {
			delays.Build = demoBuild
		}
		delays.FailedBuild = min(delays.FailedBuild, delays.Build)
		delays.BuildQueue = min(delays.BuildQueue, delays.Build/4)
		if set["delete-delay"] {
			delays.ImageDelete, delays.VersionDelete = *deletion, *deletion
		}
		if set["microvm-delay"] {
			for _, delay := range []*time.Duration{&delays.Run, &delays.Suspend, &delays.Resume, &delays.Terminate} {
				*delay = *lifecycle
			}
		}
		return fake.WithDelays(delays)
	})
}

func parseCredentials(text string) (aws.Credentials, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return aws.Credentials{}, errors.New("want key:secret:account")
	}
	return aws.Credentials{AccessKeyID: parts[0], SecretAccessKey: parts[1], AccountID: parts[2]}, nil
}

func parseManagedImage(text string) (fake.ManagedImage, error) {
	image := fake.ManagedImage{Versions: 1}
	var versions string
	var given bool
	image.Name, versions, given = strings.Cut(text, "=")
	if given {
		n, err := strconv.ParseUint(versions, 10, 16)
		if err != nil || n == 0 {
			return image, fmt.Errorf("%q is no number of versions", versions)
		}
		image.Versions = int(n)
	}
	if image.Name == "" {
		return image, errors.New("want name or name=versions")
	}
	return image, nil
}

// parseApplication returns an option that forwards requests to a remote application. If
// nothing listens there, the response is 502.
func parseApplication(text string) (fake.Option, error) {
	var ports []int
	if before, after, found := strings.Cut(text, "="); found {
		if port, err := strconv.ParseUint(before, 10, 16); err == nil {
			ports, text = []int{int(port)}, after
		}
	}
	target, err := url.Parse(text)
	if err == nil && (target.Scheme != "http" && target.Scheme != "https" || target.Host == "") {
		err = fmt.Errorf("%q is no URL with http or https and a host", text)
	}
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1, // passes a stream on without delay
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return fake.WithApplication(proxy, ports...), nil
}

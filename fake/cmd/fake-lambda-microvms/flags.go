package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// options are what the command line asks for.
type options struct {
	addr, state string
	fake        []fake.Option
}

func parse(args []string, messages io.Writer) (*options, error) {
	parsed := &options{fake: []fake.Option{fake.WithRealTime(), fake.WithCallLog(0)}}
	add := func(option fake.Option) { parsed.fake = append(parsed.fake, option) }
	delays := fake.MeasuredDelays()
	var answers fake.Answers
	var managed []fake.ManagedImage

	flags := flag.NewFlagSet("fake-lambda-microvms", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.StringVar(&parsed.addr, "addr", "127.0.0.1:4290", "`address` to listen on")
	flags.StringVar(&parsed.state, "state", "", "`file` to keep the state in; it is read at the start and written before a change is answered")
	region := flags.String("region", "us-east-1", "`region` of requests that are not signed")
	account := flags.String("account", "123456789012", "`account` of callers whose access key is not known")
	flags.Func("access-key", "a known caller, as `key:secret:account`; may be repeated", func(text string) error {
		credentials, err := parseCredentials(text)
		add(fake.WithCredentials(credentials))
		return err
	})
	strict := flags.Bool("strict", false, "refuse requests that are not signed properly by a known caller: one of --access-key, or\n"+
		"AKIDFAKEFAKEFAKEFAKE with the secret fake-secret-access-key")
	flags.Func("app-url", "the application on a port of the MicroVMs, or on all, as `[port=]url`; may be repeated", func(text string) error {
		option, err := parseApplication(text)
		add(option)
		return err
	})
	flags.Func("managed-image", "a base image that AWS provides, as `name[=versions]`; may be repeated (default al2023-1=2, the versions 0 and 1)", func(text string) error {
		image, err := parseManagedImage(text)
		managed = append(managed, image)
		return err
	})
	flags.Func("answer", "settles what is not known of the service, by a `field=value` of fake.Answers; may be repeated.\n"+
		"Values are success, conflict, validation or notfound; ends or stays for LongSuspension", func(text string) error {
		return setAnswer(&answers, text)
	})
	assume := flags.Bool("assume", false, "where nobody has measured what the service does, give the most plausible response, marked by a header\n"+
		"X-Fake-Assumed, instead of 501")
	flags.Func("fault", "what goes wrong, as an `effect?parameters`, such as throttle?on=RunMicrovm&first=2&retry-after=1s; may be repeated.\n"+
		"Effects are fail-build, stuck-build, fail-start, fail-suspend (reason, generation); throttle, server-error, bad-gateway,\n"+
		"quota-exceeded (status, retry-after, message); reset, lose-answer, hang, slow (delay), cut-body (after),\n"+
		"malformed-json (body), skew-clock (by), empty-pages (count). All have on, image, nth, first, chance and seed", func(text string) error {
		option, err := parseFault(text)
		add(option)
		return err
	})
	flags.DurationVar(&delays.Build, "build-delay", delays.Build, "how long a build takes")
	deletion := flags.Duration("delete-delay", delays.ImageDelete, "how long the deletion of an image or version takes")
	lifecycle := flags.Duration("microvm-delay", 0, "how long a MicroVM takes to run, suspend, resume and terminate each (default: as measured, 1.2s to 3s)")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	delays.FailedBuild = min(delays.FailedBuild, delays.Build)
	delays.BuildQueue = min(delays.BuildQueue, delays.Build/4)
	flags.Visit(func(set *flag.Flag) {
		switch set.Name {
		case "delete-delay":
			delays.ImageDelete, delays.VersionDelete = *deletion, *deletion
		case "microvm-delay":
			for _, delay := range []*time.Duration{&delays.Run, &delays.Suspend, &delays.Resume, &delays.Terminate} {
				*delay = *lifecycle
			}
		}
	})
	add(fake.WithRegion(*region))
	add(fake.WithAccount(*account))
	add(fake.WithDelays(delays))
	add(fake.WithAnswers(answers))
	if len(managed) > 0 {
		add(fake.WithManagedImages(managed...))
	}
	if *assume {
		add(fake.WithAssumedAnswers())
	}
	if *strict {
		add(fake.WithStrictSigning())
	}
	return parsed, nil
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

// parseApplication returns an application that is elsewhere. If it is not there, nothing
// listens: 502.
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
		FlushInterval: -1, // as it comes
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return fake.WithApplication(proxy, ports...), nil
}

package cli

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/jmespath"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/output"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// globalOption is an option of every command, with its text in manual pages.
type globalOption struct {
	argparse.Option
	kind string // in manual pages
	doc  string
}

// globalOptions are in the order of manual pages.
func globalOptions() []globalOption {
	flag := func(name, doc string) globalOption {
		return globalOption{argparse.Option{Name: name, Arity: argparse.Flag}, "boolean", doc}
	}
	one := func(name, kind, doc string, choices ...string) globalOption {
		return globalOption{argparse.Option{Name: name, Choices: choices}, kind, doc}
	}
	return []globalOption{
		flag("debug", "Turn on debug logging. Secrets are left out."),
		one("endpoint-url", "string", "Send requests to this URL instead of the service's own."),
		flag("no-verify-ssl", "Do not verify TLS certificates. Anyone on the network path can then read and change the traffic."),
		flag("no-paginate", "Get only the first page of results."),
		one("output", "string", "The format of the output.", output.Formats[:]...),
		one("query", "string", "A JMESPath expression that selects from the response."),
		one("profile", "string", "Use this profile of the configuration and credentials files."),
		one("region", "string", "The region to use. Overrides the configuration and the environment."),
		flag("version", "Display the version of this tool."),
		one("color", "string", "Turn colors on or off.", "on", "off", "auto"),
		flag("no-sign-request", "Do not sign requests. Credentials are not loaded."),
		one("ca-bundle", "string", "The file with the CA certificates to trust. Overrides the configuration and the environment."),
		one("cli-read-timeout", "int", "How long to wait for a response, in seconds; 0 waits forever. The default is 60."),
		one("cli-connect-timeout", "int", "How long to wait for a connection, in seconds; 0 waits forever. The default is 60."),
		one("cli-binary-format", "string", "The form of binary values. This service has none: the value is checked and otherwise ignored.",
			"base64", "raw-in-base64-out"),
		flag("no-cli-pager", "Do not use a pager for output."),
		flag("cli-auto-prompt", "Prompt for the command and its options."),
		flag("no-cli-auto-prompt", "Do not prompt."),
		one("cli-error-format", "string", "The format of error messages. The default is enhanced.", errorFormats[:]...),
	}
}

// Globals are the values of the global options.
type Globals struct {
	Debug          bool
	EndpointURL    string
	NoVerifySSL    bool
	NoPaginate     bool
	Output         string // empty: by the environment and configuration
	Query          *jmespath.Expression
	Profile        string
	Region         string
	Color          string
	NoSign         bool
	CABundle       string
	ReadTimeout    time.Duration // 0: forever
	ConnectTimeout time.Duration
	NoPager        bool
	ErrorFormat    string
}

const defaultTimeout = 60 * time.Second

// readGlobals checks what the grammar cannot.
func readGlobals(r *argparse.Result) (*Globals, error) {
	g := &Globals{
		Debug: r.Has("debug"), EndpointURL: r.Value("endpoint-url"), NoVerifySSL: r.Has("no-verify-ssl"),
		NoPaginate: r.Has("no-paginate"), Output: r.Value("output"), Profile: r.Value("profile"),
		Region: r.Value("region"), Color: r.Value("color"), NoSign: r.Has("no-sign-request"),
		CABundle: r.Value("ca-bundle"), NoPager: r.Has("no-cli-pager"), ErrorFormat: r.Value("cli-error-format"),
	}
	if r.Has("query") {
		var err error
		if g.Query, err = jmespath.Compile(r.Value("query")); err != nil {
			return g, fault.Usage("Bad value for --query %s: %s", r.Value("query"), err)
		}
	}
	if r.Has("endpoint-url") {
		if err := checkEndpoint(g.EndpointURL); err != nil {
			return g, err
		}
	}
	var err error
	if g.ReadTimeout, err = timeout(r, "cli-read-timeout"); err != nil {
		return g, err
	}
	if g.ConnectTimeout, err = timeout(r, "cli-connect-timeout"); err != nil {
		return g, err
	}
	return g, nil
}

// checkEndpoint shows nothing of a URL with credentials in it.
func checkEndpoint(text string) error {
	u, err := url.Parse(text)
	switch {
	case !strings.ContainsAny(text, "/@"): // "host:port" parses as a scheme, or not at all
		return fault.Usage("Bad value for --endpoint-url \"%s\": scheme is missing.  "+
			"Must be of the form http://<hostname>/ or https://<hostname>/", text)
	case err != nil:
		return fault.Usage("Bad value for --endpoint-url: not a URL")
	case u.Scheme == "" && u.User == nil:
		return fault.Usage("Bad value for --endpoint-url \"%s\": scheme is missing.  "+
			"Must be of the form http://<hostname>/ or https://<hostname>/", text)
	case u.RawQuery != "" || u.Fragment != "":
		return fault.Usage("Bad value for --endpoint-url: it has a query or a fragment")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fault.Usage("Bad value for --endpoint-url: " +
			"Must be of the form http://<hostname>/ or https://<hostname>/")
	}
	return nil
}

func timeout(r *argparse.Result, name string) (time.Duration, error) {
	if !r.Has(name) {
		return defaultTimeout, nil
	}
	v, ok := value.ParseInt(r.Value(name))
	seconds, fits := v.(int64)
	if !ok || !fits || seconds < 0 || seconds > int64(time.Duration(1<<63-1)/time.Second) {
		return 0, fault.Parameter(name, "invalid literal for int() with base 10: %s", strconv.Quote(r.Value(name)))
	}
	return time.Duration(seconds) * time.Second, nil
}

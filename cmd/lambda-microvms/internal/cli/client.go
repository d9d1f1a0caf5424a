package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/smithy-go/logging"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// Config returns the AWS configuration of the global options, environment and files, for
// clients of other services. It is loaded once.
func (s *Session) Config(ctx context.Context) (aws.Config, error) {
	if s.config != nil {
		return *s.config, nil
	}
	if err := s.settings.checkTimestamps(); err != nil {
		return aws.Config{}, err
	}
	if err := s.settings.checkMaxAttempts(); err != nil {
		return aws.Config{}, err
	}
	if err := s.partialCredentials(); err != nil {
		return aws.Config{}, err
	}
	cfg, err := s.loadConfig(ctx)
	if err != nil {
		return aws.Config{}, err
	}
	if cfg.Region == "" {
		cfg.Region = s.instanceRegion(ctx)
	}
	if cfg.Region == "" {
		err := fault.Configuration("NoRegion",
			`You must specify a region. You can also configure your region by running "aws configure".`)
		err.Err = ErrNoRegion
		return aws.Config{}, err
	}
	if !isRegion(cfg.Region) {
		err := fault.General("Provided region_name '%s' doesn't match a supported format.", cfg.Region)
		err.Err = ErrRegion
		return aws.Config{}, err
	}
	s.config = &cfg
	return cfg, nil
}

// The causes of errors of Config: no region is set, or a text that cannot be a region.
var (
	ErrNoRegion = errors.New("no region")
	ErrRegion   = errors.New("not a region")
)

// isRegion reports whether a text can be a region in a host name, as the AWS CLI checks
// it.
func isRegion(text string) bool {
	const digits = "0123456789"
	isOther := func(c rune) bool {
		return c != '-' && !strings.ContainsRune(digits, c) && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	return len(text) <= 63 && strings.IndexFunc(text, isOther) < 0 && strings.Trim(text, digits) != "" &&
		!strings.HasPrefix(text, "-") && !strings.HasSuffix(text, "-")
}

// partialCredentials refuses half of a key, with which the SDK would silently look for
// credentials elsewhere.
func (s *Session) partialCredentials() error {
	key, secret := s.env.getenv("AWS_ACCESS_KEY_ID"), s.env.getenv("AWS_SECRET_ACCESS_KEY")
	if key == "" || secret != "" || s.Globals.Profile != "" || s.Globals.NoSign {
		return nil
	}
	return fault.General("Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY")
}

func (s *Session) loadConfig(ctx context.Context) (aws.Config, error) {
	g := s.Globals
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(s.httpClient()),
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			o.TokenProvider = func() (string, error) { return s.mfaCode(ctx, aws.ToString(o.SerialNumber)) }
		}),
	}
	if g.Region != "" {
		options = append(options, config.WithRegion(g.Region))
	}
	if g.Profile != "" { // above the credentials of the environment; AWS_PROFILE is below them
		options = append(options, config.WithSharedConfigProfile(g.Profile))
	}
	if path := g.CABundle; path != "" && !g.NoVerifySSL {
		bundle, err := os.ReadFile(s.env.expand(path))
		if err != nil {
			return aws.Config{}, fault.General("Could not find a suitable TLS CA certificate bundle, invalid path: %s", path)
		}
		options = append(options, config.WithCustomCABundle(bytes.NewReader(bundle)))
	}
	if g.NoSign {
		options = append(options, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	if s.debug == nil {
		options = append(options, config.WithLogger(logging.Nop{})) // the SDK's own warns on standard error
	} else {
		// Other clients log headers with their tokens: they log only their retries.
		// Requests and responses are logged by the client of this service, which leaves
		// secrets out.
		options = append(options, config.WithLogger(s.debug), config.WithClientLogMode(aws.LogRetries))
	}
	s.Debugf("loading configuration and credentials")
	cfg, err := s.load(ctx, options...)
	if err != nil {
		return aws.Config{}, s.configError(err)
	}
	if g.NoSign || cfg.Credentials == nil {
		return cfg, nil
	}
	if keys := environmentKeys(&cfg); keys.HasKeys() && g.Profile == "" {
		// They need no cache. That of the SDK starts a goroutine, for which 0.2 MiB of the
		// program's file are mapped.
		cfg.Credentials = credentials.StaticCredentialsProvider{Value: keys}
	}
	cfg.Credentials = markedCredentials{cfg.Credentials}
	return cfg, nil
}

// environmentKeys returns the access key in the environment, or a zero one. The SDK
// prefers it to all but that of a profile that an option names.
func environmentKeys(cfg *aws.Config) aws.Credentials {
	for _, source := range cfg.ConfigSources {
		if env, ok := source.(config.EnvConfig); ok {
			return env.Credentials
		}
	}
	return aws.Credentials{}
}

// load loads the configuration. The SDK takes quotes around the name of a profile for a
// part of it, so it gets a copy of the file without them.
func (s *Session) load(ctx context.Context, options ...func(*config.LoadOptions) error) (cfg aws.Config, err error) {
	path := s.env.file("AWS_CONFIG_FILE", "config")
	text, _ := os.ReadFile(path)
	if plain := withPlainTitles(string(text)); plain != string(text) {
		var remove func()
		if path, remove, err = temporary(plain); err != nil {
			return aws.Config{}, err
		}
		defer remove()
		options = append(options, config.WithSharedConfigFiles([]string{path}))
	}
	return config.LoadDefaultConfig(ctx, options...)
}

// temporary writes a file that only this user can read.
func temporary(text string) (path string, remove func(), err error) {
	file, err := os.CreateTemp("", Program+"-config-*")
	if err != nil {
		return "", nil, err
	}
	_, err = file.WriteString(text)
	return file.Name(), func() { _ = os.Remove(file.Name()) }, errors.Join(err, file.Close())
}

// unsetEmptyEndpoints removes empty variables for endpoints from the environment. Because
// of them, the SDK would ignore the endpoints of the profile, unlike the AWS CLI.
func unsetEmptyEndpoints() {
	for _, variable := range os.Environ() {
		name, v, _ := strings.Cut(variable, "=")
		if v == "" && strings.HasPrefix(name, "AWS_ENDPOINT_URL") {
			_ = os.Unsetenv(name)
		}
	}
}

// instanceTimeout is how long to look for the region of an EC2 instance.
const instanceTimeout = time.Second

// instanceRegion asks the EC2 instance, if there is one, for its region.
func (s *Session) instanceRegion(ctx context.Context) string {
	if s.env.getenv("AWS_EC2_METADATA_DISABLED") == "true" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, instanceTimeout)
	defer cancel()
	cfg, err := s.load(ctx, config.WithEC2IMDSRegion(), config.WithLogger(logging.Nop{}))
	if err != nil {
		return ""
	}
	return cfg.Region
}

func (s *Session) httpClient() *awshttp.BuildableClient {
	g := s.Globals
	return awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
		d.Timeout = g.ConnectTimeout
	}).WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = g.ReadTimeout
		t.DisableCompression = true
		if g.NoVerifySSL {
			if t.TLSClientConfig == nil {
				t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
			}
			t.TLSClientConfig.InsecureSkipVerify = true //nolint:gosec // what --no-verify-ssl asks for
		}
	})
}

// Client returns the client of the service. Its calls check nothing beforehand: commands
// validate as the AWS CLI does, and leave the rest to the service.
func (s *Session) Client(ctx context.Context) (*lambdamicrovms.Client, error) {
	if s.client != nil {
		return s.client, nil
	}
	cfg, err := s.Config(ctx)
	if err != nil {
		return nil, err
	}
	s.client = lambdamicrovms.NewFromConfig(cfg, func(o *lambdamicrovms.Options) {
		o.Validation = lambdamicrovms.ValidationNone
		if s.debug != nil {
			o.ClientLogMode = aws.LogRequest | aws.LogResponse | aws.LogRetries
		}
		if s.Globals.EndpointURL != "" {
			o.BaseEndpoint = &s.Globals.EndpointURL
		}
		s.responses = &responseClient{client: o.HTTPClient, timeout: s.Globals.ReadTimeout}
		o.HTTPClient = s.responses
	})
	return s.client, nil
}

// markedCredentials tells errors of credentials from others.
type markedCredentials struct{ aws.CredentialsProvider }

// credentialsError is a failure to get credentials.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

func (c markedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		err = &credentialsError{withoutProcessOutput(err)}
	}
	return credentials, err
}

// withoutProcessOutput replaces the error of a credential process: it quotes what the
// process has printed, which can be credentials.
func withoutProcessOutput(err error) error {
	var process *processcreds.ProviderError
	var exit *exec.ExitError
	switch {
	case !errors.As(err, &process):
		return err
	case errors.As(err, &exit):
		return &processError{fmt.Sprintf("the process has failed: %s", exit.ProcessState)}
	}
	return &processError{"the process has printed no usable credentials"}
}

// processError is the failure of a credential process.
type processError struct{ reason string }

func (e *processError) Error() string { return e.reason }

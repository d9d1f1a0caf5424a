package fake

import (
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// An Option configures a Server.
type Option func(*config)

type config struct {
	region, account      string
	regions              []string
	accessKey, secretKey string
	credentials          []aws.Credentials // of further callers
	realTime             bool
	start                time.Time
	delays               Delays
	quotas               Quotas
	answers              Answers
	assume               bool            // settle unknown behavior by assumption
	assumed              map[string]bool // the fields of answers that are assumptions
	managed              []ManagedImage
	seed                 uint64
	callLimit            int
	faults               []fault
	overrides            Overrides
	strict               bool
	applications         []application
	shell                http.Handler // nil: none
	logf                 func(format string, args ...any)
}

func defaultConfig() config {
	return config{
		region:    "us-east-1",
		regions:   []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "ap-northeast-1"},
		account:   "123456789012",
		accessKey: "AKIDFAKEFAKEFAKEFAKE",
		secretKey: "fake-secret-access-key",
		start:     time.Date(2026, time.August, 1, 12, 0, 0, 0, time.UTC),
		delays:    MeasuredDelays(),
		managed:   []ManagedImage{{Name: "al2023-1", Versions: 2}},
		seed:      1,
		callLimit: 10_000,
	}
}

// WithRegion sets the region of [Server.Options] and of unsigned requests. The default is
// us-east-1. Signed requests name their region.
func WithRegion(region string) Option {
	return func(c *config) {
		c.region = region
		if !slices.Contains(c.regions, region) {
			c.regions = append(c.regions, region)
		}
	}
}

// WithRegions sets the regions that have the service; in others every call gets 403. The
// default is the five regions of the real service.
func WithRegions(regions ...string) Option {
	return func(c *config) { c.regions = slices.Clone(regions) }
}

// WithStart sets the initial time of the test clock. The default is 2026-08-01 12:00 UTC.
func WithStart(t time.Time) Option {
	return func(c *config) { c.start = t }
}

// WithRealTime makes the server use package time, which inside a testing/synctest bubble
// is that of the bubble. Advance moves the server ahead of it.
func WithRealTime() Option {
	return func(c *config) { c.realTime = true }
}

// WithDelays sets the duration of builds, deletions and state changes. The default is
// [MeasuredDelays].
func WithDelays(d Delays) Option {
	return func(c *config) { c.delays = d }
}

// WithManagedImages sets the base images that AWS provides. The default is al2023-1 with
// the versions 0 and 1. Images can be built on other managed images too: those are not
// listed and also have the versions 0 and 1.
func WithManagedImages(images ...ManagedImage) Option {
	return func(c *config) { c.managed = slices.Clone(images) }
}

// WithSeed sets the seed of ids. With the same seed, the same calls in the same order get
// the same ids. The default is 1.
func WithSeed(seed uint64) Option {
	return func(c *config) { c.seed = seed }
}

// WithCallLog sets how many calls [Server.Calls] keeps; older ones are dropped. The
// default is 10,000.
func WithCallLog(limit int) Option {
	return func(c *config) { c.callLimit = limit }
}

// WithFault injects a fault, see [Server.Inject].
func WithFault(effect Effect, conditions ...Condition) Option {
	return func(c *config) { c.faults = append(c.faults, fault{effect, conditions}) }
}

// WithOverrides replaces operations by functions, see [Overrides].
func WithOverrides(overrides Overrides) Option {
	return func(c *config) { c.overrides = overrides }
}

// WithStrictSigning responds with 403 unless a request has a valid signature, by a known
// access key, and dated within 15 minutes of now. By default signatures are not verified;
// only their credential scope is read.
func WithStrictSigning() Option {
	return func(c *config) { c.strict = true }
}

// WithAnswers settles behavior that nobody has measured, see [Answers].
func WithAnswers(answers Answers) Option {
	return func(c *config) { c.answers = answers }
}

// Delays are the durations of what the server does.
type Delays struct {
	BuildQueue    time.Duration // until a new build, PENDING, is IN_PROGRESS
	Build         time.Duration // until a new build is SUCCESSFUL
	FailedBuild   time.Duration // until a new build is FAILED
	ImageDelete   time.Duration // until a deleted image is gone and its name is free
	VersionDelete time.Duration // until a deleted version is gone and its image is no longer busy
	Run           time.Duration // from PENDING to RUNNING
	Suspend       time.Duration // from SUSPENDING to SUSPENDED
	Resume        time.Duration // until a resumed MicroVM is RUNNING
	Terminate     time.Duration // from TERMINATING to TERMINATED
}

// MeasuredDelays returns delays as measured on the real service.
func MeasuredDelays() Delays {
	return Delays{
		BuildQueue:    5 * time.Second,
		Build:         120 * time.Second,
		FailedBuild:   85 * time.Second,
		ImageDelete:   45 * time.Second,
		VersionDelete: 40 * time.Second,
		Run:           1850 * time.Millisecond,
		Suspend:       1500 * time.Millisecond,
		Resume:        1200 * time.Millisecond,
		Terminate:     3 * time.Second,
	}
}

// A ManagedImage is a base image that AWS provides.
type ManagedImage struct {
	Name     string // such as "al2023-1"
	Versions int    // how many there are, counted from 0: 2 means "0" and "1". The default is 1.
}

// newest returns the number of the newest version.
func (m ManagedImage) newest() int { return max(m.Versions, 1) - 1 }

package lambdamicrovms

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/partition"
)

// settings are resolved options, and what is derived from them. All calls with the same
// options share them, so they are immutable after newSettings.
type settings struct {
	telemetry

	options *Options
	// region is Options.Region without a FIPS mark.
	region string
	skew   *atomic.Int64 // the client's
	client HTTPClient
	// credentials are nil without Options.Credentials.
	credentials smithyauth.IdentityResolver
	transport   middleware.Handler
	records     recordLogger // the logger of the options, if it is of this type

	sdkTransport struct { // see netTransport
		once      sync.Once
		transport *http.Transport
	}
}

// newSettings owns the options from now on.
func newSettings(o *Options, skew *atomic.Int64) (*settings, error) {
	s := &settings{options: o, skew: skew}
	var fips bool
	s.region, fips = partition.TrimFIPS(o.Region)
	o.EndpointOptions.LogDeprecated = o.ClientLogMode.IsDeprecatedUsage()
	if fips && o.EndpointOptions.ResolvedRegion == "" {
		o.EndpointOptions.ResolvedRegion = s.region
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	s.records, _ = o.Logger.(recordLogger)
	var err error
	if s.telemetry, err = newTelemetry(o); err != nil {
		return nil, err
	}
	s.credentials = o.GetIdentityResolver(smithyauth.SchemeIDSigV4)
	s.client = sender(o.HTTPClient)
	s.transport = &watchedTransport{smithyhttp.NewClientHandlerWithOptions(watchedClient{s.client}, func(h *smithyhttp.ClientHandler) {
		h.Meter = s.meter
	})}
	return s, nil
}

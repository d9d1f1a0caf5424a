package otel_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/smithy-go/metrics"
	"github.com/google/go-cmp/cmp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	microvmotel "github.com/microvm-go/lambdamicrovms/otel"
)

// collect returns the metrics of all scopes by name.
func collect(t *testing.T, reader *sdkmetric.ManualReader) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			found[m.Name] = m
		}
	}
	return found
}

// The instruments are those of official clients.
func TestMetrics(t *testing.T) {
	srv := fake.New(t)
	srv.Inject(fake.ServerError{}, fake.Nth(1))
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	client := lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) {
		o.MeterProvider = microvmotel.MeterProvider(provider)
	})
	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	found := collect(t, reader)
	units := map[string]string{}
	for name, m := range found {
		units[name] = m.Unit
		if m.Description == "" {
			t.Errorf("%s has no description", name)
		}
	}
	want := map[string]string{
		"client.call.duration":                       "s",
		"client.call.attempts":                       "{attempt}",
		"client.call.errors":                         "{error}",
		"client.call.attempt_duration":               "s",
		"client.call.serialization_duration":         "s",
		"client.call.deserialization_duration":       "s",
		"client.call.resolve_endpoint_duration":      "s",
		"client.call.auth.resolve_identity_duration": "s",
		"client.call.auth.signing_duration":          "s",
		"client.http.do_request_duration":            "s",
	}
	if diff := cmp.Diff(want, units); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	attempts, _ := found["client.call.attempts"].Data.(metricdata.Sum[int64])
	if len(attempts.DataPoints) != 1 || attempts.DataPoints[0].Value != 2 || !attempts.IsMonotonic {
		t.Fatalf("attempts %+v", attempts)
	}
	attributes := map[string]any{"rpc.service": "Lambda Microvms", "rpc.method": "ListMicrovms"}
	if diff := cmp.Diff(attributes, values(attempts.DataPoints[0].Attributes.ToSlice())); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	durations, _ := found["client.call.duration"].Data.(metricdata.Histogram[float64])
	if len(durations.DataPoints) != 1 || durations.DataPoints[0].Count != 1 {
		t.Errorf("durations %+v", durations)
	}
}

// Each kind of instrument records what smithy-go gives it.
func TestMeter(t *testing.T) {
	ctx := context.Background()
	reader := sdkmetric.NewManualReader()
	provider := microvmotel.MeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	m := provider.Meter("scope", func(o *metrics.MeterOptions) { o.Properties.Set("meter", "own") })
	unit := func(o *metrics.InstrumentOptions) { o.UnitLabel, o.Description = "{thing}", "things" }
	with := func(o *metrics.RecordMetricOptions) { o.Properties.Set("k", "v") }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c1, err := m.Int64Counter("counter/int", unit)
	check(err)
	c1.Add(ctx, 1, with)
	c2, err := m.Float64Counter("counter/float", unit)
	check(err)
	c2.Add(ctx, 2, with)
	u1, err := m.Int64UpDownCounter("updown/int", unit)
	check(err)
	u1.Add(ctx, -3, with)
	u2, err := m.Float64UpDownCounter("updown/float", unit)
	check(err)
	u2.Add(ctx, -4, with)
	g1, err := m.Int64Gauge("gauge/int", unit)
	check(err)
	g1.Sample(ctx, 5, with)
	g2, err := m.Float64Gauge("gauge/float", unit)
	check(err)
	g2.Sample(ctx, 6, with)
	h1, err := m.Int64Histogram("histogram/int", unit)
	check(err)
	h1.Record(ctx, 7, with)
	h2, err := m.Float64Histogram("histogram/float", unit)
	check(err)
	h2.Record(ctx, 8, with)

	ints := func(n int64) metrics.Int64Callback {
		return func(ctx context.Context, o metrics.Int64Observer) { o.Observe(ctx, n, with) }
	}
	floats := func(n float64) metrics.Float64Callback {
		return func(ctx context.Context, o metrics.Float64Observer) { o.Observe(ctx, n, with) }
	}
	var stops []metrics.AsyncInstrument
	observed := func(instrument metrics.AsyncInstrument, err error) {
		t.Helper()
		check(err)
		stops = append(stops, instrument)
	}
	observed(m.Int64AsyncCounter("async/counter/int", ints(9), unit))
	observed(m.Int64AsyncUpDownCounter("async/updown/int", ints(10), unit))
	observed(m.Int64AsyncGauge("async/gauge/int", ints(11), unit))
	observed(m.Float64AsyncCounter("async/counter/float", floats(12), unit))
	observed(m.Float64AsyncUpDownCounter("async/updown/float", floats(13), unit))
	observed(m.Float64AsyncGauge("async/gauge/float", floats(14), unit))

	got := map[string]float64{}
	for name, m := range collect(t, reader) {
		n, attributes := value(m)
		got[name] = n
		if m.Unit != "{thing}" || m.Description != "things" || attributes["k"] != "v" {
			t.Errorf("%s: unit %q, description %q, attributes %v", name, m.Unit, m.Description, attributes)
		}
	}
	want := map[string]float64{
		"counter/int": 1, "counter/float": 2, "updown/int": -3, "updown/float": -4, "gauge/int": 5, "gauge/float": 6,
		"histogram/int": 7, "histogram/float": 8, "async/counter/int": 9, "async/updown/int": 10, "async/gauge/int": 11,
		"async/counter/float": 12, "async/updown/float": 13, "async/gauge/float": 14,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, instrument := range stops {
		instrument.Stop()
	}
	for name, m := range collect(t, reader) {
		if n, attributes := value(m); slices.Contains([]string{"async/gauge/int", "async/gauge/float"}, name) && attributes != nil {
			t.Errorf("%s is observed after Stop: %v", name, n)
		}
	}
}

// value returns the value and the attributes of the only point.
func value(m metricdata.Metrics) (float64, map[string]any) {
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			return float64(p.Value), values(p.Attributes.ToSlice())
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			return p.Value, values(p.Attributes.ToSlice())
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			return float64(p.Value), values(p.Attributes.ToSlice())
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			return p.Value, values(p.Attributes.ToSlice())
		}
	case metricdata.Histogram[int64]:
		for _, p := range data.DataPoints {
			return float64(p.Sum), values(p.Attributes.ToSlice())
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			return p.Sum, values(p.Attributes.ToSlice())
		}
	}
	return 0, nil
}

// A name that OpenTelemetry rejects causes an error, not a panic.
func TestMeterRefusesNames(t *testing.T) {
	m := microvmotel.MeterProvider(sdkmetric.NewMeterProvider()).Meter("scope")
	if _, err := m.Float64Histogram(""); err == nil {
		t.Error("histogram: no error")
	}
	if _, err := m.Int64AsyncGauge("", func(context.Context, metrics.Int64Observer) {}); err == nil {
		t.Error("int gauge: no error")
	}
	if _, err := m.Float64AsyncGauge("", func(context.Context, metrics.Float64Observer) {}); err == nil {
		t.Error("float gauge: no error")
	}
}

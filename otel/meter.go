package otel

import (
	"context"

	"github.com/aws/smithy-go/metrics"
	"go.opentelemetry.io/otel/metric"
)

// MeterProvider adapts a meter provider of OpenTelemetry for Options.MeterProvider.
func MeterProvider(provider metric.MeterProvider) metrics.MeterProvider {
	return &meterProvider{provider}
}

type meterProvider struct{ provider metric.MeterProvider }

func (p *meterProvider) Meter(scope string, optFns ...metrics.MeterOption) metrics.Meter {
	var options metrics.MeterOptions
	for _, fn := range optFns {
		fn(&options)
	}
	attributes := attributesOf(&options.Properties)
	return &meter{p.provider.Meter(scope, metric.WithInstrumentationAttributes(attributes...))}
}

type meter struct{ meter metric.Meter }

// instrument returns unit and description as options of an instrument of type O.
func instrument[O any](optFns []metrics.InstrumentOption, convert func(metric.InstrumentOption) O) []O {
	var options metrics.InstrumentOptions
	for _, fn := range optFns {
		fn(&options)
	}
	return []O{convert(metric.WithUnit(options.UnitLabel)), convert(metric.WithDescription(options.Description))}
}

// record returns the attributes of a measurement.
func record(optFns []metrics.RecordMetricOption) metric.MeasurementOption {
	var options metrics.RecordMetricOptions
	for _, fn := range optFns {
		fn(&options)
	}
	return metric.WithAttributes(attributesOf(&options.Properties)...)
}

func (m *meter) Int64Counter(name string, optFns ...metrics.InstrumentOption) (metrics.Int64Counter, error) {
	c, err := m.meter.Int64Counter(name, instrument(optFns, func(o metric.InstrumentOption) metric.Int64CounterOption { return o })...)
	return int64Adder{c}, err
}

func (m *meter) Int64UpDownCounter(name string, optFns ...metrics.InstrumentOption) (metrics.Int64UpDownCounter, error) {
	c, err := m.meter.Int64UpDownCounter(name, instrument(optFns, func(o metric.InstrumentOption) metric.Int64UpDownCounterOption { return o })...)
	return int64Adder{c}, err
}

func (m *meter) Int64Gauge(name string, optFns ...metrics.InstrumentOption) (metrics.Int64Gauge, error) {
	g, err := m.meter.Int64Gauge(name, instrument(optFns, func(o metric.InstrumentOption) metric.Int64GaugeOption { return o })...)
	return int64Recorder{g}, err
}

func (m *meter) Int64Histogram(name string, optFns ...metrics.InstrumentOption) (metrics.Int64Histogram, error) {
	h, err := m.meter.Int64Histogram(name, instrument(optFns, func(o metric.InstrumentOption) metric.Int64HistogramOption { return o })...)
	return int64Recorder{h}, err
}

func (m *meter) Float64Counter(name string, optFns ...metrics.InstrumentOption) (metrics.Float64Counter, error) {
	c, err := m.meter.Float64Counter(name, instrument(optFns, func(o metric.InstrumentOption) metric.Float64CounterOption { return o })...)
	return float64Adder{c}, err
}

func (m *meter) Float64UpDownCounter(name string, optFns ...metrics.InstrumentOption) (metrics.Float64UpDownCounter, error) {
	c, err := m.meter.Float64UpDownCounter(name, instrument(optFns, func(o metric.InstrumentOption) metric.Float64UpDownCounterOption { return o })...)
	return float64Adder{c}, err
}

func (m *meter) Float64Gauge(name string, optFns ...metrics.InstrumentOption) (metrics.Float64Gauge, error) {
	g, err := m.meter.Float64Gauge(name, instrument(optFns, func(o metric.InstrumentOption) metric.Float64GaugeOption { return o })...)
	return float64Recorder{g}, err
}

func (m *meter) Float64Histogram(name string, optFns ...metrics.InstrumentOption) (metrics.Float64Histogram, error) {
	h, err := m.meter.Float64Histogram(name, instrument(optFns, func(o metric.InstrumentOption) metric.Float64HistogramOption { return o })...)
	return float64Recorder{h}, err
}

func (m *meter) Int64AsyncCounter(name string, callback metrics.Int64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	c, err := m.meter.Int64ObservableCounter(name, instrument(optFns, func(o metric.InstrumentOption) metric.Int64ObservableCounterOption { return o })...)
	return m.observeInt64(c, err, callback)
}

func (m *meter) Int64AsyncUpDownCounter(name string, callback metrics.Int64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	c, err := m.meter.Int64ObservableUpDownCounter(name, instrument(optFns, func(o metric.InstrumentOption) metric.Int64ObservableUpDownCounterOption { return o })...)
	return m.observeInt64(c, err, callback)
}

func (m *meter) Int64AsyncGauge(name string, callback metrics.Int64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	g, err := m.meter.Int64ObservableGauge(name, instrument(optFns, func(o metric.InstrumentOption) metric.Int64ObservableGaugeOption { return o })...)
	return m.observeInt64(g, err, callback)
}

func (m *meter) Float64AsyncCounter(name string, callback metrics.Float64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	c, err := m.meter.Float64ObservableCounter(name, instrument(optFns, func(o metric.InstrumentOption) metric.Float64ObservableCounterOption { return o })...)
	return m.observeFloat64(c, err, callback)
}

func (m *meter) Float64AsyncUpDownCounter(name string, callback metrics.Float64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	c, err := m.meter.Float64ObservableUpDownCounter(name, instrument(optFns, func(o metric.InstrumentOption) metric.Float64ObservableUpDownCounterOption { return o })...)
	return m.observeFloat64(c, err, callback)
}

func (m *meter) Float64AsyncGauge(name string, callback metrics.Float64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	g, err := m.meter.Float64ObservableGauge(name, instrument(optFns, func(o metric.InstrumentOption) metric.Float64ObservableGaugeOption { return o })...)
	return m.observeFloat64(g, err, callback)
}

// int64Adder is a counter, which may go down as well.
type int64Adder struct {
	counter interface {
		Add(context.Context, int64, ...metric.AddOption)
	}
}

func (a int64Adder) Add(ctx context.Context, n int64, optFns ...metrics.RecordMetricOption) {
	a.counter.Add(ctx, n, record(optFns))
}

type float64Adder struct {
	counter interface {
		Add(context.Context, float64, ...metric.AddOption)
	}
}

func (a float64Adder) Add(ctx context.Context, n float64, optFns ...metrics.RecordMetricOption) {
	a.counter.Add(ctx, n, record(optFns))
}

// int64Recorder is a histogram or a gauge.
type int64Recorder struct {
	instrument interface {
		Record(context.Context, int64, ...metric.RecordOption)
	}
}

func (r int64Recorder) Record(ctx context.Context, n int64, optFns ...metrics.RecordMetricOption) {
	r.instrument.Record(ctx, n, record(optFns))
}

func (r int64Recorder) Sample(ctx context.Context, n int64, optFns ...metrics.RecordMetricOption) {
	r.Record(ctx, n, optFns...)
}

type float64Recorder struct {
	instrument interface {
		Record(context.Context, float64, ...metric.RecordOption)
	}
}

func (r float64Recorder) Record(ctx context.Context, n float64, optFns ...metrics.RecordMetricOption) {
	r.instrument.Record(ctx, n, record(optFns))
}

func (r float64Recorder) Sample(ctx context.Context, n float64, optFns ...metrics.RecordMetricOption) {
	r.Record(ctx, n, optFns...)
}

func (m *meter) observeInt64(observable metric.Int64Observable, err error, callback metrics.Int64Callback) (metrics.AsyncInstrument, error) {
	if err != nil {
		return nil, err
	}
	return m.register(func(ctx context.Context, o metric.Observer) {
		callback(ctx, int64Observer{o, observable})
	}, observable)
}

func (m *meter) observeFloat64(observable metric.Float64Observable, err error, callback metrics.Float64Callback) (metrics.AsyncInstrument, error) {
	if err != nil {
		return nil, err
	}
	return m.register(func(ctx context.Context, o metric.Observer) {
		callback(ctx, float64Observer{o, observable})
	}, observable)
}

func (m *meter) register(observe func(context.Context, metric.Observer), observable metric.Observable) (metrics.AsyncInstrument, error) {
	registration, err := m.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		observe(ctx, o)
		return nil
	}, observable)
	if err != nil {
		return nil, err
	}
	return async{registration}, nil
}

type int64Observer struct {
	observer   metric.Observer
	observable metric.Int64Observable
}

func (o int64Observer) Observe(_ context.Context, n int64, optFns ...metrics.RecordMetricOption) {
	o.observer.ObserveInt64(o.observable, n, record(optFns))
}

type float64Observer struct {
	observer   metric.Observer
	observable metric.Float64Observable
}

func (o float64Observer) Observe(_ context.Context, n float64, optFns ...metrics.RecordMetricOption) {
	o.observer.ObserveFloat64(o.observable, n, record(optFns))
}

// async is an observable instrument with its callback.
type async struct{ registration metric.Registration }

// Stop ends the callbacks. OpenTelemetry's own registrations never return an error.
func (a async) Stop() { _ = a.registration.Unregister() }

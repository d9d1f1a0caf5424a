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

// instrument returns the options of an instrument of any type.
func instrument(optFns []metrics.InstrumentOption) (unit, description metric.InstrumentOption) {
	var options metrics.InstrumentOptions
	for _, fn := range optFns {
		fn(&options)
	}
	return metric.WithUnit(options.UnitLabel), metric.WithDescription(options.Description)
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
	unit, description := instrument(optFns)
	c, err := m.meter.Int64Counter(name, unit, description)
	return adder[int64]{c}, err
}

func (m *meter) Int64UpDownCounter(name string, optFns ...metrics.InstrumentOption) (metrics.Int64UpDownCounter, error) {
	unit, description := instrument(optFns)
	c, err := m.meter.Int64UpDownCounter(name, unit, description)
	return adder[int64]{c}, err
}

func (m *meter) Int64Gauge(name string, optFns ...metrics.InstrumentOption) (metrics.Int64Gauge, error) {
	unit, description := instrument(optFns)
	g, err := m.meter.Int64Gauge(name, unit, description)
	return recorder[int64]{g}, err
}

func (m *meter) Int64Histogram(name string, optFns ...metrics.InstrumentOption) (metrics.Int64Histogram, error) {
	unit, description := instrument(optFns)
	h, err := m.meter.Int64Histogram(name, unit, description)
	return recorder[int64]{h}, err
}

func (m *meter) Float64Counter(name string, optFns ...metrics.InstrumentOption) (metrics.Float64Counter, error) {
	unit, description := instrument(optFns)
	c, err := m.meter.Float64Counter(name, unit, description)
	return adder[float64]{c}, err
}

func (m *meter) Float64UpDownCounter(name string, optFns ...metrics.InstrumentOption) (metrics.Float64UpDownCounter, error) {
	unit, description := instrument(optFns)
	c, err := m.meter.Float64UpDownCounter(name, unit, description)
	return adder[float64]{c}, err
}

func (m *meter) Float64Gauge(name string, optFns ...metrics.InstrumentOption) (metrics.Float64Gauge, error) {
	unit, description := instrument(optFns)
	g, err := m.meter.Float64Gauge(name, unit, description)
	return recorder[float64]{g}, err
}

func (m *meter) Float64Histogram(name string, optFns ...metrics.InstrumentOption) (metrics.Float64Histogram, error) {
	unit, description := instrument(optFns)
	h, err := m.meter.Float64Histogram(name, unit, description)
	return recorder[float64]{h}, err
}

func (m *meter) Int64AsyncCounter(name string, callback metrics.Int64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	unit, description := instrument(optFns)
	c, err := m.meter.Int64ObservableCounter(name, unit, description)
	return m.observeInt64(c, err, callback)
}

func (m *meter) Int64AsyncUpDownCounter(name string, callback metrics.Int64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	unit, description := instrument(optFns)
	c, err := m.meter.Int64ObservableUpDownCounter(name, unit, description)
	return m.observeInt64(c, err, callback)
}

func (m *meter) Int64AsyncGauge(name string, callback metrics.Int64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	unit, description := instrument(optFns)
	g, err := m.meter.Int64ObservableGauge(name, unit, description)
	return m.observeInt64(g, err, callback)
}

func (m *meter) Float64AsyncCounter(name string, callback metrics.Float64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	unit, description := instrument(optFns)
	c, err := m.meter.Float64ObservableCounter(name, unit, description)
	return m.observeFloat64(c, err, callback)
}

func (m *meter) Float64AsyncUpDownCounter(name string, callback metrics.Float64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	unit, description := instrument(optFns)
	c, err := m.meter.Float64ObservableUpDownCounter(name, unit, description)
	return m.observeFloat64(c, err, callback)
}

func (m *meter) Float64AsyncGauge(name string, callback metrics.Float64Callback, optFns ...metrics.InstrumentOption) (metrics.AsyncInstrument, error) {
	unit, description := instrument(optFns)
	g, err := m.meter.Float64ObservableGauge(name, unit, description)
	return m.observeFloat64(g, err, callback)
}

// adder is a counter, which may go down as well.
type adder[N int64 | float64] struct {
	counter interface {
		Add(context.Context, N, ...metric.AddOption)
	}
}

func (a adder[N]) Add(ctx context.Context, n N, optFns ...metrics.RecordMetricOption) {
	a.counter.Add(ctx, n, record(optFns))
}

// recorder is a histogram or a gauge.
type recorder[N int64 | float64] struct {
	instrument interface {
		Record(context.Context, N, ...metric.RecordOption)
	}
}

func (r recorder[N]) Record(ctx context.Context, n N, optFns ...metrics.RecordMetricOption) {
	r.instrument.Record(ctx, n, record(optFns))
}

func (r recorder[N]) Sample(ctx context.Context, n N, optFns ...metrics.RecordMetricOption) {
	r.Record(ctx, n, optFns...)
}

func (m *meter) observeInt64(observable metric.Int64Observable, err error, callback metrics.Int64Callback) (metrics.AsyncInstrument, error) {
	if err != nil {
		return nil, err
	}
	return m.register(observable, func(ctx context.Context, o metric.Observer) error {
		callback(ctx, int64Observer{o, observable})
		return nil
	})
}

func (m *meter) observeFloat64(observable metric.Float64Observable, err error, callback metrics.Float64Callback) (metrics.AsyncInstrument, error) {
	if err != nil {
		return nil, err
	}
	return m.register(observable, func(ctx context.Context, o metric.Observer) error {
		callback(ctx, float64Observer{o, observable})
		return nil
	})
}

func (m *meter) register(observable metric.Observable, callback metric.Callback) (metrics.AsyncInstrument, error) {
	registration, err := m.meter.RegisterCallback(callback, observable)
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

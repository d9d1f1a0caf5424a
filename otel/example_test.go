package otel_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	microvmotel "github.com/microvm-go/lambdamicrovms/otel"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// See an update as one trace: the workflow, its steps and their calls.
func ExampleTracerProvider() {
	srv := fake.NewServer()
	exporter := tracetest.NewInMemoryExporter() // yours: an OTLP exporter
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))

	client := lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) {
		o.TracerProvider = microvmotel.TracerProvider(provider)
	})
	image := imageOf(client)
	exporter.Reset()

	if _, err := images.SyncTags(context.Background(), client, image, map[string]string{"team": "shop"}); err != nil {
		panic(err)
	}
	for _, span := range exporter.GetSpans() {
		if strings.HasPrefix(span.Name, "Lambda Microvms.") || !strings.Contains(span.InstrumentationScope.Name, "lambdamicrovms/") {
			continue // a call, or a part of one
		}
		fmt.Println(span.Name, span.Status.Code)
	}
	// Output:
	// read Ok
	// tag Ok
	// images.SyncTags Ok
}

// Count attempts, and measure how long calls take.
func ExampleMeterProvider() {
	srv := fake.NewServer()
	reader := sdkmetric.NewManualReader() // yours: a periodic reader with an OTLP exporter
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))

	client := lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) {
		o.MeterProvider = microvmotel.MeterProvider(provider)
	})
	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		panic(err)
	}

	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		panic(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok {
				fmt.Println(m.Name, sum.DataPoints[0].Value)
			}
		}
	}
	// Output:
	// client.call.attempts 1
}

// Use OpenTelemetry's global providers, as set by the program at its start.
func ExampleGlobal() {
	exporter := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)))

	client := lambdamicrovms.New(fake.NewServer().Options(), microvmotel.Global)
	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		panic(err)
	}
	spans := exporter.GetSpans()
	fmt.Println(spans[len(spans)-1].Name)
	// Output:
	// Lambda Microvms.ListMicrovms
}

// Continue traces in an application of your own.
func ExamplePropagate() {
	client := lambdamicrovms.New(fake.NewServer().Options(), microvmotel.Global)
	_, err := session.Attach(context.Background(), client, "microvm-3f6c1f0e-0f5b-4a63-9f0f-7d8f1b7f6f10", func(o *session.Options) {
		o.Transport = microvmotel.Propagate(http.DefaultTransport, propagation.TraceContext{})
	})
	fmt.Println(lambdamicrovms.IsNotFound(err))
	// Output:
	// true
}

// imageOf creates an image and returns its ARN.
func imageOf(client *lambdamicrovms.Client) string {
	out, err := client.CreateMicroVMImage(context.Background(), &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("shop"),
		BaseImageArn: aws.String(images.BaseImageARN("us-east-1", "al2023-1")),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/shop.zip"},
	})
	if err != nil {
		panic(err)
	}
	return *out.ImageArn
}

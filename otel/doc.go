// Package otel sends the spans and metrics of clients to OpenTelemetry. It adapts
// OpenTelemetry's tracer and meter providers to the interfaces of smithy-go, which
// clients take as Options.TracerProvider and Options.MeterProvider. It works with every
// client of the AWS SDK for Go v2, such as the S3 client of an upload.
//
// OpenTelemetry has a package of the same name. Import this one as microvmotel:
//
//	import microvmotel "github.com/microvm-go/lambdamicrovms/otel"
//
//	client := lambdamicrovms.NewFromConfig(cfg, microvmotel.Global)
//
// # Spans
//
//   - A call is a span of kind client with the name "Lambda Microvms.<operation>". Below
//     it are the steps of the call, as in official clients: serialization, each attempt
//     with its endpoint, signature and HTTP request, deserialization.
//   - A workflow of package images or session is a span such as "images.Deploy" above its
//     steps, and each step is a span above its calls.
//   - A request of a session to its MicroVM is a span of kind client with the name of the
//     method, such as "GET", as in the semantic conventions. [Propagate] continues the
//     trace in the MicroVM.
//
// The parent of a span is the span in the context of the call. An Uploader receives the
// context of the step "upload".
//
// # Attributes
//
// Names are those of official clients: rpc.system, rpc.service, rpc.method,
// aws.request_id, operation.attempt, http.status_code, api.error_code, exception.type and
// others. Where the semantic conventions have since chosen another name, the span has
// both: rpc.system.name, http.request.method, http.response.status_code and error.type.
// The attributes of workflows begin with "lambdamicrovms.", such as lambdamicrovms.image.
// Values have no secrets: the client has redacted them.
//
// # Metrics
//
// Instruments and units are those of official clients, such as client.call.duration,
// client.call.attempts, client.call.errors and client.http.time_to_first_byte, with the
// attributes rpc.service and rpc.method. Durations are in seconds.
package otel

// Package lambdamicrovms is a client for AWS Lambda MicroVMs, API version 2025-09-09. The
// service builds images, and runs code in Firecracker microVMs that it starts from them.
//
// The package is for programs that use the AWS SDK for Go v2: it takes configuration and
// credentials from there. Its names are those of the official client, except that Microvm
// is spelled MicroVM. It is not a general AWS SDK.
//
// # Quick start
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	...
//	client := lambdamicrovms.NewFromConfig(cfg)
//	image, err := client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &arn})
//
// A [Client] is safe for concurrent use: make one and share it. The function arguments of
// a method change [Options] for one call:
//
//	client.GetMicroVM(ctx, in, func(o *lambdamicrovms.Options) { o.RetryMaxAttempts = 1 })
//
// To change an image, use package images: UpdateMicroVMImage resets every member that the
// input leaves out.
//
// # Pitfalls of the service
//
//  1. UpdateMicroVMImage has PUT semantics: a member that the input leaves out returns to
//     its default.
//  2. Image operations accept the ARN of an image only.
//  3. BaseImageVersion must be a bare major such as "1". Responses contain "1.0".
//  4. After an update, wait for the version in the response. The state of the image may
//     still belong to the previous update.
//  5. The reason of a failed build is on the builds of the version
//     (ListMicroVMImageBuilds), not on the image.
//  6. The service never forgets a client token. Leave ClientToken nil: each call then
//     gets a random token, which its retries share.
//
// # Validation
//
// The client checks every constraint of the model before it sends a request. All
// violations are in one [smithy.InvalidParamsError]; [Violations] lists them with path,
// rule and limit. Options.Validation adds rules that were observed on the service, or
// disables validation. [Validate] checks an input without a call.
//
// # Errors
//
// All errors of a call work with errors.As. From the outside in:
//
//  1. *smithy.OperationError names the operation.
//  2. *[UncertainError], if the call may have taken effect although it failed. Without
//     it, nothing has changed.
//  3. *[AttemptsError], if the call made more than one attempt: how many, and how long
//     they took.
//  4. *http.ResponseError of the SDK, if there was a response: status and request ID.
//  5. The typed error of package types, or *smithy.GenericAPIError if the model does not
//     know it.
//
// [IsImageBusy], [IsQuotaExceeded], [IsThrottle], [IsNotFound] and [IsAlreadyExists]
// recognize all forms in which the service reports these conditions.
//
// # Retries
//
// Standard and adaptive mode work as in the SDK. In addition, the client retries a
// response that breaks off, and Retry-After raises the delay to at most 20 seconds. All
// attempts of a call send the same body and client token, so the call takes effect once.
//
// # Pages
//
// Each list operation has a paginator, with NextPage as in the SDK, and Pages and Items
// for range loops:
//
//	for image, err := range lambdamicrovms.NewListMicroVMImagesPaginator(client, nil).Items(ctx) {
//
// # Waiters
//
// A waiter polls until a resource reaches a state. It reports progress to OnAttempt. It
// fails with *[WaiterFailureError] (state, reason, last output) or *[WaiterTimeoutError].
//
// # Images and sessions
//
// Package images has workflows of several calls: safe update, deploy from a directory,
// prune, rollback. Package session runs a MicroVM, waits for it, renews its token, sends
// HTTP requests to it, and terminates it.
//
// # Logs, traces and metrics
//
// Options.ClientLogMode selects what Options.Logger receives; [SlogLogger] passes it to
// log/slog as records with attributes. Options.TracerProvider and Options.MeterProvider
// receive spans and duration metrics named as in the official clients. The ResultMetadata
// of an output holds the request ID (GetRequestIDMetadata of package aws/middleware), the
// response and the attempts.
//
// # Secrets
//
// Inputs, outputs and types print as their name and their JSON, in fmt and in slog.
// Environment variable values, tokens and run hook payloads print as [REDACTED]. Structs
// of this module that contain such a value without being part of the API, such as
// [WaiterAttempt], also redact their JSON.
//
// Redaction does not cover:
//
//   - JSON of inputs, outputs and types, which is the format of the wire. slog's JSON
//     handler calls LogValue only for the value of an attribute. For a list, a map or a
//     struct of your own it uses that JSON: log the items one by one, or the text of the
//     list, with slog.String("inputs", fmt.Sprint(inputs)).
//   - A map that is taken out of its struct.
//   - An unexported field of a struct of your own: fmt prints it without calling methods.
//   - What vet rejects: a copied Client, %p of a struct, %w of a value that is no error.
//
// Errors and logs of a call do not contain the secrets of its request, even if a response
// repeats them in a message, a code, a header or a status line, escaped, or as base64 or
// hex:
//
//   - Secrets are credentials, the values of secret headers and of sensitive members, and
//     the password of a proxy. If a sensitive member is a JSON object or array, the
//     strings in it are secrets, too.
//   - A run of 16 letters and digits of a secret is redacted, unless the rest of the
//     request contains it too.
//   - A value of 8 to 15 bytes is redacted as a whole if it mixes letters and digits, or
//     has capitals inside a word. Other short values may be ordinary words.
//
// Errors keep neither the body nor the secret headers of the request. Texts from
// responses are cut to a sensible length, without control characters and bidirectional
// marks.
//
// # JSON and YAML
//
// Inputs, outputs and types marshal to the JSON of the wire and back, including members
// that travel in the path or query. So a configuration can live in a file. An input
// rejects unknown members, because a typo would otherwise reset a setting; the error
// names line, column and the member that was probably meant. (For text that is no JSON,
// json.Unmarshal has an error of its own; UnmarshalJSON has ours.) Names match in any
// letter case, as in encoding/json.
//
// YAML libraries that call UnmarshalYAML(func(any) error) error and MarshalYAML() (any,
// error) read and write the same names: gopkg.in/yaml.v3, go.yaml.in/yaml and
// goccy/go-yaml. sigs.k8s.io/yaml does the same through JSON. A number or boolean in
// place of a string is an error, also in EnvironmentVariables: write it in quotes.
//
// Names in responses are exact, and a member that is null counts as absent.
// [UnknownSettings] lists the settings in a response that this version of the module
// cannot read.
//
// A struct that embeds one of these types inherits its methods for JSON, YAML and fmt,
// which then hide the other fields. Use a named field.
//
// # Testing
//
// Package fake is the service in-process, with a clock that lets waiters return at once.
// A stub needs only the interface of one operation, such as
// [UpdateMicroVMImageAPIClient], or an [HTTPClient]. Waiters and paginators take these
// interfaces.
//
// # Compatibility
//
// Versions are semantic. Before v1 a minor version may change the API; the changelog says
// how. New operations, members, enum values and errors are minor changes, so expect enum
// values that are not listed. Not mirrored from the official client: the deprecated
// Options.EndpointResolver (use BaseEndpoint or EndpointResolverV2), Options.Protocol,
// and package schemas.
package lambdamicrovms

//go:generate go run ./internal/codegen

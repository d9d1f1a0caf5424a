// Package lambdamicrovms is a client of AWS Lambda MicroVMs, API version 2025-09-09: code in Firecracker microVMs,
// started from images that the service builds.
//
// It is made for programs on the AWS SDK for Go v2 and has the names of the official client, save that Microvm is
// written MicroVM. It is not a general AWS SDK: credentials and configuration come from aws-sdk-go-v2/config, as usual.
//
// # Quick start
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	...
//	client := lambdamicrovms.NewFromConfig(cfg)
//	out, err := client.UpdateMicroVMImage(ctx, &lambdamicrovms.UpdateMicroVMImageInput{...})
//	...
//	err = lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(client).Wait(ctx,
//		&lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: out.ImageArn, ImageVersion: out.ImageVersion}, 30*time.Minute)
//
// A [Client] is safe for concurrent use; make one and keep it. [Options] can be changed for one call by the function
// arguments of each method:
//
//	client.GetMicroVM(ctx, in, func(o *lambdamicrovms.Options) { o.RetryMaxAttempts = 1 })
//
// Coming from the official client, change the import path and write MicroVM for Microvm. What is not there: the
// EndpointResolver of Options, which was deprecated (BaseEndpoint and EndpointResolverV2 take its place; that of an
// aws.Config is heeded), Options.Protocol, and the package of schemas. Middleware is inserted by the same IDs.
//
// # What is checked before the network
//
// Every constraint of the model is checked before anything is sent, and all violations come in one
// [smithy.InvalidParamsError]; [Violations] lists them with path, rule and limit. [Options].Validation makes it stricter,
// by rules the service was seen to enforce, or switches it off; [Validate] checks an input without a call.
//
// # Traps of the service
//
// UpdateMicroVMImage has PUT semantics: a member that is left out goes back to its default. BaseImageVersion takes a bare
// major such as "1" although answers say "1.0". Image operations take the ARN of an image and no name. A build that failed
// gives its reason on the builds of the version (ListMicroVMImageBuilds), not on the image. A client token is never
// forgotten by the service; leave it nil and every call gets one of its own, which its retries keep.
//
// # Errors
//
// A call that the service refused returns a *smithy.OperationError around a *http.ResponseError of the SDK (status,
// request id) around the typed error of package types, all found by errors.As. Errors that the model does not know are
// *smithy.GenericAPIError. [IsImageBusy], [IsQuotaExceeded], [IsThrottle], [IsNotFound] and [IsAlreadyExists] know the forms
// in which the service says these things. An [UncertainError] within says that the call may have had its effect
// nevertheless; without it nothing has changed. No error holds credentials, tokens or values of environment variables.
//
// # Retries
//
// Standard and adaptive mode work as in the SDK; besides, answers that break off are retried, and Retry-After raises the
// delay up to 20 seconds. A retried call sends the same body and the same token, and takes effect once.
//
// # Pages
//
// For every list there is a paginator: NextPage as in the SDK, and Pages and Items for range loops:
//
//	for image, err := range lambdamicrovms.NewListMicroVMImagesPaginator(client, nil).Items(ctx) {
//
// # Waiting
//
// Waiters (New…Waiter) poll until a state is reached, tell progress through OnAttempt, and end with *[WaiterFailureError]
// (state, reason, last output) or *[WaiterTimeoutError]. After an update wait for the version that it returned:
// the state of the image may still be that of the update before.
//
// # Images and sessions
//
// What takes more than one call stands in packages over this one. Package images updates an image without losing
// settings that the change does not name, deploys a folder, prunes versions and rolls back; it waits where an image is
// busy. Package session runs a MicroVM, waits for it, keeps its token fresh and speaks HTTP to it.
//
// # Logs, traces and metrics
//
// Options.ClientLogMode chooses what goes to Options.Logger; Options.TracerProvider and Options.MeterProvider receive spans
// and durations by the names of the official clients. The ResultMetadata of an output holds the request id
// (GetRequestIDMetadata of aws/middleware), the response and the attempts; an error has request id and response in its
// *http.ResponseError.
//
// # Secrets
//
// Every input, output and type prints as its name and its JSON, in fmt and in slog. Environment variable values, tokens and
// run hook payloads are [REDACTED] there. Structs of this module that hold such a value without being part of the service's
// model, such as [WaiterAttempt], also redact their JSON.
//
// Redaction does not cover:
//
//   - JSON of inputs, outputs and types, which is the wire's. slog's JSON handler calls LogValue only for a value that is an
//     attribute itself. For a list, a map or a struct of your own it uses that JSON: log the items one by one, or the text
//     of the list: slog.String("inputs", fmt.Sprint(inputs)).
//   - A map taken out of its struct.
//   - An unexported field of a struct of your own: fmt prints it without calling methods.
//   - What vet refuses: a copied Client, %p of a struct, %w of what is no error.
//
// Errors and logs of a call do not show the secrets of its request, also where a response repeats them: in messages, codes,
// request IDs, headers, status lines and what net/http quotes, escaped, as base64 or as hex. Secrets are the credentials,
// the values of secret headers and of sensitive members, the password of a proxy. A run of 16 letters and digits is enough to
// be redacted, unless the rest of the request holds it too. A value of 8 to 15 bytes is redacted as a whole if it mixes
// letters and digits, or capitals into a word: others may be words like any other. Errors keep neither the body nor the
// secret headers of the request. Texts from outside are cut, and have no control characters and marks of writing direction.
//
// # Configuration files
//
// Inputs, outputs and types marshal to the JSON of the wire and back, members of path and query included, so that a
// configuration can live in a file. An input refuses members that it does not know: a typo would otherwise wipe a setting.
// The error names line and column, counted from the start of the input, and the member that was probably meant. Names match
// in any letter case, as in encoding/json; marshalling writes the exact ones. A struct that embeds an input, output or type
// inherits its MarshalJSON, UnmarshalJSON and Format, which hide the other fields from JSON and fmt: use a named field.
//
// Names in responses are exact, and a member that is null counts as absent. [UnknownSettings] lists what a response says
// about an image and this version of the module cannot read.
//
// # Testing
//
// Package fake is the service in-process, with a clock that lets waiters take no time. Narrower stubs need only the
// interface of one operation, such as [UpdateMicroVMImageAPIClient], which waiters and paginators take as well, or an
// [HTTPClient] that answers in place of the network.
//
// # Compatibility
//
// Versions are semantic; before v1 a minor version may change the API, and the changelog says how. New operations, members,
// enum values and errors are minor changes. Enums are open: expect values that are not listed.
package lambdamicrovms

//go:generate go run ./internal/codegen

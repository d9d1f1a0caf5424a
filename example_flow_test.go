package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// OnAttempt reports progress after each poll. With the fake's clock, waiting takes no
// time.
func ExampleWaiterOptions() {
	ctx := context.Background()
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())
	image, _ := client.CreateMicroVMImage(ctx, exampleImage("shop"))

	var states []string
	waiter := lambdamicrovms.NewMicroVMImageCreatedWaiter(client, func(o *lambdamicrovms.MicroVMImageCreatedWaiterOptions) {
		o.MinDelay = time.Second
		o.OnAttempt = func(a lambdamicrovms.WaiterAttempt) { states = append(states, a.State) }
	})
	err := waiter.Wait(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: image.ImageArn}, 10*time.Minute)
	fmt.Println(states[0], states[len(states)-1], err)
	// Output: CREATING CREATED <nil>
}

// After a timeout the error has the last state.
func ExampleWaiterTimeoutError() {
	ctx := context.Background()
	srv := fake.NewServer(fake.WithFault(fake.StuckBuild{}))
	client := lambdamicrovms.New(srv.Options())
	image, _ := client.CreateMicroVMImage(ctx, exampleImage("shop"))

	waiter := lambdamicrovms.NewMicroVMImageCreatedWaiter(client)
	err := waiter.Wait(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: image.ImageArn}, time.Hour)
	var timeout *lambdamicrovms.WaiterTimeoutError
	fmt.Println(errors.As(err, &timeout), timeout.LastState, timeout.MaxWait, errors.Is(err, context.DeadlineExceeded))
	// Output: true CREATING 1h0m0s true
}

// A MicroVM from start to end.
func ExampleClient_RunMicroVM() {
	ctx := context.Background()
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())
	image, _ := client.CreateMicroVMImage(ctx, exampleImage("shop"))
	srv.Advance(10 * time.Minute) // the build is done

	run, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier:          image.ImageArn,
		MaximumDurationInSeconds: aws.Int32(600),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	id := &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: run.MicroVMId}
	running, err := lambdamicrovms.NewMicroVMRunningWaiter(client).WaitForOutput(ctx, id, time.Minute)
	fmt.Println(run.State, running.State, err)

	token, err := client.CreateMicroVMAuthToken(ctx, &lambdamicrovms.CreateMicroVMAuthTokenInput{
		MicroVMIdentifier:   run.MicroVMId,
		ExpirationInMinutes: aws.Int32(15),
		AllowedPorts:        []types.PortSpecification{&types.PortSpecificationMemberPort{Value: 8080}},
	})
	fmt.Println(len(token.AuthToken["X-aws-proxy-auth"]) > 0, token, err) // the token itself is not printed

	_, err = client.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: run.MicroVMId})
	fmt.Println(err)
	// Output:
	// PENDING RUNNING <nil>
	// true CreateMicroVMAuthTokenOutput{"authToken":{"X-aws-proxy-auth":"[REDACTED]"}} <nil>
	// <nil>
}

// A loop over pages as in the SDK, and a range loop over items.
func ExamplePaginator() {
	ctx := context.Background()
	client := lambdamicrovms.New(fake.NewServer().Options())
	for _, name := range []string{"cart", "shop", "search"} {
		if _, err := client.CreateMicroVMImage(ctx, exampleImage(name)); err != nil {
			fmt.Println(err)
		}
	}
	pages := lambdamicrovms.NewListMicroVMImagesPaginator(client, nil, func(o *lambdamicrovms.ListMicroVMImagesPaginatorOptions) { o.Limit = 2 })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(page.Items))
	}

	in := &lambdamicrovms.ListMicroVMImagesInput{NameFilter: aws.String("s"), MaxResults: aws.Int32(1)}
	found := 0
	for page, err := range lambdamicrovms.NewListMicroVMImagesPaginator(client, in).Pages(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		found += len(page.Items) // a page may be empty and not the last
	}
	fmt.Println(found)
	// Output:
	// 2
	// 1
	// 2
}

// stuck stubs a service that returns the same page token permanently.
type stuck struct{}

func (stuck) ListMicroVMs(context.Context, *lambdamicrovms.ListMicroVMsInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMsOutput, error) {
	return &lambdamicrovms.ListMicroVMsOutput{NextToken: aws.String("again")}, nil
}

// A listing that cannot end is an error, not an endless loop.
func ExampleDuplicateTokenError() {
	for _, err := range lambdamicrovms.NewListMicroVMsPaginator(stuck{}, nil).Items(context.Background()) {
		var duplicate *lambdamicrovms.DuplicateTokenError
		fmt.Println(errors.As(err, &duplicate), err)
	}
	// Output: true ListMicroVMs paginator: the service repeated the token of page 2, the listing is incomplete
}

// Wait until a busy image accepts changes again.
func ExampleNewMicroVMImageSettledWaiter() {
	ctx := context.Background()
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())
	image, _ := client.CreateMicroVMImage(ctx, exampleImage("shop"))

	in := &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: image.ImageArn}
	out, err := client.DeleteMicroVMImage(ctx, in)
	if lambdamicrovms.IsImageBusy(err) {
		settled := lambdamicrovms.NewMicroVMImageSettledWaiter(client)
		if err := settled.Wait(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: image.ImageArn}, time.Hour); err != nil {
			fmt.Println(err)
			return
		}
		out, err = client.DeleteMicroVMImage(ctx, in)
	}
	fmt.Println(out.State, err)
	// Output: DELETING <nil>
}

package fake_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// together calls do concurrently for each number below n, and fails the test with the
// first error.
func together(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	var all sync.WaitGroup
	errs := make(chan error, n)
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			errs <- do(i)
		}()
	}
	all.Wait()
	for range n {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// TestThousandAtOnce runs a thousand concurrent callers on one server and checks that no
// change is lost.
func TestThousandAtOnce(t *testing.T) {
	const callers, images = 1000, 50
	ctx := context.Background()
	srv := fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	arn := func(i int) *string {
		return aws.String(fmt.Sprintf("arn:aws:lambda:us-east-1:123456789012:microvm-image:image-%d", i%images))
	}

	// All callers that create the same image with the same token get the same image.
	together(t, callers, func(i int) error {
		in := createInput(fmt.Sprintf("image-%d", i%images))
		in.ClientToken = aws.String(*in.Name)
		out, err := client.CreateMicroVMImage(ctx, in)
		if err == nil && *out.ImageVersion != "1.0" {
			return fmt.Errorf("version %s", *out.ImageVersion)
		}
		return err
	})
	srv.Advance(fake.MeasuredDelays().Build)

	// If all callers update the same image, one succeeds and the others get the error for
	// a busy image.
	var mu sync.Mutex
	updated := make(map[string]int)
	together(t, callers, func(i int) error {
		out, err := client.UpdateMicroVMImage(ctx, updateInput(*arn(i)))
		if lambdamicrovms.IsImageBusy(err) {
			return nil
		}
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			updated[*out.Name+" "+*out.ImageVersion]++
		}
		return err
	})
	for i := range images {
		if n := updated[fmt.Sprintf("image-%d 2.0", i)]; n != 1 {
			t.Errorf("image %d was updated %d times", i, n)
		}
	}

	// No tag is lost.
	together(t, callers, func(i int) error {
		_, err := client.TagResource(ctx, &lambdamicrovms.TagResourceInput{Resource: arn(i), Tags: map[string]string{fmt.Sprint(i): "x"}})
		return err
	})
	for i := range images {
		out, err := client.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: arn(i)})
		if err != nil || len(out.Tags) != callers/images {
			t.Errorf("image %d has the tags %v, %v", i, out, err)
		}
	}

	// Each caller runs, gets and terminates a MicroVM, while others list them and the
	// clock advances.
	together(t, callers, func(i int) error {
		out, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: arn(i)})
		if err != nil {
			return err
		}
		srv.Advance(1)
		if _, err := client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: out.MicroVMId}); err != nil {
			return err
		}
		if i%100 == 0 {
			if _, err := client.ListMicroVMs(ctx, &lambdamicrovms.ListMicroVMsInput{}); err != nil {
				return err
			}
		}
		_, err = client.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: out.MicroVMId})
		return err
	})
	microVMs := 0
	for vm, err := range lambdamicrovms.NewListMicroVMsPaginator(client, &lambdamicrovms.ListMicroVMsInput{}).Items(ctx) {
		if err != nil || vm.MicroVMId == nil {
			t.Fatalf("%v, %v", vm, err)
		}
		microVMs++
	}
	if microVMs != callers {
		t.Errorf("%d MicroVMs", microVMs)
	}
}

func TestTenThousandImages(t *testing.T) {
	const n = 10_000
	ctx := context.Background()
	srv := fake.New(t, fake.WithCallLog(0))
	options := srv.Options()
	options.Credentials = nil // signatures take most of the time
	client := lambdamicrovms.New(options)
	for i := range n {
		if _, err := client.CreateMicroVMImage(ctx, createInput(fmt.Sprintf("image-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]bool)
	for image, err := range lambdamicrovms.NewListMicroVMImagesPaginator(client, &lambdamicrovms.ListMicroVMImagesInput{}).Items(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		seen[*image.Name] = true
	}
	for i := range n {
		if name := fmt.Sprintf("image-%d", i); !seen[name] {
			t.Fatalf("%s is not listed; %d are", name, len(seen))
		}
	}
}

package fake_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// benchServer returns a server with n built images, and a client that does not sign,
// because the cost of signing is not the server's.
func benchServer(b *testing.B, n int) (*fake.Server, *lambdamicrovms.Client) {
	b.Helper()
	srv := fake.New(b, fake.WithCallLog(1000))
	options := srv.Options()
	options.Credentials = nil
	client := lambdamicrovms.New(options)
	for i := range n {
		in := createInput(fmt.Sprintf("image-%d", i))
		in.Tags = map[string]string{"team": "one"}
		in.EnvironmentVariables = map[string]string{"KEY": "value", "OTHER": "value"}
		if _, err := client.CreateMicroVMImage(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	srv.Advance(fake.MeasuredDelays().Build)
	return srv, client
}

func benchARN(i int) *string {
	return aws.String(fmt.Sprintf("arn:aws:lambda:us-east-1:123456789012:microvm-image:image-%d", i))
}

func BenchmarkGetImage(b *testing.B) {
	_, client := benchServer(b, 1)
	in := &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: benchARN(0)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.GetMicroVMImage(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetVersion(b *testing.B) {
	_, client := benchServer(b, 1)
	in := &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: benchARN(0), ImageVersion: aws.String("1.0")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.GetMicroVMImageVersion(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateImage(b *testing.B) {
	srv, client := benchServer(b, 100)
	ins := make([]*lambdamicrovms.UpdateMicroVMImageInput, 100)
	for i := range ins {
		ins[i] = updateInput(*benchARN(i))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i++; i%100 == 0 {
			srv.Advance(fake.MeasuredDelays().Build)
		}
		if i%5000 == 0 { // starts over with a new server, because versions accumulate
			b.StopTimer()
			srv, client = benchServer(b, 100)
			b.StartTimer()
		}
		if _, err := client.UpdateMicroVMImage(context.Background(), ins[i%100]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListImages(b *testing.B) {
	const n = 10_000
	_, client := benchServer(b, n)
	b.ReportAllocs()
	for b.Loop() {
		seen := 0
		for _, err := range lambdamicrovms.NewListMicroVMImagesPaginator(client, &lambdamicrovms.ListMicroVMImagesInput{}).Items(context.Background()) {
			if err != nil {
				b.Fatal(err)
			}
			seen++
		}
		if seen != n {
			b.Fatalf("%d images", seen)
		}
	}
}

// BenchmarkParallel runs 256 goroutines on each core, which read and tag their own
// images.
func BenchmarkParallel(b *testing.B) {
	const images = 256
	_, client := benchServer(b, images)
	b.ReportAllocs()
	b.SetParallelism(256)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := client.GetMicroVMImage(context.Background(), &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: benchARN(i % images)}); err != nil {
				b.Error(err)
			}
		}
	})
}

package fake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// TestFilterComesAfterPage checks that pages are cut before the filter, so that the first
// may be empty.
func TestFilterComesAfterPage(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	for i := range 22 {
		name := fmt.Sprintf("other-%d", i)
		if i >= 12 {
			name = fmt.Sprintf("wanted-%d", i)
		}
		if _, err := client.CreateMicroVMImage(ctx, createInput(name)); err != nil {
			t.Fatal(err)
		}
	}

	p := lambdamicrovms.NewListMicroVMImagesPaginator(client, &lambdamicrovms.ListMicroVMImagesInput{
		MaxResults: aws.Int32(1), NameFilter: aws.String("wanted"),
	})
	pages, hits := 0, 0
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if pages == 0 && len(page.Items) != 0 {
			t.Errorf("the first page has %d items", len(page.Items))
		}
		if token := aws.ToString(page.NextToken); token != "" && (len(token) < 688 || len(token) > 800 || !strings.HasSuffix(token, "=")) {
			t.Errorf("token of %d characters: %s", len(token), token)
		}
		pages++
		hits += len(page.Items)
	}
	if pages != 22 || hits != 10 {
		t.Errorf("%d items on %d pages, want 10 on 22", hits, pages)
	}
}

// TestTokenOfLongFilter checks that page tokens have the same length for any filter.
func TestTokenOfLongFilter(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	for _, name := range []string{"a", "b"} {
		if _, err := client.CreateMicroVMImage(ctx, createInput(name)); err != nil {
			t.Fatal(err)
		}
	}
	in := &lambdamicrovms.ListMicroVMImagesInput{MaxResults: aws.Int32(1), NameFilter: aws.String(strings.Repeat("x", 2048))}
	page, err := client.ListMicroVMImages(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if token := aws.ToString(page.NextToken); len(token) < 688 || len(token) > 800 || !strings.HasSuffix(token, "=") {
		t.Errorf("token of %d characters: %s", len(token), token)
	}

	in.NextToken = page.NextToken
	if page, err = client.ListMicroVMImages(ctx, in); err != nil || page.NextToken != nil {
		t.Errorf("the last page is %v, %v", page, err)
	}
	in.NameFilter = aws.String("x")
	if _, err = client.ListMicroVMImages(ctx, in); err == nil {
		t.Error("the token of one filter is taken for another")
	}
}

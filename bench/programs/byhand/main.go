// Command byhand makes one signed request with net/http and the SDK's signer.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func main() {
	body := []byte(`{"codeArtifact":{"uri":"s3://shop-artifacts/checkout-worker.zip"}}`)
	req, err := http.NewRequest(http.MethodPut, os.Args[1]+"/2025-09-09/microvm-images/shop", bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	keys := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "SECRET"}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, req, hex.EncodeToString(sum[:]), "lambda", "us-east-1", time.Now()); err != nil {
		log.Fatal(err)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		log.Fatal(err)
	}
	_ = response.Body.Close()
}

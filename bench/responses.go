package bench

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Size is how much a call carries.
type Size int

const (
	// Small is the required members only.
	Small Size = iota
	// Large adds 50 environment variables of 200 bytes, about 11 KB, to request and
	// response.
	Large
)

// Sizes are all sizes.
var Sizes = []Size{Small, Large}

func (s Size) String() string {
	if s == Large {
		return "large"
	}
	return "small"
}

func (s Size) variables() map[string]string {
	if s == Small {
		return nil
	}
	variables := make(map[string]string, 50)
	for i := range 50 {
		variables[fmt.Sprintf("VARIABLE_%02d", i)] = strings.Repeat("value ", 33) + "ok"
	}
	return variables
}

// environment is the variables as JSON: empty says how a service writes none.
func (s Size) environment(empty string) string {
	if s == Small {
		return empty
	}
	data, err := json.Marshal(s.variables())
	if err != nil {
		panic(err)
	}
	return string(data)
}

const (
	imageArn = "arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"
	baseArn  = "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"
	roleArn  = "arn:aws:iam::123456789012:role/microvm-build"
)

// imageResponse is the response of the service to UpdateMicroVMImage: unset members are
// null, and there are some that the model does not have.
func imageResponse(s Size) string {
	return `{"imageArn":"` + imageArn + `","name":"shop","id":"0f3a5dc7-7a0c-4a3b-9f9e-1d5f3f5a5c11","state":"UPDATING",` +
		`"imageVersion":"2.0","latestActiveImageVersion":"1.0","latestFailedImageVersion":null,` +
		`"createdAt":1.785402129123E9,"updatedAt":1.785402129789E9,` +
		`"baseImageArn":"` + baseArn + `","baseImageVersion":"1.0","buildRoleArn":"` + roleArn + `",` +
		`"codeArtifact":{"uri":"s3://shop-artifacts/checkout-worker.zip"},"resources":[{"minimumMemoryInMiB":2048}],` +
		`"egressNetworkConnectors":["arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:INTERNET_EGRESS"],` +
		`"description":null,"logging":null,"cpuConfigurations":null,"additionalOsCapabilities":null,"hooks":null,` +
		`"environmentVariables":` + s.environment("null") + `,"buildPhaseOverrides":null,"roleConfiguration":null}`
}

// functionResponse is the response of AWS Lambda to UpdateFunctionConfiguration.
func functionResponse(s Size) string {
	return `{"FunctionName":"shop","FunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:shop",` +
		`"Runtime":"provided.al2023","Role":"` + roleArn + `","Handler":"bootstrap","CodeSize":5797206,"Description":"",` +
		`"Timeout":15,"MemorySize":256,"LastModified":"2026-11-05T17:32:24.000+0000",` +
		`"CodeSha256":"JsWmJzI0ZWY4ODVjYzg3NjRkNjg5ZmQyZTlkNDQ0ZDQ=","Version":"$LATEST",` +
		`"Environment":{"Variables":` + s.environment("{}") + `},"TracingConfig":{"Mode":"PassThrough"},` +
		`"RevisionId":"8b1f1a5e-2f6c-4f1f-9c35-5bb7a0c0a9a1","State":"Active","LastUpdateStatus":"InProgress",` +
		`"LastUpdateStatusReason":"The function is being created.","LastUpdateStatusReasonCode":"Creating",` +
		`"PackageType":"Zip","Architectures":["arm64"],"EphemeralStorage":{"Size":512},` +
		`"SnapStart":{"ApplyOn":"None","OptimizationStatus":"Off"},` +
		`"RuntimeVersionConfig":{"RuntimeVersionArn":"arn:aws:lambda:us-east-1::runtime:da57c20c4b965d5b75540f6865a35fc8030358e33ec44ecfed33e90901a27a72"},` +
		`"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/shop"}}`
}

// scheduleResponse is the response of Amazon EventBridge Scheduler to UpdateSchedule.
func scheduleResponse(Size) string {
	return `{"ScheduleArn":"arn:aws:scheduler:us-east-1:123456789012:schedule/default/shop"}`
}

// pageToken is as long as those of the service.
var pageToken = strings.Repeat("dG9rZW4t", 90)

// ImagePage is a page of ListMicroVMImages with n images.
func ImagePage(n int) string {
	var b strings.Builder
	b.WriteString(`{"items":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"imageArn":"%s-%d","name":"shop-%d","id":"0f3a5dc7-7a0c-4a3b-9f9e-1d5f3f5a5c11","state":"UPDATED",`+
			`"latestActiveImageVersion":"%d.0","latestFailedImageVersion":null,"createdAt":1.785402129123E9}`, imageArn, i, i, i+1)
	}
	b.WriteString(`],"nextToken":"` + pageToken + `"}`)
	return b.String()
}

module github.com/microvm-go/lambdamicrovms/examples

go 1.24

require github.com/microvm-go/lambdamicrovms v0.0.0

// Until the first tag.
replace github.com/microvm-go/lambdamicrovms => ../

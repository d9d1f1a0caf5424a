package shorthand

import "testing"

func FuzzParse(f *testing.F) {
	f.Add(`a=b,c=[d,{e='f'}],g="h\"i"`)
	f.Add(`a=b,c,d=e`)
	f.Fuzz(func(_ *testing.T, input string) { _, _ = Parse(input, nil) })
}

package restjson

import (
	"strings"
	"testing"
	"time"
)

func TestReadTime(t *testing.T) {
	tests := []struct {
		src  string
		want time.Time
	}{
		{`0`, time.Unix(0, 0)},
		{`-0`, time.Unix(0, 0)},
		{`1756383103`, time.Unix(1756383103, 0)},
		{`1756383103.123`, time.Unix(1756383103, 123_000_000)},
		{`1756383103.000000001`, time.Unix(1756383103, 1)},
		{`1756383103.123456789`, time.Unix(1756383103, 123_456_789)},
		{`1756383103.9999999999`, time.Unix(1756383103, 999_999_999)},
		{`1.756383103E9`, time.Unix(1756383103, 0)},
		{`1.756383103123E9`, time.Unix(1756383103, 123_000_000)},
		{`1.756383103123456789e+09`, time.Unix(1756383103, 123_456_789)},
		{`1756383103123e-3`, time.Unix(1756383103, 123_000_000)},
		{`17e8`, time.Unix(17e8, 0)},
		{`5e-3`, time.Unix(0, 5_000_000)},
		{`5e-9`, time.Unix(0, 5)},
		{`5e-10`, time.Unix(0, 0)},
		{`0.05e1`, time.Unix(0, 5e8)},
		{`-0.5`, time.Unix(-1, 5e8)},
		{`-1.5`, time.Unix(-2, 5e8)},
		{`-1`, time.Unix(-1, 0)},
		{`0e999999999999999999999`, time.Unix(0, 0)},
		{`1e-999999999999999999999`, time.Unix(0, 0)},
		{`0.` + strings.Repeat("0", 400) + `17e410`, time.Unix(17e8, 0)},
		{`-62135596800`, time.Time{}},
		{`253402300799.999999999`, time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)},
		{`null`, time.Time{}},
	}
	for _, test := range tests {
		r := NewReader(test.src)
		got := r.Time()
		if err := r.End(); err != nil || got != test.want.UTC() {
			t.Errorf("%s reads as %v with error %v, want %v", test.src, got, err, test.want.UTC())
		}
	}

	for _, src := range []string{
		`253402300800`, `-62135596801`, `-62135596800.000000001`, `1e12`, `1e999999999999999999999`,
		`100000000000000000000`, `99999999999999999999e-5`, `1` + strings.Repeat("0", 400),
	} {
		r := NewReader(src)
		r.Time()
		if got, want := r.End(), "unexpected JSON at offset 0: epoch seconds outside the years 1 to 9999"; got == nil || got.Error() != want {
			t.Errorf("%s: error %v, want %s", src, got, want)
		}
	}
}

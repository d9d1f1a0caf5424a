package bench

import "testing"

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []int
		want   int
	}{
		{[]int{3}, 3},
		{[]int{4, 2}, 4},
		{[]int{9, 1, 5}, 5},
	} {
		if got := Median(test.values); got != test.want {
			t.Errorf("%v: got %d, want %d", test.values, got, test.want)
		}
		if got := MedianOf(len(test.values), func(i int) int { return test.values[i] }); got != test.want {
			t.Errorf("%v, by index: got %d, want %d", test.values, got, test.want)
		}
	}
}

package bench

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// A Cost is what one call costs.
type Cost struct {
	Time   time.Duration
	Allocs float64
	Bytes  float64
}

const (
	slice  = 15 * time.Millisecond // real time that a call is repeated in one go
	warmUp = 64                    // calls, which fill pools and build what is built at first use
)

// Compare measures calls side by side: in slices that take turns, so that whatever else
// the machine does falls on all of them. The time is the median of the slices;
// allocations and bytes are exact, save for what a garbage collection takes from pools.
func Compare(calls []Call, rounds int) ([]Cost, error) {
	began := time.Now()
	return compare(calls, rounds, func() time.Duration { return time.Since(began) })
}

// compare is Compare with a clock.
func compare(calls []Call, rounds int, clock func() time.Duration) ([]Cost, error) {
	costs := make([]Cost, len(calls))
	repeats := make([]int, len(calls))
	for i, call := range calls {
		if err := repeat(call, warmUp); err != nil {
			return nil, err
		}
		start := time.Now()
		if err := repeat(call, warmUp); err != nil {
			return nil, err
		}
		repeats[i] = max(1, int(slice*warmUp/max(1, time.Since(start))))
		var err error
		if costs[i].Allocs, costs[i].Bytes, err = allocations(call, warmUp); err != nil {
			return nil, err
		}
	}
	times := make([][]time.Duration, len(calls))
	for round := range rounds {
		for j := range calls {
			i := (j + round) % len(calls)
			start := clock()
			if err := repeat(calls[i], repeats[i]); err != nil {
				return nil, err
			}
			times[i] = append(times[i], (clock()-start)/time.Duration(repeats[i]))
		}
	}
	for i := range times {
		costs[i].Time = Median(times[i])
	}
	return costs, nil
}

// Median returns the value in the middle, of an even number the larger one of two.
func Median[T cmp.Ordered](values []T) T {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// MedianOf returns the median of the values of 0 to n-1.
func MedianOf[T cmp.Ordered](n int, value func(i int) T) T {
	values := make([]T, n)
	for i := range values {
		values[i] = value(i)
	}
	return Median(values)
}

func repeat(call Call, n int) error {
	for range n {
		if err := call(); err != nil {
			return fmt.Errorf("call: %w", err)
		}
	}
	return nil
}

// Concurrently makes calls with a number of goroutines, each of which makes as many.
func Concurrently(call Call, calls, goroutines int) error {
	var all sync.WaitGroup
	errs := make(chan error, goroutines)
	for range goroutines {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := repeat(call, calls/goroutines); err != nil {
				errs <- err
			}
		}()
	}
	all.Wait()
	close(errs)
	return <-errs
}

// allocations counts as testing.AllocsPerRun does, and bytes as well.
func allocations(call Call, n int) (count, bytes float64, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	if err := repeat(call, warmUp); err != nil { // the collection has emptied the pools
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = repeat(call, n)
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / uint64(n)), float64((after.TotalAlloc - before.TotalAlloc) / uint64(n)), err
}

package images_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

// Runs several updaters and a pruner concurrently, in an order that the test does not
// control, for the race detector.
func TestConcurrentUpdaters(t *testing.T) {
	b := newBench(t, fake.WithFault(fake.LoseAnswer{}, fake.Chance(0.02, 1)), fake.WithFault(fake.Throttle{}, fake.Chance(0.02, 2)))
	b.create(declaration())
	const updaters = 6
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		done  []string // keys of successful updates
	)
	for i := range updaters {
		group.Add(1)
		go func() {
			defer group.Done()
			key := fmt.Sprintf("U%d", i)
			_, err := images.Update(b.ctx, b.client, appARN, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
				if in.EnvironmentVariables == nil {
					in.EnvironmentVariables = make(map[string]string)
				}
				in.EnvironmentVariables[key] = key
				return nil
			}, b.updating, func(o *images.UpdateOptions) { o.Retries = 2 * updaters })
			mu.Lock()
			defer mu.Unlock()
			var overtaken *images.ConcurrentUpdateError
			switch {
			case err == nil:
				done = append(done, key)
			case !errors.As(err, &overtaken):
				t.Errorf("%s: %v", key, err)
			}
		}()
	}
	group.Add(1)
	go func() {
		defer group.Done()
		if _, err := images.Prune(b.ctx, b.client, appARN, 2, b.pruning); err != nil {
			t.Errorf("prune: %v", err)
		}
	}()
	group.Wait()
	live := b.version(b.latest()).EnvironmentVariables
	lost := 0
	for _, key := range done {
		if live[key] == "" {
			lost++
		}
	}
	// All share one clock, which advances whenever one of them sleeps. So an update may
	// be replaced, but then some call must have returned an error about it.
	if lost > 0 && len(done) == updaters {
		t.Errorf("of %v, %d are not in %v", done, lost, live)
	}
}

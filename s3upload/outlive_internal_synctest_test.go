//go:build go1.25

package s3upload

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutlive(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		parent, end := context.WithCancel(context.WithValue(context.Background(), key{}, "value"))
		longer, cancel := outlive(parent, 30*time.Second)
		defer cancel()
		time.Sleep(time.Hour)
		end()
		synctest.Wait()
		if longer.Err() != nil || longer.Value(key{}) != "value" {
			t.Errorf("while the parent lives: %v", longer.Err())
		}
		ended := time.Now()
		<-longer.Done()
		if after := time.Since(ended); after != 30*time.Second {
			t.Errorf("ended %v after its parent", after)
		}

		parent, end = context.WithCancel(context.Background())
		defer end()
		longer, cancel = outlive(parent, time.Second)
		cancel()
		if longer.Err() == nil {
			t.Error("cancel does not end it")
		}
	})
}

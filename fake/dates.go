package fake

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dates formats the Date headers of responses. It keeps the text of the latest second,
// which most responses share.
type dates struct {
	last atomic.Pointer[date]
}

type date struct {
	second int64
	text   string
}

func (d *dates) text(at time.Time) string {
	second := at.Unix()
	if last := d.last.Load(); last != nil && last.second == second {
		return last.text
	}
	made := &date{second, at.UTC().Format(http.TimeFormat)}
	d.last.Store(made)
	return made.text
}

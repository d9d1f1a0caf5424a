package bench

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Service responds to the calls of all clients over loopback HTTP and counts requests.
type Service struct {
	Endpoint string

	server      *http.Server
	connections atomic.Int64
	requests    atomic.Int64
}

// NewService starts a service that responds with the body of a size.
func NewService(size Size) (*Service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	responses := map[string]string{}
	for _, client := range Clients {
		responses[client.Name] = client.Response(size)
	}
	s := &Service{Endpoint: "http://" + listener.Addr().String()}
	s.server = &http.Server{
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.connections.Add(1)
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.requests.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			response := responses[Ours.Name]
			switch {
			case strings.Contains(r.URL.Path, "/functions/"):
				response = responses[Lambda.Name]
			case strings.HasPrefix(r.URL.Path, "/schedules/"):
				response = responses[Scheduler.Name]
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(response)))
			w.Header().Set("X-Amzn-Requestid", "8b1f1a5e-2f6c-4f1f-9c35-5bb7a0c0a9a1")
			_, _ = io.WriteString(w, response)
		}),
	}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Close ends the service and its connections.
func (s *Service) Close() error { return s.server.Close() }

// A Load is what came of many calls.
type Load struct {
	Calls       int
	PerSecond   float64 // calls, in the median of the slices
	P50, P99    time.Duration
	Connections int64
	// Again is how many requests the service got beyond one for each call: it responds to
	// each with a 200, so all of these were sent again after their 200.
	Again int64
}

// ConnectionsPer is the connections that n calls open.
func (l Load) ConnectionsPer(n int) float64 {
	return float64(l.Connections) * float64(n) / float64(l.Calls)
}

// A driver lets goroutines share a client over loopback HTTP.
type driver struct {
	name       string
	service    *Service
	call       Call
	goroutines int

	times []time.Duration // of the calls
	rates []float64       // calls a second, by slice
}

func newDriver(client Client, size Size, goroutines int) (*driver, error) {
	service, err := NewService(size)
	if err != nil {
		return nil, err
	}
	return &driver{
		name: client.Name, service: service, goroutines: goroutines,
		call: client.Call(Setup{Endpoint: &service.Endpoint}, size),
	}, nil
}

// slice makes calls until there are limit of them or the time is up.
func (d *driver) slice(limit int, atMost time.Duration) error {
	var (
		wait   sync.WaitGroup
		begun  atomic.Int64
		mu     sync.Mutex
		failed error
	)
	before, start := len(d.times), time.Now()
	work := func() (times []time.Duration, err error) {
		for time.Since(start) < atMost && begun.Add(1) <= int64(limit) {
			begin := time.Now()
			if err := d.call(); err != nil {
				return times, err
			}
			times = append(times, time.Since(begin))
		}
		return times, nil
	}
	for range d.goroutines {
		wait.Add(1)
		go func() {
			defer wait.Done()
			times, err := work()
			mu.Lock()
			defer mu.Unlock()
			d.times = append(d.times, times...)
			failed = cmp.Or(failed, err)
		}()
	}
	wait.Wait()
	if failed != nil {
		return fmt.Errorf("%s: %d goroutines: %w", d.name, d.goroutines, failed)
	}
	d.rates = append(d.rates, float64(len(d.times)-before)/time.Since(start).Seconds())
	return nil
}

// load returns what came of all slices.
func (d *driver) load() Load {
	load := Load{
		Calls:       len(d.times),
		PerSecond:   Median(d.rates),
		Connections: d.service.connections.Load(),
		Again:       d.service.requests.Load() - int64(len(d.times)),
	}
	if n := len(d.times); n > 0 {
		slices.Sort(d.times)
		load.P50, load.P99 = d.times[n/2], d.times[n*99/100]
	}
	return load
}

// Drive lets goroutines share a client over loopback HTTP, until they have made limit
// calls or the time is up.
func Drive(client Client, size Size, goroutines, limit int, atMost time.Duration) (Load, error) {
	d, err := newDriver(client, size, goroutines)
	if err != nil {
		return Load{}, err
	}
	defer func() { _ = d.service.Close() }()
	if err := d.slice(limit, atMost); err != nil {
		return Load{}, err
	}
	return d.load(), nil
}

// loadSlice is how long one client calls in one go.
const loadSlice = 200 * time.Millisecond

// DriveInTurns drives clients side by side, each for a time in all. They take turns in
// short slices, each time in another order, so that whatever else the machine does falls
// on all of them.
func DriveInTurns(clients []Client, size Size, goroutines int, each time.Duration) ([]Load, error) {
	drivers := make([]*driver, len(clients))
	for i, client := range clients {
		d, err := newDriver(client, size, goroutines)
		if err != nil {
			return nil, err
		}
		defer func() { _ = d.service.Close() }()
		if err := d.slice(math.MaxInt, loadSlice); err != nil {
			return nil, err
		}
		d.rates = nil // the first slice opens the connections, so its rate does not count
		drivers[i] = d
	}
	for round := range int(max(1, each/loadSlice)) {
		for i := range drivers {
			if err := drivers[turn(round, i, len(drivers))].slice(math.MaxInt, loadSlice); err != nil {
				return nil, err
			}
		}
	}
	loads := make([]Load, len(drivers))
	for i, d := range drivers {
		loads[i] = d.load()
	}
	return loads, nil
}

// turn returns the client at place i of a round of n clients. Each is first equally
// often. Every second round runs backwards, so that none always follows the same one.
func turn(round, i, n int) int {
	if round%2 == 1 {
		i = n - 1 - i
	}
	return (i + round/2) % n
}

package bench

import (
	"cmp"
	"fmt"
	"io"
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
	Elapsed     time.Duration
	P50, P99    time.Duration
	Connections int64
	// Again is how many requests the service got beyond one for each call: it responds to
	// each with a 200, so all of these were sent again after their 200.
	Again int64

	times []time.Duration
	rates []float64 // calls a second, by slice
}

// PerSecond is the number of calls a second: the median of the slices.
func (l Load) PerSecond() float64 {
	if len(l.rates) == 0 {
		return 0
	}
	return Median(l.rates)
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
	load       Load
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

// slice calls until limit calls are made, if it is not 0, or the time is up.
func (d *driver) slice(limit int, atMost time.Duration) error {
	var (
		wait  sync.WaitGroup
		made  atomic.Int64
		mu    sync.Mutex
		times []time.Duration
		errs  []error
	)
	start := time.Now()
	for range d.goroutines {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var own []time.Duration
			for time.Since(start) < atMost && (limit == 0 || made.Add(1) <= int64(limit)) {
				begin := time.Now()
				if err := d.call(); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
				own = append(own, time.Since(begin))
			}
			mu.Lock()
			times = append(times, own...)
			mu.Unlock()
		}()
	}
	wait.Wait()
	if len(errs) > 0 {
		return fmt.Errorf("%s: %d goroutines: %w", d.name, d.goroutines, errs[0])
	}
	elapsed := time.Since(start)
	d.load.Calls += len(times)
	d.load.Elapsed += elapsed
	d.load.times = append(d.load.times, times...)
	d.load.rates = append(d.load.rates, float64(len(times))/elapsed.Seconds())
	return nil
}

// end closes the service and returns the load.
func (d *driver) end() Load {
	_ = d.service.Close()
	load := d.load
	load.times = nil
	if times := d.load.times; len(times) > 0 {
		slices.Sort(times)
		load.P50, load.P99 = times[len(times)/2], times[len(times)*99/100]
	}
	load.Connections = d.service.connections.Load()
	load.Again = d.service.requests.Load() - int64(load.Calls)
	return load
}

// Drive lets goroutines share a client over loopback HTTP, until they have made limit
// calls or the time is up.
func Drive(client Client, size Size, goroutines, limit int, atMost time.Duration) (Load, error) {
	d, err := newDriver(client, size, goroutines)
	if err != nil {
		return Load{}, err
	}
	err = d.slice(limit, atMost)
	return d.end(), err
}

// loadSlice is how long one client calls in one go.
const loadSlice = 200 * time.Millisecond

// DriveInTurns drives clients side by side, each for a time in all. They take turns in
// short slices, each time in another order, so that whatever else the machine does falls
// on all of them.
func DriveInTurns(clients []Client, size Size, goroutines int, each time.Duration) ([]Load, error) {
	drivers := make([]*driver, len(clients))
	var failed error
	for i, client := range clients {
		d, err := newDriver(client, size, goroutines)
		if err != nil {
			return nil, err
		}
		defer func() { _ = d.service.Close() }()
		failed = cmp.Or(failed, d.slice(0, loadSlice)) // opens the connections
		d.load.rates = nil
		drivers[i] = d
	}
	for round := range int(max(1, each/loadSlice)) {
		for i := range drivers {
			failed = cmp.Or(failed, drivers[turn(round, i, len(drivers))].slice(0, loadSlice))
		}
	}
	loads := make([]Load, len(drivers))
	for i, d := range drivers {
		loads[i] = d.end()
	}
	return loads, failed
}

// turn returns which client is at place i of a round of n. Each is first equally often,
// and every second round runs backwards, so that no client always follows the same one.
func turn(round, i, n int) int {
	if round%2 == 1 {
		i = n - 1 - i
	}
	return (i + round/2) % n
}

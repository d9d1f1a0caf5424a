package bench

import (
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
}

// PerSecond is the number of calls a second.
func (l Load) PerSecond() float64 { return float64(l.Calls) / l.Elapsed.Seconds() }

// ConnectionsPer is the connections that n calls open.
func (l Load) ConnectionsPer(n int) float64 {
	return float64(l.Connections) * float64(n) / float64(l.Calls)
}

// Drive lets goroutines share a client over loopback HTTP, until they have made limit
// calls, if it is not 0, or the time is up.
func Drive(client Client, size Size, goroutines, limit int, atMost time.Duration) (Load, error) {
	service, err := NewService(size)
	if err != nil {
		return Load{}, err
	}
	defer func() { _ = service.Close() }()
	call := client.Call(Setup{Endpoint: &service.Endpoint}, size)

	var (
		wait  sync.WaitGroup
		made  atomic.Int64
		mu    sync.Mutex
		times []time.Duration
		errs  []error
	)
	start := time.Now()
	for range goroutines {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var own []time.Duration
			for time.Since(start) < atMost && (limit == 0 || made.Add(1) <= int64(limit)) {
				begin := time.Now()
				if err := call(); err != nil {
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
	load := Load{Calls: len(times), Elapsed: time.Since(start)}
	if len(errs) > 0 {
		return load, fmt.Errorf("%s: %d goroutines: %w", client.Name, goroutines, errs[0])
	}
	slices.Sort(times)
	load.P50, load.P99 = times[len(times)/2], times[len(times)*99/100]
	load.Connections = service.connections.Load()
	load.Again = service.requests.Load() - int64(load.Calls)
	return load, nil
}

package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/session"
)

// site is an application with cookies and redirects. It records its requests.
type site struct {
	notes []string
	other string // another port of the MicroVM
}

func (a *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	cookies := make([]string, 0, 2)
	for _, cookie := range r.Cookies() {
		cookies = append(cookies, cookie.String())
	}
	slices.Sort(cookies)
	a.notes = append(a.notes, fmt.Sprintf("%s %s port %s auth %q cookies %q referer %q body %q trailer %q", r.Method, r.RequestURI,
		r.Header.Get("X-Aws-Proxy-Port"), r.Header.Get("Authorization"), cookies, r.Header.Get("Referer"), body, r.Trailer.Get("Checksum")))
	http.SetCookie(w, &http.Cookie{Name: "last", Value: strings.Trim(r.URL.Path, "/")})
	switch r.URL.Path {
	case "/relative":
		http.Redirect(w, r, "end?from=relative", http.StatusFound)
	case "/absolute":
		http.Redirect(w, r, "https://"+r.Host+"/end", http.StatusTemporaryRedirect)
	case "/port":
		http.Redirect(w, r, a.other+"/end", http.StatusPermanentRedirect)
	case "/foreign":
		http.Redirect(w, r, "https://elsewhere.example/end", http.StatusFound)
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	}
}

// A URL without a host behaves like the complete URL in net/http.
func TestClientWithoutHost(t *testing.T) {
	scenario := func(t *testing.T, base func(*session.Session) string) []string {
		app := &site{}
		server := httptest.NewServer(app)
		defer server.Close()
		srv := newService(t)
		s := srv.start(t, func(o *session.Options) { o.BaseEndpoint, o.Transport = server.URL, http.DefaultTransport })
		app.other = s.URL(3000)
		client := s.Client()
		client.Jar, _ = cookiejar.New(nil)
		for _, path := range []string{"/first", "/relative", "/absolute", "/port", "/foreign", "/loop", "/last"} {
			req, err := http.NewRequest(http.MethodPost, base(s)+path, strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Basic x")
			req.Header.Set("Cookie", "own=1; last=mine")
			resp, err := client.Do(req)
			if err != nil {
				text := strings.ReplaceAll(err.Error(), s.URL(0), "")
				app.notes = append(app.notes, "error "+text)
				continue
			}
			app.notes = append(app.notes, fmt.Sprint(resp.StatusCode, " of ", resp.Request.Method))
			closed(t, resp.Body)
		}
		for i, note := range app.notes {
			app.notes[i] = strings.ReplaceAll(note, s.URL(0), "BASE")
		}
		return app.notes
	}
	want := scenario(t, func(s *session.Session) string { return s.URL(0) })
	got := scenario(t, func(*session.Session) string { return "" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("complete URL (-) and without host (+):\n%s", diff)
	}
	if !slices.ContainsFunc(got, func(note string) bool {
		return strings.HasPrefix(note, `POST /end port 3000 auth "Basic x" cookies ["last=port" "own=1"]`)
	}) {
		t.Errorf("no redirect to another port with cookies and authorization:\n%s", strings.Join(got, "\n"))
	}
}

// A redirect that CheckRedirect stops at is returned, and no other URL is requested.
func TestClientStopsRedirecting(t *testing.T) {
	for _, limit := range []int{1, 2, 3} {
		var paths []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.URL.Path)
			w.Header().Set("Location", map[string]string{"/a": "/dir/b", "/dir/b": "c", "/dir/c": "d"}[r.URL.Path])
			w.WriteHeader(http.StatusFound)
		}))
		srv := newService(t)
		s := srv.start(t, func(o *session.Options) { o.BaseEndpoint, o.Transport = server.URL, http.DefaultTransport })
		client := s.Client()
		client.CheckRedirect = func(_ *http.Request, via []*http.Request) error {
			if len(via) >= limit {
				return http.ErrUseLastResponse
			}
			return nil
		}
		for _, base := range []string{s.URL(0), ""} {
			paths = nil
			resp, err := client.Get(base + "/a")
			if err != nil {
				t.Fatal(err)
			}
			closed(t, resp.Body)
			to := resp.Header.Get("Location")
			if diff := cmp.Diff([]string{"/a", "/dir/b", "/dir/c"}[:limit], paths); diff != "" {
				t.Errorf("limit %d of %q: (-want +got):\n%s", limit, base, diff)
			}
			if want := []string{"/dir/b", "c", "d"}[limit-1]; resp.StatusCode != http.StatusFound || !strings.HasSuffix(to, want) {
				t.Errorf("limit %d of %q: %s to %q, want %q", limit, base, resp.Status, to, want)
			}
		}
		server.Close()
	}
}

// Trailers are set while the body is read, and are sent.
func TestRequestTrailer(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			var got http.Header
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				got = r.Trailer.Clone()
			}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			srv := newService(t)
			s := srv.start(t, func(o *session.Options) { o.BaseEndpoint, o.Transport = server.URL, server.Client().Transport })
			for _, url := range []string{"/", s.URL(0)} {
				req, err := http.NewRequest(http.MethodPost, url, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Trailer = http.Header{"Checksum": nil, "X-Aws-Proxy-Port": nil}
				req.Body = io.NopCloser(io.MultiReader(strings.NewReader("body"), endFunc(func() {
					req.Trailer.Set("Checksum", "42")
					req.Trailer["x_aws_proxy_port"] = []string{"9000"}
				})))
				send(t, s.Client(), req)
				if diff := cmp.Diff(http.Header{"Checksum": {"42"}}, got); diff != "" {
					t.Errorf("%s: trailer (-want +got):\n%s", url, diff)
				}
			}
		})
	}
}

// endFunc is an empty body that is called when it is read.
type endFunc func()

func (f endFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

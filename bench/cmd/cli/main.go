//go:build unix

// Command cli compares the command line with the AWS CLI v2: whole processes against the
// fake on this machine. It prints a table, and writes it to a section of RESULTS.md:
//
//	go run ./bench/cmd/cli
//
// Run it from the root of the repository. It needs the AWS CLI v2, which
// fake/awscli/install installs, and is skipped without it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/bench"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/awsmodel"
)

const (
	image = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
	role  = "arn:aws:iam::123456789012:role/build"

	// The goals.
	timeShare   = 1.0 / 30
	memoryShare = 1.0 / 5
	maxMB       = 20.0
	maxCalls    = 4

	latency = 50 * time.Millisecond // of the service, for rows that are slow
)

func main() {
	rounds := flag.Int("rounds", 21, "runs that a figure is the median of")
	launches := flag.Bool("launch", false, "used by the program itself: run a command, and print what it took")
	bench.Main(func() (*bench.Report, error) {
		if *launches {
			return nil, launch(flag.Args())
		}
		return compare(*rounds)
	})
}

// launch runs a command and prints what its process took as JSON. It runs in a process of
// its own, which has less memory than the commands: the one with the fake has more.
func launch(command []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	var output bytes.Buffer
	cmd.Stderr = &output
	took, err := bench.RunProcess(cmd)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, &output)
	}
	return json.NewEncoder(os.Stdout).Encode(took)
}

// row is a command line that is measured.
type row struct {
	name    string
	command []string
	slow    bool // the service responds after the latency
	runs    []bench.Process
}

// setup is what the programs run in.
type setup struct {
	self, program, aws string
	env                []string
	world              *world
}

func compare(rounds int) (*bench.Report, error) {
	temp, err := os.MkdirTemp("", "cli-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp) //nolint:errcheck // the system cleans up
	s := &setup{program: filepath.Join(temp, "lambda-microvms")}
	if s.aws = findAWS(); s.aws == "" {
		log.Print("skipped: the AWS CLI v2 is not there; fake/awscli/install installs it")
		return nil, nil
	}
	if s.self, err = os.Executable(); err != nil {
		return nil, err
	}
	log.Print("building")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", s.program, "./cmd/lambda-microvms")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	info, err := os.Stat(s.program)
	if err != nil {
		return nil, err
	}
	if err := awsmodel.Write("model/lambda-microvms.json", filepath.Join(temp, "models")); err != nil {
		return nil, err
	}
	if s.world, err = newWorld(); err != nil {
		return nil, err
	}
	defer s.world.close()
	dir := filepath.Join(temp, "app")
	size, err := plant(dir)
	if err != nil {
		return nil, err
	}
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + temp, "LANG=C.UTF-8", "TZ=UTC", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIDFAKEFAKEFAKEFAKE", "AWS_SECRET_ACCESS_KEY=fake-secret-access-key", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_DATA_PATH=" + filepath.Join(temp, "models"), "AWS_ENDPOINT_URL_S3=" + s.world.store.URL,
	}
	all, err := s.measure(dir, rounds)
	if err != nil {
		return nil, err
	}
	body := s.report(all, float64(info.Size())/1e6, size)
	return &bench.Report{Title: bench.CLITitle, Body: body}, nil
}

// findAWS returns the AWS CLI v2, or "".
func findAWS() string {
	candidates := []string{"/usr/bin/aws", "/usr/local/bin/aws"}
	if path, err := exec.LookPath("aws"); err == nil {
		candidates = append(candidates, path)
	}
	for _, path := range candidates {
		if out, err := exec.Command(path, "--version").Output(); err == nil && strings.HasPrefix(string(out), "aws-cli/2.") {
			return path
		}
	}
	return ""
}

// plant makes the directory to deploy, and returns how many bytes it has.
func plant(dir string) (int64, error) {
	const files, size = 100, 100 << 10
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	noise := rand.NewChaCha8([32]byte{})
	for i := range files {
		content := make([]byte, size)
		_, _ = noise.Read(content) // never fails
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), content, 0o644); err != nil {
			return 0, err
		}
	}
	return files * size, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644)
}

// The rows, in the order of the table.
const (
	ourGet = iota
	awsGet
	ourList
	awsList
	ourDeploy
	ourSlowGet
	ourSlowDeploy
)

// measure runs all commands in turns.
func (s *setup) measure(dir string, rounds int) ([]*row, error) {
	get := []string{"get-microvm-image", "--image-identifier", image}
	list := []string{"list-microvm-images", "--query", "items[].[name,state]", "--output", "text"}
	deploy := []string{s.program, "deploy", dir, "--name", "deployed", "--build-role-arn", role, "--bucket", "bucket"}
	ours := func(words []string) []string { return append([]string{s.program}, words...) }
	theirs := func(words []string) []string { return append([]string{s.aws, "lambda-microvms"}, words...) }
	all := []*row{
		ourGet:        {name: "`get-microvm-image`", command: ours(get)},
		awsGet:        {name: "`get-microvm-image`, AWS CLI", command: theirs(get)},
		ourList:       {name: "`list-microvm-images`, 10 pages as text", command: append(ours(list), "--page-size", "10")},
		awsList:       {name: "`list-microvm-images`, AWS CLI", command: append(theirs(list), "--page-size", "10")},
		ourDeploy:     {name: "`deploy`, unchanged", command: deploy},
		ourSlowGet:    {name: fmt.Sprintf("`get-microvm-image`, %v a call", latency), command: ours(get), slow: true},
		ourSlowDeploy: {name: fmt.Sprintf("`deploy`, unchanged, %v a call", latency), command: deploy, slow: true},
	}
	if err := s.run(all[ourDeploy], false); err != nil { // the first deployment builds
		return nil, err
	}
	s.world.uploads.Store(0)
	for i := range rounds + 1 { // the first is to fill the page cache
		log.Printf("round %d", i)
		for _, r := range all {
			if err := s.run(r, i > 0); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// run runs a command line once.
func (s *setup) run(r *row, counts bool) error {
	s.world.slow.Store(r.slow)
	before := s.world.calls.Load()
	cmd := exec.Command(s.self, append([]string{"-launch", "--"}, r.command...)...)
	cmd.Env, cmd.Stderr = append(slices.Clone(s.env), "AWS_ENDPOINT_URL="+s.world.service.URL), os.Stderr
	if r.command[0] == s.aws { // 2.9 does not read the variable
		cmd.Args = append(cmd.Args, "--endpoint-url", s.world.service.URL)
	}
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var took bench.Process
	if err := json.Unmarshal(out, &took); err != nil {
		return fmt.Errorf("%q: %w", out, err)
	}
	if counts {
		r.runs = append(r.runs, took)
		calls := s.world.calls.Load() - before
		if slices.Contains(r.command, "deploy") && calls > maxCalls {
			return fmt.Errorf("deploy of an unchanged directory made %d calls", calls)
		}
	}
	return nil
}

func (r *row) median(value func(bench.Process) float64) float64 {
	return bench.MedianOf(len(r.runs), func(i int) float64 { return value(r.runs[i]) })
}

func wall(p bench.Process) float64 { return float64(p.Wall) / 1e6 }
func cpu(p bench.Process) float64  { return float64(p.CPU) / 1e6 }

func (s *setup) report(all []*row, megabytes float64, size int64) string {
	version, _ := exec.Command(s.aws, "--version").Output()
	name, _, _ := strings.Cut(string(version), " ")
	var b strings.Builder
	fmt.Fprintf(&b, "`cmd/lambda-microvms`, stripped and static, beside the AWS CLI v2 (%s) with the same model, against the fake over loopback HTTP. Whole processes, "+
		"from start to end, which take turns; medians of %d runs; %s, %d cores. The directory that is deployed has %.0f MB. Written by `go run ./bench/cmd/cli`.\n\n",
		name, len(all[0].runs), runtime.Version(), runtime.NumCPU(), float64(size)/1e6)
	b.WriteString("| | ms | CPU ms | peak MiB |\n|---|---:|---:|---:|\n")
	for _, r := range all {
		fmt.Fprintf(&b, "| %s | %.1f | %.1f | %.1f |\n", r.name, r.median(wall), r.median(cpu), r.median(bench.Process.PeakMiB))
	}
	b.WriteString("\n| goal | measured | |\n|---|---:|---|\n")
	goal := func(name string, format string, measured, limit float64) {
		verdict := "met"
		if measured > limit {
			verdict = "missed"
		}
		fmt.Fprintf(&b, "| %s | "+format+" | %s |\n", name, measured, verdict)
	}
	goal(fmt.Sprintf("`get-microvm-image`: 1/30 of the AWS CLI's time, %.3f", timeShare), "%.3f", all[ourGet].median(wall)/all[awsGet].median(wall), timeShare)
	goal(fmt.Sprintf("`get-microvm-image`: 1/5 of its memory, %.3f", memoryShare), "%.3f", all[ourGet].median(bench.Process.PeakMiB)/all[awsGet].median(bench.Process.PeakMiB), memoryShare)
	goal(fmt.Sprintf("size of the program: %.0f MB", maxMB), "%.1f", megabytes, maxMB)
	goal("`deploy`, unchanged: no upload", "%.0f", float64(s.world.uploads.Load()), 0)
	goal(fmt.Sprintf("`deploy`, unchanged: the time of %d `get-microvm-image`, %v a call", maxCalls, latency), "%.2f",
		all[ourSlowDeploy].median(wall)/all[ourSlowGet].median(wall), maxCalls)
	return b.String()
}

// world is a fake with images, and a server that stands for S3.
type world struct {
	srv            *fake.Server
	service, store *httptest.Server
	slow           atomic.Bool
	calls, uploads atomic.Int64
}

func newWorld() (*world, error) {
	w := &world{srv: fake.NewServer(fake.WithRealTime(), fake.WithDelays(fake.Delays{}), fake.WithCallLog(1))}
	client := lambdamicrovms.New(w.srv.Options())
	for i := range 95 {
		name := "app"
		if i > 0 {
			name += strconv.Itoa(i)
		}
		if _, err := client.CreateMicroVMImage(context.Background(), bench.CreateInput(name)); err != nil {
			return nil, err
		}
	}
	w.service = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		w.calls.Add(1)
		if w.slow.Load() {
			time.Sleep(latency)
		}
		w.srv.ServeHTTP(out, in)
	}))
	w.store = httptest.NewServer(&bucket{uploads: &w.uploads})
	return w, nil
}

func (w *world) close() {
	w.service.Close()
	w.store.Close()
	_ = w.srv.Close()
}

// bucket stands for S3, as far as uploads need it.
type bucket struct {
	objects sync.Map // sizes by path
	uploads *atomic.Int64
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amz-Bucket-Region", "us-east-1")
	size, found := b.objects.Load(r.URL.Path)
	switch {
	case strings.Trim(r.URL.Path, "/") == "bucket":
	case r.Method == http.MethodPut:
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil && !errors.Is(err, io.EOF) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		b.objects.Store(r.URL.Path, n)
		b.uploads.Add(1)
	case found:
		w.Header().Set("Content-Length", fmt.Sprint(size))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

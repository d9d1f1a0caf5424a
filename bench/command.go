package bench

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

// A Report is what a command adds to RESULTS.md.
type Report struct {
	Title    string // of the section
	Body     string // Markdown
	Plot     string // SVG, "" if there is none
	PlotName string // its file, beside RESULTS.md
}

// Main is the main function of the commands that write a section of RESULTS.md. It adds
// the flag -results, parses the flags, measures, and prints and writes the report. A nil
// report means that there is nothing to write.
func Main(measure func() (*Report, error)) {
	log.SetFlags(log.Ltime)
	results := flag.String("results", "bench/RESULTS.md", "file whose section is written")
	flag.Parse()
	report, err := measure()
	if err == nil && report != nil {
		fmt.Println(report.Body)
		err = report.write(*results)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// write adds the section to the file of results, or replaces it, and writes the plot.
func (r *Report) write(results string) error {
	text, err := os.ReadFile(results)
	if err != nil {
		return err
	}
	if err := os.WriteFile(results, []byte(WithSection(string(text), r.Title, r.Body)), 0o644); err != nil {
		return err
	}
	if r.Plot == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(filepath.Dir(results), r.PlotName), []byte(r.Plot), 0o644)
}

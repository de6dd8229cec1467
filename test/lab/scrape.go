package lab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var scraper = &http.Client{Timeout: 5 * time.Second}

// Get returns the body of a URL within 5 s. A status other than 200 is an error.
func Get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := scraper.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("get %s: %s: %.500s", url, res.Status, text)
	}
	return text, err
}

// Metrics contains the sum of the series of each instrument of a program.
type Metrics map[string]float64

// Scrape reads the metrics of the program from the admin listener.
func (p *Process) Scrape(ctx context.Context) (Metrics, error) {
	m, err := Scrape(ctx, p.Admin)
	if err != nil {
		return nil, fmt.Errorf("scrape %s: %w", p.Name, err)
	}
	return m, nil
}

// Scrape reads the metrics of the program with this admin listener.
func Scrape(ctx context.Context, admin string) (Metrics, error) {
	text, err := Get(ctx, "http://"+admin+"/metrics")
	if err != nil {
		return nil, err
	}
	m := Metrics{}
	for line := range strings.Lines(string(text)) {
		m.add(strings.TrimSpace(line))
	}
	return m, nil
}

// add adds a line of the Prometheus text format: a name, labels in braces or none,
// and a value after the last space.
func (m Metrics) add(line string) {
	end := strings.LastIndexByte(line, ' ')
	if strings.HasPrefix(line, "#") || end < 0 {
		return
	}
	name, _, _ := strings.Cut(line[:end], "{")
	if v, err := strconv.ParseFloat(line[end+1:], 64); err == nil {
		m[name] += v
	}
}

// Value returns the sum of the series of an instrument, and an error when the
// instrument has no series.
func (m Metrics) Value(name string) (float64, error) {
	v, ok := m[name]
	if !ok {
		return 0, fmt.Errorf("read metrics: no series of %s", name)
	}
	return v, nil
}

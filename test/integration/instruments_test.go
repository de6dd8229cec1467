package integration_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
)

const instrumentsFile = "../../docs/instruments.md"

var update = flag.Bool("update", false, "write the tables into docs/instruments.md")

// TestInstruments compares docs/instruments.md with the registries of the running
// programs. With -update the test writes the tables.
func TestInstruments(t *testing.T) {
	t.Parallel()
	p := start(t)
	text, err := os.ReadFile(instrumentsFile)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for program, metrics := range map[string]prometheus.Gatherer{"ingest": p.ingest.Metrics(), "worker": p.startWorkerApp().Metrics()} {
		place := regexp.MustCompile(`(?s)(<!-- generated: ` + program + ` -->\n).*?(<!-- end -->)`)
		if n := len(place.FindAllString(want, -1)); n != 1 {
			t.Fatalf("docs/instruments.md has %d places for the table of %s, want 1", n, program)
		}
		want = place.ReplaceAllString(want, "${1}"+instrumentTable(p.allInstruments(metrics))+"${2}")
	}
	if *update {
		if err := os.WriteFile(instrumentsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("docs/instruments.md is out of date, run \"make docs\" (-want +got):\n%s", diff)
	}
}

// startWorkerApp runs a worker with all consumers in this process.
func (p *pipeline) startWorkerApp() *workerapp.App {
	p.t.Helper()
	var cfg workerapp.Config
	set := config.New("worker", p.env.Get)
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		p.t.Fatal(err)
	}
	app, err := workerapp.New(cfg, zerolog.Nop())
	if err != nil {
		p.t.Fatal(err)
	}
	p.background(app.Run)
	return app
}

// allInstruments waits until each registered instrument of the program has a series,
// and returns the instruments. An instrument without a series cannot be documented.
func (p *pipeline) allInstruments(metrics prometheus.Gatherer) []*dto.MetricFamily {
	p.t.Helper()
	registered := registeredNames(p.t, metrics)
	var families []*dto.MetricFamily
	p.wait("every instrument has a series", 20*time.Second, func() error {
		all, err := metrics.Gather()
		if err != nil {
			return err
		}
		families = slices.DeleteFunc(all, func(f *dto.MetricFamily) bool { return !strings.HasPrefix(f.GetName(), "cioevents_") })
		missing := slices.DeleteFunc(slices.Clone(registered), func(name string) bool {
			return slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
		})
		if len(missing) > 0 {
			return fmt.Errorf("no series of %q", missing)
		}
		return nil
	})
	return families
}

var fqName = regexp.MustCompile(`fqName: "(cioevents_[^"]+)"`)

// registeredNames returns the names that the registry describes. The registry is the
// collector of all other collectors.
func registeredNames(t *testing.T, metrics prometheus.Gatherer) (names []string) {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		metrics.(prometheus.Collector).Describe(descs)
	}()
	for d := range descs {
		if m := fqName.FindStringSubmatch(d.String()); m != nil {
			names = append(names, m[1])
		}
	}
	if len(names) == 0 {
		t.Fatal("the registry has no instrument")
	}
	return names
}

func instrumentTable(families []*dto.MetricFamily) string {
	var b strings.Builder
	b.WriteString("| instrument | type | labels | unit | |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range families {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), labelsOf(f), unitOf(f.GetName()), f.GetHelp())
	}
	return b.String()
}

// describedLabels are the labels whose values come from the configuration. The table
// contains this text instead of the values that the test happens to see.
var describedLabels = map[string]string{
	"workspace": "", "consumer": "",
	"mode": ": `suppress`, `unsubscribe`, `off`", "unknown_bounce": ": `true`, `false`", "source": ": `built-in` or the path of a file",
}

// labelsOf lists the labels with their values. A program creates all series at the
// start, so the list is complete.
func labelsOf(f *dto.MetricFamily) string {
	values := map[string][]string{}
	var names []string
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if values[l.GetName()] == nil {
				names = append(names, l.GetName())
			}
			values[l.GetName()] = append(values[l.GetName()], "`"+l.GetValue()+"`")
		}
	}
	for i, name := range names {
		text, ok := describedLabels[name]
		if !ok {
			slices.Sort(values[name])
			text = ": " + strings.Join(slices.Compact(values[name]), ", ")
		}
		names[i] = "`" + name + "`" + text
	}
	return strings.Join(names, "; ")
}

// unitOf derives the unit from the end of the name.
func unitOf(name string) string {
	for _, u := range []struct{ end, unit string }{
		{"_timestamp_seconds", "unix time"},
		{"_seconds", "seconds"},
		{"_bytes", "bytes"},
		{"_rate", "per second"},
		{"_down", "0 or 1"},
		{"_refused", "0 or 1"},
		{"_info", "1"},
	} {
		if strings.HasSuffix(name, u.end) {
			return u.unit
		}
	}
	return "count"
}

package manifests_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	engine "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// fires reports whether a rule fires at the end of some minutes: whether its
// expression has had the same result, evaluated each minute, for as long as the
// rule wants it. It also fills in what the alert says.
func fires(t *testing.T, rule *monitoringv1.Rule, series memory, minutes int) bool {
	t.Helper()
	return firesAt(t, rule, series, time.Unix(0, 0).Add(time.Duration(minutes)*time.Minute))
}

func firesAt(t *testing.T, rule *monitoringv1.Rule, series storage.Queryable, end time.Time) bool {
	t.Helper()
	firing := evaluate(t, rule, series, end)
	for at := end.Add(-pending(t, rule)); at.Before(end) && len(firing) > 0; at = at.Add(time.Minute) {
		active := evaluate(t, rule, series, at)
		maps.DeleteFunc(firing, func(labels string, _ engine.Sample) bool {
			_, ok := active[labels]
			return !ok
		})
	}
	for _, s := range firing {
		for _, text := range rule.Annotations {
			expand(t, text, s, end)
		}
	}
	return len(firing) > 0
}

// pending is how long a rule waits before it fires.
func pending(t *testing.T, rule *monitoringv1.Rule) time.Duration {
	t.Helper()
	if rule.For == nil {
		return 0
	}
	d, err := model.ParseDuration(string(*rule.For))
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(d)
}

// evaluate returns the results of a rule's expression by their labels.
func evaluate(t *testing.T, rule *monitoringv1.Rule, series storage.Queryable, at time.Time) map[string]engine.Sample {
	t.Helper()
	results := map[string]engine.Sample{}
	for _, s := range query(t, series, rule.Expr.StrVal, at) {
		results[s.Metric.String()] = s
	}
	return results
}

// query returns the samples of an expression at a time.
func query(t *testing.T, series storage.Queryable, expr string, at time.Time) engine.Vector {
	t.Helper()
	e := engine.NewEngine(engine.EngineOpts{MaxSamples: 1e7, Timeout: time.Minute, Parser: promql})
	q, err := e.NewInstantQuery(t.Context(), series, nil, expr, at)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	defer q.Close()
	vector, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return slices.Clone(vector)
}

// expand fills in a text as Prometheus does, and wants every label that it names.
func expand(t *testing.T, text string, s engine.Sample, at time.Time) {
	t.Helper()
	const names = "{{$labels := .Labels}}{{$value := .Value}}"
	data := template.AlertTemplateData(s.Metric.Map(), nil, "", s)
	out, err := template.NewTemplateExpander(t.Context(), names+text, "alert", data, model.TimeFromUnixNano(at.UnixNano()), nil, nil, []string{"missingkey=error"}).Expand()
	if err != nil || strings.Contains(out, "no value") {
		t.Errorf("%q: %q %v", text, out, err)
	}
}

// memory holds series for the engine.
type memory []storage.Series

// parseSeries reads the notation of promtool's tests: a selector and 0+1x10.
func parseSeries(t *testing.T, texts []string) memory {
	t.Helper()
	var m memory
	for _, text := range texts {
		l, values, err := promql.ParseSeriesDesc(text)
		if err != nil {
			t.Fatal(err)
		}
		var samples []chunks.Sample
		for i, v := range values {
			if !v.Omitted {
				samples = append(samples, sample{time.Duration(i) * time.Minute, v.Value})
			}
		}
		m = append(m, storage.NewListSeries(l, samples))
	}
	return m
}

func (m memory) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		set := &seriesSet{}
		for _, s := range m {
			if !slices.ContainsFunc(matchers, func(l *labels.Matcher) bool { return !l.Matches(s.Labels().Get(l.Name)) }) {
				set.rest = append(set.rest, s)
			}
		}
		return set
	}}, nil
}

type seriesSet struct {
	now  storage.Series
	rest []storage.Series
}

func (s *seriesSet) Next() bool {
	if len(s.rest) == 0 {
		return false
	}
	s.now, s.rest = s.rest[0], s.rest[1:]
	return true
}
func (s *seriesSet) At() storage.Series              { return s.now }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

type sample struct {
	at    time.Duration
	value float64
}

func (s sample) T() int64                    { return s.at.Milliseconds() }
func (sample) ST() int64                     { return 0 }
func (s sample) F() float64                  { return s.value }
func (sample) H() *histogram.Histogram       { return nil }
func (sample) FH() *histogram.FloatHistogram { return nil }
func (sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample         { return s }

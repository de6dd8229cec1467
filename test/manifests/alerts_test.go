package manifests_test

import (
	"slices"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	engine "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

func (s *system) alerts() (list []monitoringv1.Rule) {
	for _, r := range s.rules {
		for _, g := range r.Spec.Groups {
			list = append(list, g.Rules...)
		}
	}
	return list
}

func TestAlertsAskForWhatIsMeasured(t *testing.T) {
	t.Parallel()
	alerts := load(t, "production").alerts()
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	all := allInstruments(t)
	for _, a := range alerts {
		for _, m := range all.check(a.Expr.StrVal) {
			t.Errorf("%s: %s", a.Alert, m)
		}
		if a.Annotations["summary"] == "" || !slices.Contains([]string{"critical", "warning"}, a.Labels["severity"]) {
			t.Errorf("%s: summary %q, severity %q", a.Alert, a.Annotations["summary"], a.Labels["severity"])
		}
	}
}

// TestEveryProgramIsMonitored: the monitor selects a Service of each, and asks at
// a port that it has.
func TestEveryProgramIsMonitored(t *testing.T) {
	t.Parallel()
	s := load(t, "production")
	seen := map[string]bool{}
	for _, m := range s.monitors {
		for _, svc := range s.services {
			if !selects(t, &m.Spec.Selector, svc.Labels) {
				continue
			}
			for _, e := range m.Spec.Endpoints {
				if s.servicePort(svc.Name, e.Port) != nil {
					seen[svc.Name] = true
				}
			}
		}
	}
	for _, want := range []string{"ingest-admin", "worker-suppression", "worker-engagement", "worker-warehouse", "nats-headless"} {
		if !seen[want] {
			t.Errorf("nothing scrapes %s", want)
		}
	}
}

// TestAlertsFire evaluates expressions on made-up series, a sample a minute, at
// the end of them.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	const (
		signed  = `cioevents_ingest_last_signed_timestamp_seconds{pod="a"} `
		refused = `cioevents_ingest_answers_total{outcome="invalid_signature",pod="a"} `
		match   = `cioevents_ingest_key_matches_total{workspace="default",key="0",pod="a"} `
		leader  = `account="CIOEVENTS",stream_name="CUSTOMERIO",is_stream_leader="true"`
		lag     = `{account="CIOEVENTS",stream_name="CUSTOMERIO",consumer_name="warehouse",is_consumer_leader="true"} `
		follow  = `{account="CIOEVENTS",stream_name="CUSTOMERIO",consumer_name="warehouse",is_consumer_leader="false"} `
	)
	for _, c := range []struct {
		name, alert string
		minutes     int
		series      []string
		want        bool
	}{
		{"a call a minute", "CioeventsFeedStalled", 120, []string{signed + "0+60x120"}, false},
		{"none for 100 minutes", "CioeventsFeedStalled", 120, []string{signed + "1200x120"}, true},
		{"a pod that was restarted a minute ago", "CioeventsFeedStalled", 120, []string{signed + "0+60x118 0 0"}, false},
		{"never one", "CioeventsFeedStalled", 120, []string{signed + "0x120"}, true},
		{"a wrong key", "CioeventsEverySignatureRefused", 30, []string{refused + "0+1x30", match + "7x30"}, true},
		{"a scanner beside Customer.io", "CioeventsEverySignatureRefused", 30, []string{refused + "0+1x30", match + "0+5x30"}, false},
		{"nobody calls", "CioeventsEverySignatureRefused", 30, []string{refused + "3x30", match + "7x30"}, false},
		{"71 %", "CioeventsStreamFillsUp", 5, []string{"jetstream_stream_total_bytes{" + leader + "} 71x5", "jetstream_stream_limit_bytes{" + leader + "} 100x5"}, true},
		{"69 %", "CioeventsStreamFillsUp", 5, []string{"jetstream_stream_total_bytes{" + leader + "} 69x5", "jetstream_stream_limit_bytes{" + leader + "} 100x5"}, false},
		{"no limit", "CioeventsStreamFillsUp", 5, []string{"jetstream_stream_total_bytes{" + leader + "} 69x5", "jetstream_stream_limit_bytes{" + leader + "} -1x5"}, false},
		{"a growing lag", "CioeventsLagGrows", 60, []string{"jetstream_consumer_num_pending" + lag + "10000+100x60"}, true},
		{"a shrinking lag", "CioeventsLagGrows", 60, []string{"jetstream_consumer_num_pending" + lag + "90000-100x60"}, false},
		{"a follower that tells old numbers", "CioeventsLagGrows", 60, []string{"jetstream_consumer_num_pending" + follow + "10000+100x60"}, false},
		{"nobody asks", "CioeventsConsumerStands", 5, []string{"jetstream_consumer_num_pending" + lag + "5x5", "jetstream_consumer_num_waiting" + lag + "0x5", "jetstream_consumer_num_ack_pending" + lag + "0x5"}, true},
		{"a worker is busy", "CioeventsConsumerStands", 5, []string{"jetstream_consumer_num_pending" + lag + "5x5", "jetstream_consumer_num_waiting" + lag + "0x5", "jetstream_consumer_num_ack_pending" + lag + "9x5"}, false},
		{"a dead letter", "CioeventsDeadLetters", 30, []string{`cioevents_worker_dead_letters_total{consumer="suppression",reason="rejected"} 0x25 1x5`}, true},
		{"an old dead letter", "CioeventsDeadLetters", 30, []string{`cioevents_worker_dead_letters_total{consumer="suppression",reason="rejected"} 1x30`}, false},
		{"two servers", "CioeventsNatsServerMissing", 5, []string{`jetstream_server_total_streams{server_name="nats-0"} 2x5`, `jetstream_server_total_streams{server_name="nats-1"} 2x5`}, true},
		{"no server", "CioeventsNatsServerMissing", 5, nil, true},
		{"no ingest", "CioeventsIngestAbsent", 5, nil, true},
	} {
		t.Run(c.alert+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			if got := fires(t, c.alert, c.series, c.minutes); got != c.want {
				t.Errorf("fires: %t", got)
			}
		})
	}
}

func fires(t *testing.T, alert string, series []string, minutes int) bool {
	t.Helper()
	alerts := load(t, "production").alerts()
	i := slices.IndexFunc(alerts, func(r monitoringv1.Rule) bool { return r.Alert == alert })
	if i < 0 {
		t.Fatalf("there is no alert %s", alert)
	}
	e := engine.NewEngine(engine.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: promql})
	at := time.Unix(0, 0).Add(time.Duration(minutes) * time.Minute)
	q, err := e.NewInstantQuery(t.Context(), parseSeries(t, series), nil, alerts[i].Expr.StrVal, at)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	result := q.Exec(t.Context())
	vector, err := result.Vector()
	if err != nil {
		t.Fatal(err)
	}
	return len(vector) > 0
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
			samples = append(samples, sample{time.Duration(i) * time.Minute, v.Value})
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

package manifests_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/stream"
)

// instruments are what an expression may ask for: names, their labels, and the
// labels' values; none stands for any value.
type instruments map[string]map[string][]string

// targetLabels are added by Prometheus to everything it scrapes.
var targetLabels = []string{"namespace", "pod", "container", "service", "job", "instance", "endpoint"}

// exporterInstruments are those of prometheus-nats-exporter that are used here,
// from its collector/jsz.go and collector/healthz.go. Its module cannot be imported here; a name that is
// missing is to be looked up there before it is added.
func exporterInstruments() instruments {
	server := map[string][]string{"server_id": nil, "server_name": nil, "cluster": nil, "domain": nil, "meta_leader": nil, "is_meta_leader": {"true", "false"}}
	with := func(base, more map[string][]string) map[string][]string {
		all := map[string][]string{}
		for _, m := range []map[string][]string{base, more} {
			maps.Copy(all, m)
		}
		return all
	}
	streams := with(server, map[string][]string{
		"account": {account}, "account_id": {account}, "stream_name": {stream.Name, stream.DeadName}, "stream_leader": nil, "is_stream_leader": {"true", "false"},
	})
	consumers := with(streams, map[string][]string{
		"consumer_name":   {workerapp.Suppression, workerapp.Engagement, workerapp.Warehouse},
		"consumer_leader": nil, "is_consumer_leader": {"true", "false"}, "consumer_desc": nil,
	})
	return instruments{
		"jetstream_server_total_streams": server, "jetstream_server_total_message_bytes": server, "jetstream_server_max_storage": server,
		"jetstream_stream_total_bytes": streams, "jetstream_stream_limit_bytes": streams, "jetstream_stream_total_messages": streams,
		"jetstream_stream_first_seq": streams, "jetstream_stream_last_seq": streams,
		"jetstream_consumer_num_pending": consumers, "jetstream_consumer_num_ack_pending": consumers, "jetstream_consumer_num_waiting": consumers,
		"jetstream_consumer_num_redelivered": consumers,
		"gnatsd_healthz_status":              {"server_id": nil, "value": nil},
	}
}

// programInstruments returns the instruments of the running programs.
func programInstruments(families []*dto.MetricFamily) instruments {
	all := instruments{}
	for _, f := range families {
		values := map[string][]string{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				values[l.GetName()] = append(values[l.GetName()], l.GetValue())
			}
		}
		names := []string{f.GetName()}
		if f.GetType() == dto.MetricType_HISTOGRAM {
			names = []string{f.GetName() + "_bucket", f.GetName() + "_sum", f.GetName() + "_count"}
		}
		for _, name := range names {
			all[name] = map[string][]string{}
			maps.Copy(all[name], values)
			if strings.HasSuffix(name, "_bucket") {
				all[name]["le"] = nil
			}
		}
	}
	return all
}

// optionalInstruments are those of the programs that a setting brings.
func optionalInstruments() instruments {
	return instruments{"cioevents_ingest_tls_not_after_timestamp_seconds": {}} // with a certificate of ingest's own
}

func allInstruments(t *testing.T) instruments {
	t.Helper()
	all := programInstruments(startPrograms(t).gather(t))
	maps.Copy(all, exporterInstruments())
	maps.Copy(all, optionalInstruments())
	return all
}

var promql = parser.NewParser(parser.Options{})

// check reports what is wrong with an expression: its syntax, or that it asks for
// what nobody measures. Such an expression is never wrong and never fires.
func (all instruments) check(expr string) []string {
	tree, err := promql.ParseExpr(expr)
	if err != nil {
		return []string{err.Error()}
	}
	var mistakes []string
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			mistakes = append(mistakes, all.checkSelector(n)...)
		case *parser.AggregateExpr:
			mistakes = append(mistakes, all.checkGrouping(n)...)
		}
		return nil
	})
	return mistakes
}

func (all instruments) checkSelector(s *parser.VectorSelector) (mistakes []string) {
	known, ok := all[s.Name]
	if !ok {
		return []string{fmt.Sprintf("there is no instrument %q", s.Name)}
	}
	for _, m := range s.LabelMatchers {
		values, ok := known[m.Name]
		switch {
		case m.Name == "__name__" || slices.Contains(targetLabels, m.Name):
		case !ok:
			mistakes = append(mistakes, fmt.Sprintf("%s has no label %s", s.Name, m.Name))
		case values != nil:
			for _, v := range alternatives(m) {
				if !slices.ContainsFunc(values, v.Matches) {
					mistakes = append(mistakes, fmt.Sprintf("%s: no %s is %s", s.Name, m.Name, v.Value))
				}
			}
		}
	}
	return mistakes
}

// alternatives splits a|b, so that each must be there.
func alternatives(m *labels.Matcher) (list []*labels.Matcher) {
	if m.Type != labels.MatchRegexp || strings.ContainsAny(m.Value, "()") {
		return []*labels.Matcher{m}
	}
	for part := range strings.SplitSeq(m.Value, "|") {
		list = append(list, labels.MustNewMatcher(labels.MatchRegexp, m.Name, part))
	}
	return list
}

func (all instruments) checkGrouping(a *parser.AggregateExpr) (mistakes []string) {
	for _, label := range a.Grouping {
		found := slices.Contains(targetLabels, label)
		parser.Inspect(a.Expr, func(node parser.Node, _ []parser.Node) error {
			if s, ok := node.(*parser.VectorSelector); ok {
				_, has := all[s.Name][label]
				found = found || has
			}
			return nil
		})
		if !found {
			mistakes = append(mistakes, fmt.Sprintf("nothing in %s has a label %s", a.Expr, label))
		}
	}
	return mistakes
}

func TestWrongExpressionsAreFound(t *testing.T) {
	t.Parallel()
	all := instruments{"a_total": {"outcome": {"ok"}}}
	for _, expr := range []string{
		"sum(", "b_total", `a_total{result="ok"}`, `a_total{outcome="okay"}`, `a_total{outcome=~"ok|okay"}`, "sum by (result) (a_total)", "rate(a_total)",
	} {
		if all.check(expr) == nil {
			t.Errorf("%s is taken", expr)
		}
	}
	if m := all.check(`sum by (outcome, pod) (rate(a_total{outcome=~"ok|o.*",pod="x"}[5m])) > 0`); m != nil {
		t.Error(m)
	}
}

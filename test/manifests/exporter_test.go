package manifests_test

import (
	"strconv"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/prometheus/model/labels"
)

// export adds, under the name of a server, the series of prometheus-nats-exporter, whose module cannot be imported here.
// The names are those of exporterInstruments; the values are those of a real server, from
// the reports that the exporter reads (/jsz, /healthz).
func (r *recorder) export(t *testing.T, name string, srv *server.Server) {
	t.Helper()
	info, err := srv.Jsz(&server.JSzOptions{Accounts: true, Streams: true, Consumer: true, Config: true})
	if err != nil {
		t.Fatal(err)
	}
	add := func(instrument string, v float64, pairs ...string) {
		r.add(labels.FromStrings(append(pairs, "__name__", "jetstream_"+instrument, "server_name", name,
			"namespace", namespace, "pod", name, "container", "exporter", "job", "nats-headless")...), v)
	}
	add("server_total_streams", float64(info.Streams))
	add("server_total_message_bytes", float64(info.Bytes))
	add("server_max_storage", float64(info.Config.MaxStore))
	unhealthy := 0.
	if err := get(t.Context(), "http://"+srv.MonitorAddr().String()+"/healthz"); err != nil {
		unhealthy = 1
	}
	r.add(labels.FromStrings("__name__", "gnatsd_healthz_status", "server_id", srv.ID(), "value", "", "namespace", namespace, "pod", name, "container", "exporter"), unhealthy)
	for _, a := range info.AccountDetails {
		for i := range a.Streams {
			exportStream(a.Name, &a.Streams[i], add)
		}
	}
}

func exportStream(account string, s *server.StreamDetail, add func(string, float64, ...string)) {
	names := []string{"account", account, "stream_name", s.Name, "is_stream_leader", strconv.FormatBool(true)}
	add("stream_total_bytes", float64(s.State.Bytes), names...)
	add("stream_total_messages", float64(s.State.Msgs), names...)
	add("stream_first_seq", float64(s.State.FirstSeq), names...)
	add("stream_last_seq", float64(s.State.LastSeq), names...)
	add("stream_limit_bytes", float64(s.Config.MaxBytes), names...)
	for _, c := range s.Consumer {
		names := append(names[:len(names):len(names)], "consumer_name", c.Name, "is_consumer_leader", "true")
		add("consumer_num_pending", float64(c.NumPending), names...)
		add("consumer_num_ack_pending", float64(c.NumAckPending), names...)
		add("consumer_num_waiting", float64(c.NumWaiting), names...)
		add("consumer_num_redelivered", float64(c.NumRedelivered), names...)
	}
}

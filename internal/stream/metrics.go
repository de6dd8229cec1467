package stream

import "github.com/prometheus/client_golang/prometheus"

func newDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("cioevents_"+name, help, labels, nil)
}

// The instruments of a Watch. Every process that watches tells the same numbers,
// a moment older or newer: a query takes the max of them, and not the sum.
var (
	lagDesc      = newDesc("consumer_lag", "Messages that are still to be handled: those never handed out, and those that are and not settled.", "consumer")
	pendingDesc  = newDesc("consumer_ack_pending", "Messages handed out and not settled.", "consumer")
	oldestDesc   = newDesc("oldest_unacked_seconds", "How long the oldest message that is not settled has been stored; 0 when all are.", "consumer")
	messagesDesc = newDesc("stream_messages", "Events in the stream, handled or not.")
	bytesDesc    = newDesc("stream_bytes", "Size of the stream.")
	maxBytesDesc = newDesc("stream_max_bytes", "Size at which the stream refuses new events; 0 for no limit.")
	maxAgeDesc   = newDesc("stream_max_age_seconds", "Age at which the stream deletes an event, handled or not; 0 for never.")
	deadDesc     = newDesc("dead_letters", "Messages in the stream of dead letters; a large one may be several.")
)

// Describe implements prometheus.Collector.
func (*Watch) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		lagDesc, pendingDesc, oldestDesc, messagesDesc, bytesDesc, maxBytesDesc, maxAgeDesc, deadDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. It does not ask NATS.
func (w *Watch) Collect(ch chan<- prometheus.Metric) {
	r := w.seen()
	if r == nil {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, info := range r.consumers {
		gauge(lagDesc, float64(lagOf(info)), info.Name)
		gauge(pendingDesc, float64(info.NumAckPending), info.Name)
		if age, ok := r.ages[info.Name]; ok {
			gauge(oldestDesc, age.Seconds(), info.Name)
		}
	}
	gauge(messagesDesc, float64(r.stream.State.Msgs))
	gauge(bytesDesc, float64(r.stream.State.Bytes))
	gauge(maxBytesDesc, float64(max(0, r.stream.Config.MaxBytes)))
	gauge(maxAgeDesc, r.stream.Config.MaxAge.Seconds())
	gauge(deadDesc, float64(r.dead))
}

package stream

import "github.com/prometheus/client_golang/prometheus"

func newDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("cioevents_"+name, help, labels, nil)
}

// The instruments of a Watch. All processes with a Watch report the same state, a
// moment older or newer: a query takes the max over the processes, not the sum.
var (
	lagDesc      = newDesc("consumer_lag", "Messages that the consumer has not settled, delivered or not.", "consumer")
	pendingDesc  = newDesc("consumer_ack_pending", "Messages delivered to a worker and not settled.", "consumer")
	pausedDesc   = newDesc("consumer_paused_seconds", "Time until the end of the pause of the consumer, in which the server delivers nothing; 0 without a pause.", "consumer")
	oldestDesc   = newDesc("oldest_unacked_seconds", "Age of the oldest unsettled message, since it was stored; 0 when all are settled.", "consumer")
	messagesDesc = newDesc("stream_messages", "Events in the stream, settled or not.")
	bytesDesc    = newDesc("stream_bytes", "Size of the stream in bytes.")
	maxBytesDesc = newDesc("stream_max_bytes", "Size in bytes at which the stream refuses new events; 0 for no limit.")
	maxAgeDesc   = newDesc("stream_max_age_seconds", "Age at which the stream deletes an event, settled or not; 0 for never.")
	deadDesc     = newDesc("dead_letters", "Messages in the stream of dead letters; a large dead letter may be several messages.")
)

// Describe implements prometheus.Collector.
func (*Watch) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		lagDesc, pendingDesc, pausedDesc, oldestDesc, messagesDesc, bytesDesc, maxBytesDesc, maxAgeDesc, deadDesc, heldDesc, oldestDeadDesc,
		deadBytesDesc, deadMaxBytesDesc,
	} {
		ch <- d
	}
}

// Gauge returns the instrument of Ready.
func (d *Durable) Gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "cioevents_consumer_ready",
		Help:        "1 while this process can fetch from the consumer; 0 while the consumer is missing, was changed by somebody, or stands still until an operator acts.",
		ConstLabels: prometheus.Labels{"consumer": d.cfg.Name},
	}, func() float64 {
		if d.Ready() == nil {
			return 1
		}
		return 0
	})
}

// Collect implements prometheus.Collector. Collect sends no request to NATS.
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
		gauge(pausedDesc, info.PauseRemaining.Seconds(), info.Name)
		if age, ok := r.ages[info.Name]; ok {
			gauge(oldestDesc, age.Seconds(), info.Name)
		}
	}
	gauge(messagesDesc, float64(r.stream.State.Msgs))
	gauge(bytesDesc, float64(r.stream.State.Bytes))
	gauge(maxBytesDesc, float64(max(0, r.stream.Config.MaxBytes)))
	gauge(maxAgeDesc, r.stream.Config.MaxAge.Seconds())
	if r.dead != nil { // "no dead letters" would hide that the stream is missing
		r.dead.collect(r.at, gauge)
	}
}

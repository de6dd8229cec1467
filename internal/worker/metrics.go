package worker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/fault"
)

// Metrics are the instruments of all consumers in a process.
type Metrics struct {
	messages      *prometheus.CounterVec
	deadLetters   *prometheus.CounterVec
	batchErrors   *prometheus.CounterVec
	batchSeconds  *prometheus.HistogramVec
	batchMessages *prometheus.HistogramVec
	rows          *prometheus.CounterVec
	// otherRecipient has the metrics of effect.RecipientMetrics.
	otherRecipient *prometheus.CounterVec
	mail           *prometheus.CounterVec // see Mail
}

// NewMetrics registers the instruments.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"consumer"})
		reg.MustRegister(v)
		return v
	}
	return &Metrics{
		messages:      counter("cioevents_worker_messages_total", "Messages settled, by result.", "consumer", "result"),
		deadLetters:   counter("cioevents_worker_dead_letters_total", "Messages dead-lettered, by reason.", "consumer", "reason"),
		batchErrors:   counter("cioevents_worker_batch_errors_total", "Batches that failed as a whole and were retried, and failed openings of a warehouse.", "consumer"),
		batchSeconds:  histogram("cioevents_worker_batch_seconds", "Time to handle a batch, pauses included.", prometheus.ExponentialBuckets(.001, 4, 9)),
		batchMessages: histogram("cioevents_worker_batch_messages", "Messages in a batch.", prometheus.ExponentialBuckets(1, 4, 8)),
		rows:          counter("cioevents_warehouse_rows_total", "Rows written to the warehouse, by result.", "consumer", "result"),

		otherRecipient: counter("cioevents_effects_other_recipient_total",
			"E-mail events without effect, because the message went to an address other than the person's own.", "workspace", "metric"),
		mail: counter("cioevents_mail_total",
			"E-mail events, by the recipient's mailbox provider and outcome. A message of the stream counts at its first attempt, once its row is written.", "workspace", "provider", "outcome"),
	}
}

// consumerMetrics are the instruments of one consumer.
type consumerMetrics struct {
	acked, retried, batchErrors prometheus.Counter
	batchSeconds, batchMessages prometheus.Observer
	dead                        func(fault.Reason)
}

// of creates and returns all series of a consumer.
func (m *Metrics) of(consumer string) consumerMetrics {
	for _, r := range fault.Reasons() {
		m.deadLetters.WithLabelValues(consumer, string(r))
	}
	dead := m.messages.WithLabelValues(consumer, "dead")
	return consumerMetrics{
		acked:         m.messages.WithLabelValues(consumer, "acked"),
		retried:       m.messages.WithLabelValues(consumer, "retried"),
		batchErrors:   m.batchErrors.WithLabelValues(consumer),
		batchSeconds:  m.batchSeconds.WithLabelValues(consumer),
		batchMessages: m.batchMessages.WithLabelValues(consumer),
		dead: func(r fault.Reason) {
			dead.Inc()
			m.deadLetters.WithLabelValues(consumer, string(r)).Inc()
		},
	}
}

type rowMetrics struct{ inserted, duplicates, rejected prometheus.Counter }

func (m *Metrics) rowsOf(consumer string) rowMetrics {
	return rowMetrics{
		inserted:   m.rows.WithLabelValues(consumer, "inserted"),
		duplicates: m.rows.WithLabelValues(consumer, "duplicate"),
		rejected:   m.rows.WithLabelValues(consumer, "rejected"),
	}
}

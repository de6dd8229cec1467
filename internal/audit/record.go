package audit

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/stream"
)

// State is the bucket of the workers, as stream.State.
type State interface {
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	Put(ctx context.Context, key string, value []byte) error
}

// A record is the last recorded result of a workspace.
type record struct {
	At      time.Time `json:"at"`
	Missing int       `json:"missing"`
}

func recordKey(workspace string) string { return "audit." + workspace }

// Record stores the result for the workers, whose instruments tell Prometheus: a job ends
// before anybody could ask the job itself.
func Record(ctx context.Context, s State, r *Result, at time.Time) error {
	text, err := json.Marshal(record{at.UTC(), r.Missing})
	if err != nil {
		return err
	}
	return s.Put(ctx, recordKey(r.Workspace), text)
}

// readEvery is the time between two looks at the records.
const readEvery = time.Minute

// Metrics are the instruments of the last recorded audits.
type Metrics struct {
	missing, at *prometheus.GaugeVec
	workspaces  []string
}

// NewMetrics registers the instruments with the series of the workspaces.
func NewMetrics(reg prometheus.Registerer, workspaces ...string) *Metrics {
	gauge := func(name, text string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "cioevents_audit_" + name, Help: text}, []string{"workspace"})
		reg.MustRegister(g)
		for _, w := range workspaces {
			g.WithLabelValues(w)
		}
		return g
	}
	return &Metrics{
		missing:    gauge("missing_events", "Events that the last cioctl audit --record found missing in the warehouse."),
		at:         gauge("timestamp_seconds", "Time of the last finished cioctl audit --record, as unix time; 0 for never."),
		workspaces: workspaces,
	}
}

// Watch reads the records until ctx ends. The instruments keep their values while NATS
// does not answer.
func (m *Metrics) Watch(ctx context.Context, s State, log zerolog.Logger) {
	for ctx.Err() == nil {
		for _, w := range m.workspaces {
			if err := m.read(ctx, s, w); err != nil && ctx.Err() == nil {
				log.Debug().Err(err).Str("workspace", w).Msg("result of the audit not read, trying again")
			}
		}
		select {
		case <-time.After(readEvery):
		case <-ctx.Done():
		}
	}
}

func (m *Metrics) read(ctx context.Context, s State, workspace string) error {
	text, _, err := s.Get(ctx, recordKey(workspace))
	if errors.Is(err, stream.ErrNoKey) {
		return nil
	}
	var r record
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return err
	}
	m.missing.WithLabelValues(workspace).Set(float64(r.Missing))
	m.at.WithLabelValues(workspace).Set(float64(r.At.Unix()))
	return nil
}

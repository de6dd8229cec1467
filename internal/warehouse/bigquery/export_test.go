package bigquery

import (
	"time"

	"google.golang.org/grpc/keepalive"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// NewWithColumns returns a sink that writes only the columns, as an older release does.
func NewWithColumns(cfg Config, columns []warehouse.Column) (*Sink, error) {
	s, err := New(cfg)
	if err == nil {
		s.columns = columns
	}
	return s, err
}

// WithKeepAlive returns cfg with other times for keep-alive.
func WithKeepAlive(cfg Config, every, timeout time.Duration) Config {
	cfg.keepAlive = keepalive.ClientParameters{Time: every, Timeout: timeout}
	return cfg
}

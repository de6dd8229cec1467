package workerapp

import (
	"fmt"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/worker"
)

func (a *App) wireWarehouses() error {
	places, err := place.ParseList(a.cfg.Warehouses)
	if err != nil {
		return err
	}
	for i, p := range places {
		sink, err := p.Sink(a.Log)
		if err != nil {
			return fmt.Errorf("%s %q: %w", place.Setting, p.URL, err)
		}
		limits := warehouseLimits
		limits.Messages = a.cfg.BatchRows
		limits.Bytes = max(a.cfg.BatchRows, defaultBatchRows) * warehouseMessage
		guard := &storeGuard{
			place: p, source: a.sourceOf(p.Consumer, []string{stream.AllEvents}), conn: a.Conn, sink: sink,
			log: a.Log.With().Str("consumer", p.Consumer).Logger(), known: make(chan struct{}),
		}
		guard.rows = worker.NewRows(p.Consumer, watchedSink{sink, guard}, a.metrics)
		if i == 0 { // the consumer of every warehouse sees the same events
			guard.rows.Mail = a.metrics.Mail(p.Consumer, a.workspaces())
		}
		a.Registry.MustRegister(guard.gauge())
		a.sinks, a.stores = append(a.sinks, sink), append(a.stores, guard)
		a.jobs = append(a.jobs, job{
			name: p.Consumer, subjects: guard.source.Subjects, limits: limits, loops: 2,
			handler: guard.rows, store: guard,
		})
	}
	return nil
}

func (a *App) workspaces() (names []string) {
	for _, w := range a.cfg.Workspaces.All() {
		names = append(names, w.Name)
	}
	return names
}

package workerapp

import (
	"fmt"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/worker"
)

func (a *App) wireWarehouses() error {
	places, err := place.ParseList(a.cfg.Warehouses)
	if err != nil {
		return err
	}
	a.guard = guard.New(guard.Config{ReadMarks: a.Conn.ReadMarks, Key: a.cfg.Privacy.Key, Policy: a.cfg.Privacy.Policy, Log: a.Log, Now: a.cfg.Now})
	for i, p := range places {
		sink, err := p.Sink(a.Log)
		if err != nil {
			return fmt.Errorf("%s %q: %w", place.Setting, p.URL, err)
		}
		limits := warehouseLimits
		limits.Messages = a.cfg.BatchRows
		limits.Bytes = max(a.cfg.BatchRows, defaultBatchRows) * warehouseMessage
		store := &storeGuard{
			place: p, source: a.sourceOf(p.Consumer, []string{stream.AllEvents}), conn: a.Conn, sink: sink,
			log: a.Log.With().Str("consumer", p.Consumer).Logger(), known: make(chan struct{}),
		}
		store.rows = worker.NewRows(p.Consumer, watchedSink{sink, store}, a.metrics)
		store.rows.Guard, store.erased = a.guard.Apply, a.guard
		if i == 0 { // the consumer of every warehouse sees the same events
			a.mail = a.metrics.Mail(p.Consumer, a.workspaces())
			store.rows.Mail = a.mail
		}
		a.Registry.MustRegister(store.gauge())
		a.sinks, a.stores = append(a.sinks, sink), append(a.stores, store)
		a.jobs = append(a.jobs, job{
			name: p.Consumer, subjects: store.source.Subjects, limits: limits, loops: 2,
			handler: store.rows, store: store,
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

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
		name := Warehouse // the first keeps its position in the stream when another is added
		if i > 0 {
			name += "-" + p.Scheme
		}
		sink, err := p.Sink(a.Log)
		if err != nil {
			return fmt.Errorf("%s %q: %w", place.Setting, p.URL, err)
		}
		rows := worker.NewRows(name, sink, a.metrics)
		a.sinks, a.rows = append(a.sinks, sink), append(a.rows, rows)
		limits := warehouseLimits
		limits.Messages = a.cfg.BatchRows
		a.jobs = append(a.jobs, job{
			name: name, subjects: []string{stream.AllEvents}, limits: limits, loops: 2,
			handler: rows,
		})
	}
	return nil
}

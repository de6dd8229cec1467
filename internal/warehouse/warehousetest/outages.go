package warehousetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// writtenNotAcknowledged simulates a worker that dies between the write and the
// acknowledgement: another worker gets the same rows, and more rows.
func writtenNotAcknowledged(p *suite) {
	rows := Rows(300)
	first := p.open()
	p.expect(first, rows[:200], 200, 0)
	p.expect(p.open(), rows, 100, 200) // while the first sink is open
	p.expect(first, rows, 0, 300)
	p.checkRead(rows)
}

func contextEnded(p *suite) {
	ended, cancel := context.WithCancel(p.t.Context())
	cancel()
	sink := p.Sink(p.t)
	p.t.Cleanup(func() { _ = sink.Close() })
	if err := sink.Open(ended); err == nil {
		p.t.Error("Open returned nil after its context had ended; want an error")
	}
	if err := sink.Open(p.t.Context()); err != nil {
		p.t.Fatalf("Open after an Open that failed: %v; callers repeat Open until it returns nil", err)
	}
	rows := Rows(100)
	if _, err := sink.Write(ended, rows); err == nil {
		p.t.Error("Write returned nil after its context had ended; want an error")
	}
	result := p.write(sink, rows)
	p.checkRejected(result)
	p.checkRead(rows)
}

// contextEndsMeanwhile stops writes at arbitrary points. The results of these writes
// do not matter, because the rows are written again.
func contextEndsMeanwhile(p *suite) {
	sink := p.open()
	rows := Rows(many)
	for _, after := range []time.Duration{time.Microsecond, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(p.t.Context(), after)
		result, err := sink.Write(ctx, rows)
		cancel()
		if len(result.Rejected) > 0 {
			p.t.Errorf("Write rejected row %d as its context ended (%v); the row is good", result.Rejected[0].Index, err)
		}
	}
	p.checkRejected(p.write(sink, rows))
	p.checkRead(rows)
}

// severalWriters writes overlapping batches through several sinks, through each sink
// in another order.
func severalWriters(p *suite) {
	writeAtOnce(p, p.open(), p.open(), p.open(), p.open())
}

func overlappingWrites(p *suite) {
	sink := p.open()
	writeAtOnce(p, sink, sink, sink, sink)
}

// writeAtOnce writes the same batches to all sinks at once, each in another order.
func writeAtOnce(p *suite, sinks ...warehouse.Sink) {
	p.t.Helper()
	const batches, size = 6, 100
	rows := Rows(batches * size)
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		total warehouse.Result
	)
	for w, sink := range sinks {
		wait.Go(func() {
			for b := range batches {
				from := (b + w) % batches * size
				result, err := sink.Write(p.t.Context(), rows[from:from+size])
				if err != nil {
					p.t.Errorf("writer %d, batch %d: %v", w, b, err)
					return
				}
				p.checkResult(result, size)
				mu.Lock()
				total.Inserted += result.Inserted
				total.Duplicates += result.Duplicates
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if want := batches * size; !p.Appends && total.Inserted != want {
		p.t.Errorf("%d writers counted %d inserted and %d duplicates; want %d inserted, each row by one writer",
			len(sinks), total.Inserted, total.Duplicates, want)
	}
	p.checkRead(rows)
}

// olderTable simulates an upgrade: several workers of this release start at once on a
// table of the previous release.
func olderTable(p *suite) {
	if p.Older == nil {
		p.t.Skip("this warehouse has no table that could be old")
	}
	p.Older(p.t, p.Warehouse)
	row := full()
	rows := append(Rows(40), row)
	var wait sync.WaitGroup
	for range 3 {
		sink := p.Sink(p.t)
		p.t.Cleanup(func() { _ = sink.Close() })
		wait.Go(func() {
			if err := openAndWrite(p.t.Context(), sink, rows); err != nil {
				p.t.Error(err)
			}
		})
	}
	wait.Wait()
	p.checkRead(rows)
}

func openAndWrite(ctx context.Context, sink warehouse.Sink, rows []warehouse.Row) error {
	if err := sink.Open(ctx); err != nil {
		return fmt.Errorf("open a table without the newest columns: %w", err)
	}
	if _, err := sink.Write(ctx, rows); err != nil {
		return fmt.Errorf("write to the upgraded table: %w", err)
	}
	return nil
}

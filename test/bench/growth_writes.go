package main

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

const (
	// growthBatch is the number of rows of a batch of the worker.
	growthBatch = 5000
	// weekDeliveries make a million events in a week. The plan of the simulation takes some
	// 100 MiB. A measurement has less in its memory: it simulates writeDeliveries in turn,
	// each time in a tenth of the week.
	weekDeliveries, writeDeliveries = 400_000, 40_000
	// growthAge is how old a late row is at most.
	growthAge = 60 * 24 * time.Hour
	// growthLate is the share of late rows in the table: each of DuckDB's row groups has some.
	growthLate = 0.001
)

// The first batches of a measurement open the file. Late rows make the sink read all ids
// when its inserts have taken 150 ns a row of the table. The first batches last until then.
const (
	leastFirst, mostFirst = 20, 400
	firstPerRow           = 300 * time.Nanosecond
	growthBatches         = 100 // after the first
)

// A writes sums up batches.
type writes struct {
	Batches            int
	Wall, CPU, Longest time.Duration
}

// A written is a measurement of writes.
type written struct{ First, Then writes }

func (p *writes) write(ctx context.Context, sink warehouse.Sink, rows []warehouse.Row) error {
	used, begin := processTime(), time.Now()
	_, err := sink.Write(ctx, rows)
	took := time.Since(begin)
	p.Batches++
	p.Wall, p.CPU, p.Longest = p.Wall+took, p.CPU+processTime()-used, max(p.Longest, took)
	return err
}

func (p *writes) perSecond() float64 { return float64(p.Batches*growthBatch) / p.Wall.Seconds() }

func (p *writes) micros() float64 {
	return float64(p.CPU.Microseconds()) / float64(p.Batches*growthBatch)
}

// writeGrowth measures new rows, of which a share is late. The rows stay.
func writeGrowth(ctx context.Context, path, late string) (w written, err error) {
	share, err := strconv.ParseFloat(late, 64)
	if err != nil {
		return w, err
	}
	start, rows, err := newestOf(ctx, path)
	if err != nil {
		return w, err
	}
	err = withSink(ctx, path, func(sink warehouse.Sink) error {
		return w.measure(ctx, sink, time.Duration(rows)*firstPerRow, simulated(start, share, writeDeliveries))
	})
	return w, err
}

// measure writes the first batches for a time, and then the batches that count.
func (w *written) measure(ctx context.Context, sink warehouse.Sink, first time.Duration, batches iter.Seq2[[]warehouse.Row, error]) error {
	for rows, err := range batches {
		p := &w.Then
		if n := w.First.Batches; n < leastFirst || n < mostFirst && w.First.Wall < first {
			p = &w.First
		}
		if err := errors.Join(err, p.write(ctx, sink, rows)); err != nil {
			return err
		}
		if w.Then.Batches == growthBatches {
			return nil
		}
	}
	return nil
}

// growthStart is the time of the first row.
var growthStart = time.Date(2025, 9, 1, 9, 0, 0, 0, time.UTC)

// simulated yields batches of rows after a time, of which a share is late, without an end.
// The rows come from one simulation of so many deliveries after the other.
func simulated(start time.Time, share float64, deliveries int) iter.Seq2[[]warehouse.Row, error] {
	return func(yield func([]warehouse.Row, error) bool) {
		random := rand.New(rand.NewPCG(1, math.Float64bits(share)))
		rows := make([]warehouse.Row, 0, growthBatch)
		for {
			begin := start.Add(time.Second)
			for body := range (webhooktest.Mix{Seed: random.Uint64(), Deliveries: deliveries, Start: begin}).Events() {
				row, err := growthRowOf(body)
				start = begin.Add(row.OccurredAt.Sub(begin) / time.Duration(weekDeliveries/deliveries))
				row.ReceivedAt = start.Add(time.Second)
				at := start
				if random.Float64() < share {
					at = at.Add(-time.Duration(random.Int64N(int64(growthAge))))
				}
				moveTo(&row, at, random)
				if rows = append(rows, row); len(rows) < growthBatch && err == nil {
					continue
				}
				if !yield(rows, err) {
					return
				}
				rows = rows[:0]
			}
		}
	}
}

func growthRowOf(body []byte) (warehouse.Row, error) {
	e, err := webhook.Parse(body)
	if err != nil {
		return warehouse.Row{}, err
	}
	return warehouse.NewRow(e, warehouse.Origin{EventID: e.ID, Workspace: "default"}), nil
}

// moveTo gives a row another time and an id of the time.
func moveTo(row *warehouse.Row, at time.Time, random *rand.Rand) {
	row.OccurredAt = at
	var rest [10]byte
	binary.BigEndian.PutUint64(rest[2:], random.Uint64())
	row.EventID = effect.ULID(uint64(row.OccurredAt.UnixMilli()), rest)
}

// writeWeek writes n events of a simulated week to a file that has none.
func writeWeek(ctx context.Context, path string, n int) error {
	if _, err := os.Stat(path); err == nil { //nolint:gosec // the bench has made the path
		return nil
	}
	return withSink(ctx, path, func(sink warehouse.Sink) error {
		if n == 0 {
			return nil
		}
		for rows, err := range simulated(growthStart, growthLate, weekDeliveries) {
			if err != nil {
				return err
			}
			if _, err := sink.Write(ctx, rows); err != nil {
				return err
			}
			if n -= len(rows); n <= 0 {
				return nil
			}
		}
		return nil
	})
}

func withSink(ctx context.Context, path string, fn func(warehouse.Sink) error) error {
	sink, err := duckdb.New(duckdb.Config{Path: path})
	if err != nil {
		return err
	}
	if err := sink.Open(ctx); err != nil {
		return errors.Join(err, sink.Close())
	}
	return errors.Join(fn(sink), sink.Close())
}

func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

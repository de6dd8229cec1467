package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

const (
	million = 1_000_000
	// growthBatch is the number of rows of a batch of the worker, growthBatches the number
	// of batches of a measurement. The late rows of the first batches make the sink read all ids.
	growthBatch, growthBatches = 5000, 100
	// growthAge is how old a late row is at most.
	growthAge = 60 * 24 * time.Hour
)

// runGrowthStep runs a step of growth.
func runGrowthStep(ctx context.Context, args []string) error {
	var result any
	var err error
	switch {
	case len(args) == 3 && args[0] == "grow":
		return grow(ctx, args[1], args[2])
	case len(args) == 3 && args[0] == "write":
		result, err = writeGrowth(ctx, args[1], args[2])
	case len(args) == 2 && args[0] == "read":
		result, err = readGrowth(ctx, args[1])
	default:
		return fmt.Errorf("unknown step %q", args)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// grow adds rows to a file until it has so many millions. The first million is a
// simulated week, the others are copies in the weeks after.
func grow(ctx context.Context, path, size string) error {
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	if err := writeWeek(ctx, path, min(n*million, million)); err != nil {
		return err
	}
	db, err := sql.Open("duckdb", path+"?memory_limit=2GB")
	if err != nil {
		return err
	}
	defer db.Close()
	var have int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+eventsTable).Scan(&have); err != nil {
		return err
	}
	for week := (have + million/2) / million; week < n; week++ {
		if _, err := db.ExecContext(ctx, copyWeek, week); err != nil {
			return fmt.Errorf("copy week %d: %w", week, err)
		}
	}
	_, err = db.ExecContext(ctx, "CHECKPOINT")
	return err
}

const eventsTable = warehouse.DefaultSchema + "." + warehouse.Events

// copyWeek copies the first week. A ULID begins with ten characters of the time.
const copyWeek = `CREATE OR REPLACE TEMP MACRO letter(n) AS substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', CAST(n & 31 AS INTEGER) + 1, 1);
CREATE OR REPLACE TEMP MACRO ulid(ms, rest) AS letter(ms >> 45) || letter(ms >> 40) || letter(ms >> 35) || letter(ms >> 30) || letter(ms >> 25) || letter(ms >> 20) || letter(ms >> 15) || letter(ms >> 10) || letter(ms >> 5) || letter(ms) || rest;
INSERT INTO ` + eventsTable + ` SELECT * REPLACE (
  ulid(epoch_ms("timestamp" + to_days(7 * $1)), event_id[11:]) AS event_id, delivery_id || '-' || $1 AS delivery_id,
  "timestamp" + to_days(7 * $1) AS "timestamp", received_at + to_days(7 * $1) AS received_at, '{}' AS payload)
FROM ` + eventsTable + ` WHERE rowid < 1000000`

// writeWeek writes n events of a simulated week to a file that has none.
func writeWeek(ctx context.Context, path string, n int) error {
	if _, err := os.Stat(path); err == nil && n == 0 { //nolint:gosec // the bench has made the path
		return nil
	}
	return withSink(ctx, path, func(sink warehouse.Sink) error {
		rows := make([]warehouse.Row, 0, growthBatch)
		for body := range (webhooktest.Mix{Deliveries: n}).Events() {
			if n == 0 {
				break
			}
			row, err := growthRowOf(body)
			if err != nil {
				return err
			}
			rows = append(rows, row)
			n--
			if len(rows) == growthBatch || n == 0 {
				if _, err := sink.Write(ctx, rows); err != nil {
					return err
				}
				rows = rows[:0]
			}
		}
		return nil
	})
}

func growthRowOf(body []byte) (warehouse.Row, error) {
	e, err := webhook.Parse(body)
	if err != nil {
		return warehouse.Row{}, err
	}
	return warehouse.NewRow(e, warehouse.Origin{EventID: e.ID, Workspace: "default", ReceivedAt: e.OccurredAt.Add(time.Second)}), nil
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

// A written is the speed of a measurement of writes.
type written struct {
	PerSecond float64 // rows
	Micros    float64 // of processor time a row
}

// writeGrowth measures new rows, of which a share is late. The rows stay.
func writeGrowth(ctx context.Context, path, late string) (w written, err error) {
	share, err := strconv.ParseFloat(late, 64)
	if err != nil {
		return w, err
	}
	start, err := newestOf(ctx, path)
	if err != nil {
		return w, err
	}
	err = withSink(ctx, path, func(sink warehouse.Sink) error {
		w, err = measureWrites(ctx, sink, start, share)
		return err
	})
	return w, err
}

// measureWrites writes batches of new rows after a time. The first batch opens the file
// and does not count.
func measureWrites(ctx context.Context, sink warehouse.Sink, start time.Time, share float64) (written, error) {
	random := rand.New(rand.NewPCG(1, uint64(share*million)))
	mix := webhooktest.Mix{Seed: random.Uint64(), Deliveries: growthBatch * growthBatches, Start: start}
	var wall, cpu time.Duration
	batches, rows := 0, make([]warehouse.Row, 0, growthBatch)
	for body := range mix.Events() {
		row, err := growthRowOf(body)
		if err != nil {
			return written{}, err
		}
		if random.Float64() < share {
			makeLate(&row, random)
		}
		if rows = append(rows, row); len(rows) < growthBatch {
			continue
		}
		used, begin := processTime(), time.Now()
		if _, err := sink.Write(ctx, rows); err != nil {
			return written{}, err
		}
		if batches > 0 {
			wall, cpu = wall+time.Since(begin), cpu+processTime()-used
		}
		batches++
		if batches > growthBatches {
			n := float64(growthBatch * growthBatches)
			return written{PerSecond: n / wall.Seconds(), Micros: float64(cpu.Microseconds()) / n}, nil
		}
		rows = rows[:0]
	}
	return written{}, errors.New("the simulation is too short")
}

// makeLate gives a row a time in the past, and the id of that time.
func makeLate(row *warehouse.Row, random *rand.Rand) {
	row.OccurredAt = row.OccurredAt.Add(-time.Duration(random.Int64N(int64(growthAge))))
	var rest [10]byte
	binary.BigEndian.PutUint64(rest[2:], random.Uint64())
	row.EventID = effect.ULID(uint64(row.OccurredAt.UnixMilli()), rest)
}

// newestOf returns a time after all rows of a file, the zero time without a row.
func newestOf(ctx context.Context, path string) (time.Time, error) {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return time.Time{}, err
	}
	defer db.Close()
	var newest sql.NullTime
	err = db.QueryRowContext(ctx, `SELECT max("timestamp") FROM `+eventsTable).Scan(&newest)
	if !newest.Valid {
		return time.Time{}, err
	}
	return newest.Time.UTC().Add(time.Second), err
}

func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// readFigures are times of the console's queries in milliseconds, opening and closing of
// the file included.
type readFigures struct{ Overview, Person float64 }

func readGrowth(ctx context.Context, path string) (f readFigures, err error) {
	newest, err := newestOf(ctx, path)
	if err != nil {
		return f, err
	}
	person := privacy.Identifier{Kind: privacy.Email, Value: "simulated~000077@example.com"}
	f.Overview, err = timed(ctx, path, func(cfg report.Config) error {
		cfg.Now = newest
		_, err := report.Minutes(ctx, cfg, time.Hour)
		return err
	})
	if err != nil {
		return f, err
	}
	f.Person, err = timed(ctx, path, func(cfg report.Config) error {
		cfg.Now, cfg.Days, cfg.Rows = newest, 90, warehouse.Events
		_, err := report.Timeline(ctx, cfg, report.TimelineFilter{Workspace: "default", Limit: 200, Person: person})
		return err
	})
	return f, err
}

// timed returns the median time of a query in milliseconds.
func timed(ctx context.Context, path string, query func(report.Config) error) (float64, error) {
	var took []time.Duration
	for range 5 {
		begin := time.Now()
		r, err := duckdb.OpenReader(ctx, path)
		if err != nil {
			return 0, err
		}
		if err := errors.Join(query(report.Config{Reader: r}), r.Close()); err != nil {
			return 0, err
		}
		took = append(took, time.Since(begin))
	}
	return milliseconds(median(took)), nil
}

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

const million = 1_000_000

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
// simulated week with late rows, the others are copies in the weeks after.
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

// newestOf returns the time of the newest row of a file, growthStart without a row, and the
// number of rows.
func newestOf(ctx context.Context, path string) (at time.Time, rows int, err error) {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return at, 0, err
	}
	defer db.Close()
	var newest sql.NullTime
	err = db.QueryRowContext(ctx, `SELECT max("timestamp"), count(*) FROM `+eventsTable).Scan(&newest, &rows)
	if !newest.Valid {
		return growthStart, rows, err
	}
	return newest.Time.UTC(), rows, err
}

// readFigures are times of the console's queries in milliseconds, opening and closing of
// the file included.
type readFigures struct{ Overview, Person float64 }

func readGrowth(ctx context.Context, path string) (f readFigures, err error) {
	newest, _, err := newestOf(ctx, path)
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

package place

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// A Rolling configures Rollup.
type Rolling struct {
	// Days returns the days to compute. Today is a date in the time zone of the warehouse.
	Days func(today time.Time) (warehouse.Days, error)
	// Now is the present time.
	Now time.Time
	// Before gets the cost before the rollup of a warehouse that charges begins. With the
	// result false, Rollup changes nothing. Default nil.
	Before func(warehouse.Estimate) bool
}

// RolledUp is the result of Rollup.
type RolledUp struct {
	// First and Last are the days that were replaced, such as 2026-11-24.
	First string `json:"first_day"`
	Last  string `json:"last_day"`
	// Rows is the number of new rows.
	Rows int64 `json:"rows"`
	// Estimate is what the rollup costs at most, nil for a warehouse that does not charge.
	*warehouse.Estimate
}

// Rollup replaces some days of warehouse.Rollup as a whole, so that readers see the days
// before or after. A second Rollup of the same events stores the same rows. The warehouse
// gets the tables and views of this release first. A file or a folder that does not exist is
// an error.
func (p Place) Rollup(ctx context.Context, r Rolling) (RolledUp, error) {
	if p.Missing() {
		return RolledUp{}, fmt.Errorf("%s does not exist: a worker creates the warehouse when it starts, and so does cioctl warehouse migrate", p.Where())
	}
	today, err := p.today(ctx, r.Now)
	if err != nil {
		return RolledUp{}, err
	}
	days, err := r.Days(today)
	if err != nil {
		return RolledUp{}, err
	}
	done, err := p.rollUp(ctx, days, r.Before, p.Log)
	done.First, done.Last = days.First.Format(time.DateOnly), days.Last.Format(time.DateOnly)
	return done, err
}

// today migrates the warehouse, and returns the day of its time zone.
func (p Place) today(ctx context.Context, now time.Time) (day time.Time, err error) {
	sink, err := p.Sink(p.Log)
	if err != nil {
		return day, err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	if err := sink.Open(ctx); err != nil {
		return day, err
	}
	name, err := sink.Timezone(ctx)
	if err != nil {
		return day, err
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return day, fmt.Errorf("load time zone of the warehouse: %w", err)
	}
	y, m, d := now.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC), nil
}

func (d duckDB) rollUp(ctx context.Context, days warehouse.Days, _ func(warehouse.Estimate) bool, log zerolog.Logger) (RolledUp, error) {
	rows, err := duckdb.Rollup(ctx, duckdb.Config{Path: string(d), Log: log}, days)
	return RolledUp{Rows: rows}, err
}

// rollUp computes the days with DuckDB, and writes them and the other days to a new file.
func (f folder) rollUp(ctx context.Context, days warehouse.Days, _ func(warehouse.Estimate) bool, _ zerolog.Logger) (done RolledUp, err error) {
	r, err := f.Reader(ctx)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	kept, err := warehouse.ReadTable(ctx, r, "SELECT * FROM "+warehouse.Rollup+" WHERE NOT "+days.Within("day")+" ORDER BY ALL")
	if err != nil {
		return done, err
	}
	computed, err := warehouse.ReadTable(ctx, r, warehouse.RollupSQL(f.Schema()+"."+days.Of(warehouse.Deliveries))+"\nORDER BY ALL")
	if err != nil {
		return done, err
	}
	done.Rows = int64(len(computed.Rows))
	return done, parquet.PutRollup(string(f), append(kept.Rows, computed.Rows...))
}

func (d dataset) rollUp(ctx context.Context, days warehouse.Days, before func(warehouse.Estimate) bool, _ zerolog.Logger) (done RolledUp, err error) {
	r, err := bigquery.OpenRoller(ctx, bigquery.Config(d))
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	e, err := r.Estimate(ctx, days)
	if err != nil {
		return done, err
	}
	done.Estimate = &e
	if before != nil && !before(e) {
		return done, nil
	}
	done.Rows, err = r.Replace(ctx, days)
	return done, err
}

package duckdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A group is an open transaction with the rows of several batches.
//
// A batch by itself is written three times: into the transaction, from there into the table
// and the log, and at the checkpoint into the file. A transaction of more rows than a row
// group has compresses its row groups straight into the file, and the log has their places
// only. That takes a quarter less processor time for each row.
type group struct {
	*warehouse.Group
	begun time.Time
	rows  int
}

const (
	// groupRows is two row groups.
	groupRows = 2 * rowGroup
	// groupedBytes is the largest average payload of a row in a group. A transaction of larger
	// rows would have to stay in memory, because it fills no row group.
	groupedBytes = 1 << 10
	// groupPause is the longest time between two batches of a group, and groupLife the time
	// from the first batch to the commit. After AckWait, 30 s, the stream would deliver the
	// events again.
	groupPause = 200 * time.Millisecond
	groupLife  = 5 * time.Second
	// alonePause is the time without groups after a group that has failed: a value that
	// DuckDB refuses would else cost all batches of each group an attempt.
	alonePause = time.Minute
)

// Stage implements warehouse.Stager.
func (s *Sink) Stage(ctx context.Context, rows []warehouse.Row) (warehouse.Result, *warehouse.Group, error) {
	indexes, result := distinct(rows)
	if len(indexes) == 0 {
		return result, nil, ctx.Err()
	}
	laid := s.layOut(rows, indexes)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.release()
	if s.groups(laid) {
		inserted, g, err := s.stage(ctx, laid)
		if err == nil {
			result.Inserted, result.Duplicates = inserted, result.Duplicates+len(indexes)-inserted
			return result, g, nil
		}
		s.abandon(err)
	}
	result, err := s.write(ctx, laid, result)
	return result, nil, err
}

// groups reports whether the rows can join a group.
func (s *Sink) groups(rows laidOut) bool {
	size := 0
	for _, i := range rows.indexes {
		size += len(rows.rows[i].Raw)
	}
	return !s.rowsAreLarge() && time.Now().After(s.aloneUntil) &&
		size <= min(len(rows.indexes)*groupedBytes, statementBytes)
}

// stage adds the rows to the group, and commits the group unless as many rows have room.
func (s *Sink) stage(ctx context.Context, rows laidOut) (inserted int, _ *warehouse.Group, err error) {
	if s.group == nil {
		if err := s.begin(ctx); err != nil {
			return 0, nil, err
		}
	}
	if inserted, err = s.insertNew(ctx, rows); err != nil {
		return 0, nil, err
	}
	g := s.group
	g.rows += inserted
	if g.rows+len(rows.indexes) > groupRows {
		err = s.commit()
	}
	return inserted, g.Group, err
}

func (s *Sink) begin(ctx context.Context) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	if err := s.file.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	s.group = &group{Group: warehouse.NewGroup(), begun: time.Now()}
	return nil
}

// commit ends the group, if there is one. After an error the file is closed.
//
//nolint:contextcheck,nolintlint // the end of a caller's context must not fail the other batches
func (s *Sink) commit() error {
	g := s.group
	if g == nil {
		return nil
	}
	s.group = nil
	ctx := context.Background()
	err := g.end(func() error {
		if err := s.file.exec(ctx, "COMMIT"); err != nil {
			return fmt.Errorf("store %d rows of several batches: %w", g.rows, err)
		}
		return nil
	})
	if err != nil {
		s.aloneUntil = time.Now().Add(alonePause)
		if !s.raiseMemory(err) {
			s.logClose(s.closeFile())
		}
		return err
	}
	s.checkpointEvery(ctx, g.rows, checkpointRows)
	return nil
}

// abandon ends the group without its rows, if there is one.
//
//nolint:contextcheck,nolintlint // also after the end of the caller's context
func (s *Sink) abandon(cause error) {
	s.aloneUntil = time.Now().Add(alonePause)
	g := s.group
	if g == nil {
		return
	}
	s.group = nil
	s.cfg.Log.Warn().Err(cause).Int("rows", g.rows).Stringer("pause", alonePause).
		Msg("a batch failed: the stream delivers the other batches of its transaction again, and batches are written one by one for a while")
	_ = g.end(func() error {
		if err := s.file.exec(context.Background(), "ROLLBACK"); err != nil {
			s.logClose(errors.Join(err, s.closeFile()))
		}
		return fmt.Errorf("another batch of the transaction failed: %w", cause)
	})
}

// end ends the group with the result of a function, also if the function panics: a group
// without an end holds its messages for ever.
func (g *group) end(run func() error) (err error) {
	err = errors.New("the transaction has no known end")
	defer func() { g.End(err) }()
	err = run()
	return err
}

// commitInTime commits a group that waits for another batch too long.
func (s *Sink) commitInTime() {
	if s.group != nil && (time.Since(s.lastUse) >= s.groupPause || time.Since(s.group.begun) >= s.groupLife) {
		_ = s.commit() // its batches get the error
	}
}

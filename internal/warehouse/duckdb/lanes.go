package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// copyLanes is the number of steps of a copy that run at the same time, each in a
// connection and a thread of its own. Two threads of DuckDB within a step would shuffle the
// rows, or take a third more processor time to keep the order.
const copyLanes = 2

// A lane copies every second step of a revision.
type lane struct {
	conn *sql.Conn
	rows []warehouse.Row // the changed rows of the step, which batchName returns
	last *copyStep       // nil before the first step
}

// A copyStep is the copy of the rows of a step.
type copyStep struct {
	finished chan struct{}
	err      error // valid when finished is closed
}

func (s *copyStep) wait() error {
	if s == nil {
		return nil
	}
	<-s.finished
	return s.err
}

// openLanes returns lanes with connections like that of the file.
func (s *Sink) openLanes(ctx context.Context) (lanes []*lane, err error) {
	for i := range copyLanes {
		conn, err := s.file.db.Conn(ctx)
		if err != nil {
			return lanes, fmt.Errorf("connect: %w", err)
		}
		l := &lane{conn: conn}
		lanes = append(lanes, l)
		_, err = conn.ExecContext(ctx, strings.Join(append(s.file.setup(), keepOrder), "; "))
		if err == nil {
			err = register(conn, batchName(i), func() *batch {
				all := make([]int, len(l.rows))
				for i := range all {
					all[i] = i
				}
				return &batch{rows: l.rows, indexes: all, left: all, columns: s.columns}
			})
		}
		if err != nil {
			return lanes, fmt.Errorf("prepare to copy: %w", err)
		}
	}
	return lanes, nil
}

// batchName is the table function with the changed rows of a lane.
func batchName(lane int) string { return fmt.Sprintf("cioevents_lane%d", lane) }

// start runs the INSERT of a step. The step ends after the step before, so that the rows
// keep their order.
func (l *lane) start(ctx context.Context, insert string, before *copyStep) {
	step := &copyStep{finished: make(chan struct{})}
	l.last = step
	go func() {
		defer close(step.finished)
		step.err = l.insert(ctx, insert, before)
	}()
}

func (l *lane) insert(ctx context.Context, insert string, before *copyStep) error {
	tx, err := l.conn.BeginTx(ctx, nil)
	if err != nil {
		return errors.Join(fmt.Errorf("begin to copy: %w", err), before.wait())
	}
	_, err = tx.ExecContext(ctx, insert)
	if err = errors.Join(before.wait(), err); err != nil {
		return errors.Join(fmt.Errorf("copy events: %w", err), tx.Rollback())
	}
	return tx.Commit()
}

// closeLanes waits until the last steps have ended.
func closeLanes(lanes []*lane) error {
	var errs []error
	for _, l := range lanes {
		errs = append(errs, l.last.wait(), l.conn.Close())
	}
	return errors.Join(errs...)
}

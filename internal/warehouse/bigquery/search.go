package bigquery

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// maxUnexplained is the number of rows that a search finds in a request, at most.
// BigQuery has refused the request without naming the rows. The search for a row
// takes two dozen requests. With more than 100 refused rows the table is wrong
// rather than the rows.
const maxUnexplained = 100

// search finds the bad rows of a chunk that BigQuery refused as a whole. It halves the
// chunk until each bad row is alone, and appends the good rows.
func (s *session) search(ctx context.Context, number int, c *chunk, refused error) error {
	if len(c.rows) == 1 {
		if len(c.unexplained) == maxUnexplained {
			return fmt.Errorf("%w (more than %d rows of a request, without naming the rows)", refused, maxUnexplained)
		}
		c.takeOut(requestFault(refused))
		return nil
	}
	first, second := c.halves()
	err := s.send(ctx, number, first)
	second.unexplained = first.unexplained
	if err == nil {
		err = s.send(ctx, number, second)
	}
	c.join(first, second)
	return err
}

// remember keeps the first row that BigQuery stored in this session.
func (s *session) remember(row []byte) {
	if s.knownGoodRow.Load() == nil {
		row = bytes.Clone(row)
		s.knownGoodRow.CompareAndSwap(nil, &row)
	}
}

// probe appends the known good row again. An error means that BigQuery refuses good
// rows, too, so the unexplained rows may be good. The view hides the repeated row.
func (s *session) probe(ctx context.Context) error {
	row := s.knownGoodRow.Load()
	if row == nil {
		return fmt.Errorf("%w, and has not accepted any row yet", errRefused)
	}
	refused, err := s.appendRows(ctx, 0, [][]byte{*row})
	if err == nil && len(refused) > 0 {
		err = rowFault(refused[0])
	}
	if err != nil {
		return fmt.Errorf("%w, also a row that the Write API accepted before: %w", errRefused, classify(err))
	}
	return nil
}

// halves returns copies of the two halves of the chunk.
func (c *chunk) halves() (first, second *chunk) {
	half := len(c.rows) / 2
	return &chunk{places: slices.Clone(c.places[:half]), rows: slices.Clone(c.rows[:half]), unexplained: c.unexplained},
		&chunk{places: slices.Clone(c.places[half:]), rows: slices.Clone(c.rows[half:])}
}

// join replaces the chunk by the results of its halves.
func (c *chunk) join(first, second *chunk) {
	c.places = slices.Concat(first.places, second.places)
	c.rows = slices.Concat(first.rows, second.rows)
	c.rejected = slices.Concat(c.rejected, first.rejected, second.rejected)
	c.unexplained = second.unexplained
}

// takeOut moves the only row to c.unexplained.
func (c *chunk) takeOut(err error) {
	c.unexplained = append(c.unexplained, warehouse.Rejection{Index: c.places[0], Err: err})
	c.places, c.rows = c.places[:0], c.rows[:0]
}

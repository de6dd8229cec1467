package bigquery

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// maxSuspects is how many rows of one request are searched for when BigQuery
// refuses it without naming them. One takes two dozen requests; if there are
// more, it is hardly the rows that are wrong.
const maxSuspects = 100

// search halves a chunk that was refused as a whole until the rows to blame are
// alone, and appends the others.
func (s *session) search(ctx context.Context, number int, c *chunk, refused error) error {
	if len(c.rows) == 1 {
		if len(c.suspects) == maxSuspects {
			return fmt.Errorf("%w (it does so with more than %d rows of a request, and does not say which)", refused, maxSuspects)
		}
		c.suspect(requestFault(refused))
		return nil
	}
	first, second := c.halves()
	err := s.send(ctx, number, first)
	second.suspects = first.suspects
	if err == nil {
		err = s.send(ctx, number, second)
	}
	c.join(first, second)
	return err
}

// remember keeps a row that was stored, unless there is one.
func (s *session) remember(row []byte) {
	if s.witness.Load() == nil {
		row = bytes.Clone(row)
		s.witness.CompareAndSwap(nil, &row)
	}
}

// testify appends a row that BigQuery took before once more, and returns an error
// unless it takes it again: then it is not the suspects that are to blame. The
// view hides the repeat.
func (s *session) testify(ctx context.Context) error {
	witness := s.witness.Load()
	if witness == nil {
		return fmt.Errorf("%w, and no other row has shown yet that it takes any", errRefused)
	}
	refused, err := s.appendRows(ctx, 0, [][]byte{*witness})
	if err == nil && len(refused) > 0 {
		err = rowFault(refused[0])
	}
	if err != nil {
		return fmt.Errorf("%w, also one that it has taken before: %w", errRefused, judge(err))
	}
	return nil
}

// halves returns the chunk in two. What is done to them does not change it.
func (c *chunk) halves() (first, second *chunk) {
	half := len(c.rows) / 2
	return &chunk{places: slices.Clone(c.places[:half]), rows: slices.Clone(c.rows[:half]), suspects: c.suspects},
		&chunk{places: slices.Clone(c.places[half:]), rows: slices.Clone(c.rows[half:])}
}

// join takes over what became of the halves.
func (c *chunk) join(first, second *chunk) {
	c.places = slices.Concat(first.places, second.places)
	c.rows = slices.Concat(first.rows, second.rows)
	c.rejected = slices.Concat(c.rejected, first.rejected, second.rejected)
	c.suspects = second.suspects
}

// suspect takes out the only row.
func (c *chunk) suspect(err error) {
	c.suspects = append(c.suspects, warehouse.Rejection{Index: c.places[0], Err: err})
	c.places, c.rows = c.places[:0], c.rows[:0]
}

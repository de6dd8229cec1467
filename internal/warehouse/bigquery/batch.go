package bigquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Sizes of a request. Google's limit is 10 MB, by its Go client's comments, or
// 20 MB, by its newer quotas; the rest is for the descriptor and the envelope.
// Fewer rows cost more per row, more rows gain nothing and are sent again
// together when one of them is refused.
const (
	maxRequestBytes = 9_000_000
	maxRequestRows  = 2_500
	minRequestRows  = 500
	rowOverhead     = 6 // tag and length of a row within its request
)

// keptBytes is the largest buffer that is used again. Chunks of usual rows need
// less than half.
const keptBytes = 4 << 20

// A batch is the rows of one Write.
type batch struct {
	rows     []warehouse.Row
	todo     []int // places of the rows that are not stored yet
	rejected []warehouse.Rejection
}

func newBatch(rows []warehouse.Row) *batch {
	b := &batch{rows: rows, todo: make([]int, 0, len(rows))}
	for i := range rows {
		if err := rows[i].Check(); err != nil {
			b.reject(i, err)
			continue
		}
		b.todo = append(b.todo, i)
	}
	return b
}

func (b *batch) reject(place int, err error) {
	b.rejected = append(b.rejected, warehouse.Rejection{Index: place, Err: err})
}

func (b *batch) result() warehouse.Result {
	slices.SortFunc(b.rejected, func(x, y warehouse.Rejection) int { return cmp.Compare(x.Index, y.Index) })
	return warehouse.Result{Inserted: len(b.rows) - len(b.rejected), Rejected: b.rejected}
}

// append sends what is to be done, in chunks over all connections, and waits
// for every answer. After an error, what was not stored remains to be done, and
// the session is gone.
func (s *Sink) append(ctx context.Context, b *batch) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	var sending sync.WaitGroup
	var chunks []*chunk
	limit := min(max((len(b.todo)+s.cfg.Connections-1)/s.cfg.Connections, minRequestRows), maxRequestRows)
	now := partitionsAt(time.Now())
	for rest := b.todo; len(rest) > 0; {
		c := s.chunk()
		rest = c.fill(s.session.layout, b, rest, limit, now)
		number := len(chunks)
		chunks = append(chunks, c)
		sending.Go(func() { c.err = s.session.send(ctx, number, c) })
	}
	sending.Wait()
	return s.conclude(ctx, b, chunks)
}

// conclude takes over what became of the chunks.
func (s *Sink) conclude(ctx context.Context, b *batch, chunks []*chunk) error {
	b.todo = b.todo[:0]
	var first error
	var suspects []warehouse.Rejection
	for _, c := range chunks {
		b.rejected = append(b.rejected, c.rejected...)
		b.todo = append(b.todo, c.places...)
		suspects = append(suspects, c.suspects...)
		first = cmp.Or(first, c.err)
	}
	if first == nil && len(suspects) > 0 {
		first = s.session.testify(ctx)
	}
	if first != nil {
		for _, r := range suspects {
			b.todo = append(b.todo, r.Index)
		}
		s.disconnect()
		return first
	}
	b.rejected = append(b.rejected, suspects...)
	for _, c := range chunks {
		if cap(c.buffer) <= keptBytes {
			s.free = append(s.free, c)
		}
	}
	return nil
}

// A chunk is the rows of one request, encoded one behind the other in one
// buffer. The client library may read it until its answer is there.
type chunk struct {
	places   []int // of the rows in the batch
	buffer   []byte
	ends     []int // of the rows in buffer
	rows     [][]byte
	rejected []warehouse.Rejection
	suspects []warehouse.Rejection // rows that were refused alone, without a reason
	err      error
}

// chunk returns an empty chunk.
func (s *Sink) chunk() *chunk {
	last := len(s.free) - 1
	if last < 0 {
		return new(chunk)
	}
	c := s.free[last]
	s.free = s.free[:last]
	clear(c.rows)
	*c = chunk{places: c.places[:0], buffer: c.buffer[:0], ends: c.ends[:0], rows: c.rows[:0]}
	return c
}

// fill encodes rows of the batch, at the places, and returns the places that
// there is no room for.
func (c *chunk) fill(l *layout, b *batch, places []int, limit int, p partitions) []int {
	for i, place := range places {
		start := len(c.buffer)
		c.buffer = l.encode(c.buffer, &b.rows[place], p)
		size := len(c.buffer) - start + rowOverhead
		if size > maxRequestBytes {
			c.buffer = c.buffer[:start]
			b.reject(place, fmt.Errorf("row of %d bytes is larger than a request to BigQuery may be, %d bytes", size, maxRequestBytes))
			continue
		}
		if len(c.places) == limit || len(c.buffer)+rowOverhead*(len(c.places)+1) > maxRequestBytes {
			c.buffer = c.buffer[:start]
			c.cut()
			return places[i:]
		}
		c.places = append(c.places, place)
		c.ends = append(c.ends, len(c.buffer))
	}
	c.cut()
	return nil
}

// cut makes the rows, now that the buffer does not move any more.
func (c *chunk) cut() {
	start := 0
	for _, end := range c.ends {
		c.rows = append(c.rows, c.buffer[start:end:end])
		start = end
	}
}

// reject takes out the rows that BigQuery refused.
func (c *chunk) reject(refused []*storagepb.RowError) error {
	reasons := make(map[int]*storagepb.RowError, len(refused))
	for _, e := range refused {
		if i := int(e.GetIndex()); i >= 0 && i < len(c.rows) {
			reasons[i] = e
		}
	}
	if len(reasons) == 0 { // to send the same again would not end
		return errors.New("BigQuery refused rows that were not in the request")
	}
	kept := 0
	for i, place := range c.places {
		if e, ok := reasons[i]; ok {
			c.rejected = append(c.rejected, warehouse.Rejection{Index: place, Err: rowFault(e)})
			continue
		}
		c.places[kept], c.rows[kept] = place, c.rows[i]
		kept++
	}
	c.places, c.rows = c.places[:kept], c.rows[:kept]
	return nil
}

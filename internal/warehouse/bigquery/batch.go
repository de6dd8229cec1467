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

// Sizes of a request. Google's limit is 10 MB by the comments of its Go client, and
// 20 MB by its newer page of quotas. The difference to 10 MB is for the descriptor
// and the envelope. A request of fewer rows costs more per row. A request of more
// rows gains nothing, and all its rows are sent again when BigQuery refuses a row.
const (
	maxRequestBytes = 9_000_000
	maxRequestRows  = 2_500
	minRequestRows  = 500
	rowOverhead     = 6 // tag and length of a row within its request
)

// keptBytes is the size of the largest buffer that Write reuses. Chunks of usual
// rows need less than half of these bytes.
const keptBytes = 4 << 20

// A batch is the rows of one Write.
type batch struct {
	rows     []warehouse.Row
	todo     []int // indexes of the rows that are not stored yet
	rejected []warehouse.Rejection
	altered  map[int]*warehouse.Row // refused rows in another form, by their indexes
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

// append sends the rows of b.todo, in chunks over all connections, and waits for
// every answer. After an error, b.todo has the rows that are not stored, and the
// session is closed.
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
	return s.collect(ctx, b, chunks)
}

// collect adds the results of the chunks to the batch.
func (s *Sink) collect(ctx context.Context, b *batch, chunks []*chunk) error {
	b.todo = b.todo[:0]
	var first error
	var unexplained []warehouse.Rejection
	for _, c := range chunks {
		b.rejected = append(b.rejected, c.rejected...)
		b.todo = append(b.todo, c.places...)
		unexplained = append(unexplained, c.unexplained...)
		first = cmp.Or(first, c.err)
	}
	if first == nil && len(unexplained) > 0 {
		first = s.session.probe(ctx)
	}
	if first != nil {
		for _, r := range unexplained {
			b.todo = append(b.todo, r.Index)
		}
		s.disconnect()
		return first
	}
	b.rejected = append(b.rejected, unexplained...)
	for _, c := range chunks {
		if cap(c.buffer) <= keptBytes {
			s.free = append(s.free, c)
		}
	}
	return nil
}

// A chunk is the rows of a request, encoded into a common buffer. The client library
// may read the buffer until the request is answered.
type chunk struct {
	places   []int // indexes of the rows in the batch
	buffer   []byte
	ends     []int // of the rows in buffer
	rows     [][]byte
	rejected []warehouse.Rejection
	// unexplained has the rows that BigQuery refused alone, without a reason.
	unexplained []warehouse.Rejection
	err         error
}

// chunk returns an empty chunk, with the buffers of an earlier Write if there are any.
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

// fill encodes the rows of b at places into the chunk. It returns the places of the
// rows that do not fit into the request.
func (c *chunk) fill(l *layout, b *batch, places []int, limit int, p partitions) []int {
	for i, place := range places {
		start := len(c.buffer)
		c.buffer = l.encode(c.buffer, b.row(place), p)
		size := len(c.buffer) - start + rowOverhead
		if size > maxRequestBytes {
			c.buffer = c.buffer[:start]
			b.reject(place, fmt.Errorf("row has %d bytes, a request to BigQuery at most %d", size, maxRequestBytes))
			continue
		}
		if len(c.places) == limit || len(c.buffer)+rowOverhead*(len(c.places)+1) > maxRequestBytes {
			c.buffer = c.buffer[:start]
			c.splitRows()
			return places[i:]
		}
		c.places = append(c.places, place)
		c.ends = append(c.ends, len(c.buffer))
	}
	c.splitRows()
	return nil
}

// splitRows makes c.rows of the full buffer. Earlier slices would point into a buffer
// that append may have replaced.
func (c *chunk) splitRows() {
	start := 0
	for _, end := range c.ends {
		c.rows = append(c.rows, c.buffer[start:end:end])
		start = end
	}
}

// reject moves the rows that BigQuery refused to c.rejected.
func (c *chunk) reject(refused []*storagepb.RowError) error {
	reasons := make(map[int]*storagepb.RowError, len(refused))
	for _, e := range refused {
		if i := int(e.GetIndex()); i >= 0 && i < len(c.rows) {
			reasons[i] = e
		}
	}
	if len(reasons) == 0 { // a repeat of the request would be refused forever
		return errors.New("BigQuery refused rows that the request did not have")
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

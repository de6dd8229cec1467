package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/greatroar/blobloom"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// knownIDs is a Bloom filter of the ids in the table. A negative answer is certain, so
// an insert need not look for the id. A search for new ids reads the end of the table, a tenth
// of the processor time of an insert. For a late id, DuckDB looks in each row group with an
// older and a younger id. When late events come all the time, each row group has some, and a
// search for one late id reads the ids of 60 days.
//
// The filter belongs to an open file. Nobody else can write to the file until the sink closes
// the file. The next use of the file starts without a filter. So no crash, other
// writer or restored file can leave a filter behind that lacks an id.
type knownIDs struct {
	seed maphash.Seed
	mu   sync.Mutex // guards the fields below: DuckDB has threads of its own
	ids  *blobloom.Filter
	n    int // added ids
	most int // the number of ids from which on the filter is too small, 0 for none

	hashes []uint64 // of addView
}

const (
	// searchPatience, for each row of the table, is the time of searches before a sink reads the
	// ids of the table into a filter. Reading takes 80 to 100 ns a row, on a busy machine 280. So
	// for a file that is opened again and again, reading about doubles that time.
	searchPatience = 150 * time.Nanosecond
	// newIDSearch is the time of a search for new ids, for each id.
	newIDSearch = time.Microsecond
	// knownBits is the largest size of a filter, 40 MiB. A smaller filter has idBits for each
	// id. With knownHashes, a filter that is full or has 20 million ids takes 1 in 1,000 unknown
	// ids for known, and a filter with 50 million ids 1 in 22.
	knownBits   = 40 << 20 * 8
	idBits      = 16
	knownHashes = 6
	// knownRows is the largest number of rows for which a filter pays: with more rows, a third
	// of the answers is wrong.
	knownRows = 100_000_000
)

// newKnownIDs returns an empty filter for twice as many ids as the table has rows.
func newKnownIDs(rows int) *knownIDs {
	k := &knownIDs{seed: maphash.MakeSeed(), most: max(2*rows, 1<<20)}
	bits := idBits * k.most
	if bits >= knownBits {
		bits, k.most = knownBits, 0
	}
	k.ids = blobloom.New(uint64(bits), knownHashes)
	return k
}

// addRows adds the ids of the rows at the indexes, and returns the indexes of the rows whose
// id the table may have. The ids stay in the filter if the insert fails.
func (k *knownIDs) addRows(rows []warehouse.Row, indexes []int) []int {
	k.mu.Lock()
	defer k.mu.Unlock()
	var perhaps []int
	for _, i := range indexes {
		hash := maphash.String(k.seed, rows[i].EventID)
		has := k.ids.Has(hash)
		if has || !isASCII(rows[i].EventID) {
			perhaps = append(perhaps, i)
		}
		if !has { // the rows of a replay do not fill the filter
			k.ids.Add(hash)
			k.n++
		}
	}
	return perhaps
}

// isASCII reports whether the table surely has the id as it is. In a text that is not UTF-8,
// U+FFFD replaces bytes, so the filter cannot deny such a text.
func isASCII(id string) bool {
	return !strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r >= utf8.RuneSelf })
}

func (k *knownIDs) isFull() bool { return k.most > 0 && k.n > k.most }

// perhapsKnown returns the indexes of the rows to look for in the table, and adds the ids of
// all rows to the filter.
func (s *Sink) perhapsKnown(ctx context.Context, rows []warehouse.Row, indexes []int) []int {
	f := s.file
	if f.known == nil && (f.reading != nil || f.searching > 0) && !f.unlearned {
		if err := s.learn(ctx); err != nil {
			f.unlearned, f.reading = true, nil
			s.cfg.Log.Warn().Err(err).Msg("the filter of known ids is missing, inserts take longer")
		}
	}
	if f.reading != nil {
		f.reading.ids.addRows(rows, indexes) // the reading ends before these rows
	}
	if f.known == nil {
		return indexes
	}
	perhaps := f.known.addRows(rows, indexes)
	if f.known.isFull() { // the next insert reads the ids into a larger filter
		f.known, f.searching = nil, time.Duration(f.rows+len(rows))*searchPatience
	}
	return perhaps
}

// learn reads ids of the table into a filter, if the filter has become worthwhile. The filter
// is in use when all ids are read.
func (s *Sink) learn(ctx context.Context) error {
	f := s.file
	if f.reading == nil {
		if s.group != nil && s.group.rows > 0 { // the numbers of its rows are temporary
			return nil
		}
		if err := f.begin(ctx); err != nil || f.reading == nil {
			return err
		}
	}
	r, start := f.reading, time.Now()
	for more := true; more; more = r.next < r.end && time.Since(start) < r.patience {
		if err := s.read(ctx, r); err != nil {
			return fmt.Errorf("read ids: %w", err)
		}
	}
	switch {
	case r.next < r.end:
		return nil // the next insert goes on
	case r.read != r.rows: // never use a filter that lacks an id
		return fmt.Errorf("read ids: have %d of %d", r.read, r.rows)
	}
	f.known, f.reading = r.ids, nil
	return nil
}

// A reading is a filter that does not have all ids yet. The ids of 50 million rows take some
// 4 s to read, on a busy machine 14 s. No message of a batch is acknowledged before the
// batch is written, so each insert reads a part of the ids.
type reading struct {
	ids       *knownIDs
	next, end int           // row ids; the rows of later inserts come after end
	rows      int           // of the table at the begin
	read      int           // rows
	step      int           // row ids of a query
	patience  time.Duration // in an insert
}

const (
	// readStep is 20 row groups: 50 ms, on a busy machine 170 ms.
	readStep     = 20 * rowGroup
	readPatience = time.Second
)

// begin begins a reading if the searches have taken long enough.
func (f *file) begin(ctx context.Context) error {
	if f.rows == 0 {
		if err := f.conn.QueryRowContext(ctx, "SELECT count(*) FROM "+eventsTable).Scan(&f.rows); err != nil {
			return fmt.Errorf("count rows: %w", err)
		}
	}
	if f.rows > knownRows || f.searching < time.Duration(f.rows)*searchPatience {
		return nil
	}
	r := reading{ids: newKnownIDs(f.rows), step: readStep, patience: readPatience}
	err := f.conn.QueryRowContext(ctx, "SELECT count(*), coalesce(max(rowid) + 1, 0) FROM "+eventsTable).Scan(&r.rows, &r.end)
	if err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	f.searching, f.reading = 0, &r
	return nil
}

// read reads the ids of the next rows.
func (s *Sink) read(ctx context.Context, r *reading) error {
	s.learning = r.ids
	defer func() { s.learning = nil }()
	before := r.ids.n
	var rows, learned int
	err := s.file.conn.QueryRowContext(ctx, fmt.Sprintf("SELECT count(*), count(%s(event_id)) FROM %s WHERE rowid >= %d AND rowid < %d",
		learnFunction, eventsTable, r.next, min(r.next+r.step, r.end))).Scan(&rows, &learned)
	if err != nil {
		return err
	}
	if r.ids.n != before+rows || learned != rows {
		return fmt.Errorf("have %d of %d", r.ids.n-before, rows)
	}
	r.next += r.step
	r.read += rows
	return nil
}

// learnFunction is DuckDB's name of the function that adds each id of a query to s.learning.
const learnFunction = "cioevents_learn"

// A learner implements duck.ScalarFunc.
type learner struct{ sink *Sink }

func (s *Sink) registerLearner(conn *sql.Conn) error {
	return duck.RegisterScalarUDF(conn, learnFunction, learner{s})
}

// Config implements duck.ScalarFunc.
func (learner) Config() duck.ScalarFuncConfig {
	return duck.ScalarFuncConfig{InputTypeInfos: []duck.TypeInfo{typeInfo(duck.TYPE_VARCHAR)}, ResultTypeInfo: typeInfo(duck.TYPE_BOOLEAN)}
}

// Executor implements duck.ScalarFunc. The result of the function is any value other than NULL.
func (l learner) Executor() duck.ScalarFuncExecutor {
	return duck.ScalarFuncExecutor{ChunkContextExecutor: func(_ context.Context, chunk *duck.ChunkIteratorState) error {
		vector, err1 := chunk.GetInputChunk().GetVector(0)
		ids, err2 := duck.GetVectorView[string](vector)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		return l.sink.learning.addView(ids)
	}}
}

// addView adds the ids of a chunk. The loop that adds does nothing else, so that the processor
// waits for the memory of several ids at a time: a quarter less time in all.
func (k *knownIDs) addView(ids duck.VectorView[string]) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hashes = k.hashes[:0]
	for i := range ids.Len() {
		id, ok, err := ids.GetValueBorrowed(i)
		if err != nil {
			return err
		}
		if ok {
			k.hashes = append(k.hashes, maphash.String(k.seed, id))
		}
	}
	for _, hash := range k.hashes {
		k.ids.Add(hash)
	}
	k.n += len(k.hashes)
	return nil
}

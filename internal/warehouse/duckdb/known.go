package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/greatroar/blobloom"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// knownIDs is a Bloom filter of the ids in the table. A negative answer is certain, so
// an insert need not look for the id. DuckDB alone would look in each row group with an older
// and a younger id. When late events come all the time, each row group has some, and a search
// for one late id reads the ids of 60 days.
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
}

const (
	// lateInserts is the number of inserts with late ids before a sink reads the ids of
	// the table into a filter: 50 ns a row, one second for 20 million rows. A search
	// for late ids takes between 3 ms and half of that.
	lateInserts = 3
	// knownBits is the largest size of a filter, 32 MiB. Of the ids that the table does not
	// have, the filter takes 3 in 1,000 for known with 20 million rows, 1 in 12 with 50 million.
	knownBits = 32 << 20 * 8
	// knownRate is the share of wrong positive answers of a smaller filter.
	knownRate = 0.001
	// knownRows is the largest number of rows for which a filter pays: with more rows, a third
	// of the answers is wrong.
	knownRows = 100_000_000
)

func newKnownIDs(rows int) *knownIDs {
	most := max(2*rows, 1<<20)
	k := &knownIDs{seed: maphash.MakeSeed(), ids: blobloom.NewOptimized(blobloom.Config{
		Capacity: uint64(most), FPRate: knownRate, MaxBits: knownBits, //nolint:gosec // at least a million
	})}
	if k.ids.NumBits() < knownBits {
		k.most = most
	}
	return k
}

// add adds an id, and reports whether the filter may have had the id before.
func (k *knownIDs) add(id string) bool {
	hash := maphash.String(k.seed, id)
	had := k.ids.Has(hash)
	k.ids.Add(hash)
	k.n++
	return had
}

// addRows adds the ids of the rows at the indexes, and returns the indexes of the rows whose
// id the table may have. The ids stay in the filter if the insert fails.
func (k *knownIDs) addRows(rows []warehouse.Row, indexes []int) []int {
	k.mu.Lock()
	defer k.mu.Unlock()
	var perhaps []int
	for _, i := range indexes {
		if k.add(rows[i].EventID) {
			perhaps = append(perhaps, i)
		}
	}
	return perhaps
}

func (k *knownIDs) isFull() bool { return k.most > 0 && k.n > k.most }

// find returns the rows to look for in the table, and adds the ids of all rows to the filter.
func (s *Sink) find(ctx context.Context, rows []warehouse.Row, indexes []int) parts {
	f, p := s.file, partsOf(rows, indexes)
	if f.known == nil && len(p[1])+len(p[2]) > 0 {
		if f.late++; f.late > lateInserts {
			f.late = 0
			if err := s.learn(ctx); err != nil {
				f.late = math.MinInt // not again before the file is opened again
				s.cfg.Log.Warn().Err(err).Msg("the filter of known ids is missing, late events take longer")
			}
		}
	}
	if f.known == nil {
		return p
	}
	p = partsOf(rows, f.known.addRows(rows, indexes))
	if f.known.isFull() {
		f.known = nil
	}
	return p
}

// learn reads the ids of the table into a filter.
func (s *Sink) learn(ctx context.Context) error {
	var rows, learned int
	if err := s.file.conn.QueryRowContext(ctx, "SELECT count(*) FROM "+eventsTable).Scan(&rows); err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	if rows > knownRows {
		return nil
	}
	s.learning = newKnownIDs(rows)
	defer func() { s.learning = nil }()
	err := s.file.conn.QueryRowContext(ctx, "SELECT count("+learnFunction+"(event_id)) FROM "+eventsTable).Scan(&learned)
	if err != nil {
		return fmt.Errorf("read ids: %w", err)
	}
	if s.learning.n != rows || learned != rows { // never use a filter that lacks an id
		return fmt.Errorf("read ids: have %d of %d", s.learning.n, rows)
	}
	s.file.known = s.learning
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

func (k *knownIDs) addView(ids duck.VectorView[string]) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range ids.Len() {
		id, ok, err := ids.GetValueBorrowed(i)
		if err != nil {
			return err
		}
		if ok {
			k.add(id)
		}
	}
	return nil
}

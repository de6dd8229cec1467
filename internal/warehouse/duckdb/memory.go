package duckdb

import (
	"context"
	"strings"
)

// memoryLimits are the limits of DuckDB's buffers, which a sink tries one after the
// other. Go's memory, and the free memory of both allocators, come on top.
//
// The first limit is enough for events: the rows since the last checkpoint take some
// 33 MB, and an insert and a checkpoint 20 MB more. More than 64 MB saves no time. With too
// little, DuckDB writes blocks of the 48 columns to a temporary file and reads them again.
//
// Whole e-mails need more. A commit and a checkpoint have the texts of 2,048 rows in
// the buffers, and a checkpoint that writes the rows of an earlier checkpoint again
// has a second copy outside the buffers. So rows of 50 kB need buffers of 160 MB, which
// the second limit just exceeds, and 100 MB more.
var memoryLimits = []string{"64MB", "168MB", "336MB", "1GB", "4GB", "80%"}

// Bounds for the payloads of a statement. A batch of usual rows is smaller than
// statementBytes. When rows are large, smallStatementBytes leaves the buffers to the
// texts that a commit needs: with 8 MiB the worker takes 80 MiB more.
const (
	statementBytes      = 8 << 20
	smallStatementBytes = 1 << 20
)

// rowsAreLarge reports that DuckDB has needed more memory than the first limit.
func (s *Sink) rowsAreLarge() bool { return s.memory > 0 }

func (s *Sink) statementBytes() int {
	if s.rowsAreLarge() {
		return smallStatementBytes
	}
	return statementBytes
}

// withMemory calls use while the sink has the file, until use needs no more memory or no
// limit is left. A checkpoint, for example, may write the large rows of a writer that was
// killed.
func (s *Sink) withMemory(ctx context.Context, use func() error) error {
	for {
		if err := s.acquire(ctx); err != nil {
			return err
		}
		if err := use(); err == nil || !s.raiseMemory(err) {
			return err
		}
	}
}

// raiseMemory closes the file when err says that DuckDB is out of memory, so that
// acquire opens the file with the next limit. The result is false for other errors and
// at the last limit.
func (s *Sink) raiseMemory(err error) bool {
	if !outOfMemory(err) || s.memory == len(memoryLimits)-1 {
		return false
	}
	s.memory++
	s.cfg.Log.Warn().Str("limit", memoryLimits[s.memory]).Msg("rows are large, DuckDB gets more memory until the next start")
	s.logClose(s.closeFile())
	return true
}

// outOfMemory looks for the advice at the end of DuckDB's text. The class of the
// error does not help: DuckDB gives the class of the interrupted operation, such as
// a commit.
func outOfMemory(err error) bool {
	return strings.Contains(err.Error(), "Increasing the memory limit")
}

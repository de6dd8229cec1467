package duckdb

import "strings"

// memoryLimits are the limits of DuckDB's buffers, which a sink tries one after the
// other. Go's memory, and the free memory of both allocators, come on top.
//
// The first limit is enough for events. With 64 MB, DuckDB writes blocks of the 48
// columns to a temporary file and reads the blocks again. A limit of 128 MB makes
// nothing faster: DuckDB only keeps more blocks of the file, and no insert reads the
// blocks again. Whole e-mails need more: DuckDB merges the rows of earlier statements
// 2,048 at a time, and has all texts of the rows in memory.
var memoryLimits = []string{"96MB", "256MB", "1GB", "4GB", "80%"}

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

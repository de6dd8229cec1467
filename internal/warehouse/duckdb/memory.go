package duckdb

import "strings"

// memoryLimits are what DuckDB may use for its buffers, one after the other; Go,
// and what both allocators keep, come on top. The first is enough for events:
// twice as much makes nothing faster, as it holds blocks of the file that no
// insert reads again. Whole e-mails are another thing. DuckDB works on 2,048
// rows at a time, wherever it merges what earlier statements have written, and
// has all their texts in memory then.
var memoryLimits = []string{"64MB", "256MB", "1GB", "4GB", "80%"}

// raiseMemory lets go of the file, for it to be opened with the next limit, when
// err says that DuckDB has run out of memory and there is a next one.
func (s *Sink) raiseMemory(err error) bool {
	if !outOfMemory(err) || s.memory == len(memoryLimits)-1 {
		return false
	}
	s.memory++
	s.cfg.Log.Warn().Str("limit", memoryLimits[s.memory]).Msg("the rows are large: DuckDB gets more memory until the next start")
	s.report(s.letGo())
	return true
}

// outOfMemory goes by the advice at the end of the text: the class of the error
// is that of what was under way, such as a commit.
func outOfMemory(err error) bool {
	return strings.Contains(err.Error(), "Increasing the memory limit")
}

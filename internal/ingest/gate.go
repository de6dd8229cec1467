package ingest

import "sync/atomic"

// A gate bounds something that calls hold while they are handled. It never
// waits: a call that cannot be taken now is better sent again than queued in
// memory.
type gate struct {
	limit int64
	taken atomic.Int64
}

// enter takes n and reports whether there was room; if not, nothing is taken.
func (g *gate) enter(n int64) bool {
	if g.taken.Add(n) > g.limit {
		g.leave(n)
		return false
	}
	return true
}

func (g *gate) leave(n int64) { g.taken.Add(-n) }

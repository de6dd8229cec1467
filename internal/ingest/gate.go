package ingest

import "sync/atomic"

// A gate bounds a resource that calls hold while they are handled. A gate never waits:
// it is better to refuse a call, which Customer.io sends again, than to queue the call
// in memory.
type gate struct {
	limit int64
	taken atomic.Int64
}

// enter takes n units and returns true, or takes nothing and returns false when fewer
// than n units are free.
func (g *gate) enter(n int64) bool {
	if g.taken.Add(n) > g.limit {
		g.leave(n)
		return false
	}
	return true
}

func (g *gate) leave(n int64) { g.taken.Add(-n) }

package warehouse

import "context"

// A Stager is a Sink that can make the rows of several batches durable at once. Large
// groups cost such a sink less for each row.
type Stager interface {
	Sink
	// Stage is Write, but may return before the rows are durable: Group.Wait tells when.
	// The group is nil for rows that are durable already. Queries do not see the rows
	// before. The sink needs the memory of the rows no longer.
	//
	// An error is about this batch alone.
	Stage(ctx context.Context, rows []Row) (Result, *Group, error)
}

// A Group is batches that become durable together.
type Group struct {
	done chan struct{} // closed by End
	err  error         // set before
}

// NewGroup returns a group that the sink ends.
func NewGroup() *Group { return &Group{done: make(chan struct{})} }

// End ends the group, once. With nil, the rows of all batches are durable.
func (g *Group) End(err error) {
	g.err = err
	close(g.done)
}

// Wait waits until the group has ended, or ctx. After an error, none of the rows is sure to
// be stored, and the caller has to write all of them again.
func (g *Group) Wait(ctx context.Context) error {
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

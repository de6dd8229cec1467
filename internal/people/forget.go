package people

import (
	"context"
	"errors"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

// Erasures returns the list of erased persons, the oldest first.
func (p *People) Erasures(ctx context.Context) ([]privacy.Erasure, error) {
	list, err := p.cfg.Conn.ListErased(ctx)
	if errors.Is(err, stream.ErrNoErased) {
		return nil, nil
	}
	return list, err
}

// Forget removes the persons with the given identifiers from the list of erased persons,
// with all their identifiers, and returns the removed entries. Later events of the persons
// are stored with personal data again.
func (p *People) Forget(ctx context.Context, workspace string, given []privacy.Identifier) (removed []privacy.Erasure, err error) {
	if p.cfg.Key == nil {
		return nil, ErrNoKey
	}
	list, err := p.Erasures(ctx)
	if err != nil {
		return nil, err
	}
	type person struct {
		request string
		number  int
	}
	persons, asked := map[person]bool{}, map[string]bool{}
	for _, id := range given {
		asked[p.cfg.Key.Mark(workspace, id)] = true
	}
	for _, e := range list {
		if asked[e.Mark] {
			persons[person{e.Request, e.Person}] = true
		}
	}
	var marks []string
	for _, e := range list {
		if persons[person{e.Request, e.Person}] {
			removed, marks = append(removed, e), append(marks, e.Mark)
		}
	}
	if len(marks) == 0 {
		return nil, nil
	}
	return removed, p.cfg.Conn.RemoveErased(ctx, marks)
}

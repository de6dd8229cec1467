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
		err = nil
	}
	return append([]privacy.Erasure{}, list...), err // for JSON: [] and not null
}

// Erased returns the entries of the persons with the given identifiers, with all their
// identifiers. The error names both fingerprints when no entry is found and the list has
// entries of another secret: a mark of another secret matches nobody.
func (p *People) Erased(ctx context.Context, workspace string, given []privacy.Identifier) (entries []privacy.Erasure, err error) {
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
	for _, e := range list {
		if persons[person{e.Request, e.Person}] {
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return nil, p.checkKey(list)
	}
	return entries, nil
}

// checkKey returns an error if an entry has another secret than Config.Key.
func (p *People) checkKey(list []privacy.Erasure) error {
	_, err := privacy.NewList(*p.cfg.Key, marksOf(list))
	return err
}

func marksOf(list []privacy.Erasure) (marks []string) {
	for _, e := range list {
		marks = append(marks, e.Mark)
	}
	return marks
}

// Forget removes entries from the list of erased persons. Later events of the persons are
// stored with personal data again.
func (p *People) Forget(ctx context.Context, entries []privacy.Erasure) error {
	return p.cfg.Conn.RemoveErased(ctx, marksOf(entries))
}

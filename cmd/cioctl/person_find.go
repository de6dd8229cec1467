package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

// identifierRow and personFound are the output of find and of a plan.
type identifierRow struct {
	Kind  privacy.Kind `json:"kind"`
	Value string       `json:"value"`
}

type personFound struct {
	Workspace   string              `json:"workspace"`
	Identifiers []identifierRow     `json:"identifiers"`
	Others      [][]identifierRow   `json:"others,omitempty"`
	Further     []identifierRow     `json:"further,omitempty"`
	Stores      []people.StoreCount `json:"stores"`
}

func identifierRows(ids []privacy.Identifier) (rows []identifierRow) {
	for _, id := range ids {
		rows = append(rows, identifierRow(id))
	}
	return rows
}

func foundOf(persons []*people.Person, counts [][]people.StoreCount) (list []personFound) {
	for i, p := range persons {
		f := personFound{Workspace: p.Workspace, Identifiers: identifierRows(p.Identifiers), Further: identifierRows(p.Further), Stores: counts[i]}
		for _, other := range p.Others {
			f.Others = append(f.Others, identifierRows(other))
		}
		list = append(list, f)
	}
	return list
}

func (c *cli) personFind() *cobra.Command {
	var p personCommand
	var o output
	cmd := &cobra.Command{
		Use:   "find",
		Short: "Count the events of a person in every store",
		Long: `find asks the warehouses which identifiers belong to the person: those that stand in
one event with an identifier that you give. Then it counts the events of the person in
the stream, in the dead letters and in each warehouse.

An event belongs to the person whose identifiers it has. The recipient counts only in
an event without identifiers: a message may go to somebody else's address. If several
persons share an identifier, find lists them as OTHER. FURTHER are identifiers in events
of the person that the single step of the search does not take: if they are the
person's, name them, too.

find waits until the warehouses have the events of now (--wait). Then the stream is
read once from the beginning: some 40 s for 5 million messages. If no store has an
event of the person, a line on standard error says so: the workspace or an identifier
may be mistyped. The exit code is 3 if a store could not be read, or if a warehouse is
still behind.`,
		Example: "  cioctl person find --email jo@example.com\n  cioctl person find --workspace acme --id 42 --output json\n  cioctl person find --file -",
	}
	p.choices(cmd)
	return c.onPersons(cmd, &p, func(ctx context.Context, from *people.People) error {
		persons, err := p.resolve(ctx, c, from)
		if err != nil {
			return err
		}
		counts, err := from.Find(ctx, persons)
		if counts == nil {
			return err
		}
		p.tellAbsent(c, people.Absent(counts))
		list := foundOf(persons, counts)
		return errors.Join(o.print(c.out, list, func(w io.Writer) { foundTable(w, list) }), cmp.Or(unread(err), p.late()))
	}, &o)
}

func foundTable(w io.Writer, list []personFound) {
	for i, p := range list {
		if i > 0 {
			row(w)
		}
		row(w, "PERSON", p.Workspace)
		idRows(w, p.Identifiers)
		for _, other := range p.Others {
			row(w, "OTHER")
			idRows(w, other)
		}
		if len(p.Further) > 0 {
			row(w, "FURTHER")
			idRows(w, p.Further)
		}
		row(w, "STORE", "EVENTS", "FIRST", "LAST")
		for _, s := range p.Stores {
			if s.Error != "" {
				row(w, s.Store, "unknown", whole(s.Error))
				continue
			}
			row(w, s.Store, s.Events, s.First, s.Last)
		}
		if len(p.Further) > 0 {
			sayf(w, "%s", furtherOfFound(p))
		}
	}
}

func idRows(w io.Writer, ids []identifierRow) {
	for _, id := range ids {
		row(w, id.Kind, id.Value)
	}
}

func (c *cli) personExport() *cobra.Command {
	var p personCommand
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print every event of a person, for a request for access",
		Long: `export prints each event of the person once, as a line of JSON with the body as
Customer.io has sent it. A summary follows on standard error. The identifiers are
completed as in find.

The exit code is 3 if a store could not be read, or if a warehouse lacks events after
--wait: the lines are then not complete.`,
		Example: "  (umask 077; cioctl person export --email jo@example.com > jo.jsonl)",
	}
	p.choices(cmd)
	one := check(func() error {
		if p.file == "" || len(p.given) == 0 {
			return nil
		}
		return errors.New("--file and identifiers exclude each other: export takes one person at a time")
	})
	return c.onPersons(cmd, &p, func(ctx context.Context, from *people.People) error {
		if len(p.given) > 1 {
			return errors.New("the file names several persons: export one at a time, so that nobody gets the data of another")
		}
		persons, err := p.resolve(ctx, c, from)
		if err != nil {
			return err
		}
		if len(persons[0].Others) > 0 {
			return several()
		}
		var o output
		counts, err := from.Export(ctx, persons[0], func(r privacy.Record) error { return o.object(c.out, r) })
		var stores []people.StoreCount
		for _, s := range counts {
			stores = append(stores, people.StoreCount{Events: s.Events, Error: s.Error})
			if s.Error != "" {
				c.tellf("%s: not read: %s", s.Store, s.Error)
				continue
			}
			c.tellf("%s: %s, %d more that were exported before", s.Store, count(int(s.Events), "event"), s.Known)
		}
		p.tellAbsent(c, people.Absent([][]people.StoreCount{stores}))
		if n := len(persons[0].Further); n > 0 {
			c.tellf("%s of the exported events may be the person's, too: cioctl person find lists them.", count(n, "further identifier"))
		}
		return cmp.Or(unread(err), p.late())
	}, one)
}

// several is the error for persons who share an identifier.
func several() error {
	return errors.New("several persons share an identifier (cioctl person find lists them): name one of them with --exact and an id or cio-id, or take all with --all")
}

func (c *cli) personList() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "list-erased",
		Short: "List the erased persons, as marks without identifiers",
		Long: `list-erased prints a line for each identifier of an erased person. MARK is an HMAC of
the identifier with PRIVACY_KEY: nobody can read the identifier from it. Workers store
later events of these persons without personal data.

The receipt of an erasure has the same request and marks.`,
		Example: "  cioctl person list-erased --output json",
	}
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		list, err := people.New(people.Config{Conn: conn}).Erasures(ctx)
		if err != nil {
			return err
		}
		return o.print(c.out, list, func(w io.Writer) { erasedTable(w, list) })
	}, &o)
}

func erasedTable(w io.Writer, list []privacy.Erasure) {
	if len(list) == 0 {
		row(w, "nobody was erased")
		return
	}
	row(w, "REQUEST", "PERSON", "AT", "WORKSPACE", "KIND", "MARK")
	for _, e := range list {
		row(w, e.Request, e.Person+1, e.At.Truncate(time.Second), e.Workspace, e.Kind, e.Mark)
	}
}

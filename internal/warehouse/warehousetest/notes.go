package warehousetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A NotesReader returns the rows of a table or view of the warehouse, as a query of the
// columns does. A NULL is nil.
type NotesReader func(t *testing.T, w Warehouse, table string, columns []string) [][]any

// Notes is the suite of warehouse.Notes. The tests run in parallel.
func Notes(t *testing.T, start func(t *testing.T) Warehouse, read NotesReader) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*notesSuite)
	}{
		{"a new warehouse has no names and UTC", noNotes},
		{"put, rename, put again", renamed},
		{"workspaces are apart", workspacesApart},
		{"many names", manyNames},
		{"time zone", timezone},
		{"a second Open keeps the notes", keptNotes},
		{"beside a writer and readers", notesBesideWriter},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&notesSuite{suite: suite{t: t, Warehouse: start(t)}, read: read})
		})
	}
}

type notesSuite struct {
	suite
	read NotesReader
}

// notes returns the notes of an open sink.
func (p *notesSuite) notes() warehouse.Notes {
	p.t.Helper()
	return notesOf(p.t, p.open())
}

func notesOf(t *testing.T, sink warehouse.Sink) warehouse.Notes {
	t.Helper()
	notes, ok := sink.(warehouse.Notes)
	if !ok {
		t.Fatalf("%T does not implement warehouse.Notes", sink)
	}
	return notes
}

func (p *notesSuite) put(notes warehouse.Notes, workspace string, names ...warehouse.Name) {
	p.t.Helper()
	if err := notes.PutNames(p.t.Context(), workspace, names); err != nil {
		p.t.Fatalf("PutNames: %v", err)
	}
}

// want checks the names of a workspace, both of Names and of a reader.
func (p *notesSuite) want(notes warehouse.Notes, workspace string, want ...warehouse.Name) {
	p.t.Helper()
	got, err := notes.Names(p.t.Context(), workspace)
	if err != nil {
		p.t.Fatalf("Names: %v", err)
	}
	if want, got := sorted(want), sorted(got); !slices.Equal(want, got) {
		p.t.Errorf("Names of %s are\n%v\nwant\n%v", workspace, got, want)
	}
	var lines []string
	for _, n := range want {
		lines = append(lines, strings.Join([]string{workspace, n.Source, n.SourceID, number(n.ActionID), number(n.ContentID), n.Name}, "|"))
	}
	var shown []string
	for _, row := range p.read(p.t, p.Warehouse, warehouse.Names, []string{"workspace", "source", "source_id", "action_id", "content_id", "name"}) {
		line := make([]string, len(row))
		for i := range row {
			line[i] = text(row[i])
		}
		if line[0] == workspace {
			shown = append(shown, strings.Join(line, "|"))
		}
	}
	slices.Sort(lines)
	slices.Sort(shown)
	if !slices.Equal(lines, shown) {
		p.t.Errorf("rows of %s in %s are\n%s\nwant\n%s", workspace, warehouse.Names, strings.Join(shown, "\n"), strings.Join(lines, "\n"))
	}
}

func number(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func sorted(names []warehouse.Name) []warehouse.Name {
	list := append([]warehouse.Name{}, names...)
	slices.SortFunc(list, func(a, b warehouse.Name) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}

var (
	campaign      = warehouse.Name{Source: "campaign", SourceID: "7", Name: "Onboarding"}
	action        = warehouse.Name{Source: "campaign", SourceID: "7", ActionID: 3, Name: "Welcome, it's you | \"Ann\" 'Ångström' 🎉"}
	newsletter    = warehouse.Name{Source: "newsletter", SourceID: "7", Name: "October"}
	variant       = warehouse.Name{Source: "newsletter", SourceID: "7", ContentID: 3, Name: "Variant B"}
	transactional = warehouse.Name{Source: "transactional", SourceID: "order_confirmation", Name: "Order confirmation"}
)

func noNotes(p *notesSuite) {
	notes := p.notes()
	p.want(notes, "acme")
	p.wantTimezone(notes, "UTC")
}

// renamed renames one name, leaves out two names, and puts everything again.
func renamed(p *notesSuite) {
	notes := p.notes()
	p.put(notes, "acme", campaign, action, newsletter, variant, transactional)
	p.want(notes, "acme", campaign, action, newsletter, variant, transactional)
	before := p.updated()

	later := action
	later.Name = "Welcome"
	p.put(notes, "acme", campaign, later, newsletter)
	p.want(notes, "acme", campaign, later, newsletter, variant, transactional)
	after := p.updated()
	for _, n := range []warehouse.Name{campaign, newsletter, variant, transactional} {
		if before[n.Name] != after[n.Name] {
			p.t.Errorf("updated_at of %s moved although the name is unchanged", n.Name)
		}
	}
	if after[later.Name] <= before[action.Name] {
		p.t.Errorf("updated_at of a changed name is %s; want later than %s", after[later.Name], before[action.Name])
	}

	p.put(notes, "acme", campaign, later, newsletter, variant, transactional)
	p.put(notes, "acme")
	if now := p.updated(); !maps.Equal(after, now) {
		p.t.Errorf("putting equal names changed the rows\n%v\nto\n%v", after, now)
	}
	p.put(notes, "acme", action) // back to the old name
	p.want(notes, "acme", campaign, action, newsletter, variant, transactional)
}

// updated returns updated_at of each name.
func (p *notesSuite) updated() map[string]string {
	p.t.Helper()
	times := map[string]string{}
	for _, row := range p.read(p.t, p.Warehouse, warehouse.Names, []string{"name", "updated_at"}) {
		at, ok := row[1].(time.Time)
		if !ok {
			p.t.Fatalf("updated_at is a %T; want a time", row[1])
		}
		times[text(row[0])] = at.UTC().Format("2006-01-02T15:04:05.000000")
	}
	return times
}

func workspacesApart(p *notesSuite) {
	notes := p.notes()
	other := campaign
	other.Name = "Another onboarding"
	p.put(notes, "acme", campaign, action)
	p.put(notes, "globex", other)
	p.put(notes, "acme", campaign)
	p.want(notes, "acme", campaign, action)
	p.want(notes, "globex", other)
}

func manyNames(p *notesSuite) {
	notes := p.notes()
	names := make([]warehouse.Name, 2500)
	for i := range names {
		names[i] = warehouse.Name{Source: "campaign", SourceID: strconv.Itoa(i / 10), ActionID: int64(i % 10), Name: fmt.Sprintf("Message %d", i)}
	}
	p.put(notes, "acme", names...)
	p.want(notes, "acme", names...)
}

func timezone(p *notesSuite) {
	notes := p.notes()
	for _, name := range []string{"America/New_York", "America/New_York", "Etc/GMT+5", "UTC", "Europe/Berlin"} {
		if err := notes.SetTimezone(p.t.Context(), name); err != nil {
			p.t.Fatal(err)
		}
		p.wantTimezone(notes, name)
	}
}

func (p *notesSuite) wantTimezone(notes warehouse.Notes, want string) {
	p.t.Helper()
	got, err := notes.Timezone(p.t.Context())
	if err != nil || got != want {
		p.t.Errorf("Timezone is %q, %v; want %s", got, err, want)
	}
	rows := p.read(p.t, p.Warehouse, warehouse.Settings, []string{"timezone"})
	if len(rows) != 1 || text(rows[0][0]) != want {
		p.t.Errorf("%s has the rows %v; want one with %s", warehouse.Settings, rows, want)
	}
}

// keptNotes opens the warehouse again, as a restarted worker does.
func keptNotes(p *notesSuite) {
	first := p.open()
	p.put(notesOf(p.t, first), "acme", campaign)
	if err := notesOf(p.t, first).SetTimezone(p.t.Context(), "Europe/Berlin"); err != nil {
		p.t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		p.t.Fatal(err)
	}
	notes := p.notes()
	p.want(notes, "acme", campaign)
	p.wantTimezone(notes, "Europe/Berlin")
}

// notesBesideWriter puts names while another sink writes rows and a reader reads.
func notesBesideWriter(p *notesSuite) {
	notes, writer := p.notes(), p.open()
	ctx, stop := context.WithCancel(p.t.Context())
	var written int
	var busy sync.WaitGroup
	busy.Go(func() {
		for ; ctx.Err() == nil && written < 200; written++ {
			if _, err := writer.Write(p.t.Context(), bare(1)); err != nil { //nolint:contextcheck // a write that has begun goes on
				p.t.Errorf("Write beside PutNames: %v", err)
			}
		}
	})
	for i := range 5 {
		name := campaign
		name.Name = fmt.Sprintf("Onboarding %d", i)
		p.put(notes, "acme", name, action)
		p.want(notes, "acme", name, action)
	}
	stop()
	busy.Wait()
	if written == 0 {
		p.t.Error("no row was written beside PutNames")
	}
}

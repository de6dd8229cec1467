package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// exitUnread is the exit code when a store could not be read, or is not physically clean.
const exitUnread = 3

func (c *cli) person() *cobra.Command {
	return group("person", "Find, export or erase the personal data of a person",
		`Events have names, addresses, behaviour and sometimes whole messages. A person has the
right to a copy of the data, and to their erasure. The commands look in the stream, in
the dead letters and in every warehouse of WAREHOUSE_URL.

  cioctl person find --email jo@example.com
  cioctl person export --email jo@example.com > jo.jsonl
  cioctl person erase --email jo@example.com          # shows the plan
  cioctl person erase --email jo@example.com --yes
  cioctl person list-erased
  cioctl person forget-erasure --email jo@example.com --yes

Your shell remembers what you type. To keep an address out of its history, pass the
identifiers on standard input: cioctl person find --file -, then type
email=jo@example.com, Enter and Ctrl-D.

With several workspaces name the person's with --workspace.

docs/privacy.md says what is stored where and how long, and what an erasure does.`,
		c.personFind(), c.personExport(), c.personErase(), c.personList(), c.personForget())
}

// personOptions are the flags that name persons.
type personOptions struct {
	workspaces      config.Workspaces
	workspace, file string
	values          map[privacy.Kind]*[]string
	given           [][]privacy.Identifier // of each person
	choice          people.Choice
}

// kindFlag returns the flag of a kind of identifiers.
func kindFlag(k privacy.Kind) string { return strings.ReplaceAll(string(k), "_", "-") }

// Declare adds the flags to the set.
func (o *personOptions) Declare(s *config.Set) {
	flags := s.Flags()
	o.values = map[privacy.Kind]*[]string{}
	o.workspaces.Declare(s) // the names alone: the command needs no key of Customer.io
	flags.StringVar(&o.workspace, "workspace", "", "the person's workspace, needed if there are several")
	about := map[privacy.Kind]string{
		privacy.ID: "id of the person in your workspace", privacy.Email: "e-mail address of the person",
		privacy.CioID: "Customer.io's own id of the person", privacy.Phone: "phone number of the person",
	}
	for _, kind := range privacy.Kinds() {
		o.values[kind] = flags.StringArray(kindFlag(kind), nil, about[kind]+"; can be repeated")
	}
	flags.StringVar(&o.file, "file", "", `file with a person in each line, such as "id=42 email=jo@example.com"; - is standard input`)
	s.Check(o.check)
}

// check parses the flags. A mistake does not quote the value.
func (o *personOptions) check() error {
	var ids []privacy.Identifier
	var mistakes []error
	for _, kind := range privacy.Kinds() {
		for _, value := range *o.values[kind] {
			id, err := privacy.ParseIdentifier(kind, value)
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("--%s: %w", kindFlag(kind), err))
			}
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		o.given = [][]privacy.Identifier{ids}
	}
	if len(ids) == 0 && o.file == "" {
		mistakes = append(mistakes, errors.New("nobody is named: give --id, --email, --cio-id, --phone or --file"))
	}
	if o.choice.Exact && o.choice.All {
		mistakes = append(mistakes, errors.New("--exact and --all exclude each other: give one of the two"))
	}
	return errors.Join(mistakes...)
}

// choose takes the workspace of --workspace, or the only one.
func (o *personOptions) choose(ctx context.Context, conn *stream.Conn) (err error) {
	o.workspace, err = people.Workspace(ctx, conn, o.workspaces.Names(), o.workspace)
	if unknown, ok := errors.AsType[*people.WorkspaceError](err); ok {
		return &config.UsageError{Err: unknown.In("--workspace")}
	}
	return err
}

// complete adds the persons of the file, and the workspace.
func (o *personOptions) complete(ctx context.Context, c *cli, conn *stream.Conn) error {
	if err := o.read(ctx, c); err != nil {
		return err
	}
	return o.choose(ctx, conn)
}

// choices adds the flags of a person's identifiers.
func (o *personOptions) choices(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.choice.Exact, "exact", false, "take only the given identifiers, and do not ask the warehouses for others of the person")
	cmd.Flags().BoolVar(&o.choice.All, "all", false, "take all persons behind a shared identifier, such as a family's address")
}

// read adds the persons of the file.
func (o *personOptions) read(ctx context.Context, c *cli) error {
	if o.file == "" {
		return nil
	}
	in := c.stdin(ctx)
	if o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return fmt.Errorf("--file: %w", err)
		}
		defer func() { _ = f.Close() }() // read only
		in = f
	}
	persons, err := parsePersons(in)
	if err == nil && len(persons) == 0 {
		err = errors.New("names nobody")
	}
	if err != nil {
		return &config.UsageError{Err: fmt.Errorf("--file: %w", err)}
	}
	o.given = append(o.given, persons...)
	return nil
}

// parsePersons reads a person from each line: words such as email=jo@example.com. Lines
// that begin with # are comments. A mistake names the line, and does not quote it.
func parsePersons(in io.Reader) (persons [][]privacy.Identifier, err error) {
	lines := &lineReader{in: in}
	n := 0
	for line := range lines.all {
		n++
		if line[0] == '#' {
			continue
		}
		var ids []privacy.Identifier
		for word := range strings.FieldsSeq(string(line)) {
			kind, value, _ := strings.Cut(word, "=")
			k := privacy.Kind(strings.ReplaceAll(kind, "-", "_"))
			if !slices.Contains(privacy.Kinds(), k) {
				return nil, fmt.Errorf("person %d: want words that begin with id=, email=, cio_id= or phone=", n)
			}
			id, err := privacy.ParseIdentifier(k, value)
			if err != nil {
				return nil, fmt.Errorf("person %d: %w", n, err)
			}
			ids = append(ids, id)
		}
		persons = append(persons, ids)
	}
	return persons, lines.err
}

// A personCommand is what the commands on persons share.
type personCommand struct {
	personOptions
	warehouses warehouseSetting
	privacy    guard.Settings
	// wait is for workers, grace for readers of Parquet files.
	wait, grace time.Duration
	// behind is set when a warehouse lacks events, and thereby perhaps identifiers.
	behind *people.BehindError
}

// onPersons is onStream for a command that reads or changes the stores.
func (c *cli) onPersons(cmd *cobra.Command, p *personCommand, run func(context.Context, *people.People) error, groups ...settings) *cobra.Command {
	cmd.Flags().Var(config.Span(&p.wait, 5*time.Minute), "wait", "how long to wait until the workers have stored the events that came before")
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		if err := p.complete(ctx, c, conn); err != nil {
			return err
		}
		stores, err := c.warehousesOf(p)
		if err != nil {
			return err
		}
		steps := &stepBar{cli: c}
		defer steps.finish()
		return run(ctx, people.New(people.Config{Conn: conn, Warehouses: stores, Key: p.privacy.KeyOrNil(), Wait: p.wait, Step: steps.step}))
	}, append([]settings{p, &p.warehouses, &p.privacy}, groups...)...)
}

// warehousesOf opens the existing warehouses.
func (c *cli) warehousesOf(p *personCommand) (list []people.Warehouse, err error) {
	for _, at := range p.warehouses.places {
		if at.Missing() { // People reports the warehouse if a consumer fills it
			continue
		}
		at.Log = c.warnings()
		store, err := at.People(p.privacy.KeyOrNil(), p.grace)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", config.Redact(at.URL), err)
		}
		list = append(list, people.Warehouse{Store: store, Consumer: at.Consumer})
	}
	return list, nil
}

// resolve completes the identifiers of all persons, from all events that are stored now or
// else with a BehindError in behind.
func (p *personCommand) resolve(ctx context.Context, c *cli, from *people.People) (persons []*people.Person, err error) {
	hashed := false
	if err := from.CatchUp(ctx); err != nil && !errors.As(err, &p.behind) {
		return nil, err
	}
	for _, ids := range p.given {
		person, err := from.Resolve(ctx, p.workspace, ids, p.choice)
		if err != nil {
			return nil, unread(err)
		}
		hashed = hashed || person.Hashed
		persons = append(persons, person)
	}
	if hashed {
		c.tellf("A warehouse knows further identifiers as hashes only: events with one of them alone are not found in the stream. Name each identifier that you know.")
	}
	return persons, nil
}

// tellAbsent says which persons have no event at all: the workspace or an identifier may be
// mistyped.
func (p *personCommand) tellAbsent(c *cli, absent []int) {
	for _, i := range absent {
		whose := ""
		if len(p.given) > 1 {
			whose = fmt.Sprintf(" of person %d", i+1)
		}
		c.tellf("No event of workspace %s has one of the identifiers%s: check --workspace and the spelling.", p.workspace, whose)
	}
}

// late is the error for identifiers that may not be complete.
func (p *personCommand) late() error {
	if p.behind == nil {
		return nil
	}
	return unread(fmt.Errorf("the person may have further identifiers: %w", p.behind))
}

// unread gives an error of a store its exit code.
func unread(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &config.StatusError{Code: exitUnread, Err: err}
}

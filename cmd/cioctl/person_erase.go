package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

// erasePlan is the output of erase without --yes.
type erasePlan struct {
	Persons []personFound       `json:"persons"`
	Effects []people.DeadEffect `json:"dead_letters_with_effects"`
}

func (c *cli) personErase() *cobra.Command {
	var p personCommand
	var o output
	var orders people.Orders
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase",
		Short: "Erase a person from the stream, the dead letters and the warehouses",
		Long: `erase prints what it would erase, and acts only with --yes. Nothing can be recovered.

 1. The person goes on the list of erased persons: workers store the person's later
    events, repeats and replays without personal data, and backfill leaves them out.
 2. erase waits until the workers have stored the events that came before (--wait).
    It has done so before the plan, too: the warehouses know the identifiers.
 3. It overwrites the person's messages in the stream and in the dead letters.
 4. It removes the person from each row of the warehouses: event, campaign and delivery
    ids stay, so that no report changes. --rows deletes the rows.
 5. It looks everywhere again, and prints a receipt without identifiers. Keep it:
    --output json > receipt.json

The plan lists as FURTHER the identifiers in events to be erased that are not part of
the erasure. Read the plan first: after the erasure nothing leads to their events, and
the receipt has marks alone.

Opt-outs of an erased person still reach Customer.io. To delete the person there, use
Customer.io. erase needs PRIVACY_KEY, as the workers do. Without it an erased person
would come back. After an interruption, run the command again: it goes on.

erase refuses, and says how to go on:
  several persons share an identifier    --exact with an id, or --all
  more than 10,000 events                --many, after a look at the plan
  a dead letter with an effect that was  cioctl dead redrive, or --drop-effects
  never performed, such as an opt-out

The exit code is 3 if a store could not be read or is not clean: read its note.`,
		Example: "  cioctl person erase --email jo@example.com\n  cioctl person erase --email jo@example.com --yes --output json > receipt.json\n  cioctl person erase --file persons.txt --yes",
	}
	p.choices(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&yes, "yes", false, "erase; without it erase only shows the plan")
	flags.BoolVar(&orders.Rows, "rows", false, "delete the rows of the warehouses instead of removing the personal data from them")
	flags.BoolVar(&orders.Many, "many", false, "also erase a person with more than 10,000 events")
	flags.BoolVar(&orders.DropEffects, "drop-effects", false, "also delete dead letters whose effect was never performed")
	flags.Var(config.Span(&p.grace, 30*time.Second), "grace", "how long replaced Parquet files stay for the queries that read them")
	return c.onPersons(cmd, &p, func(ctx context.Context, from *people.People) error {
		persons, err := p.resolve(ctx, c, from)
		if err != nil {
			return err
		}
		plan, err := from.Plan(ctx, persons)
		if plan.Counts == nil {
			return err
		}
		p.tellAbsent(c, people.Absent(plan.Counts))
		refusal := cmp.Or(err, p.late(), plan.Check(orders.Consent))
		if !yes || refusal != nil {
			return errors.Join(c.showPlan(&o, plan, refusal), explained(plan, refusal))
		}
		orders.Now = time.Now()
		receipt, err := from.Erase(ctx, plan, orders)
		if err != nil {
			return c.unfinished(ctx, err)
		}
		return errors.Join(o.print(c.out, receipt, func(w io.Writer) { receiptTable(w, receipt) }), notClean(receipt))
	}, &o)
}

// showPlan prints the plan on standard output, as a table or JSON.
func (c *cli) showPlan(o *output, plan *people.Plan, refusal error) error {
	shown := erasePlan{Persons: foundOf(plan.Persons, plan.Counts), Effects: plan.Effects}
	return o.print(c.out, shown, func(w io.Writer) {
		foundTable(w, shown.Persons)
		if len(plan.Effects) > 0 {
			row(w, "DEAD LETTER", "FROM", "REASON", "METRIC")
		}
		for _, d := range plan.Effects {
			row(w, d.Number, d.From, d.Reason, d.Metric)
		}
		if refusal == nil {
			sayf(w, "nothing was erased: run it again with --yes")
		}
	})
}

// explained adds what to do to a refusal.
func explained(plan *people.Plan, err error) error {
	_, behind := errors.AsType[*people.BehindError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, people.ErrUnread):
		return unread(fmt.Errorf("nothing was erased: %w: the store may know further identifiers of the person", err))
	case behind:
		return fmt.Errorf("nothing was erased: %w", err)
	case errors.Is(err, people.ErrSeveral):
		return fmt.Errorf("nothing was erased: %w", several())
	case errors.Is(err, people.ErrMany):
		return fmt.Errorf("nothing was erased: %w: make sure that the identifiers name one person, then add --many", err)
	case errors.Is(err, people.ErrEffects):
		return fmt.Errorf("nothing was erased: %w: perform them with %s, or delete them with --drop-effects", err, redrives(plan.Effects))
	default:
		return err
	}
}

// redrives returns the commands that perform effects. Only its reason redrives a held
// suppression.
func redrives(effects []people.DeadEffect) string {
	const redrive = "cioctl dead redrive"
	var numbers, commands []string
	for _, d := range effects {
		if d.Reason != fault.ReasonHeldSuppression {
			numbers = append(numbers, strconv.FormatUint(d.Number, 10))
		} else if len(commands) == 0 {
			commands = []string{redrive + " --reason " + string(fault.ReasonHeldSuppression) + " (all held suppressions)"}
		}
	}
	if len(numbers) > 0 {
		commands = append([]string{redrive + " " + strings.Join(numbers, " ")}, commands...)
	}
	return strings.Join(commands, " and ")
}

// unfinished adds that the next run goes on with an erasure that has begun.
func (c *cli) unfinished(ctx context.Context, err error) error {
	if errors.Is(err, people.ErrNoKey) || errors.Is(err, people.ErrNotBegun) {
		return err
	}
	if ctx.Err() != nil {
		c.tellf("The erasure is not complete: run the same command again to go on.")
		return err
	}
	if _, behind := errors.AsType[*people.BehindError](err); behind {
		return fmt.Errorf("nothing was erased yet: %w", err)
	}
	return fmt.Errorf("%w; the erasure is not complete: run the same command again to go on", err)
}

func receiptTable(w io.Writer, r *people.Receipt) {
	row(w, "request", r.Request)
	row(w, "at", r.At.Truncate(time.Second))
	row(w, "STORE", "FOUND", "ERASED", "LEFT", "STATUS", "CLEAN AT", "NOTE")
	for _, s := range r.Stores {
		row(w, s.Store, s.Found, s.Erased, s.Left, s.Status, s.CleanAt, whole(s.Note))
	}
	if advice := furtherOfReceipt(r); advice != "" {
		sayf(w, "%s", advice)
	}
}

// notClean is the error for a receipt with a store that is not clean.
func notClean(r *people.Receipt) error {
	if r.Clean {
		return nil
	}
	return &config.StatusError{Code: exitUnread, Err: errors.New("not every store is clean: read the notes of the receipt, then run the same command again")}
}

func (c *cli) personForget() *cobra.Command {
	var p personCommand
	var o output
	var yes bool
	cmd := &cobra.Command{
		Use:   "forget-erasure",
		Short: "Take a person off the list of erased persons",
		Long: `forget-erasure takes the person off the list, with all identifiers of the erasure. Later
events of the person are stored with personal data again. A replay also brings back what
the stream still has. Use it for a person who has returned and agrees.

Without --yes, forget-erasure only shows the entries.`,
		Example: "  cioctl person forget-erasure --email jo@example.com --yes",
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "take the person off the list; without it forget-erasure only shows the entries")
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		if err := p.complete(ctx, c, conn); err != nil {
			return err
		}
		from := people.New(people.Config{Conn: conn, Key: p.privacy.KeyOrNil()})
		var list []privacy.Erasure
		for _, ids := range p.given {
			entries, err := from.Erased(ctx, p.workspace, ids)
			if err != nil {
				return err
			}
			list = append(list, entries...)
		}
		if len(list) == 0 {
			return errors.New("no erased person has one of the identifiers")
		}
		if yes {
			if err := from.Forget(ctx, list); err != nil {
				return err
			}
		}
		return o.print(c.out, list, func(w io.Writer) {
			erasedTable(w, list)
			if !yes {
				sayf(w, "the list is unchanged: run it again with --yes")
			}
		})
	}, &p, &p.privacy, &o)
}

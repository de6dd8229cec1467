package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

func (c *cli) warehousePrivacy() *cobra.Command {
	return group("privacy", "Compare the warehouse with PRIVACY_FILE, and bring old rows in line",
		`PRIVACY_FILE says which personal data a warehouse stores (docs/configuration.md). A
worker applies the file to new rows. These commands are for the rows that are stored.

  cioctl warehouse privacy check
  cioctl warehouse privacy apply`, c.privacyCheck(), c.privacyApply())
}

// policySetting has the settings of personal data, with a required file.
type policySetting struct{ guard.Settings }

// Declare adds the settings to the set.
func (p *policySetting) Declare(s *config.Set) {
	p.Settings.Declare(s)
	s.Check(func() error {
		if !p.Given() {
			return errors.New(guard.FileSetting + ": is required: the path of the file with the policy, see docs/configuration.md")
		}
		return nil
	})
}

func (c *cli) privacyCheck() *cobra.Command {
	var list warehouseSetting
	var policy policySetting
	var out output
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check PRIVACY_FILE, and count the rows that violate it",
		Long: `check reads the file as a worker does and lists every mistake with its line. Then it
counts the rows of each warehouse with a value that the file hashes or drops, by column.
Rows of erased persons violate nothing. check changes nothing.

check waits for a worker that uses a DuckDB file. BigQuery charges for the columns that
check reads, the payload included.

The exit code is 1 when a row violates the file.`,
		Example: "  cioctl warehouse privacy check --privacy-file privacy.yaml\n  cioctl warehouse privacy check --output json",
	}
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		checks, violating, err := checkPrivacy(ctx, list.places, policy.Policy)
		if err != nil {
			return err
		}
		if err := out.print(c.out, checks, func(w io.Writer) { privacyTable(w, checks) }); err != nil {
			return err
		}
		if violating > 0 {
			return fmt.Errorf("%s the file; cioctl warehouse privacy apply brings them in line", violate(violating))
		}
		return nil
	}, &list, &policy, &out)
}

func violate(rows int64) string {
	if rows == 1 {
		return "1 row violates"
	}
	return fmt.Sprintf("%d rows violate", rows)
}

func checkPrivacy(ctx context.Context, places []place.Place, policy *guard.Policy) (checks []*operate.PrivacyCheck, violating int64, err error) {
	for _, p := range places {
		check, err := operate.CheckPrivacy(ctx, p, policy)
		if err != nil {
			return nil, 0, fmt.Errorf("check %s: %w", config.Redact(p.URL), err)
		}
		checks, violating = append(checks, check), violating+check.Violating
	}
	return checks, violating, nil
}

func privacyTable(w io.Writer, checks []*operate.PrivacyCheck) {
	row(w, "WAREHOUSE", "COLUMN", "ROWS", "OF")
	for _, check := range checks {
		for _, v := range check.Columns {
			row(w, check.Warehouse, v.Column, v.Rows, check.Rows)
		}
		row(w, check.Warehouse, "any", check.Violating, check.Rows)
	}
}

// applyOptions are the flags of apply.
type applyOptions struct {
	yes   bool
	grace time.Duration
}

func (c *cli) privacyApply() *cobra.Command {
	var list warehouseSetting
	var policy policySetting
	var out output
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Bring the stored rows in line with PRIVACY_FILE",
		Long: `apply changes the rows that check counts: it hashes and drops columns and changes
payloads. The old values are gone afterwards, also from the bytes of the file, and only
the stream still has them for STREAM_MAX_AGE. A hashed value stays hashed: a file with
fewer columns brings no value back.

First restart the workers with the file: a worker without the file goes on to store
everything. Workers and readers may run meanwhile. A DuckDB file is copied, so apply
needs room on the disk for the file once more. After an interruption, the next run
completes the work. BigQuery cannot hash with a secret that nobody else sees: replay
the events into a new dataset instead. It drops the payloads that the file redacts, and
leaves columns that the file hashes.

The exit code is 3 when old values may still be read from a file, for the reason that
apply prints.

apply shows the counts and asks. A script needs --yes: without a terminal nobody can
answer.`,
		Example: "  cioctl warehouse privacy apply --privacy-file privacy.yaml\n  cioctl warehouse privacy apply --yes",
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "change the rows without asking")
	cmd.Flags().Var(config.Span(&o.grace, 30*time.Second), "grace", "how long replaced Parquet files stay, for queries that read them")
	valid := check(func() error {
		if o.yes {
			return nil
		}
		return whoConfirms(c.in, "give --yes to apply, or run check to look")
	})
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		return c.applyPrivacy(ctx, list.places, policy.Policy, o, &out)
	}, &list, &policy, &out, valid)
}

// An appliedPolicy is the result of apply for one warehouse.
type appliedPolicy struct {
	Warehouse string `json:"warehouse"`
	Rows      int64  `json:"rows"`
	NotClean  bool   `json:"not_clean,omitempty"`
	Note      string `json:"note,omitempty"`
}

func (c *cli) applyPrivacy(ctx context.Context, places []place.Place, policy *guard.Policy, o applyOptions, out *output) error {
	checks, violating, err := checkPrivacy(ctx, places, policy)
	if err != nil {
		return err
	}
	for _, check := range checks {
		for _, v := range check.Columns {
			c.tellf("%s: %s: %d of %d rows", check.Warehouse, v.Column, v.Rows, check.Rows)
		}
	}
	if violating > 0 && !o.yes && !c.confirm(ctx, violate(violating)+" the file. Change them for good?") {
		return errors.New("nothing was changed; --yes applies without asking")
	}
	done := []appliedPolicy{}
	for i, p := range places {
		a := appliedPolicy{Warehouse: config.Redact(p.URL)}
		if checks[i].Violating > 0 {
			if a, err = c.applyOne(ctx, p, policy, o.grace); err != nil {
				return err
			}
		}
		done = append(done, a)
	}
	if err := out.print(c.out, done, func(w io.Writer) {
		for _, a := range done {
			sayf(w, "%s: changed %d rows. %s", a.Warehouse, a.Rows, a.Note)
		}
	}); err != nil {
		return err
	}
	if slices.ContainsFunc(done, func(a appliedPolicy) bool { return a.NotClean }) {
		return &config.StatusError{Err: errors.New("the rows follow the file, and old values may still be read from a file"), Code: 3}
	}
	return nil
}

func (c *cli) applyOne(ctx context.Context, p place.Place, policy *guard.Policy, grace time.Duration) (appliedPolicy, error) {
	if !p.ReplacesFiles() {
		grace = 0
	}
	progress, finish := c.progress(grace)
	erased, err := operate.ApplyPrivacy(ctx, p, policy, grace, func(done, total int64) { progress(int(done), int(total)) })
	finish()
	if err != nil {
		return appliedPolicy{}, fmt.Errorf("apply to %s: %w", config.Redact(p.URL), err)
	}
	return appliedPolicy{config.Redact(p.URL), erased.Events, erased.NotClean, erased.Note}, nil
}

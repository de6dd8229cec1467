package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// A Report contains the results of an upgrade.
type Report struct {
	Commit   string
	Duration time.Duration
	// Calls counts the calls, Answers the answers 200, Old the answers of the old version.
	Calls, Answers, Old int
	// Before is the model of the old version alone, Want the model of the whole run.
	Before, Want              *ledger
	DuckDB, Parquet, BigQuery Warehouse
	// Stored counts the messages in the stream, Dead the dead letters.
	Stored, Dead int
	// Profiles describes the differences from the model, "" for none. Strangers counts
	// the people whose complaint shares an event_id and who are wrongly suppressed or not.
	Profiles  string
	Strangers int
	// Suppressed counts the suppress calls before the replays, Again the calls during the
	// replays, Twice the calls beyond the messages that suppress a person, Unknown the
	// calls about a person whom nobody knows.
	Suppressed, Again, Twice, Unknown int

	// Handled counts the messages that the workers handled side by side.
	Handled handled

	units int // sent so far
}

// A Warehouse contains what the views of a warehouse show: as the old version shows the
// events before the upgrade, and as the new version shows the events before the replay,
// after the replay, and after the upkeep: backfill and compaction.
type Warehouse struct{ Before, Live, After, Kept shown }

// Found compares a warehouse with the events that it must show.
type Found struct {
	Events, Lost, Repeated, Strangers int
	Sums                              totals
}

// broken returns the promises that the upgrade has broken.
func (r *Report) broken() error {
	var list []error
	promise := func(kept bool, format string, values ...any) {
		if !kept {
			list = append(list, fmt.Errorf(format, values...))
		}
	}
	for _, n := range r.warehouses() {
		before, after, kept := found(n.Before, r.Before), found(n.After, r.Want), found(n.Kept, r.Want)
		promise(before.whole(), "%s: the old version shows %v", n.name, before)
		promise(after.whole(), "%s: after the replay the new version shows %v", n.name, after)
		promise(kept.whole(), "%s: after the upkeep the new version shows %v", n.name, kept)
		different := changed(n.Before, n.Kept)
		promise(different == 0, "%s: %d events of the old version are counted otherwise than before", n.name, different)
		if n.views {
			promise(before.Sums == r.Before.totals(), "%s: the old version's views sum up %+v, want %+v", n.name, before.Sums, r.Before.totals())
			promise(after.Sums == r.Want.totals(), "%s: the views sum up %+v, want %+v", n.name, after.Sums, r.Want.totals())
			promise(kept.Sums == r.Want.totals(), "%s: after the upkeep the views sum up %+v, want %+v", n.name, kept.Sums, r.Want.totals())
			promise(n.Kept.unfilled == 0, "%s: after the backfill %d bounces have no class", n.name, n.Kept.unfilled)
		}
	}
	promise(r.Stored == len(r.Want.messages), "the stream has %d messages, want %d", r.Stored, len(r.Want.messages))
	promise(r.Handled.old > 0 && r.Handled.new > 0, "side by side the old worker handled %d messages, the new worker %d", r.Handled.old, r.Handled.new)
	promise(r.Dead == 0, "there are %d dead letters", r.Dead)
	promise(r.Profiles == "", "%s", r.Profiles)
	promise(r.Strangers == 0, "%d people whose complaint shares an event_id are wrongly suppressed or not", r.Strangers)
	promise(r.Again == 0, "%d suppress calls came from the replays", r.Again)
	promise(r.Twice == 0, "%d suppress calls are repeats", r.Twice)
	promise(r.Unknown == 0, "%d suppress calls name nobody", r.Unknown)
	return errors.Join(list...)
}

func (f Found) whole() bool { return f.Lost == 0 && f.Repeated == 0 && f.Strangers == 0 }

// A named warehouse has a name. The stand-in for BigQuery has no views.
type named struct {
	*Warehouse
	name  string
	views bool
}

func (r *Report) warehouses() []named {
	return []named{{&r.DuckDB, "DuckDB", true}, {&r.Parquet, "Parquet", true}, {&r.BigQuery, "BigQuery", false}}
}

func (r *Report) print(w io.Writer) {
	if r.Want == nil {
		return // The run has ended early.
	}
	line := func(format string, values ...any) { _, _ = fmt.Fprintf(w, format+"\n", values...) }
	line("\nUpgrade from %.7s, %v side by side", r.Commit, r.Duration)
	line("  sent        %d calls; the old version answered %d, the new version %d", r.Calls, r.Old, r.Answers-r.Old)
	line("  stream      %d messages, want %d; old ingests took %d second metrics for repeats", r.Stored, len(r.Want.messages), r.Want.refused)
	line("  workers     side by side the old worker handled %d messages, the new worker %d", r.Handled.old, r.Handled.new)
	for _, n := range r.warehouses() {
		line("  %-11s before: %v", n.name, found(n.Before, r.Before))
		line("  %-11s live:   %v", "", found(n.Live, r.Want))
		line("  %-11s after:  %v", "", found(n.After, r.Want))
		line("  %-11s kept:   %v; counted otherwise than before %d", "", found(n.Kept, r.Want), changed(n.Before, n.Kept))
	}
	line("  views       before %+v, after %+v", r.Before.totals(), r.Want.totals())
	line("  dead        %d", r.Dead)
	line("  suppressed  %d calls for %d people; repeats %d, from replays %d", r.Suppressed, len(r.Want.suppressions), r.Twice, r.Again)
	line("  profiles    %s", orNone(r.Profiles))
}

func orNone(differences string) string {
	if differences == "" {
		return fmt.Sprintf("all %d as in the model", people)
	}
	return differences
}

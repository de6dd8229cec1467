package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Report contains the results of a run.
type Report struct {
	Seed      uint64         `json:"seed"`
	Events    int            `json:"events"`
	Unique    int            `json:"unique_events"`
	Odd       int            `json:"bodies_that_are_not_json"`
	Accepted  int            `json:"accepted"`
	Calls     int            `json:"calls"`
	Answers   map[string]int `json:"answers"`
	Penalties map[string]int `json:"penalties_by_fault"`
	Faults    map[string]int `json:"faults"`
	Gap       time.Duration  `json:"longest_gap_ns"`
	GapFault  string         `json:"longest_gap_fault"`
	Failed    []string       `json:"faults_without_recovery"`
	Slowest   time.Duration  `json:"slowest_answer_ns"`
	Drained   time.Duration  `json:"drained_ns"`
	// Stream compares the stream itself. Wiped counts the servers that had to copy the
	// stream again.
	Stream   Found `json:"stream"`
	Wiped    int   `json:"servers_that_copied_the_stream"`
	BigQuery Found `json:"bigquery"`
	DuckDB   Found `json:"duckdb"`
	Dead     int   `json:"dead_letters_of_workers"`
	OddLost  int   `json:"lost_bodies_that_are_not_json"`
	// Held counts the suppressions beyond Limit. Bounced counts the people whom bounces
	// alone suppress, BouncedGone how many of them were deleted before the release.
	Limit       int `json:"suppression_limit"`
	Held        int `json:"held_suppressions"`
	Bounced     int `json:"bounced_people"`
	BouncedGone int `json:"bounced_people_deleted_before_release"`
	// Again counts the repeated suppressions of people who complained before the faults.
	Again      int    `json:"repeated_suppressions"`
	Profiles   string `json:"profile_differences"`
	Survivors  int    `json:"programs_that_lived_through"`
	Goroutines int    `json:"goroutines_more"`
	Files      int    `json:"files_more"`
}

func newReport(cfg Config, faults *schedule, s *sender, events, odd int) *Report {
	return &Report{
		Seed: cfg.Seed, Events: events, Odd: odd, Accepted: s.accepted, Calls: s.calls, Answers: s.answers,
		Penalties: s.blamed, Faults: faults.done, Failed: faults.failed, Gap: s.gap, GapFault: s.gapFault, Slowest: s.slowest,
	}
}

// broken returns the promises that the product has broken.
func (r *Report) broken() error {
	var list []error
	promise := func(kept bool, format string, values ...any) {
		if !kept {
			list = append(list, fmt.Errorf(format, values...))
		}
	}
	promise(r.Accepted == r.Events, "%d of %d events were accepted", r.Accepted, r.Events)
	for name, f := range map[string]Found{"the stream": r.Stream, "BigQuery": r.BigQuery, "DuckDB": r.DuckDB} {
		promise(f.Lost == 0, "%s: %d events were lost", name, f.Lost)
		promise(f.Strangers == 0, "%s: %d rows belong to no event that was sent", name, f.Strangers)
	}
	promise(r.DuckDB.Repeated == 0, "DuckDB: %d rows are repeated", r.DuckDB.Repeated)
	promise(r.OddLost == 0, "%d bodies that are not JSON were lost", r.OddLost)
	promise(r.Dead == 0, "%d messages were dead-lettered by workers", r.Dead)
	promise(r.Limit > 0 || r.Held == 0, "%d suppressions were held without a limit", r.Held)
	promise(r.Limit == 0 || r.BouncedGone <= r.Limit, "bounces deleted %d people, the limit is %d", r.BouncedGone, r.Limit)
	promise(r.Limit == 0 || r.Bounced <= r.Limit || r.Held > 0, "no suppression was held: bounces suppress %d people, the limit is %d", r.Bounced, r.Limit)
	promise(r.Again == 0, "%d suppressions from before the faults were repeated", r.Again)
	promise(r.Profiles == "", "%s", r.Profiles)
	promise(r.undeserved() == 0, "%d penalties came without a kill of ingest", r.undeserved())
	promise(len(r.Failed) == 0, "%s", strings.Join(r.Failed, "; "))
	promise(r.Goroutines <= allowance && r.Files <= allowance, "there are %d goroutines and %d files more than at the start, want at most %d", r.Goroutines, r.Files, allowance)
	return errors.Join(list...)
}

// undeserved counts the penalties while no process of ingest was killed.
func (r *Report) undeserved() (n int) {
	for fault, penalties := range r.Penalties {
		if !strings.Contains(fault, killOfIngest) {
			n += penalties
		}
	}
	return n
}

func (r *Report) print(w io.Writer) {
	line := func(format string, values ...any) { _, _ = fmt.Fprintf(w, format+"\n", values...) }
	line("\nSeed %d", r.Seed)
	line("  sent        %d calls for %d events, %d of them different, and %d bodies that are not JSON", r.Calls, r.Events-r.Odd, r.Unique, r.Odd)
	line("  answers     %s; slowest %v", list(r.Answers), r.Slowest.Round(time.Millisecond))
	line("  faults      %s", list(r.Faults))
	line("  penalties   %s; without a kill %d", list(r.Penalties), r.undeserved())
	line("  longest gap %v without an accepted event, during: %s", r.Gap.Round(time.Millisecond), r.GapFault)
	line("  drained     %v after the last event", r.Drained.Round(100*time.Millisecond))
	line("  stream      %d events in %d messages: lost %d; %d servers had to copy the stream again", r.Stream.Events, r.Stream.Rows, r.Stream.Lost, r.Wiped)
	line("  BigQuery    %d events in %d rows: lost %d, repeated rows %d, hidden by the view", r.BigQuery.Events, r.BigQuery.Rows, r.BigQuery.Lost, r.BigQuery.Repeated)
	line("  DuckDB      %d events in %d rows: lost %d, duplicates %d", r.DuckDB.Events, r.DuckDB.Rows, r.DuckDB.Lost, r.DuckDB.Repeated)
	line("  dead        %d dead letters of workers; of the bodies that are not JSON, lost %d", r.Dead, r.OddLost)
	line("  suppressed  bounces deleted %d of %d people (limit %d) and %d suppressions were held; of those before the faults, repeated %d", r.BouncedGone, r.Bounced, r.Limit, r.Held, r.Again)
	line("  profiles    %s", orNone(r.Profiles))
	line("  leaks       at most %d goroutines and %d files more than at the start; %d programs survived the run", r.Goroutines, r.Files, r.Survivors)
}

func orNone(differences string) string {
	if differences == "" {
		return fmt.Sprintf("all %d as in the model", people)
	}
	return differences
}

// list formats counts, the largest first.
func list(counts map[string]int) string {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, k := range keys {
		parts = append(parts, fmt.Sprintf("%s %d", k, counts[k]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// drainWithin bounds the wait until the workers have handled everything, and each
// replay.
const drainWithin = 3 * time.Minute

// An upgrade is one run.
type upgrade struct {
	cfg      Config
	campaign *campaign
	system   *system
	sender   *sender
	random   *rand.Rand
	report   *Report
}

// Run upgrades a system and returns the results. The report may be returned with an
// error.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	n := int(cfg.Duration.Seconds() * float64(cfg.Rate) * 3 / 2)
	u := &upgrade{
		cfg: cfg, campaign: newCampaign(cfg.Seed, n), sender: &sender{}, report: &Report{Commit: cfg.Commit, Duration: cfg.Duration},
		random: rand.New(rand.NewPCG(cfg.Seed, 2)),
	}
	sayf("Building version %.7s and this version.", cfg.Commit)
	var err error
	if u.system, err = newSystem(ctx, cfg, u.campaign.history.People()); err != nil {
		return nil, err
	}
	defer u.system.close()
	for _, phase := range []func(context.Context) error{u.aloneBefore, u.sideBySide, u.aloneAfter, u.replay, u.upkeep} {
		if err := phase(ctx); err != nil {
			return u.report, err
		}
	}
	return u.report, u.verify(ctx)
}

func sayf(format string, values ...any) { fmt.Fprintf(os.Stderr, format+"\n", values...) }

// aloneBefore lets the old version work alone, and reads the old version's views.
func (u *upgrade) aloneBefore(ctx context.Context) error {
	s := u.system
	if err := u.send(ctx, "the old version alone", 2, s.before.ingest); err != nil {
		return err
	}
	u.report.Before = newLedger(u.sender.answers)
	return u.read(ctx, s.before, func(w *Warehouse) *shown { return &w.Before })
}

// sideBySide lets both versions work.
func (u *upgrade) sideBySide(ctx context.Context) error {
	s := u.system
	if err := s.run(ctx, s.after); err != nil {
		return err
	}
	handled, err := s.handled(ctx)
	if err != nil {
		return err
	}
	if err := u.send(ctx, "both versions side by side", 8, s.before.ingest, s.after.ingest); err != nil {
		return err
	}
	u.report.Handled, err = s.handled(ctx)
	u.report.Handled.old -= handled.old
	return err
}

// aloneAfter stops the old version and lets the new version work alone.
func (u *upgrade) aloneAfter(ctx context.Context) error {
	s := u.system
	s.before.stop()
	if err := u.send(ctx, "the new version alone", parts, s.after.ingest); err != nil {
		return err
	}
	u.report.Suppressed = s.track.Counts().Suppress
	return u.read(ctx, s.after, func(w *Warehouse) *shown { return &w.Live })
}

// parts is the number of parts of the campaign. Config.Duration is six parts.
const parts = 9

// send sends the units up to the end of a part of the campaign, and waits until the
// workers have handled the events.
func (u *upgrade) send(ctx context.Context, what string, part int, ingests ...*ingest) error {
	begin, end := u.report.units, len(u.campaign.units)*part/parts
	sayf("%d calls or pairs of calls to %s.", end-begin, what)
	if err := u.sender.send(ctx, u.campaign.units[begin:end], u.cfg.Rate, u.random, ingests...); err != nil {
		return err
	}
	u.report.units = end
	return u.drain(ctx)
}

// drain waits until two checks, 100 ms apart, find no message left.
func (u *upgrade) drain(ctx context.Context) error {
	return lab.WaitFor(ctx, "everything is handled", drainWithin, func() error {
		if err := u.system.client.Drained(ctx, consumers); err != nil {
			return err
		}
		lab.Pause(ctx, 100*time.Millisecond)
		return u.system.client.Drained(ctx, consumers)
	})
}

// replay replays the whole stream to each warehouse with the new version, and reads the
// views.
func (u *upgrade) replay(ctx context.Context) error {
	s := u.system
	for _, target := range replayTargets {
		sayf("Replay to %s.", target)
		limited, cancel := context.WithTimeout(ctx, drainWithin)
		_, err := cioctl(limited, s.after, lab.Env{"NATS_URL": s.nats.Addr}, "replay", "start", "--to", target, "--wait")
		cancel()
		if err != nil {
			return err
		}
	}
	return u.read(ctx, s.after, func(w *Warehouse) *shown { return &w.After })
}

// upkeep fills the new columns of old rows, compacts the Parquet files of both
// versions, and reads the views.
func (u *upgrade) upkeep(ctx context.Context) error {
	s := u.system
	for _, step := range [][]string{{"migrate", "--backfill"}, {"compact"}} {
		sayf("cioctl warehouse %s.", step[0])
		args := append([]string{"warehouse"}, append(step, "--grace", "0")...)
		if _, err := cioctl(ctx, s.after, lab.WarehouseEnv(s.duckdb, s.parquet), args...); err != nil {
			return err
		}
	}
	return u.read(ctx, s.after, func(w *Warehouse) *shown { return &w.Kept })
}

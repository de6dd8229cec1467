package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/stream"
)

// doctorGroups are the groups of checks, in the order of their findings.
var doctorGroups = []string{"config", "clock", "nats", "stream", "customerio", "webhook", "warehouse", "work"}

// doctorSettings are what the checks need. Each part has a set of its own, because a
// mistake in the environment is a finding, and the other checks run nevertheless.
type doctorSettings struct {
	only []string
	nats part[stream.Config]
	api  part[customerio.AppConfig]
}

// A part is settings that are loaded apart from the others.
type part[T any] struct {
	value T
	set   *config.Set
}

// load returns the value. A mistake leaves the value as it is, and the check that uses the
// value reports the mistake.
func (p *part[T]) load() T {
	_ = p.set.Load()
	return p.value
}

// declare adds the settings of all parts to the command.
func (d *doctorSettings) declare(cmd *cobra.Command, getenv func(string) string) {
	d.nats.value = stream.Config{Name: "cioctl doctor", Log: zerolog.Nop()}
	d.nats.set = config.On(cmd.Flags(), getenv)
	d.nats.value.Declare(d.nats.set)
	d.api.set = config.On(cmd.Flags(), getenv)
	customerio.DeclareRegion(d.api.set, &d.api.value.Region)
	d.api.value.Declare(d.api.set)
}

// Declare adds the flags whose mistakes end the command.
func (d *doctorSettings) Declare(s *config.Set) {
	s.Flags().Var((*config.List)(&d.only), "only", "run only these groups of checks, comma-separated: "+strings.Join(doctorGroups, ", "))
	s.Check(func() error {
		var mistakes []error
		for _, group := range d.only {
			mistakes = append(mistakes, config.OneOf("--only", group, doctorGroups...))
		}
		return errors.Join(mistakes...)
	})
}

func (c *cli) doctor() *cobra.Command {
	var d doctorSettings
	var out output
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the whole set-up, and say what to do about each fault",
		Long: `doctor tries each part of the set-up and shows a line for each check: ok, warn, fail,
or skip for what cannot be checked from here. Below a warn and a fail stands what to do
about it. Run doctor before the webhook is enabled, after a change, and first of all
when something is wrong. It changes nothing that lasts, and ends within 10 s.

  config      the environment, read as ingest and worker read it at their start
  clock       this machine against NATS and Customer.io
  nats        connection, version, each permission of the user, limits, replicas
  stream      settings and size of the streams
  customerio  credentials, region, scopes of the App API key, allowed networks
  webhook     registered, enabled and complete; the signing key on the public address
  warehouse   reachable, tables and views, rights, free disk
  work        lag of the consumers, dead letters, held suppressions, the newest event

doctor checks what this environment allows: without the settings of a program, or
without a key, it skips. In a pod of a worker it checks what that worker may do, with
the operator's user what you may do.

A fail ends doctor with exit code 1, a warn does not.`,
		Example: "  cioctl doctor\n  cioctl doctor --only nats,stream,work\n  cioctl doctor --output json | jq -r '.findings[] | select(.state == \"fail\")'",
	}
	d.declare(cmd, c.getenv)
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		return c.examine(ctx, &d, &out)
	}, &d, &out)
}

// examine runs the checks and prints their findings.
func (c *cli) examine(ctx context.Context, d *doctorSettings, out *output) error {
	broker := doctor.Connect(ctx, d.nats.load())
	defer broker.Close()
	checks := c.checks(d, broker)
	if len(d.only) > 0 {
		checks = slices.DeleteFunc(checks, func(check doctor.Check) bool { return !slices.Contains(d.only, check.Group) })
	}
	found, err := c.showFindings(ctx, checks, out)
	if err == nil && found.Failures > 0 {
		err = fmt.Errorf("doctor found %s", count(found.Failures, "failure"))
	}
	return err
}

// checks returns all checks, in the order of doctorGroups.
func (c *cli) checks(d *doctorSettings, broker *doctor.Broker) []doctor.Check {
	api := d.api.load()
	return slices.Concat(
		doctor.ConfigChecks(c.getenv, c.programs()...),
		doctor.ClockChecks(broker, doctor.ClockOrder{Now: time.Now, Address: api.Address}),
		doctor.NATSChecks(broker),
		// customerio, webhook and warehouse follow here, before work.
	)
}

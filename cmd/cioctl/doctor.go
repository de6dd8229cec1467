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
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// doctorGroups are the groups of checks, in the order of their findings.
var doctorGroups = []string{"config", "clock", "nats", "stream", "customerio", "webhook", "warehouse", "work"}

// doctorSettings are what the checks need. NATS and the APIs have sets of their own,
// because a mistake in the environment is a finding, and the other checks run
// nevertheless.
type doctorSettings struct {
	only      []string
	url       endpointSetting
	nats      stream.Config
	natsSet   *config.Set
	apis      apiSettings
	apisSet   *config.Set
	warehouse warehouseSetting
	placesSet *config.Set
}

// apiSettings are the settings of Customer.io's APIs.
type apiSettings struct {
	workspaces config.Workspaces
	track      customerio.Config
	app        customerio.AppConfig
}

// Declare adds the settings to the set.
func (a *apiSettings) Declare(s *config.Set) {
	a.workspaces.Declare(s, config.WantSecrets, config.WantTrack, config.WantApp)
	a.track.Declare(s)
	a.app.Declare(s)
}

// declareParts adds the settings whose mistakes are findings.
func (d *doctorSettings) declareParts(cmd *cobra.Command, getenv func(string) string) {
	d.nats = stream.Config{Name: "cioctl doctor", Log: zerolog.Nop()}
	for _, part := range []struct {
		settings
		set **config.Set
	}{{&d.nats, &d.natsSet}, {&d.apis, &d.apisSet}, {&d.warehouse, &d.placesSet}} {
		*part.set = config.On(cmd.Flags(), getenv)
		part.Declare(*part.set)
	}
}

// load reads the settings, and returns the mistakes in all but NATS's. A mistake leaves its
// setting at the default.
func (d *doctorSettings) load() (mistakes error) {
	_ = d.natsSet.Load() // the connection fails with the same mistake
	mistakes = errors.Join(d.apisSet.Load(), d.placesSet.Load())
	d.apis.app.Region = d.apis.track.Region
	return mistakes
}

// Declare adds the flags whose mistakes end the command.
func (d *doctorSettings) Declare(s *config.Set) {
	d.url.optional = true
	d.url.Declare(s)
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
without a key, it skips. Beside a worker it checks what that worker may do, with
the operator's user what you may do.

A fail ends doctor with exit code 1, a warn does not.`,
		Example: "  cioctl doctor\n  cioctl doctor --only nats,stream,work\n  cioctl doctor --output json | jq -r '.findings[] | select(.state == \"fail\")'",
	}
	d.declareParts(cmd, c.getenv)
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		return c.examine(ctx, &d, &out)
	}, &d, &out)
}

// examine runs the checks and prints their findings.
func (c *cli) examine(ctx context.Context, d *doctorSettings, out *output) error {
	mistakes := d.load()
	broker := doctor.Connect(ctx, d.nats)
	defer broker.Close()
	checks := c.checks(d, mistakes, broker)
	if len(d.only) > 0 {
		checks = slices.DeleteFunc(checks, func(check doctor.Check) bool {
			isMistaken := mistakes != nil && check.Group == "config" && check.Name == "cioctl" // a group may then have no check
			return !isMistaken && !slices.Contains(d.only, check.Group)
		})
	}
	found, err := c.showFindings(ctx, checks, out)
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil && found.Failures > 0 {
		err = fmt.Errorf("doctor found %s", count(found.Failures, "failure"))
	}
	return err
}

// checks returns all checks, in the order of doctorGroups.
func (c *cli) checks(d *doctorSettings, mistakes error, broker *doctor.Broker) []doctor.Check {
	p := readPrograms(c.getenv)
	own := doctor.Program{Name: "cioctl", Given: true, Mistakes: mistakes}
	a := &d.apis
	return slices.Concat(
		doctor.ConfigChecks(append(p.programs, own), p.misspelt(d.apisSet)),
		doctor.ClockChecks(broker, doctor.ClockOrder{Now: time.Now, Address: a.app.Address}),
		doctor.NATSChecks(broker),
		doctor.StreamChecks(broker), c.configuredStream(p, broker),
		doctor.CustomerioChecks(doctor.CustomerioOrder{Workspaces: &a.workspaces, Track: a.track, App: a.app, Allowed: p.ingest.Receiver.Allowed}),
		doctor.WebhookChecks(doctor.WebhookCheckOrder{Workspaces: &a.workspaces, App: a.app, URL: d.url.url, Path: ingest.Path}),
		c.warehouseChecks(&d.warehouse),
		doctor.WorkChecks(broker, time.Now),
	)
}

// configuredStream compares the streams with the settings of the environment, if it has any:
// an operator's machine need not have the worker's.
func (c *cli) configuredStream(p *programSettings, broker *doctor.Broker) []doctor.Check {
	isSet := func(name string) bool { return c.getenv(name) != "" }
	if !slices.ContainsFunc([]string{"STREAM_REPLICAS", "STREAM_MAX_AGE", "STREAM_MAX_BYTES", "DEAD_STREAM_MAX_BYTES", "DEDUP_WINDOW"}, isSet) {
		return nil
	}
	return []doctor.Check{doctor.ConfiguredCheck(broker, p.worker.Stream, isSet)}
}

// warehouseChecks checks the warehouses. Without WAREHOUSE_URL the file of a worker or a
// development stack may be here, or not.
func (c *cli) warehouseChecks(w *warehouseSetting) []doctor.Check {
	if len(w.places) == 1 && w.places[0].URL == place.DefaultURL && w.places[0].Missing() {
		skip := []doctor.Verdict{{State: doctor.Skip, Detail: place.Setting + " is not set here, and there is no " + place.DefaultURL}}
		return []doctor.Check{{Group: "warehouse", Name: "place", Look: func(context.Context) []doctor.Verdict { return skip }}}
	}
	return doctor.WarehouseChecks(w.places)
}

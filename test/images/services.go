package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// services are the services of a project, as "docker compose up" runs them.
type services struct {
	*project

	dir, source string
	images      map[string]*image
	running     map[string]*container
}

// composeEnv is the .env of the run. The workers change no profile.
var composeEnv = map[string]string{
	"CUSTOMERIO_WEBHOOK_SECRET": "0123456789abcdef", "CUSTOMERIO_SITE_ID": "site", "CUSTOMERIO_TRACK_API_KEY": "key",
	"EFFECTS_DRY_RUN": "true", "SUPPRESSION_MODE": "unsubscribe",
}

// runServices starts the services, sends a campaign with the image of cioctl, counts the
// rows, and stops the services.
func runServices(ctx context.Context, cfg config, source string, images map[string]*image) error {
	p, err := load(filepath.Join(source, "docker-compose.yml"), composeEnv)
	if err != nil {
		return err
	}
	s := &services{project: p, dir: cfg.dir, source: source, images: images, running: map[string]*container{}}
	if err := errors.Join(os.RemoveAll(s.volumes()), write(s.dir, "hosts", hosts(p), 0o644)); err != nil {
		return err
	}
	started := time.Now()
	if err := s.up(ctx); err != nil {
		return errors.Join(err, s.logs())
	}
	fmt.Printf("up: %s healthy after %.1f s\n", strings.Join(s.order(), ", "), time.Since(started).Seconds())
	if err := s.deliver(ctx, cfg.messages); err != nil {
		return errors.Join(err, s.logs())
	}
	return s.down(ctx)
}

// up starts the services in the order of their dependencies, each with healthy dependencies,
// and waits until all services are healthy.
func (s *services) up(ctx context.Context) error {
	for _, name := range s.order() {
		for needed := range s.Services[name].DependsOn {
			if err := s.running[needed].healthy(ctx, s.Services[needed].check()); err != nil {
				return err
			}
		}
		o, err := s.container(ctx, name)
		if err != nil {
			return err
		}
		if s.running[name], err = o.start(ctx, s.dir); err != nil {
			return err
		}
	}
	for _, name := range s.order() {
		if err := s.running[name].healthy(ctx, s.Services[name].check()); err != nil {
			return err
		}
		if err := s.running[name].confined(); err != nil {
			return err
		}
	}
	return nil
}

// deliver sends a campaign and waits until the warehouse has a row for each event.
func (s *services) deliver(ctx context.Context, messages int) error {
	started := time.Now()
	report, err := s.cioctl(ctx, "send", "--url", "http://ingest:8080/webhooks/customerio", "--campaign", strconv.Itoa(messages))
	if err != nil {
		return err
	}
	sent := ""
	for line := range strings.Lines(report) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "sent" {
			sent = f[1]
		}
	}
	count := ""
	if err := lab.WaitFor(ctx, "each event is a row", time.Minute, func() error {
		count, err = s.cioctl(ctx, "query", "--output", "csv", "SELECT count(*) AS rows FROM customerio_events")
		if err == nil && count != "rows\n"+sent {
			err = fmt.Errorf("%q for %s events", count, sent)
		}
		return err
	}); err != nil {
		return err
	}
	fmt.Printf("delivery: %s events sent, as many rows, after %.1f s\n", sent, time.Since(started).Seconds())
	status, err := s.cioctl(ctx, "doctor", "--only", "nats,stream,warehouse,work")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, status)
	}
	return nil
}

// cioctl runs a command as "docker compose run --rm cioctl" does, and returns its output.
func (s *services) cioctl(ctx context.Context, args ...string) (string, error) {
	o, err := s.container(ctx, "cioctl", args...)
	if err != nil {
		return "", err
	}
	c, err := o.start(ctx, s.dir)
	if err != nil {
		return "", err
	}
	code, err := c.exit(ctx, time.Minute)
	if err == nil && code != 0 {
		err = fmt.Errorf("cioctl %s ends with exit code %d:\n%s", strings.Join(args, " "), code, c.output())
	}
	return c.output(), err
}

// down stops the services in the opposite order of their start.
func (s *services) down(ctx context.Context) error {
	for _, name := range slices.Backward(s.order()) {
		grace := s.Services[name].Grace
		took, err := s.running[name].stop(ctx, grace)
		if err != nil {
			return errors.Join(err, s.logs())
		}
		fmt.Printf("stop %s: %.1f s of %.0f s\n", name, took.Seconds(), grace.Seconds())
	}
	return nil
}

// logs returns an error with the end of each log.
func (s *services) logs() error {
	var list []error
	for name, c := range s.running {
		if c != nil {
			list = append(list, fmt.Errorf("--- %s:\n%s", name, c.output()))
		}
	}
	return errors.Join(list...)
}

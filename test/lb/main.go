// Lb is for developers: it runs nginx, HAProxy, Caddy and Varnish with the
// configurations of docs/loadbalancers.md in front of two processes of ingest, restarts,
// kills and stops the processes while a simulated Customer.io sends events, and checks
// that Customer.io sees no answer and no broken connection that stalls its queue.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/test/lab"
)

func main() { lab.Main("lb", run) }

func run(ctx context.Context, args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	if cfg.dir, err = os.MkdirTemp("", "cioevents-lb-"); err != nil {
		return err
	}
	results, err := try(ctx, cfg)
	table(os.Stdout, results)
	for i := range results {
		err = errors.Join(err, results[i].broken())
	}
	if err != nil {
		return fmt.Errorf("%w\nread the logs in %s", err, cfg.dir)
	}
	return os.RemoveAll(cfg.dir)
}

// A config selects what to run.
type config struct {
	balancers []balancer
	scenarios []scenario
	// rounds is how often each ingest is disturbed in a scenario.
	rounds int
	// configs contains the configurations, dir the files and logs of all processes.
	configs, dir string
}

func parse(args []string) (config, error) {
	var balancerNames, scenarioNames string
	cfg := config{}
	set := flag.NewFlagSet("lb", flag.ContinueOnError)
	set.StringVar(&balancerNames, "balancers", "", "names of the load balancers, separated by commas: nginx, haproxy, caddy, varnish; all by default")
	set.StringVar(&scenarioNames, "scenarios", "", "names of the scenarios, separated by commas: restarts, crowded, kill, stop, nats; all by default")
	set.IntVar(&cfg.rounds, "rounds", 1, "how often each ingest is disturbed in a scenario, at least 1")
	set.StringVar(&cfg.configs, "configs", filepath.Join("deploy", "loadbalancers"), "folder of the configurations")
	if err := set.Parse(args); err != nil {
		return cfg, err
	}
	var err1, err2 error
	cfg.balancers, err1 = named(balancers, balancerNames, func(b balancer) string { return b.name })
	cfg.scenarios, err2 = named(scenarios, scenarioNames, func(s scenario) string { return s.name })
	if cfg.rounds < 1 {
		return cfg, fmt.Errorf("invalid --rounds %d: want at least 1", cfg.rounds)
	}
	return cfg, errors.Join(err1, err2)
}

// named returns the values with names in a list separated by commas, all values for an
// empty list.
func named[T any](all []T, list string, name func(T) string) (some []T, err error) {
	if list == "" {
		return all, nil
	}
	for n := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(v T) bool { return name(v) == n })
		if i < 0 {
			return nil, fmt.Errorf("invalid name %q: read --help for the names", n)
		}
		some = append(some, all[i])
	}
	return some, nil
}

// try runs each scenario with each load balancer.
func try(ctx context.Context, cfg config) (results []result, err error) {
	if err := lab.Build(ctx, cfg.dir, "ingest"); err != nil {
		return nil, err
	}
	for _, b := range cfg.balancers {
		for _, s := range cfg.scenarios {
			fmt.Fprintf(os.Stderr, "%s: %s\n", b.name, s.about)
			r, err := runScenario(ctx, cfg, b, s)
			if err != nil {
				return results, fmt.Errorf("%s: %s: %w", b.name, s.name, err)
			}
			results = append(results, r)
		}
	}
	return results, nil
}

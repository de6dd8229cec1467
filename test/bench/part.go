package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// errUsage reports a call of bench that measures nothing.
var errUsage = errors.New("wrong usage")

// A measure measures a part. The part has its files in dir, and runs each measurement while
// the machine is observed.
type measure func(ctx context.Context, dir string, observe during) error

// A part is a command of the bench.
type part struct {
	usage string // before the flags
	// prepare declares the flags. The result makes the measure of the parsed flags and the
	// arguments after them.
	prepare func(*flag.FlagSet) func(args []string) (measure, error)
}

var parts = map[string]part{
	"all":        {allUsage, prepareAll},
	"ingest":     {ingestUsage, prepareIngest},
	"warehouses": {warehousesUsage, prepareWarehouses},
	"replay":     {replayUsage, prepareReplay},
	"effects":    {effectsUsage, prepareEffects},
	"outages":    {outagesUsage, prepareOutages},
	"growth":     {growthUsage, prepareGrowth},
	"streams":    {streamsUsage, prepareStreams},
	"soak":       {soakUsage, prepareSoak},
}

// parsePart returns the measure of a part. With -h or --help parsePart prints the usage of
// the part and returns flag.ErrHelp.
func parsePart(out io.Writer, name string, args []string) (measure, error) {
	p, ok := parts[name]
	if !ok {
		return nil, fmt.Errorf("%w: unknown part %q: want one of %s; see --help", errUsage, name, strings.Join(slices.Sorted(maps.Keys(parts)), ", "))
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says enough
	parsed := p.prepare(flags)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, p.usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
		return nil, err
	}
	var m measure
	if err == nil {
		m, err = parsed(flags.Args())
	}
	if err != nil {
		return nil, fmt.Errorf("%w of %s: %w; see %s --help", errUsage, name, err, name)
	}
	return m, nil
}

// noArguments refuses arguments after the flags.
func noArguments(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q: want no arguments but flags", args)
	}
	return nil
}

// known refuses names that are not among all.
func known(names, all []string) error {
	for _, name := range names {
		switch {
		case slices.Contains(all, name):
		case strings.HasPrefix(name, "-"):
			return fmt.Errorf("%q behind a name: want flags first", name)
		default:
			return fmt.Errorf("unknown name %q: want some of %s", name, strings.Join(all, ", "))
		}
	}
	return nil
}

// atLeastOne refuses a number of a flag below 1.
func atLeastOne(name string, n int) error {
	if n < 1 {
		return fmt.Errorf("--%s %d: want at least 1", name, n)
	}
	return nil
}

// executable refuses a path of a program that cannot be started.
func executable(path string) error {
	if _, err := exec.LookPath(path); err != nil {
		return fmt.Errorf("want the path of an executable: %w", err)
	}
	return nil
}

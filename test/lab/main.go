package lab

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main runs a program under test/ until it ends or the process gets a signal, and exits
// with 1 for an error and 2 for a request for help. A second signal ends the process at
// once. With NATSRole as its first argument, the program is a NATS server instead.
func Main(name string, run func(context.Context, []string) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	args := os.Args[1:]
	if len(args) > 0 && args[0] == NATSRole {
		run, args = RunNATS, args[1:]
	}
	err := run(ctx, args)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

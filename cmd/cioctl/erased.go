package main

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// followErased reads the list of erased persons, and follows the list until the caller calls
// stop: somebody may erase a person meanwhile. The error is privacy.ErrNoKey for a list with
// entries and no key.
func followErased(ctx context.Context, conn *stream.Conn, key privacy.Key) (erased *guard.Guard, stop func(), err error) {
	erased = guard.New(guard.Config{ReadMarks: conn.ReadMarks, Key: key, Log: zerolog.Nop()})
	if err := erased.Read(ctx); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { erased.Run(ctx) })
	return erased, func() { cancel(); running.Wait() }, nil
}

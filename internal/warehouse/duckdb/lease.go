package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// pollEvery is how often a waiter tries a lock again. Blocking in flock instead
// could not be given up when a context ends.
const pollEvery = 20 * time.Millisecond

// A lease is the right to open a database file, which DuckDB grants to one
// process at a time. Our processes take turns by two locks beside the file:
// whoever waits holds ".queue", whoever has the file holds ".lock". The holder
// sees that somebody waits because it cannot have ".queue", lets go after the
// batch, and must queue up itself for the next one. The locks vanish with the
// process; the two empty files stay.
type lease struct {
	path string
	lock *os.File
}

// takeLease waits for the lease of the database file at path until ctx ends.
func takeLease(ctx context.Context, path string) (*lease, error) {
	queue, err := lockFile(ctx, path+".queue")
	if err != nil {
		return nil, err
	}
	defer queue.Close()
	lock, err := lockFile(ctx, path+".lock")
	if err != nil {
		return nil, err
	}
	return &lease{path: path, lock: lock}, nil
}

// wanted reports whether another process, or another sink of this one, waits.
func (l *lease) wanted() bool {
	queue, err := tryLockFile(l.path + ".queue")
	if err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	queue.Close()
	return false
}

func (l *lease) release() { l.lock.Close() }

// lockFile locks the file, which it creates where it is missing. Closing the
// file gives the lock back.
func lockFile(ctx context.Context, name string) (*os.File, error) {
	for {
		f, err := tryLockFile(name)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return f, err
		}
		if err := pause(ctx, pollEvery); err != nil {
			return nil, fmt.Errorf("wait for %s: %w", name, err)
		}
	}
}

// tryLockFile returns an error that is syscall.EWOULDBLOCK when another holds
// the lock.
func tryLockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return f, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

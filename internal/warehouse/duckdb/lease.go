package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// pollEvery is the pause before a waiter tries a lock again. A blocking flock is no
// alternative: the end of a context cannot interrupt flock.
const pollEvery = 20 * time.Millisecond

// A lease is the right to open a database file: DuckDB allows one process at a time.
// Our processes take turns with two locks beside the file. The first process in the
// queue holds ".queue", and the process with the file holds ".lock". The holder of
// ".lock" tries ".queue" to learn whether a process waits. If a process waits, the
// holder closes the file after the batch and queues up for the next batch. A lock ends
// with the process. The two empty files stay.
type lease struct {
	path string
	lock *os.File
}

// patience is the wait for a lease after which the log names the owner of the file. Our
// own processes hand over the file after a batch.
const patience = 2 * time.Second

// takeLease waits for the lease of the database file at path until ctx ends.
func takeLease(ctx context.Context, path string, log zerolog.Logger) (*lease, error) {
	warning := time.AfterFunc(patience, func() { warnLocked(log, fileHolder(path)) })
	defer warning.Stop()
	queue, err := lockFile(ctx, path+".queue")
	if err != nil {
		return nil, leaseError(path, err)
	}
	defer queue.Close()
	lock, err := lockFile(ctx, path+".lock")
	if err != nil {
		return nil, leaseError(path, err)
	}
	return &lease{path: path, lock: lock}, nil
}

// leaseError names the owner of the file, unless the lock file itself cannot be opened.
func leaseError(path string, err error) error {
	if isPathError(err) {
		return fmt.Errorf("open database: %w", err)
	}
	return lockedError(fileHolder(path), err)
}

func isPathError(err error) bool {
	_, is := errors.AsType[*fs.PathError](err)
	return is
}

// wanted reports whether another process, or another sink of this process, waits.
func (l *lease) wanted() bool {
	queue, err := tryLockFile(l.path + ".queue")
	if err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	queue.Close()
	return false
}

func (l *lease) release() { l.lock.Close() }

// lockFile creates the file when it is missing, and waits for the lock until ctx
// ends. Closing the file releases the lock.
func lockFile(ctx context.Context, name string) (*os.File, error) {
	for {
		f, err := tryLockFile(name)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return f, err
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("wait for %s: %w", name, err)
		}
	}
}

// tryLockFile locks the file or returns an error at once. The error is
// syscall.EWOULDBLOCK when the lock is taken.
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

// pause waits for pollEvery.
func pause(ctx context.Context) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

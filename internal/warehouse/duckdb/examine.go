package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Waits of an examination: for a query of DuckDB's shell to end, and for the turn. Our own
// processes hand over the file after a batch.
const (
	foreignWait = 2 * time.Second
	readerWait  = 4 * time.Second
)

// W_OK and R_OK of access(2). Opening and closing the file instead could end locks of this
// process on the file.
const writable, readable = 2, 4

// Examine looks at the database file at path for an operator: who has the file, the schema,
// rights and disk. Examine reads in its turn, as Query does, and delays a worker by less than
// a batch.
func Examine(ctx context.Context, path string) []warehouse.Sign {
	signs := []warehouse.Sign{warehouse.ExamineFolder(filepath.Dir(path))}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return append(signs, warehouse.Sign{Detail: "the file does not exist yet", Remedy: "start a worker, which creates it, or run cioctl warehouse migrate"})
	}
	if err := syscall.Access(path, writable); err != nil && !signs[0].Broken {
		signs = append(signs, warehouse.Sign{Detail: fmt.Sprintf("%s is not writable: %v", path, err), Remedy: "let the worker's user write to the file", Broken: true})
	}
	if holder := foreignHolder(ctx, path); holder != "" {
		return append(signs, locked(holder))
	}
	return append(signs, read(ctx, path))
}

func locked(holder string) warehouse.Sign {
	return warehouse.Sign{
		Detail: "another program has the file open: " + holder, Broken: true,
		Remedy: "close the file there: meanwhile no worker stores events. To query beside a worker use cioctl query",
	}
}

// read compares the schema.
func read(ctx context.Context, path string) warehouse.Sign {
	ctx, cancel := context.WithTimeout(ctx, readerWait)
	defer cancel()
	r, err := OpenReader(ctx, path)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return warehouse.Sign{Detail: fmt.Sprintf("not read: %v", err), Remedy: "try again when the worker is less busy; if it stays, look at the worker's log"}
	case isPathError(err):
		return warehouse.Sign{Detail: fmt.Sprintf("not read: %v", err), Remedy: "let the user of this program write to the .lock and .queue files beside the database: every reader takes turns with the worker by them"}
	case errors.Is(syscall.Access(path, readable), syscall.EACCES):
		return warehouse.Sign{Detail: err.Error(), Remedy: "let the worker's user read the file; if cioctl runs as another user, run cioctl doctor as the worker's", Broken: true}
	case err != nil:
		return warehouse.Sign{Detail: err.Error(), Remedy: "check that WAREHOUSE_URL names the database file; if so, restore the file from a backup, or move it away and replay the stream", Broken: true}
	}
	defer r.Close()
	return warehouse.ExamineSchema(ctx, r)
}

// foreignHolder returns a process that keeps the file for foreignWait without the lease: a
// program other than ours. The result is "" without such a process, and where the system
// names no processes.
func foreignHolder(ctx context.Context, path string) string {
	end := time.Now().Add(foreignWait)
	for {
		holder := lockOwner(path, "POSIX")
		if holder == "" || holder == lockOwner(path+".lock", "FLOCK") {
			return ""
		}
		if time.Now().After(end) {
			return processName(holder)
		}
		if pause(ctx) != nil {
			return ""
		}
	}
}

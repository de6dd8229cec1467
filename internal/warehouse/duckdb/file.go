package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/rs/zerolog"
)

// A file is an open database and its lease. A file has one connection, because
// settings, temporary objects and the batch belong to a connection.
type file struct {
	lease     *lease
	db        *sql.DB
	conn      *sql.Conn
	known     *knownIDs     // nil until the sink has learned the ids
	late      time.Duration // of inserts with late ids and without known
	unlearned bool          // learning has failed
}

// openFile opens the database file. Until ctx ends, openFile waits for the lease, and
// for processes that take no lease.
func openFile(ctx context.Context, path string, options url.Values, log zerolog.Logger) (*file, error) {
	l, err := takeLease(ctx, path, log)
	if err != nil {
		return nil, err
	}
	f := &file{lease: l}
	if err := f.connect(ctx, path+"?"+options.Encode(), log); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *file) connect(ctx context.Context, dsn string, log zerolog.Logger) error {
	err := whenFree(ctx, log, func() error {
		connector, err := duck.NewConnector(dsn, nil)
		if err == nil {
			f.db = sql.OpenDB(connector)
		}
		return err
	})
	if err != nil {
		return err
	}
	if f.conn, err = f.db.Conn(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return f.exec(ctx, "SET TimeZone = 'UTC'")
}

// whenFree opens a database. While a process that takes no lease, such as DuckDB's own
// shell, has the file open, whenFree tries again.
func whenFree(ctx context.Context, log zerolog.Logger, open func() error) error {
	for first := true; ; first = false {
		err := open()
		if err == nil {
			return nil
		}
		holder, locked := lockHolder(err)
		if !locked {
			return fmt.Errorf("open database: %w", err)
		}
		if first {
			warnLocked(log, holder)
		}
		if err := pause(ctx); err != nil {
			return lockedError(holder, err)
		}
	}
}

func (f *file) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := f.conn.ExecContext(ctx, s); err != nil {
			verb, _, _ := strings.Cut(s, "(")
			return fmt.Errorf("execute %.60q: %w", verb, err)
		}
	}
	return nil
}

// close closes the database and releases the lease. DuckDB writes its log into the
// file at the close.
func (f *file) close() error {
	defer f.lease.release()
	return f.closeDatabase()
}

// closeDatabase closes the database and keeps the lease.
func (f *file) closeDatabase() error {
	var errs []error
	if f.conn != nil {
		errs = append(errs, f.conn.Close())
	}
	if f.db != nil {
		errs = append(errs, f.db.Close())
	}
	return errors.Join(errs...)
}

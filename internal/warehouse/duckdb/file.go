package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/rs/zerolog"
)

// rowGroup is the number of rows of a new row group, a quarter of DuckDB's default. Until a
// row group is full, the transaction of a group of batches has its rows uncompressed in
// memory: some 33 MB. Must be a multiple of DuckDB's vectors of 2,048 rows.
const rowGroup = 30_720

// A file is an open database and its lease. A file has one connection, because
// settings, temporary objects and the batch belong to a connection.
type file struct {
	lease     *lease
	name      string // of the database in DuckDB
	db        *sql.DB
	conn      *sql.Conn
	known     *knownIDs     // nil until the sink has learned the ids
	reading   *reading      // of the ids, before known
	searching time.Duration // without known, since the last attempt to learn
	rows      int           // of the table at the first look of learn, and the rows inserted since; 0 before
	unlearned bool          // learning has failed
}

// openFile opens the database file. Until ctx ends, openFile waits for the lease, and
// for processes that take no lease.
func openFile(ctx context.Context, path string, options url.Values, log zerolog.Logger) (*file, error) {
	l, err := takeLease(ctx, path, log)
	if err != nil {
		return nil, err
	}
	f := &file{lease: l, name: databaseName(path)}
	options.Set("temp_directory", path+".tmp")
	if err := f.connect(ctx, path, "?"+options.Encode(), log); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// connect attaches the file at path to an empty database in memory: ATTACH alone takes the
// size of a row group. The end of ctx does not interrupt an attempt, whose error names the
// owner of a locked file.
func (f *file) connect(ctx context.Context, path, dsn string, log zerolog.Logger) error {
	attempt := context.WithoutCancel(ctx)
	connector, err := duck.NewConnector(dsn, nil)
	if err != nil {
		return fmt.Errorf("start DuckDB: %w", err)
	}
	f.db = sql.OpenDB(connector)
	if f.conn, err = f.db.Conn(attempt); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	err = whenFree(ctx, log, func() error {
		_, err := f.conn.ExecContext(attempt, attach(path, f.name))
		return err
	})
	if err != nil {
		return err
	}
	return f.exec(ctx, f.setup()...)
}

// setup returns the first statements of a connection.
func (f *file) setup() []string { return []string{"USE " + quote(f.name), "SET TimeZone = 'UTC'"} }

func attach(path, name string) string {
	return fmt.Sprintf("ATTACH %s AS %s (ROW_GROUP_SIZE %d)", literal(path), quote(name), rowGroup)
}

// databaseName returns the name that DuckDB gives a database at path. Only "memory" is the
// name of the database that the file is attached to.
func databaseName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	switch strings.ToLower(name) {
	case "", "main", "memory", "system", "temp":
		return name + "_db"
	default:
		return name
	}
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

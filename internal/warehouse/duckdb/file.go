package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/rs/zerolog"
)

// A file is an open database and its lease. A file has one connection, because
// settings, temporary objects and the batch belong to a connection.
type file struct {
	lease *lease
	db    *sql.DB
	conn  *sql.Conn
}

// openFile opens the database file. Until ctx ends, openFile waits for the lease, and
// for processes that take no lease.
func openFile(ctx context.Context, path string, options url.Values, log zerolog.Logger) (*file, error) {
	l, err := takeLease(ctx, path)
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
	connector, err := connectorWhenFree(ctx, dsn, log)
	if err != nil {
		return err
	}
	f.db = sql.OpenDB(connector)
	if f.conn, err = f.db.Conn(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return f.exec(ctx, "SET TimeZone = 'UTC'")
}

// connectorWhenFree opens the database. While a process that takes no lease, such as
// DuckDB's own shell, has the file open, connectorWhenFree tries again.
func connectorWhenFree(ctx context.Context, dsn string, log zerolog.Logger) (driver.Connector, error) {
	for first := true; ; first = false {
		connector, err := duck.NewConnector(dsn, nil)
		if err == nil {
			return connector, nil
		}
		holder, locked := lockHolder(err)
		if !locked {
			return nil, fmt.Errorf("open database: %w", err)
		}
		if first {
			log.Warn().Str("holder", holder).Msg("database file is locked, waiting")
		}
		if err := pause(ctx, pollEvery); err != nil {
			return nil, fmt.Errorf("open database: file is locked by %s: %w", holder, err)
		}
	}
}

var lockPID = regexp.MustCompile(`\(PID (\d+)\)`)

// lockHolder reports whether DuckDB's error says that the file is locked, and
// returns the process that the error names.
func lockHolder(err error) (holder string, locked bool) {
	if !strings.Contains(err.Error(), "Could not set lock on file") {
		return "", false
	}
	m := lockPID.FindStringSubmatch(err.Error())
	if m == nil {
		return "another process", true
	}
	holder = "process " + m[1]
	if name, err := os.ReadFile("/proc/" + m[1] + "/comm"); err == nil {
		holder += " (" + strings.TrimSpace(string(name)) + ")"
	}
	return holder, true
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
	var errs []error
	if f.conn != nil {
		errs = append(errs, f.conn.Close())
	}
	if f.db != nil {
		errs = append(errs, f.db.Close())
	}
	f.lease.release()
	return errors.Join(errs...)
}

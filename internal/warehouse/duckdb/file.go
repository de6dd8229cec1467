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

// A file is an open database with the lease to it. It has one connection, so
// that settings, temporary objects and the batch belong together.
type file struct {
	lease *lease
	db    *sql.DB
	conn  *sql.Conn
}

// openFile waits for the lease, and for processes that know nothing of leases,
// until ctx ends.
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

// connectorWhenFree opens the database, and while a process that takes no lease
// holds it, such as DuckDB's own shell, tries again.
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
			log.Warn().Str("holder", holder).Msg("the database file is held by " + holder + "; waiting")
		}
		if err := pause(ctx, pollEvery); err != nil {
			return nil, fmt.Errorf("open database: it is held by %s: %w", holder, err)
		}
	}
}

var lockPID = regexp.MustCompile(`\(PID (\d+)\)`)

// lockHolder reads from DuckDB's error who holds the file, if that is what the
// error says.
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

// close closes the database, which writes its log into it, and gives the lease
// back.
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
